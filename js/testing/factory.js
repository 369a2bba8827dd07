import { ValidationError } from '../errors/index.js';
import { cloneContainers } from '../schema/clone.js';

/** Counters of databases that were passed explicitly and are not the common one. */
let ownSequences = new WeakMap();

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

function checkCount(count, method) {
  if (!Number.isInteger(count) || count < 0) {
    throw new ValidationError(`${method} requires a count`, {
      field: 'count',
      value: count,
      suggestion: 'Pass a whole number of records, 0 or more.'
    });
  }
}

/**
 * Makes records for tests (spec/01 section 9). Factories, the common database and its sequences belong to the process; a database
 * that is passed in the options and is not the common one has sequences of its own.
 */
export class Factory {
  static _factories = new Map();
  static _sequences = new Map();
  static _database = null;

  #sequences;

  /**
   * @param {string} resourceName
   * @param {object | ((context: { seq: number, factory: Factory }) => object | Promise<object>)} definition attributes, or what makes
   *   them; functions among the values are called with the same context
   * @param {object} [options] kept in `options`
   */
  constructor(resourceName, definition, options = {}) {
    if (typeof resourceName !== 'string' || resourceName === '') {
      throw new ValidationError('Factory requires the name of a resource', { field: 'resourceName', value: resourceName });
    }
    if (typeof definition !== 'function' && !isObject(definition)) {
      throw new ValidationError(`Factory '${resourceName}' requires a definition`, {
        field: 'definition',
        suggestion: 'Pass an object of attributes, or a function that returns one.'
      });
    }
    this.resourceName = resourceName;
    this.definition = definition;
    this.options = options;
    this.traits = new Map();
    this.afterCreateCallbacks = [];
    this.beforeCreateCallbacks = [];
  }

  /** Makes a factory and registers it under the name of the resource, in place of an earlier one. */
  static define(resourceName, definition, options = {}) {
    const factory = new Factory(resourceName, definition, options);
    Factory._factories.set(resourceName, factory);
    return factory;
  }

  /** @returns {Factory | undefined} */
  static get(resourceName) {
    return Factory._factories.get(resourceName);
  }

  /** Database of `create` where its options name none. */
  static setDatabase(database) {
    Factory._database = database;
  }

  /** All sequences start at 1 again. */
  static resetSequences() {
    Factory._sequences.clear();
    ownSequences = new WeakMap();
  }

  /** Forgets factories, sequences and the common database. */
  static reset() {
    Factory._factories.clear();
    Factory.resetSequences();
    Factory._database = null;
  }

  /**
   * Next number of a sequence, from 1.
   * @param {string} [name] default: the name of the resource
   */
  sequence(name = this.resourceName) {
    const sequences = this.#sequences ?? Factory._sequences;
    const next = (sequences.get(name) ?? 0) + 1;
    sequences.set(name, next);
    return next;
  }

  /**
   * Adds a named variation.
   * @param {string} name
   * @param {object | ((context: { seq: number, factory: Factory }) => object | Promise<object>)} attributes
   */
  trait(name, attributes) {
    this.traits.set(name, attributes);
    return this;
  }

  /** @param {(created: object, context: { database: object }) => any} callback may return what takes the place of the record */
  afterCreate(callback) {
    this.afterCreateCallbacks.push(callback);
    return this;
  }

  /** @param {(attributes: object) => any} callback may return what takes the place of the attributes */
  beforeCreate(callback) {
    this.beforeCreateCallbacks.push(callback);
    return this;
  }

  /**
   * Attributes of one record; nothing is stored.
   * @param {object} [overrides]
   * @param {{ traits?: string[], database?: object }} [options] database: whose sequences are used
   * @returns {Promise<object>}
   */
  async build(overrides = {}, { traits = [], database } = {}) {
    const factory = this.#for(database);
    const context = { seq: factory.sequence(), factory };
    const { definition } = this;
    const attributes = typeof definition === 'function' ? { ...(await definition(context)) } : cloneContainers(definition);
    for (const name of [traits].flat()) {
      if (!this.traits.has(name)) {
        throw new ValidationError(`Trait '${name}' not found in factory '${this.resourceName}'`, {
          field: 'trait',
          value: name,
          availableTraits: [...this.traits.keys()],
          suggestion: `Define it with trait('${name}', ...), or use one of: ${[...this.traits.keys()].join(', ') || 'none defined'}.`
        });
      }
      const trait = this.traits.get(name);
      Object.assign(attributes, typeof trait === 'function' ? await trait(context) : cloneContainers(trait));
    }
    Object.assign(attributes, overrides);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === 'function') attributes[name] = await value(context);
    }
    return attributes;
  }

  /** This factory counting for one database. */
  #for(database) {
    if (!database || database === Factory._database) return this;
    if (!ownSequences.has(database)) ownSequences.set(database, new Map());
    const scoped = new Factory(this.resourceName, this.definition, this.options);
    scoped.traits = this.traits;
    scoped.afterCreateCallbacks = this.afterCreateCallbacks;
    scoped.beforeCreateCallbacks = this.beforeCreateCallbacks;
    scoped.#sequences = ownSequences.get(database);
    return scoped;
  }

  /**
   * Builds and inserts one record.
   * @param {object} [overrides]
   * @param {{ database?: object, traits?: string[] }} [options] database: default the common one
   * @returns {Promise<object>} the record, or what the last `afterCreate` returned
   */
  async create(overrides = {}, { database = Factory._database, traits = [] } = {}) {
    if (!database) {
      throw new ValidationError('Database not set for factory', {
        field: 'database',
        resourceName: this.resourceName,
        suggestion: 'Call Factory.setDatabase(database), or pass { database } in the options.'
      });
    }
    const resource = database.resources[this.resourceName];
    if (!resource) {
      throw new ValidationError(`Resource '${this.resourceName}' not found in database`, {
        field: 'resourceName',
        value: this.resourceName,
        availableResources: Object.keys(database.resources),
        suggestion: `Create the resource first: database.createResource({ name: '${this.resourceName}', ... }).`
      });
    }
    let attributes = await this.build(overrides, { traits, database });
    for (const callback of this.beforeCreateCallbacks) attributes = (await callback(attributes)) ?? attributes;
    let created = await resource.insert(attributes);
    for (const callback of this.afterCreateCallbacks) created = (await callback(created, { database })) ?? created;
    return created;
  }

  /** @returns {Promise<object[]>} `count` records, made one after the other */
  async createMany(count, overrides = {}, options = {}) {
    checkCount(count, 'createMany');
    const records = [];
    for (let made = 0; made < count; made += 1) records.push(await this.create(overrides, options));
    return records;
  }

  /** @returns {Promise<object[]>} attributes of `count` records */
  async buildMany(count, overrides = {}, options = {}) {
    checkCount(count, 'buildMany');
    const records = [];
    for (let made = 0; made < count; made += 1) records.push(await this.build(overrides, options));
    return records;
  }

  /** `create` with one trait or several. */
  createWithTraits(traits, overrides = {}, options = {}) {
    return this.create(overrides, { ...options, traits: [traits].flat() });
  }

  /** `build` with one trait or several. */
  buildWithTraits(traits, overrides = {}, options = {}) {
    return this.build(overrides, { ...options, traits: [traits].flat() });
  }
}

export default Factory;
