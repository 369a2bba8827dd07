//! Stored form of plugin data (spec/05 sections 10.2 and 10.3): which field goes to metadata, which to the JSON body,
//! and what comes back.
//!
//! Everything written here is read by 13.6 with the same values. The expiry is in metadata under every behaviour, so
//! that a HEAD tells it; locks keep theirs in the body. A record that is changed by compare-and-swap carries a revision
//! in its body, because the ETag of an object without a body never changes.

use crate::codec::{ids, metadata};
use crate::error::{Error, Kind, Result};
use crate::store::{Metadata, StoredObject};
use crate::value::{Object, Value, number, text};
use bytes::Bytes;

/// Most that S3 takes in user metadata, bytes of names and values.
const ABSOLUTE_LIMIT: usize = 2047;
/// Bytes kept for the system, as 13.6 does.
const OVERHEAD: usize = 3;
/// Most that the fields of one entry may take in metadata.
pub const EFFECTIVE_LIMIT: usize = ABSOLUTE_LIMIT - OVERHEAD;

/// Name of the expiry, epoch milliseconds.
pub const EXPIRES_AT: &str = "_expiresAt";
/// The same as HTTP stores return it.
const EXPIRES_AT_LOWER: &str = "_expiresat";
/// Revision of a record that is changed by compare-and-swap.
const REVISION: &str = "_rev";
/// Last write of each recent writer of a counter.
pub(super) const WRITERS: &str = "_writers";
/// How a revision of ours starts; a field of that name with another value is the user's.
const REVISION_MARK: &str = "r~";

/// Where fields go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behavior {
    /// Metadata first, smallest fields first, the rest in the body.
    #[default]
    BodyOverflow,
    /// Everything in the body.
    BodyOnly,
    /// Everything in metadata, or an error.
    EnforceLimits,
}

impl Behavior {
    /// Behaviour of a name; an unknown one is a typed error listing the known ones.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "body-overflow" => Ok(Self::BodyOverflow),
            "body-only" => Ok(Self::BodyOnly),
            "enforce-limits" => Ok(Self::EnforceLimits),
            other => Err(Error::new(Kind::Behavior, format!("Unknown behavior: {other}"))
                .with_status(400)
                .with("behavior", other)
                .with("availableBehaviors", vec!["body-overflow", "body-only", "enforce-limits"])),
        }
    }
}

/// Fields on their way to an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Split {
    /// Metadata fields; texts, numbers, booleans or null, the form that clients take.
    pub metadata: Vec<(String, Value)>,
    /// JSON body, when one is needed.
    pub body: Option<Object>,
}

impl Split {
    /// Metadata in wire form. Names get the form that clients give them; two that become equal are refused.
    pub fn wire_metadata(&self) -> Result<Metadata> {
        let mut out: Metadata = Vec::with_capacity(self.metadata.len());
        for (name, value) in &self.metadata {
            let clean: String = name
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') {
                        c
                    } else {
                        '_'
                    }
                })
                .collect();
            if out.iter().any(|(taken, _)| taken.eq_ignore_ascii_case(&clean)) {
                return Err(Error::validation(
                    name,
                    format!(
                        "'{name}' and another field have the same metadata name '{clean}': rename one, or use the behavior body-overflow or body-only"
                    ),
                ));
            }
            out.push((clean, metadata::encode_value(value)));
        }
        Ok(out)
    }

    /// Body text; empty for none.
    pub fn body_bytes(&self) -> Bytes {
        self.body.as_ref().map(json_bytes).unwrap_or_default()
    }
}

/// JSON of an object.
pub(super) fn json_bytes(object: &Object) -> Bytes {
    let mut out = String::with_capacity(128);
    out.push('{');
    let mut first = true;
    for (key, value) in object {
        if matches!(value, Value::Undefined) {
            continue;
        }
        if !first {
            out.push(',');
        }
        first = false;
        text::write_string(key, &mut out);
        out.push(':');
        text::write_plain(value, &mut out);
    }
    out.push('}');
    Bytes::from(out)
}

