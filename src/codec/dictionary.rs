//! The value dictionary of the metadata encoding (spec/04 6.4).

use crate::value::{Object, Value};

/// Content types and their codes; `font/woff2` is missing on purpose: its code `f` reads as `failed` (spec/04 15.20).
pub const CONTENT_TYPES: &[(&str, &str)] = &[
    ("application/json", "j"),
    ("application/xml", "X"),
    ("application/ld+json", "J"),
    ("text/html", "H"),
    ("text/plain", "T"),
    ("text/css", "C"),
    ("text/javascript", "V"),
    ("text/csv", "v"),
    ("image/png", "P"),
    ("image/jpeg", "I"),
    ("image/gif", "G"),
    ("image/svg+xml", "S"),
    ("image/webp", "W"),
    ("application/pdf", "Q"),
    ("application/zip", "z"),
    ("application/octet-stream", "o"),
    ("application/x-www-form-urlencoded", "u"),
    ("multipart/form-data", "F"),
    ("font/woff", "w"),
];

/// Status words and their codes.
pub const STATUS: &[(&str, &str)] = &[
    ("processing", "p"),
    ("completed", "c"),
    ("succeeded", "s"),
    ("failed", "f"),
    ("cancelled", "x"),
    ("timeout", "t"),
    ("retrying", "r"),
    ("authorized", "a"),
    ("captured", "K"),
    ("refunded", "R"),
    ("declined", "d"),
    ("shipped", "h"),
    ("delivered", "D"),
    ("returned", "e"),
    ("in_transit", "i"),
    ("initialized", "n"),
    ("terminated", "m"),
];

/// Prefixes and their codes, longest first.
pub const PREFIXES: &[(&str, &str)] = &[
    ("https://s3.amazonaws.com/", "@s"),
    ("https://api.example.com/", "@A"),
    ("http://localhost:", "@L"),
    ("http://localhost", "@l"),
    ("https://api.", "@H"),
    ("https://www.", "@W"),
    ("https://s3-", "@S"),
    ("/products/", "@p"),
    ("/api/v1/", "@1"),
    ("/api/v2/", "@2"),
    ("/api/v3/", "@3"),
    ("https://", "@h"),
    ("http://", "@t"),
    ("/users/", "@u"),
    ("/api/", "@a"),
    ("/v1/", "@v"),
];

/// A hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit<'a> {
    /// The whole value.
    Exact(&'static str),
    /// Code, prefix and remainder.
    Prefix(&'static str, &'static str, &'a str),
}

/// Looks a value up; prefix hits are returned even when they save nothing.
pub fn lookup(value: &str) -> Option<Hit<'_>> {
    let first = *value.as_bytes().first()?;
    // Every entry starts with a lower-case letter or a slash.
    if !(first.is_ascii_lowercase() || first == b'/') || value.len() < 4 {
        return None;
    }
    if first == b'/' || first == b'h' {
        for (prefix, code) in PREFIXES {
            if let Some(rest) = value.strip_prefix(prefix) {
                return Some(Hit::Prefix(code, prefix, rest));
            }
        }
        return None;
    }
    if value.len() > 33 {
        return None;
    }
    CONTENT_TYPES
        .iter()
        .chain(STATUS)
        .find(|(v, _)| v.len() == value.len() && *v == value)
        .map(|(_, code)| Hit::Exact(code))
}

/// Text after `d:`; `None` for an unknown code.
pub fn expand(payload: &str) -> Option<String> {
    if payload.starts_with('@') {
        let code = payload.get(..2)?;
        let (prefix, _) = PREFIXES.iter().find(|(_, c)| *c == code)?;
        return Some(format!("{prefix}{}", &payload[2..]));
    }
    CONTENT_TYPES
        .iter()
        .chain(STATUS)
        .find(|(_, c)| *c == payload)
        .map(|(v, _)| (*v).to_owned())
}

/// `dictionaryEncode`: the hit with its lengths, or `null`.
pub fn encode(value: &str) -> Value {
    let Some(hit) = lookup(value) else {
        return Value::Null;
    };
    let (kind, encoded) = match hit {
        Hit::Exact(code) => ("exact", format!("d:{code}")),
        Hit::Prefix(code, _, rest) => ("prefix", format!("d:{code}{rest}")),
    };
    let units = |s: &str| s.encode_utf16().count() as f64;
    let (before, after) = (units(value), units(&encoded));
    let mut out = Object::default();
    out.insert("encoded".into(), Value::String(encoded));
    out.insert("encoding".into(), Value::from("dictionary"));
    out.insert("originalLength".into(), Value::Number(before));
    out.insert("encodedLength".into(), Value::Number(after));
    out.insert("dictionaryType".into(), Value::from(kind));
    if let Hit::Prefix(_, prefix, rest) = hit {
        out.insert("prefix".into(), Value::from(prefix));
        out.insert("remainder".into(), Value::from(rest));
    }
    out.insert("savings".into(), Value::Number(before - after));
    Value::Object(out)
}

/// `calculateDictionaryCompression`: `{ compressible, original, encoded, savings, ratio, savingsPercent? }`.
pub fn compression(value: &str) -> Value {
    let before = value.encode_utf16().count() as f64;
    let after = match encode(value) {
        Value::Object(hit) => hit
            .get("encodedLength")
            .and_then(|n| if let Value::Number(n) = n { Some(*n) } else { None }),
        _ => None,
    };
    let encoded = after.unwrap_or(before);
    let mut out = Object::default();
    out.insert("compressible".into(), Value::Bool(after.is_some()));
    out.insert("original".into(), Value::Number(before));
    out.insert("encoded".into(), Value::Number(encoded));
    out.insert("savings".into(), Value::Number(before - encoded));
    out.insert("ratio".into(), Value::Number(if after.is_some() { encoded / before } else { 1.0 }));
    if after.is_some() {
        // toFixed rounds halves of the binary value up, and 81.25 is such a half.
        let tenths = crate::value::number::js_round((before - encoded) / before * 1000.0);
        out.insert("savingsPercent".into(), Value::String(format!("{:.1}%", tenths / 10.0)));
    }
    Value::Object(out)
}

/// `getDictionaryStats`; `font/woff2` counts as in 13.6, although it is not written.
pub fn stats() -> Value {
    let average = |savings: usize, n: usize| Value::Number(savings as f64 / n as f64);
    let saved = |table: &[(&str, &str)]| table.iter().map(|(v, c)| v.len() - 2 - c.len()).sum::<usize>();
    let types = CONTENT_TYPES.len() + 1;
    let count = |n: usize| Value::Number(n as f64);
    let mut out = Object::default();
    out.insert("contentTypes".into(), count(types));
    out.insert("urlPrefixes".into(), count(PREFIXES.len()));
    out.insert("statusMessages".into(), count(STATUS.len()));
    out.insert("total".into(), count(types + PREFIXES.len() + STATUS.len()));
    out.insert(
        "avgSavingsContentType".into(),
        average(saved(CONTENT_TYPES) + "font/woff2".len() - 3, types),
    );
    out.insert("avgSavingsStatus".into(), average(saved(STATUS), STATUS.len()));
    Value::Object(out)
}
