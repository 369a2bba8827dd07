//! `SchemaActions` of spec/04 3.5: named value transforms.

use super::later::{decode_bytes, encode_bytes};
use crate::codec::geo::{self, Axis};
use crate::codec::{argon, base62, crypto, ip, money, password};
use crate::error::{Error, Kind, Result};
use crate::value::number::{from_text, is_js_space, js_number, js_string, to_text};
use crate::value::{Object, Value, text};

/// Parameters of an action.
#[derive(Clone)]
pub struct Params {
    /// Encryption passphrase.
    pub passphrase: String,
    /// Cost of bcrypt hashes.
    pub bcrypt_rounds: u32,
    /// Cost of Argon2id hashes.
    pub argon2: argon::Cost,
    /// Appended to passwords before they are hashed.
    pub pepper: String,
    /// How `hashPassword` hashes.
    pub scheme: password::Scheme,
    /// Separator of array texts.
    pub separator: char,
    /// Decimals of `encodeMoney` and `decodeMoney`.
    pub decimals: u32,
    /// Precision of fixed-point and geo actions; their own default when absent.
    pub precision: Option<u32>,
    /// Bits of `encodeBits` and `decodeBits`; any number when absent.
    pub bit_count: Option<u32>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            passphrase: "secret".into(),
            bcrypt_rounds: 10,
            argon2: argon::Cost::default(),
            pepper: String::new(),
            scheme: password::Scheme::default(),
            separator: '|',
            decimals: 2,
            precision: None,
            bit_count: None,
        }
    }
}

impl Params {
    /// Parameters with those of a hook entry (`{ decimals: 8 }`) over them.
    pub fn with(&self, params: &Object) -> Self {
        let int = |name: &str| match params.get(name) {
            Some(Value::Number(n)) if *n >= 0.0 && *n <= 400.0 => to_text(n.trunc()).parse::<u32>().ok(),
            _ => None,
        };
        let bits = |name: &str| match params.get(name) {
            Some(Value::Number(n)) if *n >= 0.0 && *n <= f64::from(u32::MAX) => Some(*n as u32),
            _ => None,
        };
        let text = |name: &str| params.get(name).and_then(Value::as_str);
        Self {
            passphrase: text("passphrase").map_or_else(|| self.passphrase.clone(), str::to_owned),
            bcrypt_rounds: int("bcryptRounds").unwrap_or(self.bcrypt_rounds),
            separator: text("separator").and_then(|s| s.chars().next()).unwrap_or(self.separator),
            decimals: int("decimals").unwrap_or(self.decimals),
            precision: int("precision").or(self.precision),
            argon2: self.argon2,
            pepper: text("pepper").map_or_else(|| self.pepper.clone(), str::to_owned),
            scheme: text("algorithm").and_then(password::Scheme::parse).unwrap_or(self.scheme),
            bit_count: bits("bitCount").or(self.bit_count),
        }
    }
}

macro_rules! actions {
    ($($variant:ident $name:literal),+ $(,)?) => {
        /// One of the published actions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action { $(#[doc = $name] $variant),+ }

        impl Action {
            /// Every action, in published order.
            pub const ALL: &'static [Action] = &[$(Action::$variant),+];

            /// Published name.
            pub fn name(self) -> &'static str {
                match self { $(Action::$variant => $name),+ }
            }
        }
    };
}

actions! {
    Trim "trim",
    Encrypt "encrypt",
    Decrypt "decrypt",
    HashPassword "hashPassword",
    ToText "toString",
    FromArray "fromArray",
    ToArray "toArray",
    ToJson "toJSON",
    FromJson "fromJSON",
    ToNumber "toNumber",
    ToBool "toBool",
    FromBool "fromBool",
    FromBase62 "fromBase62",
    ToBase62 "toBase62",
    FromBase62Decimal "fromBase62Decimal",
    ToBase62Decimal "toBase62Decimal",
    FromArrayOfNumbers "fromArrayOfNumbers",
    ToArrayOfNumbers "toArrayOfNumbers",
    FromArrayOfDecimals "fromArrayOfDecimals",
    ToArrayOfDecimals "toArrayOfDecimals",
    FromArrayOfEmbeddings "fromArrayOfEmbeddings",
    ToArrayOfEmbeddings "toArrayOfEmbeddings",
    EncodeIpv4 "encodeIPv4",
    DecodeIpv4 "decodeIPv4",
    EncodeIpv6 "encodeIPv6",
    DecodeIpv6 "decodeIPv6",
    EncodeMoney "encodeMoney",
    DecodeMoney "decodeMoney",
    EncodeDecimalFixed "encodeDecimalFixed",
    DecodeDecimalFixed "decodeDecimalFixed",
    EncodeGeoLatitude "encodeGeoLatitude",
    DecodeGeoLatitude "decodeGeoLatitude",
    EncodeGeoLongitude "encodeGeoLongitude",
    DecodeGeoLongitude "decodeGeoLongitude",
    EncodeGeoPointPair "encodeGeoPointPair",
    DecodeGeoPointPair "decodeGeoPointPair",
    EncodeBuffer "encodeBuffer",
    DecodeBuffer "decodeBuffer",
    EncodeBits "encodeBits",
    DecodeBits "decodeBits",
}

