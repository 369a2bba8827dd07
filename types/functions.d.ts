import { EventEmitter } from 'node:events';
import type { Argon2Cost, Logger, LogLevel } from './options.js';

/** Outcome of `tryFn`: `[ok, error, value]`. */
export type TryResult<T> = [ok: true, error: null, value: T] | [ok: false, error: any, value: undefined];

export function tryFn<T>(work: (() => Promise<T>) | Promise<T>): Promise<TryResult<T>>;
export function tryFn<T>(work: () => T): TryResult<T>;
export function tryFn(work: null | undefined): TryResult<never>;
export function tryFnSync<T>(work: () => T): [ok: true, error: null, value: T] | [ok: false, error: any, value: null];

export function encode(value: number): string;
export function decode(text: string): number;
/** The same as `encode`. */
export function base62Encode(value: number): string;
/** The same as `decode`. */
export function base62Decode(text: string): number;
export function encodeDecimal(value: number): string;
export function decodeDecimal(text: string): number;
export function encodeFixedPoint(value: number, precision?: number): string;
export function decodeFixedPoint(text: string, precision?: number): number;
export function encodeFixedPointBatch(values: number[], precision?: number): string;
export function decodeFixedPointBatch(text: string, precision?: number): number[];

export function calculateUTF8Bytes(value: any): number;
export function clearUTF8Memory(): void;
export function calculateAttributeNamesSize(record: Record<string, any>): number;
export function calculateAttributeSizes(record: Record<string, any>): Record<string, number>;
export function calculateTotalSize(record: Record<string, any>): number;
export function getSizeBreakdown(record: Record<string, any>): {
  total: number;
  valueSizes: Record<string, number>;
  namesSize: number;
  valueTotal: number;
  breakdown: { attribute: string; size: number; percentage: string }[];
  detailedBreakdown: { values: number; names: number; total: number };
};
export function calculateSystemOverhead(config?: { version?: string; timestamps?: boolean; id?: string }): number;
export function calculateEffectiveLimit(config?: {
  s3Limit?: number;
  systemConfig?: { version?: string; timestamps?: boolean; id?: string };
}): number;
export function transformValue(value: any): string;
/** Bytes of metadata that a record can have: 2047. */
export const S3_METADATA_LIMIT_BYTES: number;

/** Base36 of a whole number, `undefined` for anything else. */
export function encodeKey(value: number): string;
/** NaN for what is no key. */
export function decodeKey(text: string): number;

/** Base64; null for nothing. */
export function encodeBuffer(bytes: Uint8Array | null | undefined): string | null;
export function decodeBuffer(encoded: string | null | undefined): Buffer | null;
/** Base64 of a bitmap, checked to have `bits` bits. Bit 0 is the lowest of the first byte. */
export function encodeBits(bitmap: Uint8Array | null | undefined, bits?: number | null): string | null;
export function decodeBits(encoded: string | null | undefined, bits?: number | null): Buffer | null;
export function createBitmap(bits: number): Buffer;
export function getBit(bitmap: Uint8Array, index: number): 0 | 1;
export function setBit<T extends Uint8Array>(bitmap: T, index: number): T;
export function clearBit<T extends Uint8Array>(bitmap: T, index: number): T;
export function toggleBit<T extends Uint8Array>(bitmap: T, index: number): T;
export function countBits(bitmap: Uint8Array): number;
/** As the functions above, without checks of the arguments. */
export function encodeBitsFast(bitmap: Uint8Array): string;
export function decodeBitsFast(encoded: string): Buffer;
export function createBitmapFast(bits: number): Buffer;
export function getBitFast(bitmap: Uint8Array, index: number): 0 | 1;
export function setBitFast(bitmap: Uint8Array, index: number): void;
export function clearBitFast(bitmap: Uint8Array, index: number): void;
export function toggleBitFast(bitmap: Uint8Array, index: number): void;
export function countBitsFast(bitmap: Uint8Array): number;
export function calculateBufferSavings(bytes: Uint8Array): {
  originalBytes: number;
  originalBits: number;
  encodedSize: number;
  /** Percent. */
  overhead: number;
  overheadPercent: string;
  fitsInMetadata: boolean;
  maxBitsInMetadata: number;
};

/** Paths joined by `delimiter` (default a dot). */
export function flatten(object: Record<string, any>, options?: { delimiter?: string; maxDepth?: number }): Record<string, any>;
export function unflatten(object: Record<string, any>, options?: { delimiter?: string }): Record<string, any>;

/** Hexadecimal SHA-256. */
export function sha256(text: string): Promise<string>;
/** Base64 MD5. */
export function md5(data: any): Promise<string>;
export function encrypt(content: any, passphrase: string): Promise<string>;
export function decrypt(base64: string, passphrase: string): Promise<string>;

