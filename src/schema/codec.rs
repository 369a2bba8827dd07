//! How values of one attribute are stored and read (spec/04 2.2, 16.3).

use super::action::{Action, Params, integer_text, to_array};
use super::later::{decode_packed, encode_packed};
use crate::codec::packed::Packed;
use crate::codec::password::Scheme;
use crate::codec::{crypto, date, ip, password};
use crate::error::{Error, Kind, Result};
use crate::value::number::{from_text, js_number, js_string, to_text};
use crate::value::{Object, Value, text};

/// Plaintext of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretKind {
    Text,
    Any,
    Number,
}

/// Parameter of an automatic action.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Param {
    Number(u32),
    Text(&'static str),
    Null,
}

/// Write action, read action, parameter.
pub(crate) type Actions = (Action, Action, Option<(&'static str, Param)>);

/// Storage form of an attribute. Numbers in variants are decimals or precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Text,
    RawText,
    Any,
    Date,
    Array,
    Json,
    Bytes,
    /// Bytes of that many bits.
    Bits(Option<u32>),
    /// Types of later versions; `true` writes the packed form.
    Packed(Packed, bool),
    Strings,
    Decimals,
    Integers,
    Embedding,
    Secret(SecretKind),
    Password(Scheme),
    Ip4,
    Ip6,
    Money(u32),
    Decimal(u32),
    GeoLat(u32),
    GeoLon(u32),
    GeoPoint(u32),
    Integer,
    Number,
    Boolean,
}

/// Settings shared by all attributes of a schema.
#[derive(Clone)]
pub(crate) struct Env {
    pub params: Params,
    pub auto_encrypt: bool,
    pub auto_decrypt: bool,
}

impl Default for Env {
    fn default() -> Self {
        Self {
            params: Params::default(),
            auto_encrypt: true,
            auto_decrypt: true,
        }
    }
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env")
            .field("auto_encrypt", &self.auto_encrypt)
            .field("auto_decrypt", &self.auto_decrypt)
            .finish_non_exhaustive()
    }
}

impl Codec {
    /// Published actions `(beforeMap, afterUnmap)` with the parameter entry they carry.
    pub fn actions(self) -> Option<Actions> {
        let number = |n: u32| Param::Number(n);
        Some(match self {
            Codec::Text | Codec::RawText | Codec::Any | Codec::Date | Codec::Array | Codec::Packed(..) => return None,
            Codec::Bytes => (Action::EncodeBuffer, Action::DecodeBuffer, None),
            Codec::Bits(n) => (
                Action::EncodeBits,
                Action::DecodeBits,
                Some(("bitCount", n.map_or(Param::Null, Param::Number))),
            ),
            Codec::Json => (Action::ToJson, Action::FromJson, None),
            Codec::Strings => (Action::FromArray, Action::ToArray, None),
            Codec::Decimals => (Action::FromArrayOfDecimals, Action::ToArrayOfDecimals, None),
            Codec::Integers => (Action::FromArrayOfNumbers, Action::ToArrayOfNumbers, None),
            Codec::Embedding => (Action::FromArrayOfEmbeddings, Action::ToArrayOfEmbeddings, None),
            Codec::Secret(_) => (Action::Encrypt, Action::Decrypt, None),
            Codec::Password(scheme) => (
                Action::HashPassword,
                Action::HashPassword,
                scheme.name().map(|name| ("algorithm", Param::Text(name))),
            ),
            Codec::Ip4 => (Action::EncodeIpv4, Action::DecodeIpv4, None),
            Codec::Ip6 => (Action::EncodeIpv6, Action::DecodeIpv6, None),
            Codec::Money(d) => (Action::EncodeMoney, Action::DecodeMoney, Some(("decimals", number(d)))),
            Codec::Decimal(p) => (
                Action::EncodeDecimalFixed,
                Action::DecodeDecimalFixed,
                Some(("precision", number(p))),
            ),
            Codec::GeoLat(p) => (Action::EncodeGeoLatitude, Action::DecodeGeoLatitude, Some(("precision", number(p)))),
            Codec::GeoLon(p) => (
                Action::EncodeGeoLongitude,
                Action::DecodeGeoLongitude,
                Some(("precision", number(p))),
            ),
            Codec::GeoPoint(p) => (
                Action::EncodeGeoPointPair,
                Action::DecodeGeoPointPair,
                Some(("precision", number(p))),
            ),
            Codec::Integer => (Action::ToBase62, Action::FromBase62, None),
            Codec::Number => (Action::ToBase62Decimal, Action::FromBase62Decimal, None),
            Codec::Boolean => (Action::FromBool, Action::ToBool, None),
        })
    }