/// Splits fields by behaviour. `expires_at` (epoch milliseconds) wins over an expiry among the fields.
pub fn split(mut data: Object, expires_at: Option<f64>, behavior: Behavior) -> Result<Split> {
    let own = take_expiry(&mut data);
    data.retain(|_, value| !matches!(value, Value::Undefined));
    let mut out = Split::default();
    let mut total = 0;
    if let Some(at) = expires_at.or(own) {
        let value = Value::Number(at);
        total += field_size(EXPIRES_AT, &value);
        out.metadata.push((EXPIRES_AT.to_owned(), value));
    }
    match behavior {
        Behavior::BodyOnly => out.body = Some(data),
        Behavior::EnforceLimits => {
            for (name, value) in data {
                let value = in_metadata(value);
                total += field_size(&name, &value);
                out.metadata.push((name, value));
            }
            if total > EFFECTIVE_LIMIT {
                return Err(over_limit(total));
            }
        }
        Behavior::BodyOverflow => {
            let mut body = Object::default();
            let mut fields: Vec<(usize, String, Value, Value)> = Vec::with_capacity(data.len());
            for (name, value) in data {
                let stored = in_metadata(value.clone());
                if reads_back(&name, &stored, &value) {
                    fields.push((field_size(&name, &stored), name, stored, value));
                } else {
                    body.insert(name, value);
                }
            }
            fields.sort_by_key(|(size, ..)| *size);
            for (size, name, stored, value) in fields {
                if total + size <= EFFECTIVE_LIMIT {
                    total += size;
                    out.metadata.push((name, stored));
                } else {
                    body.insert(name, value);
                }
            }
            if !body.is_empty() {
                out.body = Some(body);
            }
        }
    }
    Ok(out)
}

/// Everything in the body under a fresh revision, the expiry in metadata: the form of records changed by compare-and-swap.
pub(super) fn revised(mut data: Object, expires_at: Option<f64>) -> Split {
    let own = take_expiry(&mut data);
    data.shift_remove(REVISION);
    data.insert(REVISION.into(), Value::String(format!("{REVISION_MARK}{}", ids::generate(12))));
    Split {
        metadata: expires_at
            .or(own)
            .map(|at| (EXPIRES_AT.to_owned(), Value::Number(at)))
            .into_iter()
            .collect(),
        body: Some(data),
    }
}

fn over_limit(total: usize) -> Error {
    Error::new(Kind::MetadataLimit, "Data exceeds metadata limit with enforce-limits behavior")
        .with_status(413)
        .with("totalSize", total)
        .with("effectiveLimit", EFFECTIVE_LIMIT)
        .with("absoluteLimit", ABSOLUTE_LIMIT)
        .with("excess", total - EFFECTIVE_LIMIT)
}

/// UTF-8 bytes of name and encoded value.
fn field_size(name: &str, value: &Value) -> usize {
    name.len()
        + match value {
            Value::String(s) => metadata::wire_len(s),
            other => metadata::encode_value(other).len(),
        }
}

/// The form a value takes in metadata: objects, arrays and the rest as JSON text.
fn in_metadata(value: Value) -> Value {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => value,
        other => Value::String(text::stringify(&other).unwrap_or_default()),
    }
}

/// A field may live in metadata only when every reader gets the same name and value from there.
fn reads_back(name: &str, stored: &Value, value: &Value) -> bool {
    const SAFE_INTEGER: f64 = 9_007_199_254_740_992.0;
    let plain_name = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    if !plain_name || name == EXPIRES_AT_LOWER {
        return false;
    }
    match (stored, value) {
        (_, Value::Number(n)) => !n.is_nan() && (n.is_infinite() || n.abs() < SAFE_INTEGER) && !(*n == 0.0 && n.is_sign_negative()),
        (_, Value::Bool(_) | Value::Null) => true,
        (Value::String(text), Value::String(_)) => {
            // Empty header values are dropped by some servers.
            !text.is_empty() && text.trim_matches(number::is_js_space) == text && parse_text(text) == Value::String(text.clone())
        }
        (Value::String(text), Value::Array(_) | Value::Object(_)) => parse_text(text) == *value,
        _ => false,
    }
}

