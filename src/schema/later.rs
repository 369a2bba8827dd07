//! Types that later versions added: packed texts, bytes and bitmaps (spec/04 section 18).

use super::codec::plain;
use crate::codec::base64;
use crate::codec::packed::Packed;
use crate::error::{Error, Kind, Result};
use crate::value::number::to_text;
use crate::value::{Value, text};

/// The plain text of a value: times also as dates and numbers.
fn text_of(kind: Packed, value: &Value) -> Option<String> {
    match (kind, value) {
        (_, Value::String(s)) => Some(s.clone()),
        (Packed::DateTime, Value::Date(ms) | Value::Number(ms)) => text::iso_date(*ms),
        (Packed::DateOnly, Value::Date(ms) | Value::Number(ms)) => {
            text::iso_date(*ms).map(|iso| iso.split('T').next().unwrap_or("").to_owned())
        }
        (Packed::TimeOnly, Value::Date(ms)) => {
            text::iso_date(*ms).and_then(|iso| Some(iso.split('T').nth(1)?.trim_end_matches('Z').to_owned()))
        }
        (Packed::Duration, Value::Number(ms)) if *ms >= 0.0 && *ms < 9_007_199_254_740_992.0 => {
            Packed::Duration.unpack(&crate::codec::base62::encode(ms.round()))
        }
        (Packed::Ean, Value::Number(n)) if n.fract() == 0.0 && (0.0..1e13).contains(n) => Some(format!("{:0>13}", to_text(*n))),
        _ => None,
    }
}

/// Mapped value. `packs` is false for the types of 13.6, whose readers expect the text (`uuid`, `mac` without `packed`).
/// Object notation (`raw`) stores the text.
pub(super) fn encode_packed(kind: Packed, packs: bool, path: &str, value: &Value, raw: bool) -> Result<Value> {
    let Some(text) = text_of(kind, value) else {
        // 13.6 validates these two and stores whatever passes.
        if matches!(kind, Packed::Uuid | Packed::Mac) {
            return plain(path, value, true);
        }
        return Err(Error::validation(path, format!("'{path}' must be a {} as text", kind.name())));
    };
    if raw {
        return Ok(Value::String(text));
    }
    if packs && let Some(packed) = kind.pack(&text).filter(|p| kind.unpack(p).is_some()) {
        return Ok(Value::String(packed));
    }
    // What has no packed form stays as it is, unless a reader would take it for one.
    if kind.unpack(&text).is_some() {
        return Err(Error::validation(path, format!("'{path}' is not a valid {}", kind.name())));
    }
    Ok(Value::String(text))
}

/// Value of a stored one. Packed and plain texts are told by their form.
pub(super) fn decode_packed(kind: Packed, value: Value, raw: bool) -> Value {
    match &value {
        Value::String(s) if !raw => kind.unpack(s).map_or(value, Value::String),
        _ => value,
    }
}

/// Bytes of a bitmap.
fn bitmap_len(bits: u32) -> usize {
    bits.div_ceil(8) as usize
}

/// Base64 of bytes; text that is base64 already stays. A bitmap has the length of its bits.
pub(crate) fn encode_bytes(value: &Value, bits: Option<u32>) -> Result<Value> {
    let (len, text) = match value {
        Value::Bytes(bytes) => (bytes.len(), base64::encode(bytes)),
        Value::String(s) if base64::is_clean(s) => (base64::decode(s).len(), s.clone()),
        _ => return Err(Error::new(Kind::Validation, "must be a Buffer, a Uint8Array or base64 text").with_status(400)),
    };
    if let Some(bits) = bits
        && len != bitmap_len(bits)
    {
        let message = format!("must have {} bytes ({bits} bits), got {len}", bitmap_len(bits));
        return Err(Error::new(Kind::Validation, message).with_status(400));
    }
    Ok(Value::String(text))
}

/// Bytes of base64; other text, and a bitmap of another length, stays.
pub(crate) fn decode_bytes(value: &Value, bits: Option<u32>) -> Value {
    match value {
        Value::String(s) if base64::is_clean(s) => {
            let bytes = base64::decode(s);
            if bits.is_none_or(|n| bytes.len() == bitmap_len(n)) {
                Value::Bytes(bytes)
            } else {
                value.clone()
            }
        }
        other => other.clone(),
    }
}
