/** Base62 numbers: whole, decimal and fixed point. */

import { pureFunction } from './native-call.js';

export const encode = pureFunction('encode');
export const decode = pureFunction('decode');
export const encodeDecimal = pureFunction('encodeDecimal');
export const decodeDecimal = pureFunction('decodeDecimal');
export const encodeFixedPoint = pureFunction('encodeFixedPoint');
export const decodeFixedPoint = pureFunction('decodeFixedPoint');
export const encodeFixedPointBatch = pureFunction('encodeFixedPointBatch');
export const decodeFixedPointBatch = pureFunction('decodeFixedPointBatch');
