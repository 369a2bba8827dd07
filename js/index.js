/** Public names of the package. */
export { AVAILABLE_BEHAVIORS, behaviors, DEFAULT_BEHAVIOR, getBehavior } from './behaviors/index.js';
export { HighPerformanceInserter } from './bulk/high-performance-inserter.js';
export { InMemoryPersistence } from './bulk/in-memory-persistence.js';
export { PartitionQueue } from './bulk/partition-queue.js';
export { StreamInserter } from './bulk/stream-inserter.js';
export { ConnectionString, S3_DEFAULT_ENDPOINT, S3_DEFAULT_REGION } from './client/connection-string.js';
export {
  Client,
  FileSystemClient,
  FileSystemStorage,
  HTTP_CLIENT_PROFILES,
  MemoryClient,
  MemoryStorage,
  S3Client
} from './client/index.js';
export { decodeKey, encodeKey } from './concerns/base36.js';
export {
  decode,
  decode as base62Decode,
  decodeDecimal,
  decodeFixedPoint,
  decodeFixedPointBatch,
  encode,
  encode as base62Encode,
  encodeDecimal,
  encodeFixedPoint,
  encodeFixedPointBatch
} from './concerns/base62.js';
export {
  calculateBufferSavings,
  clearBit,
  clearBitFast,
  countBits,
  countBitsFast,
  createBitmap,
  createBitmapFast,
  decodeBits,
  decodeBitsFast,
  decodeBuffer,
  encodeBits,
  encodeBitsFast,
  encodeBuffer,
  getBit,
  getBitFast,
  setBit,
  setBitFast,
  toggleBit,
  toggleBitFast
} from './concerns/binary.js';
export {
  calculateAttributeNamesSize,
  calculateAttributeSizes,
  calculateEffectiveLimit,
  calculateSystemOverhead,
  calculateTotalSize,
  calculateUTF8Bytes,
  clearUTF8Memory,
  getSizeBreakdown,
  S3_METADATA_LIMIT_BYTES,
  transformValue
} from './concerns/calculator.js';
export { decrypt, encrypt, md5, sha256 } from './concerns/crypto.js';
export {
  calculateDictionaryCompression,
  dictionaryDecode,
  dictionaryEncode,
  getDictionaryStats
} from './concerns/dictionary-encoding.js';
export { flatten, unflatten } from './concerns/flatten.js';
export {
  decodeGeoLat,
  decodeGeoLon,
  decodeGeoPoint,
  encodeGeoLat,
  encodeGeoLon,
  encodeGeoPoint,
  getAccuracyForPrecision,
  getPrecisionForAccuracy,
  isValidCoordinate
} from './concerns/geo-encoding.js';
export {
  allOf,
  anyOf,
  applyGuardsToDelete,
  applyGuardsToGet,
  applyGuardsToInsert,
  applyGuardsToList,
  applyGuardsToUpdate,
  createExpressContext,
  createFastifyContext,
  createHonoContext,
  requireAdmin,
  requireOwnership,
  requireRole,
  requireScopes,
  requireTenant
} from './concerns/guards-helpers.js';
export {
  createCustomGenerator,
  getNanoidInitializationError,
  getUrlAlphabet,
  idGenerator,
  initializeNanoid,
  passwordGenerator,
  sid,
  ulid,
  uuidv7
} from './concerns/id.js';
export {
  calculateIPSavings,
  compressIPv6,
  decodeIPv4,
  decodeIPv6,
  detectIPVersion,
  encodeIPv4,
  encodeIPv6,
  expandIPv6,
  isValidIPv4,
  isValidIPv6
} from './concerns/ip.js';
export {
  captureHeapSnapshot,
  compareMemorySnapshots,
  formatMemoryUsage,
  getMemoryUsage,
  MemorySampler,
  measureMemory
} from './concerns/memory-usage.js';
export { analyzeString, calculateEncodedSize, metadataDecode, metadataEncode } from './concerns/metadata-encoding.js';
export {
  CURRENCY_DECIMALS,
  decodeMoney,
  encodeMoney,
  formatMoney,
  getCurrencyDecimals,
  getSupportedCurrencies,
  isSupportedCurrency
} from './concerns/money.js';
export { compareEncodings, optimizedDecode, optimizedEncode } from './concerns/optimized-encoding.js';
export {
  compactHash,
  detectAlgorithm,
  expandHash,
  hashPassword,
  hashPasswordSync,
  isArgon2Hash,
  isBcryptHash,
  isPasswordHash,
  verifyPassword
} from './concerns/password-hashing.js';
export { Database, Database as S3db, S3db as default } from './database/database.js';
export { ErrorClassifier, NON_RETRIABLE, RETRIABLE } from './errors/error-classifier.js';
export {
  AnalyticsNotEnabledError,
  AuthenticationError,
  BaseError,
  BehaviorError,
  ConnectionStringError,
  CryptoError,
  DatabaseError,
  EncryptionError,
  ErrorMap,
  InvalidResourceItem,
  MetadataLimitError,
  MissingMetadata,
  mapAwsError,
  NoSuchBucket,
  NoSuchKey,
  NotFound,
  PartitionDriverError,
  PartitionError,
  PermissionError,
  PluginError,
  PluginStorageError,
  ResourceError,
  ResourceNotFound,
  S3dbError,
  SchemaError,
  StreamError,
  UnknownError,
  ValidationError
} from './errors/index.js';
export { Background, ManualClock, nextCronDate } from './plugin/background.js';
export { CoordinatorPlugin } from './plugin/coordinator-plugin.js';
export { CRON_PRESETS, CronManager, createCronManager, getCronManager, intervalToCron, resetCronManager } from './plugin/cron-manager.js';
export { DistributedLock, S3Mutex } from './plugin/locks.js';
export { Plugin, PluginObject } from './plugin/plugin.js';
export { PluginStorage } from './plugin/plugin-storage.js';
export { getProcessManager, ProcessManager, resetProcessManager } from './plugin/process-manager.js';
export {
  checkPluginDependencies,
  getPluginDependencyReport,
  PLUGIN_DEPENDENCIES,
  requirePluginDependency
} from './plugins/concerns/plugin-dependencies.js';
export * from './plugins/index.js';
export { Resource } from './resource/resource.js';
export { ResourceIdsPageReader, ResourceIdsReader, ResourceReader, ResourceWriter, streamToString } from './resource/streams.js';
export { Schema } from './schema/schema.js';
export { Validator } from './schema/validator.js';
export { Factory } from './testing/factory.js';
export { Seeder } from './testing/seeder.js';
export { generateTypes, printTypes } from './typescript-generator.js';
export { AsyncEventEmitter } from './util/async-event-emitter.js';
export { forEachWithConcurrency, mapWithConcurrency } from './util/concurrency.js';
export { createLogger } from './util/logger.js';
export { createSafeEventEmitter, SafeEventEmitter } from './util/safe-event-emitter.js';
export { tryFn, tryFnSync } from './util/try-fn.js';
export { getVersion } from './util/version.js';
