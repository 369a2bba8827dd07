import { Plugin } from '../../plugin/plugin.js';
import { CostCollector, collectorOf } from './collector.js';
import { COMMAND_METHODS } from './commands.js';
import { blankCosts, storageCost, transferCost } from './cost-object.js';
import { mergePrices, priceTable, refuse } from './prices.js';
import { estimateOf, snapshotOf } from './projection.js';

const DEFAULTS = { considerFreeTier: false, region: 'us-east-1' };
const HISTORY_MS = 30 * 86_400_000;
const WINDOW_MS = 86_400_000;
const MAX_POINTS = 200_000;
/** How often the counters are looked at while a plugin runs. */
const SAMPLE_MS = 1000;

/** The price table that new instances copy; its prices and tiers may be changed (spec/12 section C.4). */
const defaults = blankCosts(priceTable(), Object.keys(COMMAND_METHODS));
const pristine = structuredClone(defaults);

const differs = (a, b) => JSON.stringify(a) !== JSON.stringify(b);

/** Prices of the options, with what was changed in `CostsPlugin.costs` over the table of the region. */
function pricesOf({ region, storageClass, customPricing }) {
  const table = priceTable(region, storageClass ?? 'STANDARD');
  for (const [method, price] of Object.entries(defaults.requests.prices)) {
    if (price !== pristine.requests.prices[method]) table.requests[method] = price;
  }
  if (differs(defaults.storage.tiers, pristine.storage.tiers)) table.storage = structuredClone(defaults.storage.tiers);
  if (differs(defaults.dataTransfer.tiers, pristine.dataTransfer.tiers)) table.transfer = structuredClone(defaults.dataTransfer.tiers);
  table.freeTierGB = defaults.dataTransfer.freeTierGB;
  return mergePrices(table, customPricing);
}

function atLeast(minimum, option, value, fallback) {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw refuse(option, `${option} must be a number above 0`, `Leave ${option} out for ${fallback}.`);
  }
  return Math.max(minimum, value);
}

function settingsOf(config) {
  return {
    considerFreeTier: Boolean(config.considerFreeTier),
    historyRetentionMs: atLeast(60_000, 'historyRetentionMs', config.historyRetentionMs, HISTORY_MS),
    maxHistoryPoints: atLeast(1000, 'maxHistoryPoints', config.maxHistoryPoints, MAX_POINTS),
    estimateDefaultWindowMs: atLeast(1000, 'estimateDefaultWindowMs', config.estimateDefaultWindowMs, WINDOW_MS)
  };
}

function checkThreshold({ costThreshold }) {
  if (costThreshold === undefined || costThreshold === null) return;
  if (typeof costThreshold === 'number' && costThreshold >= 0) return;
  throw refuse('costThreshold', 'costThreshold must be an amount of USD, 0 or more', 'For example { costThreshold: 25 }.');
}

/**
 * Counts the requests of the database's client and what they cost (spec/12 part C). The numbers are at `plugin.costs`
 * and `client.costs`, one object, and are current whenever they are read. Nothing is stored.
 *
 * Events: `plg:costs:threshold` `{ total, threshold }`, once each time the total passes `costThreshold`.
 */
export class CostsPlugin extends Plugin {
  static pluginName = 'CostsPlugin';
  static optionNames = [
    'considerFreeTier',
    'region',
    'storageClass',
    'customPricing',
    'costThreshold',
    'alertOnThreshold',
    'historyRetentionMs',
    'estimateDefaultWindowMs',
    'maxHistoryPoints',
    'trackOperation',
    'trackOperations',
    'trackStorage',
    'trackRequests'
  ];

  /** Default prices in the shape of `plugin.costs`: change them before making instances. */
  static costs = defaults;

  #collector;
  #sampling = null;
  #alerted = false;

  /** @param {object} [options] see docs/plugins/costs.md */
  constructor(options = {}) {
    super(options);
    this.config = { ...DEFAULTS, ...this.options };
    checkThreshold(this.config);
    this.map = { ...COMMAND_METHODS };
    this.#collector = new CostCollector(pricesOf(this.config), settingsOf(this.config));
  }

  /**
   * Installs the plugin on a database, or gives the installed one new options.
   * @param {object} database
   * @param {object} [options]
   * @returns {Promise<CostsPlugin>}
   */
  static async setup(database, options = {}) {
    const installed = Object.values(database.pluginRegistry ?? {}).find((plugin) => plugin instanceof CostsPlugin);
    if (installed === undefined) return database.usePlugin(new this(options));
    installed.configure(options);
    return installed;
  }

