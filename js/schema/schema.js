import { fromNative } from '../errors/from-native.js';
import { SchemaError } from '../errors/index.js';
import { native } from '../native/load.js';
import { fromText, toText } from '../native/text.js';
import { showAs } from '../util/shown.js';
import * as checks from './check.js';
import { cloneContainers, withoutFunctions } from './clone.js';
import { preprocessAttributes } from './preprocess.js';
import { fillDefaults, planFields, sanitiseRecord } from './record-plan.js';
import { SchemaActions } from './schema-actions.js';
import { passwordSettings } from './security.js';

const HOOKS = ['beforeMap', 'afterMap', 'beforeUnmap', 'afterUnmap'];

const inverted = (map, pluginMap) => ({ map, pluginMap, reversedMap: invert(map), reversedPluginMap: invert(pluginMap) });
const invert = (map) => Object.fromEntries(Object.entries(map).map(([name, code]) => [code, name]));
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const isEmpty = (object) => object === undefined || object === null || Object.keys(object).length === 0;

/** Attribute definitions of a resource: validation, mapping to stored codes and back. */
export class Schema {
  #options;
  #pending;
  #codes;
  #native;
  #check;
  #plan;
  #ownHooks;
  #passwords;

  /**
   * @param {object} config
   * @param {string} config.name
   * @param {Record<string, any>} [config.attributes]
   * @param {Record<string, string>} [config.map] attribute name to code; generated when empty
   * @param {Record<string, string>} [config.pluginMap]
   * @param {string} [config.passphrase]
   * @param {number} [config.bcryptRounds]
   * @param {object} [config.security] `{ passphrase, pepper, bcrypt: { rounds }, argon2: { memoryCost, timeCost, parallelism } }`
   * @param {any} [config.version]
   * @param {object} [config.options]
   */
  constructor(config) {
    const { name, attributes, map, pluginMap, passphrase, bcryptRounds, version = 1, options = {} } = config;
    this.name = name;
    this.version = version;
    this.attributes = attributes || {};
    this.#passwords = passwordSettings(config.security);
    this.passphrase = passphrase ?? this.#passwords.passphrase ?? 'secret';
    this.bcryptRounds = bcryptRounds ?? this.#passwords.rounds ?? 10;
    this.#options = mergeOptions(this.defaultOptions(), options);
    this.allNestedObjectsOptional = this.#options.allNestedObjectsOptional ?? false;
    this._pluginAttributeMetadata = config._pluginAttributeMetadata || {};
    this.#ownHooks = copyHooks(this.#options.hooks);
    this.#checker();
    const given = !isEmpty(map);
    const codes = { map: given ? map : undefined, pluginMap: isEmpty(pluginMap) ? (given ? {} : undefined) : pluginMap };
    // The definition as it is now, in case somebody changes the object before the codes are asked for.
    this.#pending = { text: this.#configText(this.#options, codes), codes, pluginAttributes: config._pluginAttributes || undefined };
    const validator = async (record) => this.check(record);
    /** Compiled check: resolves to `true` or a list of errors, and changes the record it is given. */
    this.validator = Object.assign(validator, { async: true });
    this.#native = undefined;
  }

  /** Codes and automatic hooks of the definition, which the engine derives when they are first needed. */
  #derived() {
    if (this.#pending !== undefined) {
      const { text, codes, pluginAttributes } = this.#pending;
      const described = this.#describe(text);
      this.#pending = undefined;
      const { map = described.map, pluginMap = described.pluginMap } = codes;
      this.#codes = { ...inverted(map, pluginMap), pluginAttributes: pluginAttributes ?? described.pluginAttributes };
      if (this.#options.generateAutoHooks) this.#mergeHooks(described.hooks);
    }
    return this.#codes;
  }

  /** Options with the hooks of all attributes. */
  get options() {
    this.#derived();
    return this.#options;
  }

  set options(options) {
    this.#derived();
    this.#options = options;
  }

  /** Attribute name -> code. */
  get map() {
    return this.#derived().map;
  }