    /// Secret or password.
    pub fn is_protected(self) -> bool {
        matches!(self, Codec::Secret(_) | Codec::Password(_))
    }

    /// Values keep a meaning when their stored text is cut.
    pub fn may_truncate(self) -> bool {
        matches!(
            self,
            Codec::Text | Codec::RawText | Codec::Any | Codec::Json | Codec::Array | Codec::Strings | Codec::Packed(_, false)
        )
    }

    fn params(self, env: &Env) -> Params {
        let mut params = env.params.clone();
        match self {
            Codec::Money(d) => params.decimals = d,
            Codec::Decimal(p) | Codec::GeoLat(p) | Codec::GeoLon(p) | Codec::GeoPoint(p) => params.precision = Some(p),
            Codec::Bits(n) => params.bit_count = n,
            _ => {}
        }
        params
    }

    fn run(self, action: Action, value: &Value, env: &Env) -> Result<Value> {
        match self {
            Codec::Money(_) | Codec::Decimal(_) | Codec::GeoLat(_) | Codec::GeoLon(_) | Codec::GeoPoint(_) | Codec::Bits(_) => {
                action.apply(value, &self.params(env))
            }
            _ => action.apply(value, &env.params),
        }
    }

    /// Mapped value. `raw` is object notation: the text of 13.6, only secrets and passwords protected.
    pub fn encode(self, path: &str, value: &Value, raw: bool, env: &Env) -> Result<Value> {
        if value.is_nullish() {
            return Ok(value.clone());
        }
        match self {
            Codec::Text | Codec::RawText | Codec::Any | Codec::Array => plain(path, value, self != Codec::RawText),
            Codec::Date => encode_date(path, value),
            Codec::Bytes | Codec::Bits(_) => self
                .actions()
                .map_or_else(|| Ok(value.clone()), |(write, ..)| self.run(write, value, env))
                .map_err(|e| Error::validation(path, format!("'{path}' {}", e.message()))),
            Codec::Packed(kind, packs) => encode_packed(kind, packs, path, value, raw),
            Codec::Json => {
                reject(path, value)?;
                Action::ToJson.apply(value, &env.params)
            }
            Codec::Secret(_) | Codec::Password(_) if !env.auto_encrypt => plain(path, value, false),
            Codec::Secret(kind) => {
                reject(path, value)?;
                let plaintext = secret_text(kind, value);
                let passphrase = &env.params.passphrase;
                let protect = |text: &str| crypto::encrypt(text, passphrase).map_err(|e| e.with_default("field", path));
                // 13.6 and 19 take two layers off on reading, so a value that is itself a ciphertext gets both.
                let nested = crypto::looks_encrypted(&plaintext) && crypto::decrypt(&plaintext, passphrase).is_ok();
                let sealed = protect(&plaintext)?;
                Ok(Value::String(if nested { protect(&sealed)? } else { sealed }))
            }
            Codec::Password(scheme) => super::action::hash(value, scheme, &env.params).map_err(|e| e.with_default("field", path)),
            Codec::Strings => Ok(encode_strings(value, env)),
            Codec::Boolean if raw => Ok(match value {
                Value::String(s) if matches!(s.as_str(), "true" | "1" | "on" | "yes" | "y") => Value::Bool(true),
                Value::String(s) if matches!(s.as_str(), "false" | "0" | "off" | "no" | "n") => Value::Bool(false),
                Value::Number(n) if *n == 1.0 || *n == 0.0 => Value::Bool(*n == 1.0),
                other => plain(path, other, true)?,
            }),
            Codec::Boolean => match value {
                Value::String(s) if s == "on" => Ok(Value::String("1".into())),
                other => Action::FromBool.apply(other, &env.params),
            },
            Codec::Number | Codec::Integer | Codec::Money(_) | Codec::Decimal(_) | Codec::GeoLat(_) | Codec::GeoLon(_) => {
                self.encode_number(path, value, raw, env)
            }
            Codec::GeoPoint(_) if !raw => {
                let mapped = self.run(Action::EncodeGeoPointPair, value, env)?;
                plain(path, &mapped, true)
            }
            Codec::Decimals | Codec::Integers | Codec::Embedding | Codec::Ip4 | Codec::Ip6 | Codec::GeoPoint(_) => {
                let mapped = match self.actions() {
                    Some((write, ..)) if !raw || !matches!(self, Codec::Ip4 | Codec::Ip6 | Codec::GeoPoint(_)) => {
                        self.run(write, value, env)?
                    }
                    _ => value.clone(),
                };
                plain(path, &mapped, true)
            }
        }
    }

