import { ValidationError } from '../errors/index.js';
import { Factory } from './factory.js';

/** Fills a database through the registered factories, and empties it (spec/01 section 9). */
export class Seeder {
  /**
   * @param {object} database
   * @param {{ verbose?: boolean }} [options] verbose: default true, one line a step on the console
   */
  constructor(database, options = {}) {
    if (database === null || typeof database !== 'object' || database.resources === undefined) {
      throw new ValidationError('Seeder requires a database', { field: 'database', suggestion: 'Pass a connected S3db.' });
    }
    this.database = database;
    this.options = options;
    this.verbose = options.verbose !== false;
  }

  /** @param {string} text */
  log(text) {
    if (this.verbose) console.log(`[Seeder] ${text}`);
  }

  /**
   * @param {Record<string, number>} specs records to make by resource, in key order
   * @returns {Promise<Record<string, object[]>>} the records by resource
   */
  async seed(specs) {
    const made = {};
    for (const [name, count] of Object.entries(specs)) {
      const factory = Factory.get(name);
      if (!factory) {
        throw new ValidationError(`Factory for '${name}' not found`, {
          field: 'resourceName',
          value: name,
          availableFactories: [...Factory._factories.keys()],
          suggestion: `Define it first: Factory.define('${name}', ...).`
        });
      }
      this.log(`${name}: making ${count}`);
      made[name] = await factory.createMany(count, {}, { database: this.database });
      this.log(`${name}: made ${made[name].length}`);
    }
    return made;
  }

  /** The same as `seed`. */
  seedAndReturn(specs) {
    return this.seed(specs);
  }

  /** Runs one function with the database. */
  async call(callback) {
    return callback(this.database);
  }

  /** Runs functions with the database, one after the other. */
  async run(functions) {
    const results = [];
    for (const each of functions) results.push(await this.call(each));
    return results;
  }

  /**
   * Deletes all records of resources, paranoid ones too; names without a resource are skipped.
   * @param {string[]} names
   */
  async truncate(names) {
    for (const name of names) {
      const resource = this.database.resources[name];
      if (!resource) {
        this.log(`${name}: no such resource, skipped`);
        continue;
      }
      const ids = await resource.listIds();
      if (ids.length > 0) await resource.deleteMany(ids);
      this.log(`${name}: deleted ${ids.length}`);
    }
  }

  /** Deletes all records of all resources. */
  truncateAll() {
    return this.truncate(Object.keys(this.database.resources));
  }

  /** Empties the database and starts all sequences at 1 again. */
  async reset() {
    await this.truncateAll();
    Factory.resetSequences();
  }
}

export default Seeder;