export interface HashPasswordOptions {
  /** Default `bcrypt`. */
  algorithm?: 'bcrypt' | 'argon2id';
  /** Cost of bcrypt, 4 to 31; default 12. */
  rounds?: number;
  bcrypt?: { rounds?: number };
  argon2?: Argon2Cost;
  /** Appended to the password. */
  pepper?: string;
  /** Not used; so that the `security` option of a database fits. */
  passphrase?: string;
}

/** Full hash: `$2b$...` or `$argon2id$...`. A number is the cost of bcrypt, 4 to 31, default 10. */
export function hashPassword(password: string, options?: number | HashPasswordOptions): Promise<string>;
export function hashPasswordSync(password: string, rounds?: number): string;
/** `options`: the pepper, or also the cost to try for a hash that does not name its own. */
export function verifyPassword(password: string, hash: string, options?: string | { rounds?: number; pepper?: string }): Promise<boolean>;
/** 53 characters of bcrypt, or the compact form of Argon2id. */
export function compactHash(hash: string): string;
export function expandHash(compact: string, rounds?: number): string;
export function isBcryptHash(text: any): boolean;
export function isArgon2Hash(text: any): boolean;
export function isPasswordHash(text: any): boolean;
/** Null for what is no hash. */
export function detectAlgorithm(text: any): 'bcrypt' | 'argon2id' | 'argon2i' | 'argon2d' | null;

export function idGenerator(size?: number): string;
/** The same function under the name of later versions. */
export function sid(size?: number): string;
/** Millisecond and 80 random bits, 26 characters; greater than every earlier one of the process. */
export function ulid(): string;
/** UUID of version 7 (RFC 9562); greater than every earlier one of the process. */
export function uuidv7(): string;
export function passwordGenerator(size?: number): string;
export function createCustomGenerator(alphabet: string, size: number): (size?: number) => string;
export function getUrlAlphabet(): string;
export function initializeNanoid(): Promise<void>;
export function getNanoidInitializationError(): Error | null;

/** Stored form of a value: printable ASCII without outer spaces. */
export function metadataEncode(value: any): {
  encoded: string;
  encoding: 'none' | 'special' | 'dictionary' | 'url' | 'base64';
  [detail: string]: any;
};
export function metadataDecode(value: any): any;
/** Null where the value is not in the dictionary. */
export function dictionaryEncode(value: any): {
  encoded: string;
  encoding: 'dictionary';
  originalLength: number;
  encodedLength: number;
  savings: number;
  [detail: string]: any;
} | null;
export function dictionaryDecode(encoded: any): string | null;
export function encodeGeoLat(latitude: number, precision?: number): string;
export function decodeGeoLat(text: string, precision?: number): number;
export function encodeGeoLon(longitude: number, precision?: number): string;
export function decodeGeoLon(text: string, precision?: number): number;
export function encodeGeoPoint(latitude: number, longitude: number, precision?: number): string;
export function decodeGeoPoint(text: string, precision?: number): { latitude: number; longitude: number };
export function encodeIPv4(address: string): string;
export function decodeIPv4(text: string): string;
export function encodeIPv6(address: string): string;
export function decodeIPv6(text: string, compress?: boolean): string;
export function encodeMoney(value: number, currency?: string): string;
export function decodeMoney(text: string, currency?: string): number;
export function formatMoney(value: number, currency?: string, locale?: string): string;
export function getCurrencyDecimals(currency: string): number;
export function isSupportedCurrency(currency: string): boolean;
export function getSupportedCurrencies(): string[];
export const CURRENCY_DECIMALS: Record<string, number>;
export function isValidIPv4(address: any): boolean;
export function isValidIPv6(address: any): boolean;
export function expandIPv6(address: string): string;
export function compressIPv6(address: string): string;
export function detectIPVersion(address: any): 'ipv4' | 'ipv6' | null;
export function calculateIPSavings(address: string): {
  version: 'ipv4' | 'ipv6' | null;
  originalSize: number;
  encodedSize: number;
  savings: number;
  savingsPercent?: string;
};
export function isValidCoordinate(latitude: number, longitude: number): boolean;
/** Decimals for an accuracy in metres. */
export function getPrecisionForAccuracy(metres: number): number;
/** Metres. */
export function getAccuracyForPrecision(precision: number): number;
export function analyzeString(text: string): { type: string; safe: boolean; [detail: string]: any };
export function calculateEncodedSize(text: string): {
  original: number;
  encoded: number;
  overhead: number;
  ratio: number;
  encoding: string;
};
export function calculateDictionaryCompression(value: any): Record<string, any>;
export function getDictionaryStats(): Record<string, number>;
export function optimizedEncode(value: any): string;
export function optimizedDecode(text: any): any;
export function compareEncodings(value: any): Record<string, any>;

/** Version of the package. */
export function getVersion(): string;

