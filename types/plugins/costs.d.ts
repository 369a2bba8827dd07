import type { Database } from '../database.js';
import { Plugin, type PluginOptions } from '../plugin.js';

export type CostMethod = 'put' | 'post' | 'copy' | 'list' | 'get' | 'select' | 'delete' | 'head';
export type StorageClassName = 'STANDARD' | 'INTELLIGENT_TIERING' | 'STANDARD_IA' | 'ONEZONE_IA' | 'GLACIER_IR';

/** Price up to a cumulative volume in GB. */
export interface CostTier {
  limit: number;
  pricePerGB: number;
}

type TierPricing = number | CostTier[] | { tiers?: CostTier[] };

/** USD: of one request by method, of a GB for storage and transfer. */
export interface CustomPricing extends Partial<Record<CostMethod, number>> {
  requests?: Partial<Record<CostMethod, number>> | { prices: Partial<Record<CostMethod, number>> };
  storage?: TierPricing;
  dataTransfer?: TierPricing | { tiers?: CostTier[]; freeTierGB?: number };
  transfer?: TierPricing | { tiers?: CostTier[]; freeTierGB?: number };
}

export interface CostsPluginOptions extends PluginOptions {
  /** Default false. */
  considerFreeTier?: boolean;
  /** Default `us-east-1`. */
  region?: string;
  /** Default `STANDARD`. */
  storageClass?: StorageClassName;
  customPricing?: CustomPricing;
  /** USD; passing it emits `plg:costs:threshold`. */
  costThreshold?: number;
  /** Default true. */
  alertOnThreshold?: boolean;
  /** Milliseconds. Default 30 days, at least a minute. */
  historyRetentionMs?: number;
  /** Milliseconds. Default a day. */
  estimateDefaultWindowMs?: number;
  /** Default 200000, at least 1000. */
  maxHistoryPoints?: number;
  /** No effect. */
  trackOperation?: unknown;
  /** No effect. */
  trackOperations?: unknown;
  /** No effect. */
  trackStorage?: boolean;
  /** No effect. */
  trackRequests?: boolean;
}

export interface UsageSummary {
  totalRequests: number;
  /** USD */
  requestCost: number;
  /** Bytes sent to the store. */
  bytesIn: number;
  /** Bytes received from it. */
  bytesOut: number;
  byMethod: Partial<Record<CostMethod, number>>;
}

export interface UsagePoint {
  /** Epoch milliseconds. */
  timestamp: number;
  command: string;
  method: CostMethod;
  /** Requests that the point stands for. */
  count: number;
  requestCost: number;
  bytesIn: number;
  bytesOut: number;
  /** Null for requests counted in the engine. */
  key: string | null;
  resource: string | null;
  plugin: string | null;
}

export interface CostUsage {
  historyRetentionMs: number;
  maxHistoryPoints: number;
  totalEvents: number;
  byResource: Record<string, UsageSummary>;
  byPlugin: Record<string, UsageSummary>;
  points: UsagePoint[];
  lastUpdatedAt: number | null;
}

export interface Costs {
  total: number;
  requests: {
    prices: Record<CostMethod, number>;
    /** Number of requests. */
    total: number;
    counts: Record<CostMethod, number>;
    totalEvents: number;
    /** By command class name. */
    events: Record<string, number>;
    /** Failed requests among them. */
    errors: number;
    subtotal: number;
  } & { readonly [method in CostMethod]: number };
  storage: {
    /** Bytes written. */
    totalBytes: number;
    totalGB: number;
    /** Bytes written less those overwritten and deleted, where sizes are known. */
    netBytes: number;
    tiers: CostTier[];
    currentTier: number;
    subtotal: number;
  };
  dataTransfer: {
    inBytes: number;
    inGB: number;
    inCost: number;
    outBytes: number;
    outGB: number;
    tiers: CostTier[];
    freeTierGB: number;
    freeTierUsed: number;
    currentTier: number;
    subtotal: number;
  };
  readonly usage: CostUsage;
  readonly prices: Record<CostMethod, number>;
  /** Where the prices are from. */
  readonly pricing: { region: string; storageClass: StorageClassName; asOf: string; currency: 'USD' };
  reset(): void;
}

export interface CostSnapshot extends UsageSummary {
  windowMs: number;
  from: string;
  to: string;
  byCommand: Record<string, number>;
  byResource: Record<string, UsageSummary>;
  byPlugin: Record<string, UsageSummary>;
  estimatedDataTransferOutCost: number;
  estimatedTotal: number;
}

export interface CostEstimate {
  windowDays: number;
  observedWindowMs: number;
  requestMultiplier: number;
  observed: CostSnapshot;
  projected: {
    totalRequests: number;
    byMethod: Partial<Record<CostMethod, number>>;
    requestCost: number;
    bytesIn: number;
    bytesOut: number;
    dataTransferOutCost: number;
    storageCost: number;
    totalCost: number;
    pluginProjectedRequests: number;
    combinedRequests: number;
  };
  pluginEstimates: Record<string, any>;
}

/** Counts the requests of the database's client and what they cost; the numbers are at `plugin.costs` and `client.costs`. */
export class CostsPlugin extends Plugin<CostsPluginOptions> {
  constructor(options?: CostsPluginOptions | Database);
  /** Prices that new instances copy. */
  static costs: Omit<Costs, 'usage' | 'prices' | 'pricing' | 'reset'>;
  /** Installs the plugin, or gives the installed one new options. */
  static setup(database: Database, options?: CostsPluginOptions): Promise<CostsPlugin>;
  config: CostsPluginOptions & { considerFreeTier: boolean; region: string };
  /** Billing method by command. */
  map: Record<string, CostMethod>;
  readonly costs: Costs;
  configure(options?: CostsPluginOptions): void;
  addRequest(name: string, method?: CostMethod, response?: object, input?: object): void;
  trackStorage(bytes: number): void;
  trackDataTransferIn(bytes: number): void;
  trackDataTransferOut(bytes: number): void;
  calculateStorageCost(storage: { totalGB: number; tiers: CostTier[]; currentTier?: number }): number;
  calculateDataTransferCost(transfer: {
    outGB: number;
    tiers: CostTier[];
    freeTierGB?: number;
    freeTierUsed?: number;
    currentTier?: number;
  }): number;
  updateTotal(): void;
  getCosts(): Costs;
  resetCosts(): void;
  snapshot(options?: {
    windowMs?: number;
    from?: Date | number | string;
    to?: Date | number | string;
    resource?: string;
    plugin?: string;
  }): CostSnapshot;
  estimate(options?: {
    days?: number;
    observedWindowMs?: number;
    requestMultiplier?: number;
    includePluginEstimates?: boolean;
    pluginAssumptions?: Record<string, object>;
  }): Promise<CostEstimate>;
}
