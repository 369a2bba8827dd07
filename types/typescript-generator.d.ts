import type { Database } from './database.js';

export interface GenerateTypesOptions {
  /** Default `./types/database.d.ts`; a falsy value writes nothing. */
  outputPath?: string | false | null;
  /** Name the package is imported by; default `s3db.js`. */
  moduleName?: string;
  /** Import `Resource` and type `database.resources`; default true. */
  includeResource?: boolean;
  /** Doc comments; default true. */
  includeComments?: boolean;
  /** Also the fields that reading adds, such as `_etag`; default false. */
  includeMetadata?: boolean;
  /** Text added to the comment at the top. */
  header?: string;
  /** Default `interface`. */
  formatStyle?: 'interface' | 'type';
}

/** Declarations of all resources of a database; writes them to `outputPath` and resolves to the text. */
export function generateTypes(database: Pick<Database, 'resources'>, options?: GenerateTypesOptions): Promise<string>;
/** Prints the declarations and writes nothing. */
export function printTypes(database: Pick<Database, 'resources'>, options?: GenerateTypesOptions): Promise<string>;
