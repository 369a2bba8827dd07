/** Storage behaviours: how a record is split between metadata and body. */

import { fromNative } from '../errors/from-native.js';
import { BehaviorError } from '../errors/index.js';
import { native } from '../native/load.js';
import { fromText, toText } from '../native/text.js';

export const AVAILABLE_BEHAVIORS = ['user-managed', 'enforce-limits', 'truncate-data', 'body-overflow', 'body-only'];
export const DEFAULT_BEHAVIOR = 'user-managed';

function describe(resource) {
  return {
    name: resource.name,
    version: resource.version,
    timestamps: resource.config?.timestamps ?? false,
    map: resource.schema?.map ?? {},
    pluginMap: resource.schema?.pluginMap ?? {}
  };
}

function call(name, args, context) {
  try {
    return fromText(native.pure(name, toText(args)));
  } catch (error) {
    throw fromNative(error, context);
  }
}

function plan(behavior, operation, { resource, id, data, mappedData, originalData }) {
  const args = [behavior, operation, describe(resource), id ?? null, data, mappedData, originalData];
  const { mappedData: metadata, body, events = [] } = call('behaviorPlan', args, { resourceName: resource.name, operation, id });
  for (const { event, payload } of events) {
    // Listeners get the caller's record itself, not a copy of it.
    if (payload !== null && typeof payload === 'object' && 'data' in payload) payload.data = originalData ?? data;
    resource.emit(event, payload);
  }
  return { mappedData: metadata, body };
}

function behaviorNamed(name) {
  return {
    handleInsert: async (input) => plan(name, 'insert', input),
    handleUpdate: async (input) => plan(name, 'update', input),
    handleUpsert: async (input) => plan(name, 'upsert', input),
    handleGet: async ({ resource, metadata, body }) =>
      call('behaviorGet', [name, metadata, body ?? ''], { resourceName: resource?.name, operation: 'get' })
  };
}

/** The behaviours by name. */
export const behaviors = Object.fromEntries(AVAILABLE_BEHAVIORS.map((name) => [name, behaviorNamed(name)]));

/**
 * @param {string} name
 * @returns {{ handleInsert: Function, handleUpdate: Function, handleUpsert: Function, handleGet: Function }}
 */
export function getBehavior(name) {
  if (typeof name === 'string' && Object.hasOwn(behaviors, name)) return behaviors[name];
  throw new BehaviorError(`Unknown behavior: ${name}`, {
    behavior: name,
    availableBehaviors: [...AVAILABLE_BEHAVIORS],
    suggestion: `Use one of: ${AVAILABLE_BEHAVIORS.join(', ')}.`
  });
}

export default behaviors;
