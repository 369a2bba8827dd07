import { fromNative } from '../errors/from-native.js';
import { native } from '../native/load.js';
import { fromText, toText } from '../native/text.js';

const NAMES = [
  ...[
    'trim',
    'encrypt',
    'decrypt',
    'hashPassword',
    'toString',
    'fromArray',
    'toArray',
    'toJSON',
    'fromJSON',
    'toNumber',
    'toBool',
    'fromBool'
  ],
  ...['toBase62', 'fromBase62', 'toBase62Decimal', 'fromBase62Decimal', 'fromArrayOfNumbers', 'toArrayOfNumbers'],
  ...['fromArrayOfDecimals', 'toArrayOfDecimals', 'fromArrayOfEmbeddings', 'toArrayOfEmbeddings', 'encodeIPv4', 'decodeIPv4'],
  ...['encodeIPv6', 'decodeIPv6', 'encodeMoney', 'decodeMoney', 'encodeDecimalFixed', 'decodeDecimalFixed'],
  ...['encodeGeoLatitude', 'decodeGeoLatitude', 'encodeGeoLongitude', 'decodeGeoLongitude', 'encodeGeoPointPair', 'decodeGeoPointPair'],
  ...['encodeBuffer', 'decodeBuffer', 'encodeBits', 'decodeBits']
];

function run(name, value, params) {
  try {
    const result = native.NativeSchema.action(name, toText(value), toText(params));
    if (!(result instanceof Promise)) return fromText(result);
    return result.then(fromText, (error) => {
      throw fromNative(error, { operation: name });
    });
  } catch (error) {
    throw fromNative(error, { operation: name });
  }
}

/** Named value transforms; `encrypt`, `decrypt` and `hashPassword` return promises. */
export const SchemaActions = Object.fromEntries(NAMES.map((name) => [name, (value, params = {}) => run(name, value, params)]));
