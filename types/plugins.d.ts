import { Plugin, type PluginOptions } from './plugin.js';

export * from './plugins/audit.js';
export * from './plugins/costs.js';
export * from './plugins/metrics.js';
export * from './plugins/ttl.js';

/** What an optional package of a plugin is. */
export interface PluginDependency {
  /** semver range */
  version: string;
  description: string;
  installCommand: string;
  npmUrl: string;
}

export interface PluginDependencyEntry {
  name: string;
  docsUrl: string;
  dependencies: Record<string, PluginDependency>;
}

export interface PluginDependencyResult {
  valid: boolean;
  /** Alias of `valid`. */
  readonly isValid: boolean;
  missing: string[];
  incompatible: string[];
  messages: string[];
}

/** Thrown by `requirePluginDependency`: the message is a report with the commands to install what is missing. */
export interface PluginDependencyError extends Error {
  pluginId: string;
  pluginName: string;
  missing: string[];
  incompatible: string[];
  docsUrl: string;
}

export interface PluginDependencyOptions {
  /** Default true. */
  throwOnError?: boolean;
  /** Default true: versions must be in the range of the registry. */
  checkVersions?: boolean;
  /** Named in the report. */
  caller?: string;
}

export const PLUGIN_DEPENDENCIES: Record<string, PluginDependencyEntry>;
export function requirePluginDependency(pluginId: string, options?: PluginDependencyOptions | string): Promise<PluginDependencyResult>;
export function checkPluginDependencies(
  pluginIds: string[],
  options?: PluginDependencyOptions
): Promise<Map<string, PluginDependencyResult>>;
export function getPluginDependencyReport(): Promise<string>;

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class ApiPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class BackupPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class CloudInventoryPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class CookieFarmPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class CookieFarmSuitePlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class EventualConsistencyPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class FullTextPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class GeoPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class IdentityPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class ImporterPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class MLPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class PuppeteerPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class QueueConsumerPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class RelationPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class ReplicatorPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class S3QueuePlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class SchedulerPlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class SpiderSuitePlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class StateMachinePlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class TfStatePlugin extends Plugin {
  constructor(options?: PluginOptions);
}

/** Not in this version: the constructor throws a `PluginError` with code `PLUGIN_NOT_AVAILABLE`. */
export class VectorPlugin extends Plugin {
  constructor(options?: PluginOptions);
}
