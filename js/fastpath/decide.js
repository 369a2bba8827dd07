/** Whether a bulk operation may run as one native call instead of a loop over instance methods. */

/** What each bulk operation would call, run and emit per record. */
const PLANS = {
  insertMany: {
    methods: [
      'insert',
      'validate',
      'applyDefaults',
      'generateId',
      'createPartitionReferences',
      'executeHooks',
      'emit',
      '_emitStandardized'
    ],
    // Hooks and listeners of what has been stored run per record after each batch.
    hooks: ['beforeInsert'],
    events: []
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

/**
 * @param {keyof PLANS} operation
 * @param {object} facts
 * @param {(method: string) => boolean} facts.isUnmodified whether a call runs nothing but the method of the class
 * @param {(hook: string) => boolean} facts.hasHooks
 * @param {(event: string) => boolean} facts.isHeard whether anybody listens to the event or its id variants
 * @returns {{ allowed: boolean, reason: string }} `reason` names the first obstacle
 */
export function decide(operation, { isUnmodified, hasHooks, isHeard }) {
  const plan = PLANS[operation];
  for (const method of plan.methods) if (!isUnmodified(method)) return { allowed: false, reason: `method ${method}` };
  for (const hook of plan.hooks) if (hasHooks(hook)) return { allowed: false, reason: `hook ${hook}` };
  for (const event of plan.events) if (isHeard(event)) return { allowed: false, reason: `listener ${event}` };
  return { allowed: true, reason: '' };
}
