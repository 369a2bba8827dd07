/**
 * Rows of a bulk insert. Records of texts, numbers and booleans alone cross to the engine as rows of a flat array, whose names
 * are sent once for each shape; they are checked in the one copy that is made of them, and their results are copies of a
 * template of their shape. Every other record takes the way of a single insert.
 */

import { isScalar } from '../native/text.js';
import { generateId, sequenceOf, takesRecord } from './ids.js';
import { draftOf, invalidRecord } from './insert.js';
import { isSkipped } from './shortcuts.js';
import { checkOwned } from './validation.js';

/** Names that the engine adds to a record. */
const ADDED = ['id', '_contentLength', '_lastModified', '_hasContent', '_mimeType', '_etag', '_v', '_definitionHash'];
const RESERVED = new Set([...ADDED.slice(1), '__proto__', '\u0000']);
const MAX_SHAPES = 16;
const MAX_NAMES = 100;

/** Object of these names with a slot for each: V8 clones it in one step and the clone has room for all values. */
const blankOf = (names, values = {}) => JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, values[name] ?? null]))));

function isSame(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** The shapes of the records of one bulk insert. */
export class RowShapes {
  #resource;
  #allowed;
  /** Whether ids are left out here, because they are numbers of a sequence. */
  #numbered;
  /** Every shape seen, unusable ones included. */
  #known = [];
  /** Those that rows refer to. */
  #shapes = [];
  #last = { keys: [], names: undefined };

  constructor(resource) {
    this.#resource = resource;
    const { attributes, config } = resource;
    // References need the record (timestamps have some), and an attribute named like what the engine adds has rules of its own.
    this.#allowed =
      !resource._hasPartitions() &&
      !config.timestamps &&
      !takesRecord(resource) &&
      !isSkipped(resource, 'validation') &&
      !ADDED.some((name) => Object.hasOwn(attributes, name));
    this.#numbered = sequenceOf(resource) !== undefined;
  }

  /** Shapes as the engine takes them: names, and whether the ids must be free. */
  text() {
    return JSON.stringify(this.#shapes.map(({ names, explicit }) => [names, explicit || this.#numbered]));
  }

  /**
   * Appends shape, id and values of a record. False when it is no row; throws when it is invalid. A promise only where a
   * validator or the id generator is asynchronous. Ids that are numbers of a sequence are left undefined.
   * @param {any[]} rows
   * @param {any} data
   * @returns {boolean | Promise<boolean>}
   */
  add(rows, data) {
    const shape = this.#shapeOf(data);
    if (shape === undefined) return false;
    const draft = { ...shape.blank };
    for (let i = 0; i < shape.keys.length; i += 1) draft[shape.keys[i]] = data[shape.keys[i]];
    if (shape.explicit && (typeof draft.id !== 'string' || draft.id.trim() === '')) return false;
    return this.#addChecked(rows, shape, draft, data);
  }

  #addChecked(rows, shape, draft, data) {
    const { schema } = this.#resource;
    let clean;
    try {
      clean = schema.sanitise(draft);
    } catch {
      // The single insert reports it.
      return false;
    }
    const offset = rows.length;
    const { names } = shape;
    rows.push(shape.index, draft.id);
    for (let i = 0; i < names.length; i += 1) {
      const value = clean[names[i]];
      if (!isScalar(value)) {
        rows.length = offset;
        return false;
      }
      rows.push(value);
    }
    // The values are in the rows: the check may change the copy.
    const errors = checkOwned(schema, clean);
    if (!Array.isArray(errors)) return errors.then((list) => this.#identify(rows, shape, offset, list, data));
    return this.#identify(rows, shape, offset, errors, data);
  }

  #identify(rows, shape, offset, errors, data) {
    if (errors.length > 0) {
      rows.length = offset;
      throw invalidRecord(this.#resource, errors, draftOf(this.#resource, data), 'Insert failed');
    }
    if (shape.explicit || this.#numbered) return true;
    const id = generateId(this.#resource);
    if (typeof id === 'string') {
      rows[offset + 1] = id;
      return true;
    }
    const refuse = (error) => {
      rows.length = offset;
      throw error;
    };
    return id.then((made) => {
      rows[offset + 1] = made;
      return true;
    }, refuse);
  }

  /** The record of a row as a read would return it (spec/03 section 5). */
  record(rows, offset, lastModified, etag) {
    const { names, whole } = this.#shapes[rows[offset]];
    const record = { ...whole };
    for (let i = 0; i < names.length; i += 1) record[names[i]] = rows[offset + 2 + i];
    record.id = rows[offset + 1];
    record._lastModified = new Date(lastModified);
    record._etag = etag;
    return record;
  }

  #shapeOf(data) {
    if (!this.#allowed || data === null || typeof data !== 'object' || Array.isArray(data)) return undefined;
    const keys = Object.keys(data);
    if (!isSame(keys, this.#last.keys)) {
      const known = this.#known.find((shape) => isSame(keys, shape.keys)) ?? this.#learn(keys);
      if (known === undefined) return undefined;
      this.#last = known;
    }
    return this.#last.names === undefined ? undefined : this.#last;
  }

  #learn(keys) {
    if (this.#known.length >= MAX_SHAPES) return undefined;
    const { schema, version } = this.#resource;
    const shape = { keys, names: undefined };
    this.#known.push(shape);
    const names = keys.filter((name) => name !== 'id');
    if (names.length > MAX_NAMES || names.some((name) => RESERVED.has(name)) || schema._fillsBeyond(names)) return shape;
    const added = {
      _contentLength: 0,
      _hasContent: false,
      _mimeType: 'application/octet-stream',
      _v: String(version),
      _definitionHash: this.#resource.getDefinitionHash()
    };
    Object.assign(shape, {
      names,
      index: this.#shapes.length,
      explicit: keys.includes('id'),
      blank: blankOf(keys),
      whole: blankOf([...names, ...ADDED], added)
    });
    this.#shapes.push(shape);
    return shape;
  }
}
