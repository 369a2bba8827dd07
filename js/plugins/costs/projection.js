/** What a window of requests cost, and what a period of the same would (spec/12 section C.7). */

import { storageCost, toGB, transferCost } from './cost-object.js';
import { refuse } from './prices.js';
import { addTo, ownerIn } from './usage-history.js';

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;
/** Shorter observations than this are not stretched over a day. */
const SHORTEST_MS = 60_000;

function millisecondsOf(name, value, fallback) {
  if (value === undefined || value === null) return fallback;
  const time = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : Number(value);
  if (Number.isFinite(time)) return time;
  throw refuse(name, `${name} is no time`, 'Give a Date, epoch milliseconds or an ISO text.');
}

function positive(name, value, fallback) {
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw refuse(name, `${name} must be a number above 0`, `Leave ${name} out for ${fallback}.`);
}

/** Sums the requests of a window: see `CostsPlugin.snapshot`. */
export function snapshotOf(collector, { windowMs, from, to, resource, plugin } = {}, defaultWindowMs) {
  collector.read();
  const end = millisecondsOf('to', to, Date.now());
  const start = millisecondsOf('from', from, end - positive('windowMs', windowMs, defaultWindowMs));
  const sum = { totalRequests: 0, requestCost: 0, bytesIn: 0, bytesOut: 0, byMethod: {} };
  const [byCommand, byResource, byPlugin] = [{}, {}, {}];
  for (const point of collector.history.points) {
    if (point.timestamp < start || point.timestamp > end) continue;
    if (resource !== undefined && point.resource !== resource) continue;
    if (plugin !== undefined && point.plugin !== plugin) continue;
    addTo(sum, point);
    byCommand[point.command] = (byCommand[point.command] ?? 0) + point.count;
    if (point.resource !== null) addTo(ownerIn(byResource, point.resource), point);
    if (point.plugin !== null) addTo(ownerIn(byPlugin, point.plugin), point);
  }
  const { freeTierGB, tiers } = collector.costs.dataTransfer;
  const outGB = toGB(sum.bytesOut);
  const estimatedDataTransferOutCost = transferCost({ outGB, freeTierGB, freeTierUsed: 0, tiers }, collector.settings.considerFreeTier);
  return {
    windowMs: end - start,
    from: new Date(start).toISOString(),
    to: new Date(end).toISOString(),
    ...sum,
    byCommand,
    byResource,
    byPlugin,
    estimatedDataTransferOutCost,
    estimatedTotal: sum.requestCost + estimatedDataTransferOutCost
  };
}

/** Requests per period that other plugins expect of themselves, by registry name. */
async function pluginEstimatesOf(plugins, self, days, assumptions) {
  const estimates = {};
  for (const [name, plugin] of Object.entries(plugins)) {
    if (plugin === self || typeof plugin?.estimateUsage !== 'function') continue;
    try {
      estimates[name] = await plugin.estimateUsage({ days, ...assumptions?.[name] });
    } catch (error) {
      estimates[name] = { error: error?.message ?? String(error) };
    }
  }
  return estimates;
}

const requestsOf = (estimate) => Number(estimate?.totalRequests ?? estimate?.requests) || 0;

/** Projects the observed requests over a number of days: see `CostsPlugin.estimate`. */
export async function estimateOf(collector, options = {}, { plugins, self, defaultWindowMs }) {
  const { includePluginEstimates = true, pluginAssumptions } = options;
  const windowDays = positive('days', options.days, MONTH_DAYS);
  const requestMultiplier = positive('requestMultiplier', options.requestMultiplier, 1);
  // A process younger than the window has not been idle before it began.
  const age = Math.max(SHORTEST_MS, Date.now() - collector.startedAt);
  const observedWindowMs = positive('observedWindowMs', options.observedWindowMs, Math.min(defaultWindowMs, age));
  const observed = snapshotOf(collector, { windowMs: observedWindowMs }, defaultWindowMs);
  const factor = ((windowDays * DAY_MS) / observedWindowMs) * requestMultiplier;
  const byMethod = Object.fromEntries(Object.entries(observed.byMethod).map(([method, count]) => [method, count * factor]));
  const { storage, dataTransfer } = collector.costs;
  const bytesOut = observed.bytesOut * factor;
  const transfer = { outGB: toGB(bytesOut), freeTierGB: dataTransfer.freeTierGB, freeTierUsed: 0, tiers: dataTransfer.tiers };
  const dataTransferOutCost = transferCost(transfer, collector.settings.considerFreeTier);
  const monthly = storageCost({ totalGB: storage.totalGB, tiers: storage.tiers });
  const requestCost = observed.requestCost * factor;
  const storageCostOfPeriod = (monthly * windowDays) / MONTH_DAYS;
  const pluginEstimates = includePluginEstimates ? await pluginEstimatesOf(plugins, self, windowDays, pluginAssumptions) : {};
  const pluginProjectedRequests = Object.values(pluginEstimates).reduce((sum, estimate) => sum + requestsOf(estimate), 0);
  const totalRequests = observed.totalRequests * factor;
  return {
    windowDays,
    observedWindowMs,
    requestMultiplier,
    observed,
    projected: {
      totalRequests,
      byMethod,
      requestCost,
      bytesIn: observed.bytesIn * factor,
      bytesOut,
      dataTransferOutCost,
      storageCost: storageCostOfPeriod,
      totalCost: requestCost + dataTransferOutCost + storageCostOfPeriod,
      pluginProjectedRequests,
      combinedRequests: totalRequests + pluginProjectedRequests
    },
    pluginEstimates
  };
}