    fn encode_number(self, path: &str, value: &Value, raw: bool, env: &Env) -> Result<Value> {
        let n = js_number(value);
        if raw && !n.is_finite() {
            return plain(path, value, true);
        }
        if !n.is_finite() {
            return Err(Error::validation(path, format!("'{path}' must be a finite number")));
        }
        if raw {
            return Ok(Value::Number(n));
        }
        let number = Value::Number(n);
        match self.actions() {
            Some((write, ..)) => {
                let mapped = self.run(write, &number, env)?;
                if matches!(mapped, Value::Number(_)) {
                    // Only geo refuses a number.
                    return Err(Error::validation(path, format!("'{path}' is out of range for a coordinate")));
                }
                Ok(mapped)
            }
            None => Ok(number),
        }
    }

    /// Value of a stored one (text from metadata, any JSON value from a body).
    pub fn decode(self, value: Value, raw: bool, env: &Env) -> Value {
        if value.is_nullish() {
            return value;
        }
        match self {
            Codec::RawText | Codec::Password(_) => return value,
            Codec::Secret(kind) => return decode_secret(kind, value, env),
            Codec::Bytes | Codec::Bits(_) => {
                return match self.actions() {
                    Some((_, read, _)) => self.run(read, &value, env).unwrap_or(value),
                    None => value,
                };
            }
            Codec::Packed(kind, _) => return decode_packed(kind, value, raw),
            Codec::Date => return decode_date(value),
            _ => {}
        }
        let value = sniff(value);
        match self {
            Codec::Any => revive(value),
            Codec::Array => match value {
                Value::String(_) => to_array(&value, env.params.separator),
                other => other,
            },
            Codec::Json => Action::FromJson.apply(&value, &env.params).unwrap_or(value),
            _ if raw => self.decode_raw(value, env),
            Codec::GeoPoint(_) if !matches!(&value, Value::String(s) if s.starts_with('~')) => value,
            Codec::Ip4 | Codec::Ip6 => decode_ip(self, value, env),
            _ => match self.actions() {
                Some((_, read, _)) => self.run(read, &value, env).unwrap_or(value),
                None => value,
            },
        }
    }

    /// Raw text of object notation to the declared type; text that does not convert stays.
    fn decode_raw(self, value: Value, env: &Env) -> Value {
        let Value::String(s) = &value else { return value };
        let encoded = match self {
            Codec::Money(_) => s.starts_with('$'),
            Codec::Decimal(_) => s.starts_with('^'),
            Codec::GeoLat(_) | Codec::GeoLon(_) | Codec::GeoPoint(_) => s.starts_with('~'),
            Codec::Decimals | Codec::Integers | Codec::Embedding | Codec::Strings => true,
            _ => false,
        };
        if encoded && let Some((_, read, _)) = self.actions() {
            let decoded = self.run(read, &value, env);
            return match decoded {
                Ok(Value::Number(n)) if n.is_nan() => value,
                Ok(decoded) => decoded,
                Err(_) => value,
            };
        }
        match self {
            Codec::Number | Codec::Integer | Codec::Money(_) | Codec::Decimal(_) | Codec::GeoLat(_) | Codec::GeoLon(_) => {
                let n = from_text(s);
                if s.trim().is_empty() || !n.is_finite() {
                    value
                } else {
                    Value::Number(n)
                }
            }
            Codec::Boolean => match s.as_str() {
                "true" | "1" | "yes" | "y" | "on" => Value::Bool(true),
                "false" | "0" | "no" | "n" | "off" => Value::Bool(false),
                _ => value,
            },
            Codec::Ip4 | Codec::Ip6 => decode_ip(self, value, env),
            _ => value,
        }
    }

