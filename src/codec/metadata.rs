//! Metadata wire encoding (spec/04 section 6, defects 15.18 to 15.23 fixed).
//!
//! What `encode_text` returns is printable ASCII without outer blanks, so that
//! an HTTP header carries it unchanged, and decodes to the text it was given,
//! here and in 13.6.

use super::base64;
use super::dictionary::{self, Hit};
use crate::value::{Object, Value, number};
use std::borrow::Cow;

fn printable(text: &str) -> bool {
    text.bytes().all(|b| (0x20..=0x7e).contains(&b))
}

fn outer_blank(text: &str) -> bool {
    text.starts_with(' ') || text.ends_with(' ')
}

/// How a text travels.
enum Form<'a> {
    Plain,
    Base64,
    Url,
    Dictionary { code: &'static str, rest: &'a str, prefix: bool },
}

/// The text starts like an encoded one.
fn clashes(text: &str) -> bool {
    matches!(text.as_bytes(), [b'd' | b'u' | b'b', b':', ..])
}

fn form(text: &str) -> Form<'_> {
    if clashes(text) || matches!(text, "null" | "undefined") {
        return Form::Base64;
    }
    if printable(text) {
        if outer_blank(text) {
            return Form::Base64;
        }
        return match dictionary::lookup(text) {
            Some(Hit::Exact(code)) => Form::Dictionary {
                code,
                rest: "",
                prefix: false,
            },
            // A prefix of 4 bytes takes as many on the wire.
            Some(Hit::Prefix(code, prefix, rest)) if prefix.len() > 4 => Form::Dictionary { code, rest, prefix: true },
            _ => Form::Plain,
        };
    }
    if Counts::of(text).prefers_base64() {
        Form::Base64
    } else {
        Form::Url
    }
}

/// Wire form of a text.
pub fn encode_text(text: &str) -> Cow<'_, str> {
    match form(text) {
        Form::Plain => Cow::Borrowed(text),
        Form::Base64 => Cow::Owned(base64_form(text)),
        Form::Url => Cow::Owned(format!("u:{}", encode_uri_component(text))),
        Form::Dictionary { code, rest, .. } => Cow::Owned(format!("d:{code}{rest}")),
    }
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

/// Bytes of the wire form of a text, without making it.
pub fn wire_len(text: &str) -> usize {
    match form(text) {
        Form::Plain => text.len(),
        Form::Base64 => 2 + base64_len(text),
        Form::Url => 2 + uri_component_len(text),
        Form::Dictionary { code, rest, .. } => 2 + code.len() + rest.len(),
    }
}

/// `metadataEncode`: wire form, its kind, and what led to it.
pub fn encode(value: &Value) -> Value {
    let word = match value {
        Value::Null => Some("null"),
        Value::Undefined => Some("undefined"),
        _ => None,
    };
    let mut out = Object::default();
    if let Some(word) = word {
        out.insert("encoded".into(), Value::from(word));
        out.insert("encoding".into(), Value::from("special"));
        return Value::Object(out);
    }
    let owned = number::js_string(value);
    let text = owned.as_str();
    let encoded = encode_text(text).into_owned();
    let wire = encoded.len();
    out.insert("encoded".into(), Value::String(encoded));
    let chosen = form(text);
    let encoding = match chosen {
        Form::Plain => "none",
        Form::Base64 => "base64",
        Form::Url => "url",
        Form::Dictionary { .. } => "dictionary",
    };
    out.insert("encoding".into(), Value::from(encoding));
    match chosen {
        Form::Dictionary { prefix, .. } => {
            out.insert("dictionaryType".into(), Value::from(if prefix { "prefix" } else { "exact" }));
            out.insert("savings".into(), Value::Number((text.len() - wire) as f64));
            out.insert(
                "compressionRatio".into(),
                Value::String(format!("{:.3}", wire as f64 / text.len() as f64)),
            );
        }
        Form::Base64 if clashes(text) => {
            out.insert("reason".into(), Value::from("force-encoded to prevent decoding ambiguity"));
        }
        _ => {
            out.insert("analysis".into(), analyze(text).to_value());
        }
    }
    Value::Object(out)
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

fn base64_len(text: &str) -> usize {
    text.len().div_ceil(3) * 4
}

/// What `analyzeString` finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Analysis {
    /// `none`, `ascii`, `url` or `base64`.
    pub kind: &'static str,
    /// Why a text is not safe as it is.
    pub reason: Option<&'static str>,
    /// Units by class; absent for the empty text.
    pub counts: Option<Counts>,
}

impl Analysis {
    /// True when a header carries the text as it is.
    pub fn is_safe(&self) -> bool {
        self.reason.is_none()
    }

    /// `{ type, safe, reason?, stats? }`.
    pub fn to_value(&self) -> Value {
        let mut out = Object::default();
        out.insert("type".into(), Value::from(self.kind));
        out.insert("safe".into(), Value::Bool(self.is_safe()));
        if let Some(reason) = self.reason {
            out.insert("reason".into(), Value::from(reason));
        }
        if let Some(counts) = self.counts {
            let stats = [("ascii", counts.ascii), ("latin1", counts.latin1), ("multibyte", counts.multibyte)];
            out.insert(
                "stats".into(),
                Value::Object(stats.into_iter().map(|(k, n)| (k.to_owned(), Value::Number(n as f64))).collect()),
            );
        }
        Value::Object(out)
    }
}

/// `analyzeString`: the encoding that the characters alone suggest.
pub fn analyze(text: &str) -> Analysis {
    if text.is_empty() {
        return Analysis {
            kind: "none",
            reason: None,
            counts: None,
        };
    }
    let counts = Counts::of(text);
    let (kind, reason) = match (counts.multibyte > 0, counts.latin1 > 0, counts.prefers_base64()) {
        (true, _, true) => ("base64", Some("high multibyte content")),
        (true, _, false) => ("url", Some("contains multibyte characters")),
        (false, true, true) => ("base64", Some("high Latin-1 content")),
        (false, true, false) => ("url", Some("contains Latin-1 extended characters")),
        (false, false, _) => ("ascii", None),
    };
    Analysis {
        kind,
        reason,
        counts: Some(counts),
    }
}

/// `calculateEncodedSize`: `{ original, encoded, overhead, ratio, encoding }` in bytes, by the analysis alone.
pub fn calculate_encoded_size(text: &str) -> Value {
    let analysis = analyze(text);
    let original = text.len();
    let encoded = match analysis.kind {
        "url" => 2 + uri_component_len(text),
        "base64" => 2 + base64_len(text),
        _ => original,
    };
    let mut out = Object::default();
    out.insert("original".into(), Value::Number(original as f64));
    out.insert("encoded".into(), Value::Number(encoded as f64));
    out.insert("overhead".into(), Value::Number((encoded - original) as f64));
    out.insert("ratio".into(), Value::Number(encoded as f64 / original as f64));
    out.insert("encoding".into(), Value::from(analysis.kind));
    Value::Object(out)
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

/// Bytes that `encodeURIComponent` leaves as they are.
fn unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

/// Length of [`encode_uri_component`].
pub fn uri_component_len(text: &str) -> usize {
    text.bytes().map(|b| if unreserved(b) { 1 } else { 3 }).sum()
}

/// `encodeURIComponent`.
pub fn encode_uri_component(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() * 2);
    for b in text.bytes() {
        if unreserved(b) {
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