  set map(map) {
    this.#derived().map = map;
  }

  /** The same for attributes of plugins. */
  get pluginMap() {
    return this.#derived().pluginMap;
  }

  set pluginMap(map) {
    this.#derived().pluginMap = map;
  }

  /** Code -> attribute name. */
  get reversedMap() {
    return this.#derived().reversedMap;
  }

  set reversedMap(map) {
    this.#derived().reversedMap = map;
  }

  /** The same for attributes of plugins. */
  get reversedPluginMap() {
    return this.#derived().reversedPluginMap;
  }

  set reversedPluginMap(map) {
    this.#derived().reversedPluginMap = map;
  }

  /** Names of the attributes of each plugin. */
  get _pluginAttributes() {
    return this.#derived().pluginAttributes;
  }

  set _pluginAttributes(names) {
    this.#derived().pluginAttributes = names;
  }

  /** @returns {object} options used where the caller gives none */
  defaultOptions() {
    return {
      autoEncrypt: true,
      autoDecrypt: true,
      arraySeparator: '|',
      generateAutoHooks: true,
      hooks: { beforeMap: {}, afterMap: {}, beforeUnmap: {}, afterUnmap: {} }
    };
  }

  #describe(text) {
    return fromText(this.#call(() => native.NativeSchema.describe(text)));
  }

  #configText(options, { map, pluginMap }) {
    const { autoEncrypt, autoDecrypt, arraySeparator, generateAutoHooks } = options;
    const { pepper, argon2 } = this.#passwords;
    const config = {
      name: this.name,
      attributes: withoutFunctions(this.attributes),
      passphrase: this.passphrase,
      bcryptRounds: this.bcryptRounds,
      argon2,
      version: this.version,
      options: { autoEncrypt, autoDecrypt, arraySeparator, generateAutoHooks, hooks: this.#ownHooks },
      pluginAttributeMetadata: this._pluginAttributeMetadata
    };
    // Members that are undefined would take the slow way through toText.
    if (pepper !== undefined) config.pepper = pepper;
    if (map !== undefined) config.map = map;
    if (pluginMap !== undefined) config.pluginMap = pluginMap;
    return toText(config);
  }

