/** Text of the generated declarations of a database (spec/01 section 8). */

import { ValidationError } from '../errors/index.js';
import { comment, interfaceNames, propertyName, quote } from './names.js';
import { fieldLines } from './type-of.js';

const STYLES = ['interface', 'type'];
const BOOLEANS = ['includeResource', 'includeComments', 'includeMetadata'];
const TEXTS = ['moduleName', 'header', 'formatStyle'];

/** Fields that the library adds to every record it reads. */
const SYSTEM_FIELDS = [
  ['_contentLength', 'number'],
  ['_lastModified', 'Date'],
  ['_hasContent', 'boolean'],
  ['_mimeType', 'string | null'],
  ['_etag', 'string'],
  ['_v', 'string'],
  ['_definitionHash', 'string']
];

function bad(option, value, remedy) {
  return new ValidationError(`Invalid option '${option}' of generateTypes`, { field: option, value, suggestion: remedy });
}

/** Options with their defaults, checked. */
function settingsOf(options) {
  const settings = {
    moduleName: 's3db.js',
    includeResource: true,
    includeComments: true,
    includeMetadata: false,
    header: '',
    formatStyle: 'interface'
  };
  for (const name of Object.keys(settings)) if (options[name] !== undefined && options[name] !== null) settings[name] = options[name];
  for (const name of BOOLEANS) if (typeof settings[name] !== 'boolean') throw bad(name, settings[name], 'Pass true or false.');
  for (const name of TEXTS) if (typeof settings[name] !== 'string') throw bad(name, settings[name], 'Pass text.');
  if (settings.moduleName === '') throw bad('moduleName', '', "Pass the name the package is imported by, for example 's3db.js'.");
  if (!STYLES.includes(settings.formatStyle)) throw bad('formatStyle', settings.formatStyle, `Use one of ${STYLES.join(', ')}.`);
  return settings;
}

/** Attributes that plugins contributed. */
function pluginAttributesOf(resource, attributes) {
  const names = new Set(Object.values(resource.schema?._pluginAttributes ?? {}).flat());
  for (const name of Object.keys(resource.schema?._pluginAttributeMetadata ?? {})) names.add(name);
  for (const [name, definition] of Object.entries(attributes)) if (definition?.__plugin__) names.add(name);
  return names;
}

function recordLines(resource, name, settings) {
  const attributes = resource.schema?.attributes ?? resource.attributes ?? {};
  const timestamps = Boolean(resource.config?.timestamps ?? resource.timestamps);
  const omit = pluginAttributesOf(resource, attributes);
  omit.add('id');
  if (timestamps) omit.add('createdAt').add('updatedAt');
  const comments = settings.includeComments;
  const note = (text) => (comments ? comment([text], '  ') : []);
  const lines = [...(comments ? comment([`A record of the resource ${resource.name}.`]) : [])];
  lines.push(settings.formatStyle === 'type' ? `export type ${name} = {` : `export interface ${name} {`);
  lines.push(...note('Unique id of the record.'), '  id: string;', '');
  lines.push(...fieldLines(attributes, { indent: '  ', comments, omit }));
  if (timestamps) {
    lines.push(...note('Time of creation, ISO 8601.'), '  createdAt: string;');
    lines.push(...note('Time of the last change, ISO 8601.'), '  updatedAt: string;');
  }
  if (settings.includeMetadata) {
    for (const [field, type] of SYSTEM_FIELDS) if (!Object.hasOwn(attributes, field)) lines.push(`  ${field}?: ${type};`);
  }
  lines.push(settings.formatStyle === 'type' ? '};' : '}', '');
  return lines;
}

/**
 * Declarations of all resources of a database.
 * @param {{ resources: Record<string, any> }} database
 * @param {object} [options] see `generateTypes`
 * @returns {string}
 */
export function declarationsOf(database, options = {}) {
  const resources = database?.resources;
  if (resources === null || typeof resources !== 'object') {
    throw new ValidationError('generateTypes requires a database', {
      field: 'database',
      suggestion: 'Pass a connected S3db as the first argument.'
    });
  }
  const settings = settingsOf(options);
  const names = interfaceNames(Object.keys(resources));
  const header = ['Types of the resources of an s3db database.', `Generated at: ${new Date().toISOString()}`];
  header.push('Do not edit: this file is written by generateTypes.');
  if (settings.header !== '') header.push('', settings.header);
  const lines = [...comment(header), ''];
  const module = quote(settings.moduleName);
  if (settings.includeResource) lines.push(`import { Resource, Database } from ${module};`, '');
  for (const [resourceName, name] of names) lines.push(...recordLines(resources[resourceName], name, settings));
  if (settings.includeComments) lines.push(...comment(['Resources by name.']));
  lines.push('export interface ResourceMap {');
  for (const [resourceName, name] of names) {
    const about = `Resource ${resourceName}`;
    if (settings.includeComments) lines.push(...comment([about], '  '));
    lines.push(`  ${propertyName(resourceName)}: ${settings.includeResource ? `Resource<${name}>` : 'any'};`);
  }
  lines.push('}', '');
  if (settings.includeResource) {
    lines.push(...(settings.includeComments ? comment(['Gives `database.resources` the types above.']) : []));
    lines.push(`declare module ${module} {`, '  interface RegisteredResources extends ResourceMap {}', '}', '');
  }
  return lines.join('\n');
}