impl Action {
    /// Action of that name.
    pub fn parse(name: &str) -> Option<Action> {
        Self::ALL.iter().copied().find(|a| a.name() == name)
    }

    /// True for the actions that derive a key or hash.
    pub fn is_heavy(self) -> bool {
        matches!(self, Action::Encrypt | Action::Decrypt | Action::HashPassword)
    }

    /// Applies the action. `null` and `undefined` are returned unchanged, except by the boolean pair.
    pub fn apply(self, value: &Value, p: &Params) -> Result<Value> {
        if value.is_nullish() && !matches!(self, Action::ToBool | Action::FromBool) {
            return Ok(value.clone());
        }
        Ok(match self {
            Action::Trim => match value {
                Value::String(s) => Value::String(s.trim_matches(is_js_space).to_owned()),
                _ => return Err(Error::new(Kind::Validation, "value.trim is not a function").with("action", "trim")),
            },
            Action::ToText => Value::String(js_string(value)),
            Action::Encrypt => encrypt(value, &p.passphrase)?,
            Action::Decrypt => decrypt(value, &p.passphrase),
            Action::HashPassword => hash(value, p.scheme, p)?,
            Action::FromArray => from_array(value, p.separator),
            Action::ToArray => to_array(value, p.separator),
            Action::ToJson => match value {
                Value::String(_) => value.clone(),
                other => text::stringify(other).map_or(Value::Undefined, Value::String),
            },
            Action::FromJson => match value {
                Value::String(s) if !s.is_empty() => text::parse_plain(s).unwrap_or_else(|| value.clone()),
                other => other.clone(),
            },
            Action::ToNumber => to_number(value),
            Action::ToBool => Value::Bool(truthy(value)),
            Action::FromBool => Value::String(if truthy(value) { "1" } else { "0" }.into()),
            Action::ToBase62 => number_to_text(value, integer_text),
            Action::ToBase62Decimal => number_to_text(value, base62::encode_number_exact),
            Action::FromBase62 => text_to_number(value, integer_value),
            Action::FromBase62Decimal => text_to_number(value, base62::decode_decimal),
            Action::FromArrayOfNumbers => from_numbers(value, p.separator, integer_text),
            Action::FromArrayOfDecimals => from_numbers(value, p.separator, base62::encode_number_exact),
            Action::ToArrayOfNumbers => to_numbers(value, p.separator, integer_value),
            Action::ToArrayOfDecimals => to_numbers(value, p.separator, base62::decode_decimal),
            Action::FromArrayOfEmbeddings => match value {
                Value::Array(items) => Value::String(base62::encode_fixed_batch(items, p.precision.unwrap_or(6))),
                other => other.clone(),
            },
            Action::ToArrayOfEmbeddings => to_embeddings(value, p),
            Action::EncodeIpv4 => map_text(value, |s| ip::encode_v4(s).ok()),
            Action::EncodeIpv6 => map_text(value, |s| ip::encode_v6(s).ok()),
            Action::DecodeIpv4 => map_text(value, |s| if ip::is_valid_v4(s) { None } else { ip::decode_v4(s).ok() }),
            Action::DecodeIpv6 => map_text(value, |s| ip::decode_v6(s, true).ok()),
            Action::EncodeMoney => match value {
                Value::Number(n) => Value::String(money::encode(*n, p.decimals)),
                other => other.clone(),
            },
            Action::DecodeMoney => decode_money(value, p.decimals),
            Action::EncodeDecimalFixed => match value {
                Value::Number(n) => Value::String(base62::encode_fixed(*n, p.precision.unwrap_or(2))),
                other => other.clone(),
            },
            Action::DecodeDecimalFixed => match value {
                Value::String(s) => Value::Number(base62::decode_fixed(s, p.precision.unwrap_or(2))),
                other => other.clone(),
            },
            Action::EncodeGeoLatitude => encode_geo(value, Axis::Latitude, p.precision),
            Action::EncodeGeoLongitude => encode_geo(value, Axis::Longitude, p.precision),
            Action::DecodeGeoLatitude => decode_geo(value, Axis::Latitude, p.precision),
            Action::DecodeGeoLongitude => decode_geo(value, Axis::Longitude, p.precision),
            Action::EncodeGeoPointPair => encode_point(value, p.precision),
            Action::DecodeGeoPointPair => decode_point(value, p.precision),
            Action::EncodeBuffer => encode_bytes(value, None)?,
            Action::DecodeBuffer => decode_bytes(value, None),
            Action::EncodeBits => encode_bytes(value, p.bit_count)?,
            Action::DecodeBits => decode_bytes(value, p.bit_count),
        })
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Bool(b) => *b,
        Value::Number(n) => *n == 1.0,
        Value::String(s) => matches!(s.as_str(), "true" | "1" | "yes" | "y"),
        _ => false,
    }
}

