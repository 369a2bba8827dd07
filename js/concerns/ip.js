/** IP addresses and their stored form. */

import { pureFunction } from './native-call.js';

export const isValidIPv4 = pureFunction('isValidIPv4');
export const isValidIPv6 = pureFunction('isValidIPv6');
export const encodeIPv4 = pureFunction('encodeIPv4');
export const decodeIPv4 = pureFunction('decodeIPv4');
export const encodeIPv6 = pureFunction('encodeIPv6');
export const decodeIPv6 = pureFunction('decodeIPv6');
export const expandIPv6 = pureFunction('expandIPv6');
export const compressIPv6 = pureFunction('compressIPv6');
export const detectIPVersion = pureFunction('detectIPVersion');

const STORED_LENGTH = { ipv4: 8, ipv6: 24 };

/**
 * What the stored form of an address saves, in percent.
 * @param {string} ip
 * @returns {{ version: 'ipv4' | 'ipv6' | null, originalSize: number, encodedSize: number, savings: number, savingsPercent?: string }}
 */
export function calculateIPSavings(ip) {
  const version = detectIPVersion(ip);
  if (version === null) return { version: null, originalSize: 0, encodedSize: 0, savings: 0 };
  const originalSize = ip.length;
  const encodedSize = STORED_LENGTH[version];
  const percent = ((originalSize - encodedSize) / originalSize) * 100;
  return { version, originalSize, encodedSize, savings: Math.round(percent * 100) / 100, savingsPercent: `${Math.round(percent)}%` };
}
