//! Codec functions by the name JavaScript exports them under.
//!
//! | Area | Names |
//! |---|---|
//! | numbers | `encode`, `decode`, `encodeDecimal`, `decodeDecimal`, `encodeNumberExact`, `encodeFixedPoint`, `decodeFixedPoint`, `encodeFixedPointBatch`, `decodeFixedPointBatch` |
//! | sizes | `calculateUTF8Bytes`, `transformValue`, `calculateAttributeSizes`, `calculateAttributeNamesSize`, `calculateTotalSize`, `calculateMetadataSize`, `getSizeBreakdown`, `calculateSystemOverhead`, `calculateEffectiveLimit` |
//! | addresses | `isValidIPv4`, `isValidIPv6`, `encodeIPv4`, `decodeIPv4`, `encodeIPv6`, `decodeIPv6`, `expandIPv6`, `compressIPv6`, `detectIPVersion`, `calculateIPSavings` |
//! | geo | `encodeGeoLat`, `decodeGeoLat`, `encodeGeoLon`, `decodeGeoLon`, `encodeGeoPoint`, `decodeGeoPoint`, `isValidCoordinate`, `getPrecisionForAccuracy`, `getAccuracyForPrecision` |
//! | money | `encodeMoney`, `decodeMoney`, `getCurrencyDecimals`, `isSupportedCurrency`, `getSupportedCurrencies` |
//! | texts | `metadataEncode`, `metadataEncodeText`, `metadataDecode`, `metadataWireLength`, `analyzeString`, `calculateEncodedSize`, `dictionaryEncode`, `dictionaryDecode`, `calculateDictionaryCompression`, `getDictionaryStats`, `optimizedEncode`, `optimizedDecode`, `compareEncodings` |
//! | hashes | `sha256`, `md5`, `hmacSha256`, `stableStringify`, `stableHash`, `definitionHash`, `pluginAttributeCode`, `compactHash`, `compactWithCost`, `expandHash`, `isBcryptHash`, `isArgon2Hash`, `detectAlgorithm` |
//! | alphabets | `getUrlAlphabet`, `getPasswordAlphabet` |

use super::{argon, base62, canonical, crypto, dictionary, geo, ids, ip, metadata, money, optimized, password, size};
use crate::error::{Error, Kind, Result};
use crate::value::{Object, Value, number};

/// Calls a function; an unknown name is a validation error.
pub fn call(name: &str, args: &[Value]) -> Result<Value> {
    let args = Args(args);
    numbers(name, &args)
        .or_else(|| sizes(name, &args))
        .map(Ok)
        .or_else(|| addresses(name, &args))
        .or_else(|| texts(name, &args))
        .unwrap_or_else(|| Err(Error::new(Kind::Validation, format!("unknown function '{name}'"))))
}

struct Args<'a>(&'a [Value]);

impl<'a> Args<'a> {
    fn get(&self, i: usize) -> &'a Value {
        self.0.get(i).unwrap_or(&Value::Undefined)
    }

    /// The number, NaN for any other type.
    fn number(&self, i: usize) -> f64 {
        match self.get(i) {
            Value::Number(n) => *n,
            _ => f64::NAN,
        }
    }

    fn text(&self, i: usize) -> Option<&'a str> {
        self.get(i).as_str()
    }

    fn precision(&self, i: usize, default: u32) -> u32 {
        match self.get(i) {
            Value::Number(n) if *n >= 0.0 && *n <= 300.0 => *n as u32,
            _ => default,
        }
    }
}

fn count(n: usize) -> Value {
    Value::Number(n as f64)
}

fn numbers(name: &str, a: &Args<'_>) -> Option<Value> {
    let from_text = |f: &dyn Fn(&str) -> f64| Value::Number(a.text(0).map_or(f64::NAN, f));
    Some(match name {
        "encode" => Value::from(base62::encode(a.number(0))),
        "decode" => from_text(&base62::decode),
        "encodeDecimal" => Value::from(base62::encode_decimal(a.number(0))),
        "decodeDecimal" => from_text(&base62::decode_decimal),
        "encodeNumberExact" => Value::from(base62::encode_number_exact(a.number(0))),
        "encodeFixedPoint" => Value::from(base62::encode_fixed(a.number(0), a.precision(1, 6))),
        "decodeFixedPoint" => from_text(&|t| base62::decode_fixed(t, a.precision(1, 6))),
        "encodeFixedPointBatch" => match a.get(0) {
            Value::Array(items) => Value::from(base62::encode_fixed_batch(items, a.precision(1, 6))),
            _ => Value::from(""),
        },
        "decodeFixedPointBatch" => Value::Array(
            a.text(0)
                .map_or_else(Vec::new, |t| base62::decode_fixed_batch(t, a.precision(1, 6)))
                .into_iter()
                .map(Value::Number)
                .collect(),
        ),
        _ => return None,
    })
}

