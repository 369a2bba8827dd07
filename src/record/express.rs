//! Encoding of plain flat records in one pass.
//!
//! Most records hold only texts, numbers and booleans that come back as they
//! were given. For those the stored form is written straight from the record,
//! and the record itself is what a read returns: no mapped object, no second
//! decoding. Anything else takes the general path; `express_equals_general`
//! holds both to the same bytes.

use super::names::bare_version;
use super::{Encoded, Operation, RecordCodec};
use crate::behavior::{self, Behavior};
use crate::codec::{base62, metadata, size};
use crate::schema::{Attribute, Codec};
use crate::store::Metadata;
use crate::value::{Object, Value, array_index};
use bytes::Bytes;
use std::borrow::Cow;

/// Per schema: what the express path needs of each attribute.
#[derive(Debug, Default)]
pub(super) struct Express {
    /// False when no record can take it (body-only).
    usable: bool,
    /// By attribute index: place in map order, for plain attributes only.
    places: Vec<Option<usize>>,
    /// Bytes left beside `_v` and timestamps, by the rule of 13.6.
    limit: usize,
}

impl Express {
    pub fn new(codec: &RecordCodec) -> Self {
        let schema = codec.schema();
        let mut places = vec![None; schema.attributes.len()];
        for (place, index) in schema.order.iter().enumerate() {
            if is_plain(&schema.attributes[*index]) {
                places[*index] = Some(place);
            }
        }
        let limit = i64::try_from(size::S3_METADATA_LIMIT_BYTES).unwrap_or(2047);
        Self {
            usable: codec.behavior != Behavior::BodyOnly && bare_version(&codec.version).len() < 20,
            places,
            limit: usize::try_from(size::effective_limit(limit, &codec.version, codec.timestamps, "")).unwrap_or(0),
        }
    }
}

fn is_plain(attribute: &Attribute) -> bool {
    let code = attribute.code.as_deref().unwrap_or("");
    !code.is_empty()
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && attribute.segments.len() == 1
        && matches!(attribute.codec, Codec::Text | Codec::Number | Codec::Integer | Codec::Boolean)
        && !attribute.raw
        && !attribute.branch
        && attribute.original.is_none()
        && attribute.inner.is_none()
        && attribute.custom.is_none()
}

/// Mapped text of a value that reads back as it is; `None` for every other.
fn mapped(codec: Codec, value: &Value) -> Option<Mapped<'_>> {
    match (codec, value) {
        (Codec::Text, Value::String(s)) if !s.starts_with(['{', '[']) => Some(Mapped::Borrowed(s)),
        (Codec::Boolean, Value::Bool(b)) => Some(Mapped::Borrowed(if *b { "1" } else { "0" })),
        (Codec::Number, Value::Number(n)) if n.is_finite() && (*n != 0.0 || n.is_sign_positive()) => {
            let text = base62::encode_number_exact(*n);
            Some(Mapped::Owned(text))
        }
        (Codec::Integer, Value::Number(n)) if n.fract() == 0.0 && n.abs() < 9e15 && (*n != 0.0 || n.is_sign_positive()) => {
            Some(Mapped::Owned(base62::encode(*n)))
        }
        _ => None,
    }
}

enum Mapped<'a> {
    Borrowed(&'a str),
    Owned(String),
}

impl RecordCodec {
    /// The record and its stored form, or the record back when it needs the general path.
    pub(super) fn encode_express(
        &self,
        record: Object,
        operation: Operation,
        id: Option<&str>,
        revision: Option<&str>,
    ) -> Result<Encoded, Object> {
        let express = &self.express;
        if !express.usable {
            return Err(record);
        }
        let schema = self.schema();
        let mut pairs: Metadata = Vec::with_capacity(record.len() + 1);
        let mut total = 2 + self.version.len();
        let mut wire = total;
        let mut last = None;
        let mut indices_last = true;
        for (name, value) in &record {
            let attribute = schema.root.children.get(name).and_then(|node| node.attribute);
            let Some((index, place)) = attribute.and_then(|i| express.places[i].map(|p| (i, p))) else {
                return Err(record);
            };
            // Reads return attributes in map order.
            if last.is_some_and(|l| l >= place) {
                return Err(record);
            }
            last = Some(place);
            let attribute = &schema.attributes[index];
            let Some(text) = mapped(attribute.codec, value) else {
                return Err(record);
            };
            let code = attribute.code.clone().unwrap_or_default();
            indices_last &= array_index(&code).is_some();
            let (mapped_len, encoded) = match text {
                Mapped::Borrowed(s) => (s.len(), metadata::encode_text(s).into_owned()),
                // Base62 can spell a word of the dictionary, or `null`.
                Mapped::Owned(s) => match metadata::encode_text(&s) {
                    Cow::Borrowed(_) => (s.len(), s),
                    Cow::Owned(encoded) => (s.len(), encoded),
                },
            };
            total += code.len() + mapped_len;
            wire += code.len() + encoded.len();
            pairs.push((code, encoded));
        }
        // The id counts into the limit of some behaviours; near the limit the general path decides.
        let id_bytes = match operation {
            Operation::Insert | Operation::Replace => 0,
            Operation::Update | Operation::Upsert => 2 + id.map_or(0, str::len),
        };
        if total + id_bytes > express.limit || wire > size::S3_METADATA_LIMIT_BYTES {
            return Err(record);
        }
        let version = ("_v".to_owned(), metadata::encode_text(&self.version).into_owned());
        if indices_last {
            pairs.push(version);
        } else {
            // JavaScript order: array indices, `_v`, the other codes.
            let (mut ordered, rest): (Metadata, Metadata) = pairs.into_iter().partition(|(code, _)| array_index(code).is_some());
            ordered.push(version);
            ordered.extend(rest);
            pairs = ordered;
        }
        let body = match revision {
            Some(token) => {
                let members: Object = [("_rev".to_owned(), Value::from(token))].into_iter().collect();
                Bytes::from(behavior::body_text(&members))
            }
            None => Bytes::new(),
        };
        Ok(Encoded {
            metadata: pairs,
            content_type: (!body.is_empty()).then_some(super::encode::JSON),
            body,
            composed: record,
            as_given: true,
            wire_size: wire,
            ..Encoded::default()
        })
    }
}
