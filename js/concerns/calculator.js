/** Sizes of values and records in S3 metadata. */

import { pureFunction } from './native-call.js';

export const calculateUTF8Bytes = pureFunction('calculateUTF8Bytes');
export const transformValue = pureFunction('transformValue');
export const calculateAttributeSizes = pureFunction('calculateAttributeSizes');
export const calculateAttributeNamesSize = pureFunction('calculateAttributeNamesSize');
export const calculateTotalSize = pureFunction('calculateTotalSize');
export const getSizeBreakdown = pureFunction('getSizeBreakdown');
export const calculateSystemOverhead = pureFunction('calculateSystemOverhead');
export const calculateEffectiveLimit = pureFunction('calculateEffectiveLimit');

/** The name the documentation uses. */
export const calculateMetadataSize = calculateTotalSize;

/** Bytes of metadata that S3 accepts per object. */
export const S3_METADATA_LIMIT_BYTES = 2047;

/** Sizes are counted, not cached, so there is nothing to free. */
export function clearUTF8Memory() {}
