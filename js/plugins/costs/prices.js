/**
 * List prices of S3 in USD (spec/12 sections C.2 and C.4): requests by method each, storage and transfer by tier.
 * They are those of the public price list at `PRICES_AS_OF`; contracts and later changes go into `customPricing`.
 */
import { PluginError } from '../../errors/index.js';

/** Month of the price list that the tables were taken from. */
export const PRICES_AS_OF = '2025-01';

const DEFAULT_REGION = 'us-east-1';
const STORAGE_LIMITS = [51_200, 512_000, 999_999_999];
const TRANSFER_LIMITS = [10_240, 51_200, 153_600, 999_999_999];

const NORTH_ATLANTIC = [0.09, 0.085, 0.07, 0.05];

/** Standard class by region: [per 1000 writes, per 1000 reads, storage tiers per GB and month, transfer tiers per GB]. */
const REGIONS = {
  'us-east-1': [0.005, 0.0004, [0.023, 0.022, 0.021], NORTH_ATLANTIC],
  'us-east-2': [0.005, 0.0004, [0.023, 0.022, 0.021], NORTH_ATLANTIC],
  'us-west-1': [0.0055, 0.00044, [0.026, 0.025, 0.024], NORTH_ATLANTIC],
  'us-west-2': [0.005, 0.0004, [0.023, 0.022, 0.021], NORTH_ATLANTIC],
  'ca-central-1': [0.0055, 0.00044, [0.025, 0.024, 0.023], NORTH_ATLANTIC],
  'eu-west-1': [0.005, 0.0004, [0.023, 0.022, 0.021], NORTH_ATLANTIC],
  'eu-west-2': [0.0053, 0.00042, [0.024, 0.023, 0.022], NORTH_ATLANTIC],
  'eu-west-3': [0.0053, 0.00042, [0.024, 0.023, 0.022], NORTH_ATLANTIC],
  'eu-central-1': [0.0054, 0.00043, [0.0245, 0.0235, 0.0225], NORTH_ATLANTIC],
  'eu-north-1': [0.005, 0.0004, [0.023, 0.022, 0.021], NORTH_ATLANTIC],
  'ap-south-1': [0.005, 0.0004, [0.025, 0.024, 0.023], [0.1093, 0.085, 0.082, 0.08]],
  'ap-southeast-1': [0.005, 0.0004, [0.025, 0.024, 0.023], [0.12, 0.085, 0.082, 0.08]],
  'ap-southeast-2': [0.0055, 0.00044, [0.025, 0.024, 0.023], [0.114, 0.098, 0.094, 0.092]],
  'ap-northeast-1': [0.0047, 0.00037, [0.025, 0.024, 0.023], [0.114, 0.089, 0.086, 0.084]],
  'ap-northeast-2': [0.0045, 0.00035, [0.025, 0.024, 0.023], [0.126, 0.122, 0.117, 0.108]],
  'sa-east-1': [0.007, 0.00056, [0.0405, 0.039, 0.037], [0.15, 0.138, 0.126, 0.114]]
};

/** Other classes in `us-east-1`; other regions use these too. [per 1000 writes, per 1000 reads, storage per GB and month] */
const CLASSES = {
  INTELLIGENT_TIERING: [0.005, 0.0004, [0.023, 0.022, 0.021]],
  STANDARD_IA: [0.01, 0.001, [0.0125]],
  ONEZONE_IA: [0.01, 0.001, [0.01]],
  GLACIER_IR: [0.02, 0.01, [0.004]]
};

/** Storage classes with prices. */
export const STORAGE_CLASSES = ['STANDARD', ...Object.keys(CLASSES)];
/** Regions with a table of their own. */
export const REGION_NAMES = Object.keys(REGIONS);

const perRequest = (perThousand) => Number((perThousand / 1000).toPrecision(12));

function requestPrices(writes, reads) {
  const [write, read] = [perRequest(writes), perRequest(reads)];
  return { put: write, copy: write, list: write, post: write, get: read, select: read, delete: read, head: read };
}

function tiers(limits, prices) {
  const used = prices.length === 1 ? [limits.at(-1)] : limits;
  return prices.map((pricePerGB, index) => ({ limit: used[index], pricePerGB }));
}

