/** Sub-path `plugins/costs`. */

export { CostsPlugin, default } from './costs/costs-plugin.js';
export { PRICES_AS_OF, priceTable, REGION_NAMES, STORAGE_CLASSES } from './costs/prices.js';
