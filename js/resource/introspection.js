/** Export, definition hash and the state-machine getter. */

import { stableHash } from '../concerns/stable-hash.js';
import { ResourceError } from '../errors/index.js';
import { isUnmodified } from './middleware.js';

/** What a version of the definition is made of; a resource that has an `export` of its own is asked. */
export function definitionOf(resource) {
  if (!isUnmodified(resource, 'export')) return resource.export();
  const { schema, behavior, config } = resource;
  const { timestamps, partitions } = config;
  return { attributes: schema._exportAttributes(schema.attributes), behavior, timestamps, partitions };
}

/** Everything about the definition, with live hooks. */
export function exportResource(resource) {
  const { config } = resource;
  const exported = resource.schema.export();
  return {
    ...exported,
    map: resource.map ?? exported.map,
    behavior: resource.behavior,
    timestamps: config.timestamps,
    partitions: config.partitions,
    paranoid: config.paranoid,
    allNestedObjectsOptional: config.allNestedObjectsOptional,
    autoDecrypt: config.autoDecrypt,
    cache: config.cache,
    hooks: resource.hooks
  };
}

/** Hash of attributes and behaviour, computed once per definition. */
export function definitionHash(resource) {
  const cached = resource._definitionHash;
  if (cached !== null && cached.attributes === resource.attributes && cached.behavior === resource.behavior) return cached.hash;
  const hash = stableHash({ attributes: resource.attributes, behavior: resource.behavior });
  resource._definitionHash = { attributes: resource.attributes, behavior: resource.behavior, hash };
  return hash;
}

/** Methods of the attached state machine. */
export function stateOf(resource) {
  const call =
    (method) =>
    async (...args) => {
      const machine = resource._stateMachine;
      if (!machine) {
        throw new ResourceError(`State machine not configured for resource '${resource.name}'`, {
          resourceName: resource.name,
          operation: method,
          statusCode: 400,
          retriable: false,
          suggestion: 'Install StateMachinePlugin and bind a machine to this resource.'
        });
      }
      return machine[method](...args);
    };
  return {
    send: call('send'),
    get: call('getState'),
    canTransition: call('canTransition'),
    getValidEvents: call('getValidEvents'),
    initialize: call('initializeEntity'),
    history: call('getTransitionHistory')
  };
}

/** Bytes of a body: buffer, UTF-8 text, or the JSON of an object. */
export function contentLength(body) {
  if (!body) return 0;
  if (Buffer.isBuffer(body) || body instanceof Uint8Array) return body.length;
  if (typeof body === 'string') return Buffer.byteLength(body, 'utf8');
  return Buffer.byteLength(JSON.stringify(body), 'utf8');
}
