/** The cost object of a client (spec/12 section C.2): members are read from the counters when they are asked for. */

const GIB = 2 ** 30;
export const METHODS = ['put', 'post', 'copy', 'list', 'get', 'select', 'delete', 'head'];
/** Members that are given out as they are: prices and tiers may be changed by their owner. */
const VERBATIM = new Set(['prices', 'tiers', 'usage']);

/** GB of a number of bytes. */
export const toGB = (bytes) => bytes / GIB;

const zeros = (names) => Object.fromEntries(names.map((name) => [name, 0]));

/** Fresh counters at zero, in the documented shape. */
export function blankCosts({ requests, storage, transfer, freeTierGB = 100 }, commands) {
  return {
    total: 0,
    requests: {
      prices: { ...requests },
      total: 0,
      counts: zeros(METHODS),
      totalEvents: 0,
      events: zeros(commands),
      errors: 0,
      subtotal: 0
    },
    storage: {
      totalBytes: 0,
      totalGB: 0,
      netBytes: 0,
      tiers: storage.map((tier) => ({ ...tier })),
      currentTier: 0,
      subtotal: 0
    },
    dataTransfer: {
      inBytes: 0,
      inGB: 0,
      inCost: 0,
      outBytes: 0,
      outGB: 0,
      tiers: transfer.map((tier) => ({ ...tier })),
      freeTierGB,
      freeTierUsed: 0,
      currentTier: 0,
      subtotal: 0
    }
  };
}

/** Cost of a volume in GB over tiers with cumulative limits, and the tier in which it ends. */
export function tieredCost(volume, tiers) {
  let cost = 0;
  let rest = volume;
  let floor = 0;
  let tier = 0;
  for (const [index, { limit, pricePerGB }] of tiers.entries()) {
    if (rest <= 0 && index > 0) break;
    tier = index;
    const part = index === tiers.length - 1 ? rest : Math.min(rest, limit - floor);
    cost += part * pricePerGB;
    rest -= part;
    floor = limit;
  }
  return { cost, tier };
}

/** Sets `currentTier` of a storage section and returns its monthly cost. */
export function storageCost(storage) {
  const { cost, tier } = tieredCost(storage.totalGB, storage.tiers);
  storage.currentTier = tier;
  return cost;
}

/** Sets `freeTierUsed` and `currentTier` of a transfer section and returns the cost of what left S3. */
export function transferCost(transfer, considerFreeTier) {
  if (considerFreeTier) transfer.freeTierUsed = Math.min(transfer.outGB, transfer.freeTierGB);
  const { cost, tier } = tieredCost(transfer.outGB - (considerFreeTier ? transfer.freeTierUsed : 0), transfer.tiers);
  transfer.currentTier = tier;
  return cost;
}

function accessor(view, state, key, refresh) {
  Object.defineProperty(view, key, {
    enumerable: true,
    configurable: true,
    get() {
      refresh();
      return state[key];
    },
    set(value) {
      state[key] = value;
    }
  });
}

/** A view of `state` whose numbers are current whenever they are read; it spreads and serialises like the object itself. */
export function liveView(state, refresh) {
  const view = {};
  for (const [key, value] of Object.entries(state)) {
    if (VERBATIM.has(key)) view[key] = value;
    else if (typeof value === 'object') view[key] = liveView(value, refresh);
    else accessor(view, state, key, refresh);
  }
  return view;
}

/** Shows a counter that came up after the view was made. */
export function addCounter(view, state, key, refresh) {
  state[key] = 0;
  accessor(view, state, key, refresh);
}

const hidden = (target, key, descriptor) => Object.defineProperty(target, key, { enumerable: false, configurable: true, ...descriptor });

/** Puts the documented conveniences on the view, not enumerable: `reset()`, `prices`, `requests.get`, ... */
export function addConveniences(view, { reset, getUsage, getPricing }) {
  hidden(view, 'reset', { value: reset, writable: true });
  hidden(view, 'prices', { get: () => view.requests.prices });
  hidden(view, 'pricing', { get: getPricing });
  Object.defineProperty(view, 'usage', { enumerable: true, configurable: true, get: getUsage });
  for (const method of METHODS) hidden(view.requests, method, { get: () => view.requests.counts[method] });
}

/** Sets every number of a counter tree to zero, leaving prices and tiers. */
export function zero(state) {
  for (const [key, value] of Object.entries(state)) {
    if (VERBATIM.has(key) || key === 'freeTierGB') continue;
    if (typeof value === 'number') state[key] = 0;
    else zero(value);
  }
}
