/** Amounts of money in the smallest unit of their currency. */

import { lazyObject } from '../util/lazy.js';
import { pureFunction } from './native-call.js';

export const encodeMoney = pureFunction('encodeMoney');
export const decodeMoney = pureFunction('decodeMoney');
export const getCurrencyDecimals = pureFunction('getCurrencyDecimals');
export const isSupportedCurrency = pureFunction('isSupportedCurrency');
export const getSupportedCurrencies = pureFunction('getSupportedCurrencies');

const allDecimals = () => Object.fromEntries(getSupportedCurrencies().map((currency) => [currency, getCurrencyDecimals(currency)]));

/** Decimals by currency code; read from the engine when somebody looks. */
export const CURRENCY_DECIMALS = lazyObject(allDecimals);

/**
 * Text of an amount for people.
 * @param {number} value
 * @param {string} [currency]
 * @param {string} [locale]
 * @returns {string}
 */
export function formatMoney(value, currency = 'USD', locale = 'en-US') {
  const code = currency.toUpperCase();
  const decimals = getCurrencyDecimals(code);
  // Intl knows the decimals of national currencies only.
  if (decimals > 3) return `${value.toFixed(decimals)} ${code}`;
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: code,
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals
  }).format(value);
}