  /** Merges options into `config`; prices apply to requests from now on. */
  configure(options = {}) {
    const config = { ...this.config, ...options };
    checkThreshold(config);
    const [prices, settings] = [pricesOf(config), settingsOf(config)];
    this.config = config;
    Object.assign(this.options, options);
    this.#collector.configure(prices, settings);
    this.#alerted = false;
  }

  /** The cost object; the same as `client.costs`. */
  get costs() {
    return this.#collector.costs;
  }

  async onInstall() {
    const client = this.database?.client;
    if (!client) return;
    const shared = collectorOf(client);
    if (shared !== undefined && shared !== this.#collector) {
      this.#collector = shared;
      // Options given on purpose count; defaults leave the other plugin's choice alone.
      if (Object.keys(this.options).length > 0) shared.configure(pricesOf(this.config), settingsOf(this.config));
    }
    this.#collector.attach(client, this);
    client.costs = this.#collector.costs;
  }

  async onStart() {
    const client = this.database?.client;
    if (!client) return;
    this.#collector.attach(client, this);
    if (this.#sampling?.active) return;
    this.#sampling = this.background.every(SAMPLE_MS, () => this.#sample(), { name: 'sample' });
  }

  async onStop() {
    await this.#sampling?.stop();
    try {
      this.#sample();
    } finally {
      this.#collector.detach(this);
    }
  }

  async onUninstall() {
    this.#collector.detach(this);
    const client = this.database?.client;
    if (client?.costs === this.#collector.costs && !this.#collector.inUse) delete client.costs;
  }

  #sample() {
    this.#collector.read();
    this.#checkThreshold();
  }

  #checkThreshold() {
    const { costThreshold: threshold, alertOnThreshold = true } = this.config;
    if (threshold === undefined || threshold === null || !alertOnThreshold) return;
    const { total } = this.#collector.costs;
    const above = total > threshold;
    if (above && !this.#alerted) this.emit('plg:costs:threshold', { total, threshold });
    this.#alerted = above;
  }

  // Counting by hand

  /**
   * Counts one command.
   * @param {string} name command class name; unknown ones are ignored
   * @param {string} [method] billing method, by default that of the command
   * @param {object} [response] sizes of downloads are taken from its headers
   * @param {object} [input] sizes of uploads are those of its body
   */
  addRequest(name, method, response = {}, input = {}) {
    this.#collector.addRequest(name, method, response, input);
    this.#checkThreshold();
  }

  /** Adds bytes written. */
  trackStorage(bytes) {
    this.#collector.trackStorage(bytes);
    this.updateTotal();
  }

  /** Adds bytes uploaded; uploads are free. */
  trackDataTransferIn(bytes) {
    this.#collector.trackDataTransferIn(bytes);
    this.updateTotal();
  }

  /** Adds bytes downloaded. */
  trackDataTransferOut(bytes) {
    this.#collector.trackDataTransferOut(bytes);
    this.updateTotal();
  }

  /** Monthly cost of a storage section `{ totalGB, tiers }`; sets its `currentTier`. */
  calculateStorageCost(storage) {
    return storageCost(storage);
  }

  /** Cost of a transfer section `{ outGB, tiers, freeTierGB }`; sets its `currentTier` and `freeTierUsed`. */
  calculateDataTransferCost(transfer) {
    return transferCost(transfer, Boolean(this.config.considerFreeTier));
  }

  /** Brings `costs.total` up to date. */
  updateTotal() {
    this.#collector.updateTotal();
    this.#checkThreshold();
  }

  // Reading

  /** The cost object. */
  getCosts() {
    return this.costs;
  }

  /** Sets every counter to zero. */
  resetCosts() {
    this.#collector.reset();
    this.#alerted = false;
  }

  /**
   * Requests of a window of time.
   * @param {{ windowMs?: number, from?: Date | number | string, to?: Date | number | string, resource?: string,
   *   plugin?: string }} [options] by default the last day (`estimateDefaultWindowMs`)
   */
  snapshot(options) {
    return snapshotOf(this.#collector, options, settingsOf(this.config).estimateDefaultWindowMs);
  }

  /**
   * Projects what was observed over a number of days.
   * @param {{ days?: number, observedWindowMs?: number, requestMultiplier?: number, includePluginEstimates?: boolean,
   *   pluginAssumptions?: Record<string, object> }} [options] `days` 30; other plugins are asked by
   *   `estimateUsage({ days, ...pluginAssumptions[name] })`
   */
  estimate(options) {
    return estimateOf(this.#collector, options, {
      plugins: this.database?.pluginRegistry ?? {},
      self: this,
      defaultWindowMs: settingsOf(this.config).estimateDefaultWindowMs
    });
  }
}

export default CostsPlugin;