/// Secrets that cannot be decrypted are returned as they are.
fn decrypt(value: &Value, passphrase: &str) -> Value {
    let Value::String(stored) = value else { return value.clone() };
    match crypto::decrypt(stored, passphrase) {
        Ok(plain) => match plain.as_str() {
            "null" => Value::Null,
            "undefined" => Value::Undefined,
            _ => Value::String(plain),
        },
        Err(_) => value.clone(),
    }
}

/// Ciphertext; a value that already is one under this passphrase stays.
fn encrypt(value: &Value, passphrase: &str) -> Result<Value> {
    let plain = js_string(value);
    if crypto::looks_encrypted(&plain) && crypto::decrypt(&plain, passphrase).is_ok() {
        return Ok(Value::String(plain));
    }
    crypto::encrypt(&plain, passphrase).map(Value::String)
}

/// Stored hash of a password.
pub(crate) fn hash(value: &Value, scheme: password::Scheme, p: &Params) -> Result<Value> {
    password::protect(&js_string(value), scheme, p.bcrypt_rounds, &p.pepper, p.argon2).map(Value::String)
}

fn from_array(value: &Value, separator: char) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(separator);
        }
        match item {
            Value::String(s) => {
                for c in s.chars() {
                    if c == '\\' || c == separator {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
            other => out.push_str(&js_string(other)),
        }
    }
    Value::String(out)
}

/// Splits at separators that no backslash precedes and removes the escapes.
fn split_escaped(text: &str, separator: char) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            item.push(chars.next().unwrap_or('\\'));
        } else if c == separator {
            items.push(std::mem::take(&mut item));
        } else {
            item.push(c);
        }
    }
    items.push(item);
    items
}

pub(crate) fn to_array(value: &Value, separator: char) -> Value {
    match value {
        Value::Array(_) => value.clone(),
        Value::String(s) if s.is_empty() => Value::Array(Vec::new()),
        other => Value::Array(split_escaped(&js_string(other), separator).into_iter().map(Value::String).collect()),
    }
}

fn to_number(value: &Value) -> Value {
    let Value::String(s) = value else { return value.clone() };
    let t = s.trim_start_matches(is_js_space);
    Value::Number(if s.contains('.') {
        parse_prefix(t, true)
    } else {
        parse_prefix(t, false)
    })
}

/// `parseFloat` (with fraction and exponent) or `parseInt` of JavaScript.
fn parse_prefix(t: &str, float: bool) -> f64 {
    let (sign, digits) = match t.as_bytes().first() {
        Some(b'-') => (-1.0, &t[1..]),
        Some(b'+') => (1.0, &t[1..]),
        _ => (1.0, t),
    };
    if !float {
        if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
            return if end == 0 {
                f64::NAN
            } else {
                sign * from_text(&format!("0x{}", &hex[..end]))
            };
        }
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        return if end == 0 { f64::NAN } else { sign * from_text(&digits[..end]) };
    }
    if digits.starts_with("Infinity") {
        return sign * f64::INFINITY;
    }
    let bytes = digits.as_bytes();
    let mut end = 0;
    let mut dot = false;
    while end < bytes.len() && (bytes[end].is_ascii_digit() || (bytes[end] == b'.' && !dot)) {
        dot |= bytes[end] == b'.';
        end += 1;
    }
    if !bytes[..end].iter().any(u8::is_ascii_digit) {
        return f64::NAN;
    }
    let mut whole = end;
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let mut at = end + 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        let start = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at > start {
            whole = at;
        }
    }
    sign * from_text(&digits[..whole])
}

/// Base62 of the floor; the exponent form where base62 would not come back exactly.
pub(crate) fn integer_text(n: f64) -> String {
    let text = base62::encode(n);
    if n.fract() == 0.0 && n.is_finite() && base62::decode(&text) != n {
        return base62::encode_number_exact(n);
    }
    text
}

