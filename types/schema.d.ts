import type { Argon2Cost, Attributes, BehaviorName, SecurityConfig } from './options.js';

export interface SchemaOptions {
  autoEncrypt?: boolean;
  autoDecrypt?: boolean;
  arraySeparator?: string;
  generateAutoHooks?: boolean;
  allNestedObjectsOptional?: boolean;
  hooks?: Partial<Record<SchemaHookName, Record<string, SchemaAction[]>>>;
}

export type SchemaHookName = 'beforeMap' | 'afterMap' | 'beforeUnmap' | 'afterUnmap';

export type SchemaAction = string | { action: string; params: Record<string, any> };

export interface SchemaConfig {
  name?: string;
  attributes?: Attributes;
  map?: Record<string, string>;
  pluginMap?: Record<string, string>;
  passphrase?: string | null;
  bcryptRounds?: number;
  security?: SecurityConfig | null;
  version?: string | number;
  options?: SchemaOptions;
  [key: string]: any;
}

/** Attributes of a resource: validation, and the way to stored names and values and back. */
export class Schema {
  constructor(config: SchemaConfig);
  static import(data: string | SchemaConfig): Schema;
  static getValidatorCacheStats(): ValidatorCacheStats;
  static getValidatorCacheMemoryUsage(): ValidatorCacheMemory;
  /** Drops checks that were not used for `maxAgeMs`; how many. */
  static evictUnusedValidators(maxAgeMs?: number): number;
  static configureValidatorCache(changes?: Partial<ValidatorCachePolicy>): ValidatorCachePolicy;
  static getValidatorCachePolicy(): ValidatorCachePolicy;
  static resetValidatorCachePolicy(): ValidatorCachePolicy;
  name: string;
  version: any;
  attributes: Attributes;
  passphrase: string;
  bcryptRounds: number;
  options: Required<SchemaOptions>;
  allNestedObjectsOptional: boolean;
  map: Record<string, string>;
  reversedMap: Record<string, string>;
  pluginMap: Record<string, string>;
  reversedPluginMap: Record<string, string>;
  validator: (item: any) => Promise<true | ValidationIssue[]>;
  defaultOptions(): SchemaOptions;
  addHook(hook: SchemaHookName, attribute: string, action: string, params?: Record<string, any>): void;
  extractObjectKeys(object: any, prefix?: string): string[];
  generateAutoHooks(): void;
  validate(item: any, options?: { mutateOriginal?: boolean }): Promise<true | ValidationIssue[]>;
  mapper(item: any): Promise<Record<string, any>>;
  unmapper(mapped: Record<string, any>, map?: Record<string, string>, pluginMap?: Record<string, string>): Promise<any>;
  /** Checks a record synchronously where every rule is synchronous. */
  check(record: any): any;
  applyDefaults(record: any): any;
  sanitise(record: any): any;
  /** Compiles the check now, instead of with the first record. */
  compile(): void;
  isCompiled(): boolean;
  /** Frees the native half. */
  dispose(): void;
  applyHooksActions(item: any, hook: SchemaHookName): Promise<any>;
  getAttributeDefinition(path: string): any;
  regeneratePluginMapping(): void;
  preprocessAttributesForValidation(attributes: Attributes): any;
  export(): Record<string, any>;
}

/** Compiled checks are shared between schemas with the same definitions. */
export interface ValidatorCachePolicy {
  /** Default 5000. */
  maxEntries: number;
  /** Milliseconds; default 300000. */
  maxAgeMs: number;
  /** Default true. */
  autoPrune: boolean;
}

export interface ValidatorCacheStats {
  size: number;
  maxEntries: number;
  /** Schemas that use a cached check and were not disposed of. */
  totalReferences: number;
  zeroRefValidators: number;
  cacheHits: number;
  cacheMisses: number;
  hits: number;
  misses: number;
  evictions: number;
  /** 0 to 1. */
  hitRate: number;
}

export interface ValidatorCacheMemory {
  entries: number;
  validatorCount: number;
  totalBytes: number;
  totalKB: number;
  estimatedKB: number;
  estimatedMB: number;
}

export interface ValidationIssue {
  type: string;
  message: string;
  field: string;
  actual?: any;
  expected?: any;
  [key: string]: any;
}

/** fastest-validator with the attribute types of this library. */
export class Validator {
  constructor(config?: {
    options?: any;
    passphrase?: string;
    bcryptRounds?: number;
    security?: SecurityConfig | null;
    autoEncrypt?: boolean;
    autoHash?: boolean;
  });
  passphrase?: string;
  bcryptRounds: number;
  argon2: Required<Argon2Cost>;
  autoEncrypt: boolean;
  autoHash: boolean;
  compile(schema: any): ((value: any) => any) & { async?: boolean };
  validate(value: any, schema: any): any;
  normalize(schema: any): any;
  add(type: string, rule: any): void;
  alias(name: string, rule: any): void;
  addMessage(name: string, message: string): void;
  addCustomFunction(name: string, fn: (...args: any[]) => any): any;
  plugin(fn: (validator: any) => void): any;
}

export interface Behavior {
  handleInsert(context: any): Promise<{ mappedData: any; body: string }>;
  handleUpdate(context: any): Promise<{ mappedData: any; body: string }>;
  handleUpsert(context: any): Promise<{ mappedData: any; body: string }>;
  handleGet(context: any): Promise<{ metadata: any; body: string }>;
}

export const behaviors: Record<BehaviorName, Behavior>;
export function getBehavior(name: string): Behavior;
export const AVAILABLE_BEHAVIORS: BehaviorName[];
export const DEFAULT_BEHAVIOR: BehaviorName;