/** `fn` for every item, at most `concurrency` (10) at a time; one that fails does not stop the others. Both lists in input order. */
export function mapWithConcurrency<T, R>(
  items: Iterable<T>,
  fn: (item: T, index: number) => R | Promise<R>,
  options?: { concurrency?: number }
): Promise<{ results: R[]; errors: ItemFailure<T>[] }>;
/** `mapWithConcurrency` without results. */
export function forEachWithConcurrency<T>(
  items: Iterable<T>,
  fn: (item: T, index: number) => unknown,
  options?: { concurrency?: number }
): Promise<{ errors: ItemFailure<T>[] }>;

export interface ItemFailure<T> {
  item: T;
  index: number;
  message: string;
  raw: any;
}

export interface SafeEventEmitterOptions {
  /** `destroy()` when the process exits. Default true. */
  autoCleanup?: boolean;
  /** Default 0: any number. */
  maxListeners?: number;
  /** Default `warn`. */
  logLevel?: LogLevel;
  /** Default: the console. */
  logger?: Logger;
}

/** Event emitter whose `emit` never throws: what a listener throws is logged, and `emit` gives false. */
export class SafeEventEmitter extends EventEmitter {
  constructor(options?: SafeEventEmitterOptions);
  options: { autoCleanup: boolean; maxListeners: number; logLevel: LogLevel };
  logger: Logger;
  /** Logs the error; for subclasses to replace. */
  handleError(error: unknown, event: string | symbol): void;
  getListenerStats(): Record<string, number>;
  getTotalListenerCount(): number;
  /** Removes all listeners, for good. */
  destroy(): void;
  isDestroyed(): boolean;
  /** No `destroy()` when the process exits. */
  removeSignalHandlers(): void;
}

export function createSafeEventEmitter(options?: SafeEventEmitterOptions): SafeEventEmitter;

/** Memory of the process and of V8: bytes, and the main figures in MB. */
export interface MemoryUsageReport {
  rss: number;
  heapTotal: number;
  heapUsed: number;
  external: number;
  arrayBuffers: number;
  totalHeapSize: number;
  totalHeapSizeExecutable: number;
  totalPhysicalSize: number;
  totalAvailableSize: number;
  usedHeapSize: number;
  heapSizeLimit: number;
  mallocedMemory: number;
  peakMallocedMemory: number;
  rssMB: number;
  heapTotalMB: number;
  heapUsedMB: number;
  externalMB: number;
  heapSizeLimitMB: number;
}

export interface MemoryFigures {
  heapUsed: number;
  heapTotal: number;
  external: number;
  rss: number;
}

export interface MemoryComparison {
  /** Bytes. */
  diff: MemoryFigures;
  diffMB: MemoryFigures;
  before: { heapUsedMB: number; heapTotalMB: number; externalMB: number; rssMB: number };
  after: { heapUsedMB: number; heapTotalMB: number; externalMB: number; rssMB: number };
}

export interface MemorySample extends MemoryFigures {
  /** Epoch milliseconds. */
  timestamp: number;
  heapUsedMB: number;
}

export function getMemoryUsage(): MemoryUsageReport;
/** `RSS: 172.6MB | Heap: 62.82/90.46MB | External: 4.75MB`. */
export function formatMemoryUsage(usage?: Pick<MemoryUsageReport, 'rssMB' | 'heapUsedMB' | 'heapTotalMB' | 'externalMB'>): string;
export function compareMemorySnapshots(before: MemoryFigures, after: MemoryFigures): MemoryComparison;
/** Runs a function and tells what memory grew meanwhile; `duration` in milliseconds. */
export function measureMemory<T>(
  work: () => T | Promise<T>
): Promise<{ result: T; duration: number; memory: MemoryComparison; heapGrowthMB: number }>;
/** Writes a heap snapshot into a directory; resolves its path. */
export function captureHeapSnapshot(directory: string): Promise<string>;

/** Samples of the heap over time. */
export class MemorySampler {
  constructor(options?: { maxSamples?: number; sampleIntervalMs?: number });
  samples: MemorySample[];
  maxSamples: number;
  /** Milliseconds. */
  sampleInterval: number;
  timer: any;
  isRunning: boolean;
  start(): void;
  stop(): void;
  sample(): MemorySample;
  getSamples(): MemorySample[];
  getStats(): {
    sampleCount: number;
    minHeapUsedMB: number;
    maxHeapUsedMB: number;
    avgHeapUsedMB: number;
    currentHeapUsedMB: number;
    timeRangeMs: number;
  } | null;
  /** Growth by more than a share (0.1) from the first sample to the last; `growthRate` in percent. */
  detectLeak(
    threshold?: number
  ): false | { detected: true; growthRate: number; startHeapMB: number; endHeapMB: number; samples: number; timeRangeMs: number };
  reset(): void;
}

/** A logger as the library uses it: the console, or a file or stream, from a level on. */
export function createLogger(options?: {
  /** Default `info`. */
  level?: LogLevel;
  name?: string;
  bindings?: Record<string, unknown>;
  /** File path, or a stream; default: the console. */
  destination?: string | { write(text: string): any };
  /** Text rather than a line of JSON; the default on the console only. */
  pretty?: boolean;
}): Logger;
