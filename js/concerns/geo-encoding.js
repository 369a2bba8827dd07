/** Coordinates and their stored form. */

import { pureFunction } from './native-call.js';

export const encodeGeoLat = pureFunction('encodeGeoLat');
export const decodeGeoLat = pureFunction('decodeGeoLat');
export const encodeGeoLon = pureFunction('encodeGeoLon');
export const decodeGeoLon = pureFunction('decodeGeoLon');
export const encodeGeoPoint = pureFunction('encodeGeoPoint');
export const decodeGeoPoint = pureFunction('decodeGeoPoint');
export const isValidCoordinate = pureFunction('isValidCoordinate');
export const getPrecisionForAccuracy = pureFunction('getPrecisionForAccuracy');
export const getAccuracyForPrecision = pureFunction('getAccuracyForPrecision');