/// Value of a metadata text, as 13.6 parses it.
pub fn parse_text(text: &str) -> Value {
    let framed = (text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']'));
    if framed && let Some(value) = text::parse_plain(text) {
        return value;
    }
    if !text.trim_matches(number::is_js_space).is_empty() {
        let n = number::from_text(text);
        if !n.is_nan() {
            return Value::Number(n);
        }
    }
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::from(text),
    }
}

/// An entry as read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// Fields without expiry and revision.
    pub fields: Object,
    /// Expiry, epoch milliseconds.
    pub expires_at: Option<f64>,
    /// Last writes of a counter.
    pub(super) writers: Option<Object>,
    /// The expiry is in the body, where 13.6 puts it under body-only.
    pub(super) expiry_in_body: bool,
}

impl Entry {
    /// Entry of a stored object; a body that is not JSON is an error.
    pub fn parse(object: &StoredObject, key: &str) -> Result<Self> {
        let mut fields = Object::default();
        for (name, wire) in &object.meta.metadata {
            let value = match metadata::decode(wire) {
                Value::String(text) => parse_text(&text),
                other => other,
            };
            fields.insert(name.clone(), value);
        }
        let in_metadata = take_expiry(&mut fields);
        let body = body_of(object, key)?;
        let in_body = body.map(|mut body| {
            let expiry = take_expiry(&mut body);
            for (name, value) in body {
                fields.insert(name, value);
            }
            expiry
        });
        let in_body = in_body.flatten();
        let mut writers = None;
        let revised = matches!(fields.get(REVISION), Some(Value::String(rev)) if rev.starts_with(REVISION_MARK));
        if revised {
            fields.shift_remove(REVISION);
            if let Some(Value::Object(found)) = fields.shift_remove(WRITERS) {
                writers = Some(found);
            }
        }
        crate::value::js_order(&mut fields);
        Ok(Self {
            fields,
            expires_at: in_body.or(in_metadata),
            writers,
            expiry_in_body: in_body.is_some(),
        })
    }

    /// Whether the entry has expired at `now`, epoch milliseconds.
    pub fn is_expired(&self, now: f64) -> bool {
        self.expires_at.is_some_and(|at| now > at)
    }
}

/// Members of a JSON body; `None` for an empty one.
pub(super) fn body_of(object: &StoredObject, key: &str) -> Result<Option<Object>> {
    let corrupted = || {
        Error::new(Kind::PluginStorage, "Failed to parse JSON body").with("key", key).with(
            "suggestion",
            "The body of the object is not JSON: write the entry again, or delete it.",
        )
    };
    let body = std::str::from_utf8(&object.body).map_err(|_| corrupted())?;
    if body.trim_matches(number::is_js_space).is_empty() {
        return Ok(None);
    }
    match text::parse_plain(body).ok_or_else(corrupted)? {
        Value::Object(members) => Ok(Some(members)),
        Value::Array(items) => Ok(Some(items.into_iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect())),
        _ => Ok(Some(Object::default())),
    }
}

/// Removes the expiry under both spellings; one that is no number or zero counts as none.
fn take_expiry(fields: &mut Object) -> Option<f64> {
    let lower = fields.shift_remove(EXPIRES_AT_LOWER);
    let exact = fields.shift_remove(EXPIRES_AT);
    [exact, lower]
        .into_iter()
        .flatten()
        .map(|value| number::js_number(&value))
        .find(|at| !at.is_nan() && *at != 0.0)
}