    /// Whether `stored` is a protected form that a later write may keep.
    pub fn is_stored_form(self, stored: &str) -> bool {
        match self {
            Codec::Secret(_) => crypto::looks_encrypted(stored),
            Codec::Password(_) => password::is_stored_hash(stored),
            _ => false,
        }
    }

    /// What a read of the stored form of `value` returns, without deriving a key.
    pub fn read_of(self, value: &Value, stored: &Value, env: &Env) -> Value {
        match self {
            Codec::Secret(kind) if env.auto_decrypt => plain_secret(kind, secret_text(kind, value)),
            _ => stored.clone(),
        }
    }
}

/// Text that is neither a dotted address nor valid base64 of the right length stays.
fn decode_ip(codec: Codec, value: Value, env: &Env) -> Value {
    let Value::String(s) = &value else { return value };
    let (known, read) = match codec {
        Codec::Ip4 => (ip::is_valid_v4(s), Action::DecodeIpv4),
        _ => (s.contains(':'), Action::DecodeIpv6),
    };
    if known {
        return value;
    }
    match read.apply(&value, &env.params) {
        Ok(Value::String(address)) => Value::String(mapped_v4(&address).unwrap_or(address)),
        Ok(other) => other,
        Err(_) => value,
    }
}

/// IPv4-mapped addresses in their usual form, `::ffff:192.168.1.1`.
fn mapped_v4(address: &str) -> Option<String> {
    let (high, low) = address.strip_prefix("::ffff:")?.split_once(':')?;
    let group = |g: &str| u16::from_str_radix(g, 16).ok().map(u16::to_be_bytes);
    let ([a, b], [c, d]) = (group(high)?, group(low)?);
    Some(format!("::ffff:{a}.{b}.{c}.{d}"))
}

/// Values that have no stored form.
fn reject(path: &str, value: &Value) -> Result<()> {
    match value {
        Value::RegExp(..) => Err(Error::validation(
            path,
            format!("'{path}' holds a RegExp, which cannot be stored; store its source text"),
        )),
        _ => Ok(()),
    }
}

/// Scalars as they are, everything else as JSON text. `sniffed` texts `[object Object]` become `{}`.
pub(crate) fn plain(path: &str, value: &Value, sniffed: bool) -> Result<Value> {
    reject(path, value)?;
    Ok(match value {
        Value::String(s) if sniffed && s == "[object Object]" => Value::String("{}".into()),
        Value::String(_) | Value::Null | Value::Undefined | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::BigInt(digits) => Value::String(digits.clone()),
        other => Value::String(text::stringify(other).unwrap_or_default()),
    })
}

fn encode_date(path: &str, value: &Value) -> Result<Value> {
    let ms = match value {
        Value::Date(ms) | Value::Number(ms) => *ms,
        other => return plain(path, other, false),
    };
    match text::iso_date(ms) {
        Some(iso) => Ok(Value::String(format!("\"{iso}\""))),
        None => Err(Error::validation(path, format!("'{path}' is not a valid date"))),
    }
}

fn decode_date(value: Value) -> Value {
    match &value {
        Value::String(s) => {
            let inner = s.strip_prefix('"').and_then(|s| s.strip_suffix('"')).unwrap_or(s);
            date::parse(inner).map_or(value, Value::Date)
        }
        Value::Number(ms) => Value::Date(*ms),
        _ => value,
    }
}

/// Joined text; JSON where the joined text would be read as something else (`['']`, `['[1]']`).
fn encode_strings(value: &Value, env: &Env) -> Value {
    let joined = Action::FromArray.apply(value, &env.params).unwrap_or_else(|_| value.clone());
    if let Value::Array(items) = value
        && items.iter().all(|i| matches!(i, Value::String(_)))
        && let Value::String(s) = &joined
        && (s.is_empty() != items.is_empty() || s.starts_with(['[', '{']))
        && to_array(&sniff(joined.clone()), env.params.separator) != *value
    {
        return text::stringify(value).map_or(joined, Value::String);
    }
    match &joined {
        Value::Array(_) | Value::Object(_) => text::stringify(&joined).map_or(joined, Value::String),
        _ => joined,
    }
}

