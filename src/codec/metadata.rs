//! Metadata wire encoding (spec/04 section 6, defects 15.18 to 15.23 fixed).
//!
//! What `encode_text` returns is printable ASCII without outer blanks, so that
//! an HTTP header carries it unchanged, and decodes to the text it was given,
//! here and in 13.6.

use super::base64;
use super::dictionary::{self, Hit};
use crate::value::{Value, number};
use std::borrow::Cow;

fn printable(text: &str) -> bool {
    text.bytes().all(|b| (0x20..=0x7e).contains(&b))
}

fn outer_blank(text: &str) -> bool {
    text.starts_with(' ') || text.ends_with(' ')
}

/// Wire form of a text.
pub fn encode_text(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if bytes.len() >= 2 && bytes[1] == b':' && matches!(bytes[0], b'd' | b'u' | b'b') {
        return Cow::Owned(base64_form(text));
    }
    match text {
        "" => return Cow::Borrowed(text),
        "null" | "undefined" => return Cow::Owned(base64_form(text)),
        _ => {}
    }
    if printable(text) {
        if outer_blank(text) {
            return Cow::Owned(base64_form(text));
        }
        return match dictionary::lookup(text) {
            Some(Hit::Exact(code)) => Cow::Owned(format!("d:{code}")),
            Some(Hit::Prefix(code, prefix, rest)) if prefix.len() > 4 => Cow::Owned(format!("d:{code}{rest}")),
            _ => Cow::Borrowed(text),
        };
    }
    let counts = Counts::of(text);
    Cow::Owned(if counts.prefers_base64() {
        base64_form(text)
    } else {
        format!("u:{}", encode_uri_component(text))
    })
}

/// Wire form of any value: `String(value)` encoded, the words `null` and `undefined` for those values.
pub fn encode_value(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Undefined => "undefined".into(),
        Value::String(s) => encode_text(s).into_owned(),
        other => encode_text(&number::js_string(other)).into_owned(),
    }
}

/// Bytes of the wire form of a text.
pub fn wire_len(text: &str) -> usize {
    match encode_text(text) {
        Cow::Borrowed(s) => s.len(),
        Cow::Owned(s) => s.len(),
    }
}

/// Value of a wire text: the words `null` and `undefined` become values, known forms are decoded, the rest stays.
pub fn decode(wire: &str) -> Value {
    match wire {
        "null" => return Value::Null,
        "undefined" => return Value::Undefined,
        _ => {}
    }
    let bytes = wire.as_bytes();
    if bytes.len() > 2 && bytes[1] == b':' {
        let rest = &wire[2..];
        match bytes[0] {
            b'd' => {
                if let Some(text) = dictionary::expand(rest) {
                    return Value::String(text);
                }
            }
            b'u' => return Value::String(decode_uri_component(rest).unwrap_or_else(|| wire.to_owned())),
            b'b' => return Value::String(String::from_utf8_lossy(&base64::decode(rest)).into_owned()),
            _ => {}
        }
    }
    Value::String(wire.to_owned())
}

fn base64_form(text: &str) -> String {
    format!("b:{}", base64::encode(text.as_bytes()))
}

/// UTF-16 units by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// 0x20 to 0x7E.
    pub ascii: usize,
    /// 0x80 to 0xFF.
    pub latin1: usize,
    /// Everything else.
    pub multibyte: usize,
}

impl Counts {
    /// Counts of a text.
    pub fn of(text: &str) -> Self {
        let mut counts = Self::default();
        for c in text.chars() {
            match u32::from(c) {
                0x20..=0x7e => counts.ascii += 1,
                0x80..=0xff => counts.latin1 += 1,
                _ => counts.multibyte += c.len_utf16(),
            }
        }
        counts
    }

    fn total(self) -> f64 {
        (self.ascii + self.latin1 + self.multibyte) as f64
    }

    /// Base64 rather than URL encoding.
    pub fn prefers_base64(self) -> bool {
        if self.multibyte > 0 {
            self.multibyte as f64 / self.total() > 0.3
        } else {
            self.latin1 as f64 / self.total() > 0.5
        }
    }
}

/// `encodeURIComponent`.
pub fn encode_uri_component(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() * 2);
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')') {
            out.push(char::from(b));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(b >> 4)]));
            out.push(char::from(HEX[usize::from(b & 15)]));
        }
    }
    out
}

/// `decodeURIComponent`; `None` where JavaScript throws.
pub fn decode_uri_component(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let hex = text.get(i + 1..i + 3)?;
            if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            out.push(u8::from_str_radix(hex, 16).ok()?);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8(out).ok()
}