fn sizes(name: &str, a: &Args<'_>) -> Option<Value> {
    let empty = Object::default();
    let object = a.get(0).as_object().unwrap_or(&empty);
    let overhead = |config: &Value| {
        let config = config.as_object();
        let member = |n: &str| config.and_then(|c| c.get(n));
        let version = match member("version") {
            None | Some(Value::Undefined) => "1".to_owned(),
            Some(v) => number::js_string(v),
        };
        let timestamps = matches!(member("timestamps"), Some(Value::Bool(true)));
        let id = member("id").filter(|v| !v.is_nullish()).map(number::js_string).unwrap_or_default();
        (version, timestamps, id)
    };
    Some(match name {
        "calculateUTF8Bytes" => count(size::utf8_bytes(a.get(0))),
        "transformValue" => Value::from(size::transform_value(a.get(0))),
        "calculateAttributeSizes" => Value::Object(
            size::attribute_sizes(object)
                .into_iter()
                .map(|(k, s)| (k.to_owned(), count(s)))
                .collect(),
        ),
        "calculateAttributeNamesSize" => count(size::names_size(object)),
        "calculateTotalSize" | "calculateMetadataSize" => count(size::total_size(object)),
        "getSizeBreakdown" => size::breakdown(object),
        "calculateSystemOverhead" => {
            let (version, timestamps, id) = overhead(a.get(0));
            count(size::system_overhead(&version, timestamps, &id))
        }
        "calculateEffectiveLimit" => {
            let limit = match object.get("s3Limit") {
                Some(Value::Number(n)) => *n,
                _ => 2048.0,
            };
            let (version, timestamps, id) = overhead(object.get("systemConfig").unwrap_or(&Value::Undefined));
            Value::Number(size::effective_limit(limit as i64, &version, timestamps, &id) as f64)
        }
        _ => return None,
    })
}

fn addresses(name: &str, a: &Args<'_>) -> Option<Result<Value>> {
    let text = a.text(0).unwrap_or("");
    let valid = |ok: bool| Ok(Value::Bool(ok && a.text(0).is_some()));
    let axis = |axis, value: &Value| match value {
        Value::Number(n) if n.is_finite() => geo::encode(axis, *n, a.precision(1, 6)).map(Value::from),
        other => Ok(other.clone()),
    };
    let back = |axis, value: &Value| match value.as_str().and_then(|t| geo::decode(axis, t, a.precision(1, 6))) {
        Some(n) => Ok(Value::Number(n)),
        None => Ok(value.clone()),
    };
    Some(match name {
        "isValidIPv4" => valid(ip::is_valid_v4(text)),
        "isValidIPv6" => valid(ip::is_valid_v6(text)),
        "encodeIPv4" => ip::encode_v4(text).map(Value::from),
        "encodeIPv6" => ip::encode_v6(text).map(Value::from),
        "decodeIPv4" => match a.text(0) {
            Some(t) => ip::decode_v4(t).map(Value::from),
            None => Err(Error::validation("ip", "Encoded IPv4 must be a string").with_status(400)),
        },
        "decodeIPv6" => match a.text(0) {
            Some(t) => ip::decode_v6(t, !matches!(a.get(1), Value::Bool(false))).map(Value::from),
            None => Err(Error::validation("ip", "Encoded IPv6 must be a string").with_status(400)),
        },
        "expandIPv6" => ip::expand(text).map(Value::from),
        "compressIPv6" => ip::compress(text).map(Value::from),
        "detectIPVersion" => Ok(match (ip::is_valid_v4(text), ip::is_valid_v6(text)) {
            (true, _) => Value::from("ipv4"),
            (_, true) => Value::from("ipv6"),
            _ => Value::Null,
        }),
        "calculateIPSavings" => Ok(ip::savings(text)),
        "encodeGeoLat" => axis(geo::Axis::Latitude, a.get(0)),
        "encodeGeoLon" => axis(geo::Axis::Longitude, a.get(0)),
        "decodeGeoLat" => back(geo::Axis::Latitude, a.get(0)),
        "decodeGeoLon" => back(geo::Axis::Longitude, a.get(0)),
        "encodeGeoPoint" => {
            let part = |axis, value: &Value| match value {
                Value::Number(n) if n.is_finite() => geo::encode(axis, *n, a.precision(2, 6)),
                other => Ok(number::js_string(other)),
            };
            part(geo::Axis::Latitude, a.get(0)).and_then(|lat| Ok(Value::from(lat + &part(geo::Axis::Longitude, a.get(1))?)))
        }
        "decodeGeoPoint" => {
            let (lat, lon) = geo::decode_point(text, a.precision(1, 6));
            let mut out = Object::default();
            out.insert("latitude".into(), Value::Number(lat));
            out.insert("longitude".into(), Value::Number(lon));
            Ok(Value::Object(out))
        }
        "isValidCoordinate" => Ok(Value::Bool(a.number(0).abs() <= 90.0 && a.number(1).abs() <= 180.0)),
        "getPrecisionForAccuracy" => Ok(Value::Number(f64::from(geo::precision_for_accuracy(a.number(0))))),
        "getAccuracyForPrecision" => Ok(Value::Number(geo::accuracy_for_precision(a.number(0)))),
        "getCurrencyDecimals" => Ok(Value::Number(f64::from(money::decimals(text)))),
        "isSupportedCurrency" => Ok(Value::Bool(money::is_supported(text))),
        "getSupportedCurrencies" => Ok(Value::Array(money::CURRENCIES.iter().map(|c| Value::from(*c)).collect())),
        "encodeMoney" => match a.get(0) {
            Value::Number(n) if n.is_finite() => money::encode_currency(*n, a.text(1).unwrap_or("USD")).map(Value::from),
            other => Ok(other.clone()),
        },
        "decodeMoney" => Ok(
            match a
                .text(0)
                .and_then(|t| money::decode(t, money::decimals(a.text(1).unwrap_or("USD"))))
            {
                Some(n) => Value::Number(n),
                None => a.get(0).clone(),
            },
        ),
        _ => return None,
    })
}

