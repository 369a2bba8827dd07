/** Counts and costs of one client: one collector per client, shared by the plugins on it (spec/12 section C.5). */
import { COMMAND_METHODS, keyOf, methodOf, ownersOf, receivedBytes, sentBytes } from './commands.js';
import { addConveniences, addCounter, blankCosts, liveView, storageCost, toGB, transferCost, zero } from './cost-object.js';
import { RequestSource } from './sources.js';
import { UsageHistory } from './usage-history.js';

const collectors = new WeakMap();

/** The collector that counts a client, or undefined. */
export function collectorOf(client) {
  return collectors.get(client);
}

export class CostCollector {
  #state;
  #source = null;
  #reading = false;
  /** Plugins that count with it now. */
  #users = new Set();

  /**
   * @param {object} prices from `mergePrices`
   * @param {{ considerFreeTier: boolean, historyRetentionMs: number, maxHistoryPoints: number }} settings
   */
  constructor(prices, settings) {
    this.settings = settings;
    this.prices = prices;
    this.history = new UsageHistory(settings);
    /** When counting began, epoch milliseconds. */
    this.startedAt = Date.now();
    this.#state = blankCosts(prices, Object.keys(COMMAND_METHODS));
    const refresh = () => this.read();
    this.costs = liveView(this.#state, refresh);
    addConveniences(this.costs, {
      reset: () => this.reset(),
      getUsage: () => {
        this.read();
        return this.history.describe();
      },
      getPricing: () => {
        const { region, storageClass, asOf, currency } = this.prices;
        return { region, storageClass, asOf, currency };
      }
    });
  }

  /** New prices and settings, for what is counted from now on; transfer and storage are priced anew. */
  configure(prices, settings) {
    this.settings = settings;
    this.prices = prices;
    this.history.configure(settings);
    const { requests, storage, dataTransfer } = this.#state;
    Object.assign(requests.prices, prices.requests);
    storage.tiers.splice(0, storage.tiers.length, ...prices.storage.map((tier) => ({ ...tier })));
    dataTransfer.tiers.splice(0, dataTransfer.tiers.length, ...prices.transfer.map((tier) => ({ ...tier })));
    if (prices.freeTierGB !== undefined) dataTransfer.freeTierGB = prices.freeTierGB;
    this.#reprice();
  }

  // Life cycle

  /** Counts the client's requests from now on, on behalf of a plugin. */
  attach(client, user) {
    collectors.set(client, this);
    this.#users.add(user);
    this.#source ??= new RequestSource(client, {
      requests: (delta) => this.#count({ key: null, timestamp: Date.now(), ...delta }),
      command: (name, response, input) => this.addRequest(name, undefined, response, input),
      failed: (name, input) => this.#count(this.#single(name, methodOf(name), input, { errors: 1 })),
      bytes: ({ net, copied }) => this.#bytes(net, copied)
    });
  }

  /** Stops counting for a plugin; the last one ends it. */
  detach(user) {
    this.read();
    this.#users.delete(user);
    if (this.#users.size > 0) return;
    this.#source?.stop();
    this.#source = null;
  }

  /** Whether a plugin counts with it. */
  get inUse() {
    return this.#users.size > 0;
  }

  /** Takes over what the client did since the last time. */
  read() {
    if (this.#source === null || this.#reading) return;
    this.#reading = true;
    try {
      this.#source.read();
    } finally {
      this.#reading = false;
    }
  }

  reset() {
    this.read();
    zero(this.#state);
    this.history.reset();
    this.startedAt = Date.now();
  }

  // Counting

  /** Counts one command (spec/12 section C.3); commands that are not billed are ignored. */
  addRequest(name, method, response, input) {
    const billed = methodOf(name);
    if (billed === undefined) return;
    this.#count(this.#single(name, method ?? billed, input, { response }));
  }

  #single(command, method, input, { response, errors = 0 }) {
    const writes = method === 'put' || method === 'post' || method === 'copy';
    const key = keyOf(input);
    return {
      command,
      method,
      count: 1,
      errors,
      bytesIn: writes && errors === 0 ? sentBytes(input) : 0,
      bytesOut: method === 'get' ? receivedBytes(response) : 0,
      key,
      ...ownersOf(key),
      timestamp: Date.now()
    };
  }

  #count({ command, method = methodOf(command), count, errors, bytesIn, bytesOut, key, resource, plugin, timestamp }) {
    const { requests } = this.#state;
    if (!Object.hasOwn(requests.counts, method)) return;
    if (!Object.hasOwn(requests.events, command)) addCounter(this.costs.requests.events, requests.events, command, () => this.read());
    const requestCost = requests.prices[method] * count;
    requests.totalEvents += count;
    requests.total += count;
    requests.events[command] += count;
    requests.counts[method] += count;
    requests.errors += errors;
    requests.subtotal += requestCost;
    if (bytesIn > 0) {
      this.trackStorage(bytesIn);
      this.trackDataTransferIn(bytesIn);
    }
    if (bytesOut > 0) this.trackDataTransferOut(bytesOut);
    this.updateTotal();
    this.history.add({ timestamp, command, method, count, requestCost, bytesIn, bytesOut, key, resource, plugin });
  }

  #bytes(net, copied) {
    this.#state.storage.netBytes += net;
    if (copied > 0) this.trackStorage(copied);
    this.updateTotal();
  }

  trackStorage(bytes) {
    const { storage } = this.#state;
    storage.totalBytes += bytes;
    storage.totalGB = toGB(storage.totalBytes);
    storage.subtotal = storageCost(storage);
  }

  trackDataTransferIn(bytes) {
    const { dataTransfer } = this.#state;
    dataTransfer.inBytes += bytes;
    dataTransfer.inGB = toGB(dataTransfer.inBytes);
  }

  trackDataTransferOut(bytes) {
    const { dataTransfer } = this.#state;
    dataTransfer.outBytes += bytes;
    dataTransfer.outGB = toGB(dataTransfer.outBytes);
    dataTransfer.subtotal = transferCost(dataTransfer, this.settings.considerFreeTier);
  }

  updateTotal() {
    const { requests, storage, dataTransfer } = this.#state;
    this.#state.total = requests.subtotal + storage.subtotal + dataTransfer.subtotal;
  }

  #reprice() {
    const { storage, dataTransfer } = this.#state;
    storage.subtotal = storageCost(storage);
    dataTransfer.subtotal = transferCost(dataTransfer, this.settings.considerFreeTier);
    this.updateTotal();
  }
}
