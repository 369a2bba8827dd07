import type { Database } from './database.js';
import type { Stored } from './resource.js';

export interface FactoryContext<T = any> {
  /** Number of the record in the sequence of its resource, from 1. */
  seq: number;
  factory: Factory<T>;
}

/** Attributes, each a value or a function of the context. */
export type FactoryAttributes<T = any> = { [K in keyof T]?: T[K] | ((context: FactoryContext<T>) => T[K] | Promise<T[K]>) } & {
  [name: string]: any;
};

export type FactoryDefinition<T = any> =
  | FactoryAttributes<T>
  | ((context: FactoryContext<T>) => FactoryAttributes<T> | Promise<FactoryAttributes<T>>);

export interface FactoryBuildOptions {
  traits?: string | string[];
  /** Whose sequences are used; default the common database. */
  database?: Database;
}

/** Makes records for tests. */
export class Factory<T = any> {
  constructor(resourceName: string, definition: FactoryDefinition<T>, options?: Record<string, any>);
  static define<T = any>(resourceName: string, definition: FactoryDefinition<T>, options?: Record<string, any>): Factory<T>;
  static get<T = any>(resourceName: string): Factory<T> | undefined;
  static setDatabase(database: Database | null): void;
  static resetSequences(): void;
  static reset(): void;
  resourceName: string;
  definition: FactoryDefinition<T>;
  options: Record<string, any>;
  traits: Map<string, FactoryDefinition<T>>;
  afterCreateCallbacks: ((created: any, context: { database: Database }) => any)[];
  beforeCreateCallbacks: ((attributes: any) => any)[];
  sequence(name?: string): number;
  trait(name: string, attributes: FactoryDefinition<T>): this;
  afterCreate(callback: (created: Stored<T>, context: { database: Database }) => any): this;
  beforeCreate(callback: (attributes: T) => any): this;
  build(overrides?: FactoryAttributes<T>, options?: FactoryBuildOptions): Promise<T>;
  buildMany(count: number, overrides?: FactoryAttributes<T>, options?: FactoryBuildOptions): Promise<T[]>;
  buildWithTraits(traits: string | string[], overrides?: FactoryAttributes<T>, options?: FactoryBuildOptions): Promise<T>;
  create(overrides?: FactoryAttributes<T>, options?: FactoryBuildOptions): Promise<Stored<T>>;
  createMany(count: number, overrides?: FactoryAttributes<T>, options?: FactoryBuildOptions): Promise<Stored<T>[]>;
  createWithTraits(traits: string | string[], overrides?: FactoryAttributes<T>, options?: FactoryBuildOptions): Promise<Stored<T>>;
}

/** Fills a database through the registered factories, and empties it. */
export class Seeder {
  constructor(database: Database, options?: { verbose?: boolean });
  database: Database;
  options: { verbose?: boolean };
  verbose: boolean;
  log(text: string): void;
  seed(specs: Record<string, number>): Promise<Record<string, any[]>>;
  seedAndReturn(specs: Record<string, number>): Promise<Record<string, any[]>>;
  call<R>(callback: (database: Database) => R): Promise<Awaited<R>>;
  run(functions: ((database: Database) => any)[]): Promise<any[]>;
  truncate(names: string[]): Promise<void>;
  truncateAll(): Promise<void>;
  reset(): Promise<void>;
}
