// Option bags of the behaviours that published typings name. The behaviours read none of them.

export interface UserManagedBehaviorConfig {
  enabled?: boolean;
}

export interface EnforceLimitsBehaviorConfig {
  enabled?: boolean;
  maxBodySize?: number;
  maxMetadataSize?: number;
  maxKeySize?: number;
  maxValueSize?: number;
  maxFields?: number;
  maxNestingDepth?: number;
  maxArrayLength?: number;
  maxStringLength?: number;
  maxNumberValue?: number;
  minNumberValue?: number;
  enforcementMode?: 'strict' | 'warn' | 'soft';
  logViolations?: boolean;
  throwOnViolation?: boolean;
  customValidator?: (data: any, limits: any, context: any) => boolean;
  fieldLimits?: Record<string, number>;
  excludeFields?: string[];
  includeFields?: string[];
  applyToInsert?: boolean;
  applyToUpdate?: boolean;
  applyToUpsert?: boolean;
  applyToRead?: boolean;
  warningThreshold?: number;
  context?: Record<string, any>;
  validateMetadata?: boolean;
  validateBody?: boolean;
  validateKeys?: boolean;
  validateValues?: boolean;
}

export interface DataTruncateBehaviorConfig {
  enabled?: boolean;
  truncateIndicator?: string;
  priorityFields?: string[];
  preserveStructure?: boolean;
  fieldLimits?: Record<string, number>;
  defaultLimit?: number;
  truncateMode?: 'end' | 'start' | 'middle';
  preserveWords?: boolean;
  preserveSentences?: boolean;
  excludeFields?: string[];
  includeFields?: string[];
  applyToInsert?: boolean;
  applyToUpdate?: boolean;
  applyToUpsert?: boolean;
  logTruncations?: boolean;
  warnOnTruncation?: boolean;
  customTruncator?: (value: string, fieldName: string, config: any) => string;
  fieldTruncators?: Record<string, (value: string, fieldName: string, config: any) => string>;
  validateOnRead?: boolean;
  warningThreshold?: number;
  context?: Record<string, any>;
  preserveHTML?: boolean;
  preserveMarkdown?: boolean;
  preserveTags?: string[];
}

export interface BodyOverflowBehaviorConfig {
  enabled?: boolean;
  metadataReserve?: number;
  priorityFields?: string[];
  preserveOrder?: boolean;
  maxBodySize?: number;
  overflowStrategy?: 'truncate' | 'split' | 'reject';
  truncateMode?: 'end' | 'start' | 'middle';
  truncateIndicator?: string;
  preserveStructure?: boolean;
  overflowFields?: string[];
  overflowStorage?: {
    type?: 's3' | 'local' | 'memory';
    bucket?: string;
    prefix?: string;
    path?: string;
    maxSize?: number;
    compress?: boolean;
  };
  logOverflow?: boolean;
  customTruncator?: (value: string, fieldName: string, config: any) => string;
  customOverflowHandler?: (data: any, config: any) => any;
  validateOnRead?: boolean;
  validateOnWrite?: boolean;
  warningThreshold?: number;
  context?: Record<string, any>;
}

export interface BodyOnlyBehaviorConfig {
  enabled?: boolean;
  excludeFields?: string[];
  includeFields?: string[];
  applyToRead?: boolean;
  applyToList?: boolean;
  applyToFind?: boolean;
  applyToStream?: boolean;
  preserveArrays?: boolean;
  deepFilter?: boolean;
  customFilter?: (key: string, value: any, context: any) => boolean;
  logFilteredFields?: boolean;
  context?: Record<string, any>;
}