/// Inverse of [`integer_text`]: one digit, a point and an exponent is the exact form.
pub(crate) fn integer_value(text: &str) -> f64 {
    if text.contains('.') {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let bytes = digits.as_bytes();
        if bytes.len() > 4 && bytes[0].is_ascii_digit() && bytes[1] == b'.' && digits.contains('e') {
            return from_text(text);
        }
        return f64::NAN;
    }
    base62::decode(text)
}

fn number_to_text(value: &Value, encode: fn(f64) -> String) -> Value {
    match value {
        Value::Number(n) => Value::String(encode(*n)),
        Value::String(s) if !s.is_empty() => {
            let n = from_text(s);
            if n.is_nan() { value.clone() } else { Value::String(encode(n)) }
        }
        other => other.clone(),
    }
}

fn text_to_number(value: &Value, decode: fn(&str) -> f64) -> Value {
    match value {
        Value::Number(_) => value.clone(),
        Value::String(s) if s.is_empty() => value.clone(),
        Value::String(s) => {
            let n = decode(s);
            if n.is_nan() { Value::Undefined } else { Value::Number(n) }
        }
        _ => Value::Undefined,
    }
}

fn from_numbers(value: &Value, separator: char, encode: fn(f64) -> String) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(separator);
        }
        let n = js_number(item);
        if n.is_nan() {
            continue;
        }
        out.push_str(&encode(n));
    }
    Value::String(out)
}

fn to_numbers(value: &Value, separator: char, decode: fn(&str) -> f64) -> Value {
    let item = |s: &str| if s.is_empty() { f64::NAN } else { decode(s) };
    match value {
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|v| match v {
                    Value::Number(n) => Value::Number(*n),
                    Value::String(s) => Value::Number(decode(s)),
                    _ => Value::Number(f64::NAN),
                })
                .collect(),
        ),
        Value::String(s) if s.is_empty() => Value::Array(Vec::new()),
        other => Value::Array(
            split_escaped(&js_string(other), separator)
                .iter()
                .map(|s| Value::Number(item(s)))
                .collect(),
        ),
    }
}

fn to_embeddings(value: &Value, p: &Params) -> Value {
    let precision = p.precision.unwrap_or(6);
    match value {
        Value::Array(_) => value.clone(),
        Value::String(s) if s.is_empty() || s == "^[]" => Value::Array(Vec::new()),
        Value::String(s) if s.starts_with("^[") => {
            Value::Array(base62::decode_fixed_batch(s, precision).into_iter().map(Value::Number).collect())
        }
        other => Value::Array(
            split_escaped(&js_string(other), p.separator)
                .iter()
                .map(|s| Value::Number(base62::decode_fixed(s, precision)))
                .collect(),
        ),
    }
}

fn map_text(value: &Value, f: impl Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(s) => f(s).map_or_else(|| value.clone(), Value::String),
        other => other.clone(),
    }
}

fn decode_money(value: &Value, decimals: u32) -> Value {
    match value {
        Value::String(s) => match money::decode(s, decimals) {
            Some(n) if !n.is_nan() => Value::Number(n),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn encode_geo(value: &Value, axis: Axis, precision: Option<u32>) -> Value {
    match value {
        Value::Number(n) => geo::encode(axis, *n, precision.unwrap_or(6)).map_or_else(|_| value.clone(), Value::String),
        other => other.clone(),
    }
}

fn decode_geo(value: &Value, axis: Axis, precision: Option<u32>) -> Value {
    match value {
        Value::String(s) => geo::decode(axis, s, precision.unwrap_or(6)).map_or_else(|| value.clone(), Value::Number),
        other => other.clone(),
    }
}

fn encode_point(value: &Value, precision: Option<u32>) -> Value {
    let number = |v: Option<&Value>| match v {
        Some(Value::Number(n)) => Some(*n),
        _ => None,
    };
    let pair = match value {
        Value::Array(items) if items.len() == 2 => number(items.first()).zip(number(items.get(1))),
        Value::Object(o) => number(o.get("latitude"))
            .zip(number(o.get("longitude")))
            .or_else(|| number(o.get("lat")).zip(number(o.get("lon")))),
        _ => None,
    };
    pair.and_then(|(lat, lon)| geo::encode_point(lat, lon, precision.unwrap_or(6)).ok())
        .map_or_else(|| value.clone(), Value::String)
}

fn decode_point(value: &Value, precision: Option<u32>) -> Value {
    let Value::String(s) = value else { return value.clone() };
    let (lat, lon) = geo::decode_point(s, precision.unwrap_or(6));
    let mut point = Object::default();
    point.insert("latitude".into(), Value::Number(lat));
    point.insert("longitude".into(), Value::Number(lon));
    Value::Object(point)
}