/**
 * Prices of a region and storage class.
 * @param {string} [region] one without a table (another provider's) gets that of `us-east-1`; `table.region` tells
 * @param {string} [storageClass] one of `STORAGE_CLASSES`
 * @returns {{ requests: Record<string, number>, storage: { limit: number, pricePerGB: number }[],
 *   transfer: { limit: number, pricePerGB: number }[], region: string, storageClass: string, asOf: string, currency: 'USD' }}
 * @throws {PluginError} for an unknown storage class
 */
export function priceTable(region = DEFAULT_REGION, storageClass = 'STANDARD') {
  if (!STORAGE_CLASSES.includes(storageClass)) {
    throw refuse('storageClass', `Unknown storageClass '${storageClass}'`, `Use one of ${STORAGE_CLASSES.join(', ')}.`);
  }
  const known = Object.hasOwn(REGIONS, region) ? region : DEFAULT_REGION;
  const [writes, reads, storage, transfer] = REGIONS[known];
  const chosen = storageClass === 'STANDARD' ? [writes, reads, storage] : CLASSES[storageClass];
  return {
    requests: requestPrices(chosen[0], chosen[1]),
    storage: tiers(STORAGE_LIMITS, chosen[2]),
    transfer: tiers(TRANSFER_LIMITS, transfer),
    region: storageClass === 'STANDARD' ? known : DEFAULT_REGION,
    storageClass,
    asOf: PRICES_AS_OF,
    currency: 'USD'
  };
}

/** Typed error about an option. */
export function refuse(option, message, suggestion) {
  return new PluginError(message, {
    pluginName: 'CostsPlugin',
    operation: 'configure',
    option,
    statusCode: 400,
    retriable: false,
    suggestion
  });
}

const isPrice = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isTiers = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((tier) => isPrice(tier?.limit) && isPrice(tier?.pricePerGB));

function requirePrice(path, value) {
  if (isPrice(value)) return value;
  throw refuse(
    'customPricing',
    `customPricing.${path} must be a price of 0 or more`,
    'Give the price of one request, or of one GB, in USD.'
  );
}

function tiersFrom(path, given, current) {
  const value = given !== null && typeof given === 'object' && !Array.isArray(given) ? given.tiers : given;
  if (value === undefined) return current;
  if (typeof value === 'number') return current.map((tier) => ({ ...tier, pricePerGB: requirePrice(path, value) }));
  if (isTiers(value)) return value.map(({ limit, pricePerGB }) => ({ limit, pricePerGB }));
  throw refuse(
    'customPricing',
    `customPricing.${path} must be a price per GB or a list of tiers`,
    'Give a number, or [{ limit: GB, pricePerGB: USD }, ...] in ascending order of limit.'
  );
}

/**
 * A price table with the user's prices over it.
 * @param {object} table from `priceTable`
 * @param {object} [custom] prices of one request by method (`{ get: 0.0000004 }`, or under `requests` or
 *   `requests.prices`), `storage` and `dataTransfer` (a price per GB, a list of tiers, or `{ tiers }`)
 * @throws {PluginError} naming the member that is no price
 */
export function mergePrices(table, custom = {}) {
  if (custom === null || typeof custom !== 'object' || Array.isArray(custom)) {
    throw refuse('customPricing', 'customPricing must be an object', 'For example { put: 0.000005, storage: 0.023 }.');
  }
  const { storage, dataTransfer, transfer = dataTransfer, requests = {}, ...flat } = custom;
  const merged = { ...table, requests: { ...table.requests } };
  for (const [method, price] of Object.entries({ ...(requests?.prices ?? requests), ...flat })) {
    if (!Object.hasOwn(table.requests, method)) {
      throw refuse(
        'customPricing',
        `customPricing.${method} is no price`,
        `Use ${Object.keys(table.requests).join(', ')}, storage or dataTransfer.`
      );
    }
    merged.requests[method] = requirePrice(method, price);
  }
  merged.storage = tiersFrom('storage', storage, table.storage);
  merged.transfer = tiersFrom('dataTransfer', transfer, table.transfer);
  if (transfer?.freeTierGB !== undefined) merged.freeTierGB = requirePrice('dataTransfer.freeTierGB', transfer.freeTierGB);
  return merged;
}
