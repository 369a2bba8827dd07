/** Whether a bulk operation may run as one native call instead of a loop over instance methods. */
import { hasHooks } from '../resource/hooks.js';
import { isUnmodified } from '../resource/middleware.js';

/** What each bulk operation would call, run and emit per record. */
const PLANS = {
  insertMany: {
    methods: ['insert', 'validate', 'applyDefaults', 'createPartitionReferences', 'executeHooks', 'emit', '_emitStandardized'],
    hooks: ['beforeInsert', 'afterInsert'],
    events: ['inserted']
  },
  getMany: { methods: ['get', 'executeHooks', 'emit', '_emitStandardized'], hooks: ['beforeGet', 'afterGet'], events: ['fetched'] },
  getAll: {
    methods: ['get', 'listIds', 'executeHooks', 'emit', '_emitStandardized'],
    hooks: ['beforeGet', 'afterGet'],
    events: ['fetched', 'listed-ids']
  },
  listMain: {
    methods: ['get', 'listIds', 'processListResults', 'executeHooks', 'emit', '_emitStandardized'],
    hooks: ['beforeGet', 'afterGet'],
    events: ['fetched', 'listed-ids']
  },
  listPartition: {
    methods: ['get', 'getFromPartition', 'processPartitionResults', 'executeHooks', 'emit', '_emitStandardized'],
    hooks: ['beforeGet', 'afterGet'],
    events: ['fetched', 'partition-fetched']
  },
  query: {
    methods: [
      'get',
      'list',
      'listMain',
      'listPartition',
      'listIds',
      'getFromPartition',
      'processListResults',
      'processPartitionResults',
      'executeHooks',
      'emit',
      '_emitStandardized'
    ],
    hooks: ['beforeGet', 'afterGet', 'beforeList', 'afterList'],
    events: ['fetched', 'partition-fetched', 'list', 'listed-ids']
  }
};

function listensTo(resource, event) {
  if (resource.listenerCount(event) > 0) return true;
  const variant = `${event}:`;
  return resource.eventNames().some((name) => typeof name === 'string' && name.startsWith(variant));
}

/**
 * @param {object} resource
 * @param {keyof PLANS} operation
 * @returns {{ allowed: boolean, reason: string }} `reason` names the first obstacle
 */
export function decideBulk(resource, operation) {
  const plan = PLANS[operation];
  for (const method of plan.methods) {
    if (!isUnmodified(resource, method)) return { allowed: false, reason: `method ${method}` };
  }
  for (const hook of plan.hooks) {
    if (hasHooks(resource, hook)) return { allowed: false, reason: `hook ${hook}` };
  }
  for (const event of plan.events) {
    if (listensTo(resource, event)) return { allowed: false, reason: `listener ${event}` };
  }
  return { allowed: true, reason: '' };
}