fn texts(name: &str, a: &Args<'_>) -> Option<Result<Value>> {
    let text = a.text(0).unwrap_or("");
    Some(match name {
        "metadataEncode" => Ok(metadata::encode(a.get(0))),
        "metadataWireLength" => Ok(count(metadata::wire_len(text))),
        "analyzeString" => Ok(metadata::analyze(text).to_value()),
        "calculateEncodedSize" => Ok(metadata::calculate_encoded_size(text)),
        "dictionaryEncode" => Ok(dictionary::encode(text)),
        "calculateDictionaryCompression" => Ok(dictionary::compression(text)),
        "getDictionaryStats" => Ok(dictionary::stats()),
        "optimizedEncode" => Ok(Value::String(optimized::encode(a.get(0)))),
        "optimizedDecode" => Ok(optimized::decode(a.get(0))),
        "compareEncodings" => Ok(optimized::compare(a.get(0))),
        "getUrlAlphabet" => Ok(Value::from(ids::URL_ALPHABET)),
        "getPasswordAlphabet" => Ok(Value::from(ids::PASSWORD_ALPHABET)),
        "metadataEncodeText" => Ok(Value::from(metadata::encode_value(a.get(0)))),
        "metadataDecode" => Ok(match a.get(0) {
            Value::String(s) => metadata::decode(s),
            other => other.clone(),
        }),
        "dictionaryDecode" => Ok(text
            .strip_prefix("d:")
            .and_then(dictionary::expand)
            .map_or(Value::Null, Value::from)),
        "sha256" => Ok(Value::from(crypto::sha256_hex(number::js_string(a.get(0)).as_bytes()))),
        "md5" => Ok(Value::from(match a.get(0) {
            Value::Bytes(b) => crypto::md5_base64(b),
            other => crypto::md5_base64(number::js_string(other).as_bytes()),
        })),
        "hmacSha256" => Ok(Value::from(crypto::hmac_sha256_hex(
            text.as_bytes(),
            number::js_string(a.get(1)).as_bytes(),
        ))),
        "stableStringify" => Ok(Value::from(canonical::stable_json(a.get(0)))),
        "stableHash" => Ok(Value::from(canonical::stable_hash(a.get(0)))),
        "definitionHash" => Ok(Value::from(canonical::definition_hash(a.get(0), a.text(1)))),
        "pluginAttributeCode" => Ok(Value::from(super::plugin_code(text, a.text(1).unwrap_or("")))),
        "compactHash" => password::compact(text, password::BcryptForm::Bare).map(Value::from),
        "compactWithCost" => password::compact(text, password::BcryptForm::WithCost).map(Value::from),
        "expandHash" => password::expand(text, a.precision(1, 10)).map(Value::from),
        "isBcryptHash" => Ok(Value::Bool(a.text(0).is_some_and(password::is_hash))),
        "isArgon2Hash" => Ok(Value::Bool(a.text(0).is_some_and(argon::is_argon2))),
        "detectAlgorithm" => Ok(a.text(0).and_then(password::algorithm).map_or(Value::Null, Value::from)),
        _ => return None,
    })
}
