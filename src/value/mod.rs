//! The document model: JavaScript values that JSON cannot carry kept apart.
//!
//! `undefined` and `null` differ, numbers are f64 with JavaScript text, dates
//! and bytes are their own kinds, objects keep insertion order. The text form
//! that crosses the boundary is plain JSON plus tagged objects (see [`text`]).

pub mod number;
pub mod rows;
pub mod text;

use indexmap::IndexMap;

/// Ordered members of an object.
pub type Object = IndexMap<String, Value, ahash::RandomState>;

/// Takes events by name, with their payloads.
pub type EventSink = std::sync::Arc<dyn Fn(&str, Value) + Send + Sync>;

/// A JavaScript value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `undefined`
    Undefined,
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// Number, including NaN, infinities and -0.
    Number(f64),
    /// BigInt, decimal text.
    BigInt(String),
    /// String; lone surrogates were replaced by U+FFFD at the boundary.
    String(String),
    /// Date, epoch milliseconds; NaN is an invalid date.
    Date(f64),
    /// Buffer or typed array.
    Bytes(Vec<u8>),
    /// RegExp: source and flags.
    RegExp(String, String),
    /// Array.
    Array(Vec<Value>),
    /// Plain object.
    Object(Object),
}

impl Value {
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(o) => Some(o),
            _ => None,
        }
    }

    /// True for `null` and `undefined`.
    pub fn is_nullish(&self) -> bool {
        matches!(self, Value::Null | Value::Undefined)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Value::String(s.to_owned())
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Value::String(s)
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Value::Number(n)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}

/// Array index (0 to 2^32 - 2 in canonical decimal form), which JavaScript orders first.
pub fn array_index(key: &str) -> Option<u32> {
    let bytes = key.as_bytes();
    if bytes.is_empty() || bytes.len() > 10 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if bytes[0] == b'0' && bytes.len() > 1 {
        return None;
    }
    key.parse::<u32>().ok().filter(|n| *n != u32::MAX)
}

/// Puts members into JavaScript property order: array indices ascending, then insertion order.
pub fn js_order(object: &mut Object) {
    if object.keys().any(|k| array_index(k).is_some()) {
        object.sort_by(|a, _, b, _| match (array_index(a), array_index(b)) {
            (Some(x), Some(y)) => x.cmp(&y),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => std::cmp::Ordering::Equal,
        });
    }
}
