//! Sizes of mapped values and of their wire form.

use super::Context;
use crate::codec::metadata;
use crate::value::number::js_string;
use crate::value::{Object, Value, text};

/// Most that S3 takes in user metadata, names and values together.
pub const METADATA_LIMIT: usize = 2047;

/// Bytes of a mapped value as 13.6 counts it (`transformValue`).
pub fn value_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Undefined => 0,
        Value::Bool(_) => 1,
        Value::String(s) => s.len(),
        Value::Array(items) if items.is_empty() => 2,
        Value::Array(items) => items.iter().map(|i| js_string(i).len()).sum::<usize>() + items.len() - 1,
        Value::Object(_) => text::stringify(value).map_or(0, |s| s.len()),
        other => js_string(other).len(),
    }
}

pub(super) fn total_size(object: &Object) -> usize {
    object.iter().map(|(k, v)| k.len() + value_size(v)).sum()
}

/// Bytes of a value on the wire.
pub(super) fn wire_size(value: &Value) -> usize {
    match value {
        Value::String(s) => metadata::wire_len(s),
        other => metadata::encode_value(other).len(),
    }
}

/// Bytes of names and values on the wire.
pub(super) fn wire_total(object: &Object, context: &Context<'_>) -> usize {
    object.iter().map(|(k, v)| (context.wire_key)(k).len() + wire_size(v)).sum()
}