/// Text starting with `{` or `[` that parses becomes its value (spec/04 16.7).
pub(crate) fn sniff(value: Value) -> Value {
    match &value {
        Value::String(s) if s.starts_with(['{', '[']) => {
            if s == "[object Object]" {
                Value::Object(Object::default())
            } else {
                text::parse_plain(s).unwrap_or(value)
            }
        }
        _ => value,
    }
}

/// Dates and bytes of untyped attributes, told by the exact form that JSON text gives them.
pub(crate) fn revive(value: Value) -> Value {
    match &value {
        Value::String(s) if s.len() == 26 && s.starts_with('"') && s.ends_with("Z\"") => date::parse(&s[1..25]).map_or(value, Value::Date),
        Value::Object(o) if o.len() == 2 && o.get("type").and_then(Value::as_str) == Some("Buffer") => match o.get("data") {
            Some(Value::Array(items)) => {
                let bytes: Option<Vec<u8>> = items
                    .iter()
                    .map(|v| match v {
                        Value::Number(n) if n.fract() == 0.0 && (0.0..256.0).contains(n) => to_text(*n).parse().ok(),
                        _ => None,
                    })
                    .collect();
                bytes.map_or(value, Value::Bytes)
            }
            _ => value,
        },
        _ => value,
    }
}

/// Plaintext of a secret. Texts that JSON would read as another value are quoted in `secretAny`.
fn secret_text(kind: SecretKind, value: &Value) -> String {
    match (kind, value) {
        (SecretKind::Any, Value::String(s)) => {
            if text::parse_plain(s).is_some() || s == "undefined" {
                text::stringify(value).unwrap_or_default()
            } else {
                s.clone()
            }
        }
        (SecretKind::Any, Value::BigInt(s)) => s.clone(),
        (SecretKind::Any, other) => text::stringify(other).unwrap_or_default(),
        (SecretKind::Number, other) => {
            let n = js_number(other);
            if n.is_nan() { js_string(other) } else { to_text(n) }
        }
        // 13.6 stores `[object Object]` here; the structure is kept instead.
        (SecretKind::Text, Value::Object(_) | Value::Array(_)) => text::stringify(value).unwrap_or_default(),
        (SecretKind::Text, other) => js_string(other),
    }
}

fn plain_secret(kind: SecretKind, plaintext: String) -> Value {
    match kind {
        _ if plaintext == "null" => Value::Null,
        _ if plaintext == "undefined" => Value::Undefined,
        SecretKind::Text => Value::String(plaintext),
        SecretKind::Any => text::parse_plain(&plaintext).map_or(Value::String(plaintext), revive),
        SecretKind::Number => {
            let n = from_text(&plaintext);
            if n.is_nan() || plaintext.trim().is_empty() {
                Value::String(plaintext)
            } else {
                Value::Number(n)
            }
        }
    }
}

fn decode_secret(kind: SecretKind, value: Value, env: &Env) -> Value {
    let Value::String(stored) = &value else { return value };
    if !env.auto_decrypt || !crypto::looks_encrypted(stored) {
        return value;
    }
    let passphrase = &env.params.passphrase;
    match crypto::decrypt(stored, passphrase) {
        // s3db.js 19 encrypts top-level secrets twice, and 13.6 takes two layers off; the tag tells a second layer from a
        // text that only looks like one. A value that is a ciphertext itself is written with a layer more.
        Ok(inner) if crypto::looks_encrypted(&inner) => plain_secret(kind, crypto::decrypt(&inner, passphrase).unwrap_or(inner)),
        Ok(plaintext) => plain_secret(kind, plaintext),
        Err(_) => value,
    }
}

/// A number that no action turned into text (automatic actions off).
pub(crate) fn unhooked_number(value: Value) -> Value {
    match value {
        Value::Number(n) => Value::String(integer_text(n)),
        other => other,
    }
}

/// Error of a stored text that the format does not allow.
pub(crate) fn corrupted(resource: &str, field: &str, what: &str) -> Error {
    Error::new(Kind::Corrupted, format!("stored record of '{resource}' is damaged: {what}"))
        .with("resourceName", resource)
        .with("field", field)
}
