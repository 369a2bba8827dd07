//! Sizes of mapped values and of their wire form.

use super::Context;
use crate::codec::metadata;
use crate::value::{Object, Value};

/// Most that S3 takes in user metadata, names and values together.
pub const METADATA_LIMIT: usize = 2047;

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
