//! Optimized encoding (spec/04 6.6): the unprefixed rival of the metadata encoding, kept for callers of the module.

use super::{base64, metadata};
use crate::value::{Object, Value, number};

/// Length of at least 4 and a multiple of it, base64 alphabet, padding only at the end.
fn base64_shape(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len() >= 4
        && text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

/// Wire text of `String(value)`.
pub fn encode(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Undefined => "undefined".into(),
        Value::String(s) => encode_text(s),
        other => encode_text(&number::js_string(other)),
    }
}

fn encode_text(text: &str) -> String {
    if text.bytes().all(|b| (0x20..=0x7e).contains(&b)) {
        return if base64_shape(text) { format!("!{text}") } else { text.to_owned() };
    }
    let packed = base64::encode(text.as_bytes());
    if text.chars().any(|c| u32::from(c) > 0xff) {
        return packed;
    }
    let escaped = format!("%{}", metadata::encode_uri_component(text));
    // The mark does not count in the comparison.
    if escaped.len() <= packed.len() + 1 { escaped } else { packed }
}

/// Value of a wire text; what is no string is printed, `null` and `undefined` stay.
pub fn decode(value: &Value) -> Value {
    let text = match value {
        Value::Null | Value::Undefined => return value.clone(),
        Value::String(s) => s.as_str(),
        other => return Value::String(number::js_string(other)),
    };
    match text {
        "null" => return Value::Null,
        "undefined" => return Value::Undefined,
        _ => {}
    }
    if let Some(rest) = text.strip_prefix('!') {
        return Value::from(rest);
    }
    if let Some(rest) = text.strip_prefix('%') {
        return Value::String(metadata::decode_uri_component(rest).unwrap_or_else(|| text.to_owned()));
    }
    if base64_shape(text)
        && let Ok(plain) = String::from_utf8(base64::decode(text))
        && !plain.is_ascii()
        && base64::encode(plain.as_bytes()) == text
    {
        return Value::String(plain);
    }
    Value::from(text)
}

/// `compareEncodings`: lengths of every form.
pub fn compare(value: &Value) -> Value {
    let text = number::js_string(value);
    let packed = base64::encode(text.as_bytes()).len();
    let escaped = metadata::uri_component_len(&text);
    let chosen = encode(value);
    let method = match chosen.as_bytes().first() {
        _ if chosen == text => "none",
        Some(b'!') => "ascii-marked",
        Some(b'%') => "url",
        _ => "base64",
    };
    let count = |n: usize| Value::Number(n as f64);
    let mut out = Object::default();
    out.insert("original".into(), count(text.len()));
    out.insert("base64Pure".into(), count(packed));
    out.insert("base64Prefixed".into(), count(packed + 2));
    out.insert("urlPure".into(), count(escaped));
    out.insert("urlPrefixed".into(), count(escaped + 2));
    out.insert("optimized".into(), count(chosen.len()));
    out.insert("optimizedMethod".into(), Value::from(method));
    Value::Object(out)
}
