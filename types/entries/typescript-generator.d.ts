import { generateTypes, printTypes } from '../typescript-generator.js';

export * from '../typescript-generator.js';

/** TypeScript type of a definition. */
export function mapFieldTypeToTypeScript(definition: any): string;
/** Whether the field of a definition carries a `?`. */
export function isFieldOptional(definition: any): boolean;
/** Doc comment of a field, or an empty text. */
export function generateFieldComment(name: string, definition: any): string;

declare const generator: { generateTypes: typeof generateTypes; printTypes: typeof printTypes };
export default generator;