  #engine() {
    this.#native ??= this.#call(() => new native.NativeSchema(this.#configText(this.options, this)));
    return this.#native;
  }

  #call(work) {
    try {
      return work();
    } catch (error) {
      throw fromNative(error, { schemaName: this.name });
    }
  }

  async #await(work) {
    try {
      return fromText(await work());
    } catch (error) {
      throw fromNative(error, { schemaName: this.name });
    }
  }

  /**
   * Adds an action to an attribute.
   * @param {'beforeMap' | 'afterMap' | 'beforeUnmap' | 'afterUnmap'} hook
   * @param {string} attribute
   * @param {string} action
   * @param {object} [params]
   */
  addHook(hook, attribute, action, params = {}) {
    const entry = isEmpty(params) ? action : { action, params };
    for (const hooks of [this.options.hooks, this.#ownHooks]) {
      hooks[hook] ??= {};
      hooks[hook][attribute] ??= [];
      if (!hooks[hook][attribute].includes(entry)) hooks[hook][attribute].push(entry);
    }
    this.#native = undefined;
  }

  /**
   * Paths of object attributes.
   * @param {Record<string, any>} definitions
   * @param {string} [prefix]
   * @returns {string[]}
   */
  extractObjectKeys(definitions, prefix = '') {
    const keys = [];
    for (const [name, value] of Object.entries(definitions)) {
      if (name.startsWith('$$') || !isObject(value)) continue;
      const path = prefix === '' ? name : `${prefix}.${name}`;
      keys.push(path);
      if (value.$$type === 'object') keys.push(...this.extractObjectKeys(value, path));
    }
    return keys;
  }

  /** Registers the actions of the attribute types; attributes that have one are left alone. */
  generateAutoHooks() {
    const text = this.#configText({ ...this.options, generateAutoHooks: true }, this);
    this.#mergeHooks(this.#describe(text).hooks);
  }

  /** Registers the actions of other definitions, below a path. */
  _generateHooksFromOriginalAttributes(attributes, prefix = '') {
    const nested = prefix === '' ? attributes : prefix.split('.').reduceRight((inner, name) => ({ [name]: inner }), attributes);
    this.#mergeHooks(new Schema({ name: this.name, attributes: nested, options: { ...this.options, hooks: undefined } }).options.hooks);
  }

  #mergeHooks(generated) {
    const { hooks } = this.#options;
    const taken = (path) => hooks.beforeMap[path] !== undefined || hooks.afterUnmap[path] !== undefined;
    const paths = new Set(
      [...Object.keys(generated.beforeMap ?? {}), ...Object.keys(generated.afterUnmap ?? {})].filter((path) => !taken(path))
    );
    for (const name of ['beforeMap', 'afterUnmap']) {
      for (const path of paths) {
        if (generated[name]?.[path] !== undefined) hooks[name][path] = generated[name][path];
      }
    }
  }

  /**
   * Checks a record in place, without copying it: `true` or a list of errors, a promise of it when
   * a definition has a function of its own.
   * @param {object} record
   * @returns {true | object[] | Promise<true | object[]>}
   */
  check(record) {
    return this.#checker()(record);
  }

  #checker() {
    this.#check ??= checks.checkOf(this.attributes, { allNestedObjectsOptional: this.allNestedObjectsOptional });
    return this.#check;
  }

  /** Whether the check is compiled, which otherwise waits for the first record. */
  isCompiled() {
    return this.#check?.isCompiled() ?? false;
  }

  /** Compiles the check now. */
  compile() {
    this.#checker().compile();
  }

  /**
   * @param {object} item
   * @param {{ mutateOriginal?: boolean }} [options]
   * @returns {Promise<true | object[]>}
   */
  async validate(item, { mutateOriginal = false } = {}) {
    return this.check(mutateOriginal ? item : cloneContainers(item));
  }

  /**
   * The record with defaults in place of what is `undefined`; the record itself when nothing is missing.
   * @param {object} record
   */
  applyDefaults(record) {
    this.#plan ??= planFields(this.attributes);
    return fillDefaults(this.#plan, record);
  }

  /**
   * Whether a record with values of these attributes gets defaults.
   * @param {string[]} names
   */
  _fillsBeyond(names) {
    this.#plan ??= planFields(this.attributes);
    return this.#plan.some(({ name, fill }) => fill !== undefined && !names.includes(name));
  }

  /**
   * The record with explicit sanitisers and conversions applied; the record itself when nothing changes.
   * @param {object} record
   */
  sanitise(record) {
    this.#plan ??= planFields(this.attributes);
    return sanitiseRecord(this.#plan, record);
  }

  /**
   * Stored form of a record: codes instead of names, texts instead of values.
   * @param {object} item
   * @returns {Promise<Record<string, any>>}
   */
  async mapper(item) {
    return this.#await(() => this.#engine().mapper(toText(item)));
  }

  /**
   * Record of a stored form.
   * @param {Record<string, any>} mapped
   * @param {Record<string, string>} [mapOverride]
   * @param {Record<string, string>} [pluginMapOverride]
   * @returns {Promise<Record<string, any>>}
   */
  async unmapper(mapped, mapOverride, pluginMapOverride) {
    return this.#await(() =>
      this.#engine().unmapper(
        toText(mapped),
        mapOverride ? toText(mapOverride) : undefined,
        pluginMapOverride ? toText(pluginMapOverride) : undefined
      )
    );
  }

  /**
   * Copy of a record with the actions of one hook applied.
   * @param {object} item
   * @param {string} hook
   */
  async applyHooksActions(item, hook) {
    return this.#await(() => this.#engine().applyHooks(toText(item), hook));
  }

  /**
   * Definition at a dotted path; undefined when there is none.
   * @param {string} path
   */
  getAttributeDefinition(path) {
    let current = this.attributes;
    for (const name of path.split('.')) {
      if (!isObject(current) || !Object.hasOwn(current, name)) return undefined;
      current = current[name];
    }
    return current;
  }

  /** Rebuilds what belongs to plugin attributes; the codes of the others stay. */
  regeneratePluginMapping() {
    const { map } = this;
    const { pluginMap, pluginAttributes } = this.#describe(this.#configText(this.options, {}));
    this.#codes = { ...inverted(map, pluginMap), pluginAttributes };
    this.#forget();
  }

  #forget() {
    this.#native = undefined;
    this.#check?.release();
    this.#check = undefined;
    this.#plan = undefined;
  }

  /**
   * Definitions as they are given to the validator.
   * @param {Record<string, any>} attributes
   */
  preprocessAttributesForValidation(attributes) {
    return preprocessAttributes(attributes, this.allNestedObjectsOptional);
  }

  /** @returns {object} plain description; without passphrase and rounds */
  export() {
    return {
      version: this.version,
      name: this.name,
      options: this.options,
      attributes: this._exportAttributes(this.attributes),
      map: this.map,
      pluginMap: this.pluginMap || {},
      _pluginAttributeMetadata: this._pluginAttributeMetadata || {},
      _pluginAttributes: this._pluginAttributes || {}
    };
  }

  _exportAttributes(attributes) {
    if (Array.isArray(attributes)) return attributes.map((each) => this._exportAttributes(each));
    if (!isObject(attributes) || attributes instanceof RegExp) return attributes;
    return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, this._exportAttributes(value)]));
  }

  /**
   * Schema of an exported description.
   * @param {object | string} data
   * @returns {Schema}
   */
  static import(data) {
    const parsed = typeof data === 'string' ? parse(data, 'Failed to import schema attributes') : data;
    const { map, pluginMap, name, options, version, attributes, _pluginAttributeMetadata, _pluginAttributes } = parsed;
    return new Schema({
      map,
      pluginMap: pluginMap || {},
      name,
      options,
      version,
      attributes: Schema._importAttributes(attributes),
      _pluginAttributeMetadata: _pluginAttributeMetadata || {},
      _pluginAttributes
    });
  }

  static _importAttributes(attributes) {
    if (typeof attributes === 'string') {
      if (!/^\s*[[{]/.test(attributes)) return attributes;
      return Schema._importAttributes(parse(attributes, 'Failed to parse nested schema attribute'));
    }
    if (Array.isArray(attributes)) return attributes.map((each) => Schema._importAttributes(each));
    if (!isObject(attributes) || attributes instanceof RegExp) return attributes;
    return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, Schema._importAttributes(value)]));
  }

  /** Lets go of what was compiled; it is compiled again when needed. */
  dispose() {
    this.#forget();
  }

  static getValidatorCacheStats = checks.cacheStats;
  static getValidatorCacheMemoryUsage = checks.cacheMemory;
  static evictUnusedValidators = checks.evictUnused;
  static configureValidatorCache = checks.configureCache;
  static getValidatorCachePolicy = checks.cachePolicy;
  static resetValidatorCachePolicy = checks.resetCachePolicy;
}

function parse(text, message) {
  try {
    return JSON.parse(text);
  } catch (original) {
    throw new SchemaError(message, { original, suggestion: 'Give an exported schema, as an object or as JSON text.' });
  }
}

function mergeOptions(defaults, options) {
  const given = Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
  const hooks = Object.fromEntries(HOOKS.map((name) => [name, { ...given.hooks?.[name] }]));
  return { ...defaults, ...given, hooks: { ...given.hooks, ...hooks } };
}

const copyHooks = (hooks) =>
  Object.fromEntries(HOOKS.map((name) => [name, Object.fromEntries(Object.entries(hooks[name]).map(([path, list]) => [path, [...list]]))]));

// A schema has the passphrase.
showAs(Schema, ({ name, version, attributes, map }) => ({ name, version, attributes, map }));

export { SchemaActions };
export default Schema;
