/** Validation of the constructor argument: all problems are collected into one error. */
import { ResourceError } from '../errors/index.js';
import { HOOK_NAMES, isHookName } from './hooks.js';
import { GENERATOR_NAMES } from './ids.js';
import { isIncremental, parseIncremental } from './incremental.js';

const BOOLEANS = [
  'cache',
  'autoDecrypt',
  'timestamps',
  'paranoid',
  'allNestedObjectsOptional',
  'disableEvents',
  'disableResourceEvents',
  'lazySchema'
];

function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function checkBasics(config, problems) {
  const { name, client, attributes } = config;
  if (!name) problems.push("Resource 'name' is required");
  else if (typeof name !== 'string') problems.push("Resource 'name' must be a string");
  else if (name.trim() === '') problems.push("Resource 'name' cannot be empty");
  if (!client) problems.push("S3 'client' is required");
  if (!attributes) problems.push("Resource 'attributes' are required");
  else if (!isObject(attributes)) problems.push("Resource 'attributes' must be an object");
  else if (Object.keys(attributes).length === 0) problems.push("Resource 'attributes' cannot be empty");
  for (const field of ['version', 'behavior', 'passphrase']) {
    if (config[field] !== undefined && typeof config[field] !== 'string') problems.push(`Resource '${field}' must be a string`);
  }
  if (config.parallelism !== undefined) {
    if (!Number.isInteger(config.parallelism)) problems.push("Resource 'parallelism' must be an integer");
    else if (config.parallelism < 1) problems.push("Resource 'parallelism' must be greater than 0");
  }
  const { bcryptRounds: rounds } = config;
  if (rounds && !(Number.isInteger(rounds) && rounds >= 4 && rounds <= 31)) {
    problems.push("Resource 'bcryptRounds' must be a whole number from 4 to 31");
  }
  if (config.observers !== undefined && !Array.isArray(config.observers)) problems.push("Resource 'observers' must be an array");
  for (const field of BOOLEANS) {
    if (config[field] !== undefined && typeof config[field] !== 'boolean') problems.push(`Resource '${field}' must be a boolean`);
  }
}

/** What a text or an object may be. */
function otherGenerators(given) {
  if (typeof given === 'string') return `, or one of: incremental, ${GENERATOR_NAMES.join(', ')}; not '${given}'`;
  return isObject(given) ? ", or { type: 'incremental' } with its options" : '';
}

function checkIds({ idGenerator, idSize }, problems) {
  if (idGenerator !== undefined) {
    if (typeof idGenerator === 'number') {
      if (!(idGenerator > 0)) problems.push("Resource 'idGenerator' size must be greater than 0");
    } else if (isIncremental(idGenerator)) {
      problems.push(...parseIncremental(idGenerator).problems);
    } else if (typeof idGenerator !== 'function' && !GENERATOR_NAMES.includes(idGenerator)) {
      problems.push(`Resource 'idGenerator' must be a function or a number (size)${otherGenerators(idGenerator)}`);
    }
  }
  if (idSize !== undefined) {
    if (!Number.isInteger(idSize)) problems.push("Resource 'idSize' must be an integer");
    else if (idSize <= 0) problems.push("Resource 'idSize' must be greater than 0");
  }
}

function checkPartitions(partitions, problems) {
  if (partitions === undefined || partitions === null) return;
  if (!isObject(partitions)) {
    problems.push("Resource 'partitions' must be an object");
    return;
  }
  for (const [name, definition] of Object.entries(partitions)) {
    if (!isObject(definition)) {
      problems.push(`Partition '${name}' must be an object`);
    } else if (!definition.fields) {
      problems.push(`Partition '${name}' must have a 'fields' property`);
    } else if (!isObject(definition.fields)) {
      problems.push(`Partition '${name}.fields' must be an object`);
    } else {
      for (const [field, rule] of Object.entries(definition.fields)) {
        if (typeof rule !== 'string') problems.push(`Partition '${name}.fields.${field}' must be a string`);
      }
    }
  }
}

/** Names of stored entries that are not attributes. */
const RESERVED_CODES = new Set(['_v', '_map', '_pluginmap', '_x', '_e', '_rev', '_overflow', '_truncated', '_historicaltimestamp']);

/** An explicit map must tell every attribute apart in what is stored. */
function checkMap({ map, behavior }, problems) {
  if (map === undefined || map === null) return;
  if (!isObject(map)) {
    problems.push("Resource 'map' must be an object");
    return;
  }
  const taken = new Map();
  for (const [name, code] of Object.entries(map)) {
    if (typeof code !== 'string' || code === '') problems.push(`Resource 'map.${name}' must be a non-empty string`);
    else if (RESERVED_CODES.has(code.toLowerCase())) problems.push(`Resource 'map.${name}' must not be the reserved name '${code}'`);
    else if (taken.has(code)) problems.push(`Resource 'map.${name}' must differ from 'map.${taken.get(code)}'`);
    else if (behavior !== 'body-only' && !/^[\w-]+$/.test(code))
      problems.push(`Resource 'map.${name}' must consist of A-Z, a-z, 0-9, - and _`);
    else taken.set(code, name);
  }
}

function checkHooks(hooks, problems) {
  if (hooks === undefined || hooks === null) return;
  if (!isObject(hooks)) {
    problems.push("Resource 'hooks' must be an object");
    return;
  }
  for (const [name, list] of Object.entries(hooks)) {
    if (!isHookName(name)) problems.push(`Invalid hook event '${name}'. Valid events: ${HOOK_NAMES.join(', ')}`);
    else if (!Array.isArray(list)) problems.push(`Resource 'hooks.${name}' must be an array`);
  }
}

function checkEvents(events, problems) {
  if (events === undefined || events === null) return;
  if (!isObject(events)) {
    problems.push("Resource 'events' must be an object");
    return;
  }
  for (const [name, listeners] of Object.entries(events)) {
    if (Array.isArray(listeners)) {
      listeners.forEach((listener, index) => {
        if (typeof listener !== 'function') problems.push(`Resource 'events.${name}[${index}]' must be a function`);
      });
    } else if (typeof listeners !== 'function') {
      problems.push(`Resource 'events.${name}' must be a function or array of functions`);
    }
  }
}

/** Throws one `ResourceError` that lists every problem of a resource configuration. */
export function checkConfig(config) {
  const problems = [];
  checkBasics(config, problems);
  checkIds(config, problems);
  checkPartitions(config.partitions, problems);
  checkMap(config, problems);
  checkHooks(config.hooks, problems);
  checkEvents(config.events, problems);
  if (problems.length === 0) return;
  const name = config.name ? String(config.name) : '[unnamed]';
  throw new ResourceError(`Invalid Resource ${name} configuration:\n${problems.map((problem) => `  \u2022 ${problem}`).join('\n')}`, {
    resourceName: config.name,
    validation: problems,
    statusCode: 400,
    retriable: false,
    suggestion: 'Correct the listed options and create the resource again.'
  });
}
