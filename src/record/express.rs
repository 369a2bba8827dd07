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
use crate::store::{Metadata, MetadataPacker, PackedMetadata};
use crate::value::rows::Scalar;
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
        && matches!(
            attribute.codec,
            Codec::Text | Codec::Number | Codec::Integer | Codec::Boolean | Codec::Packed(_, false)
        )
        && !attribute.raw
        && !attribute.branch
        && attribute.original.is_none()
        && attribute.inner.is_none()
        && attribute.custom.is_none()
}

/// Mapped text of a value that reads back as it is; `None` for every other.
fn mapped<'a>(codec: Codec, value: &'a Scalar<'_>) -> Option<Cow<'a, str>> {
    match (codec, value) {
        (Codec::Text, Scalar::Text(s)) if !s.starts_with(['{', '[']) => Some(Cow::Borrowed(s)),
        // The packed forms of `mac` and `uuid` have 9 and 24 characters.
        (Codec::Packed(_, false), Scalar::Text(s)) if s.len() > 9 && s.len() != 24 => Some(Cow::Borrowed(s)),
        (Codec::Boolean, Scalar::Bool(b)) => Some(Cow::Borrowed(if *b { "1" } else { "0" })),
        (Codec::Number, Scalar::Number(n)) if n.is_finite() && (*n != 0.0 || n.is_sign_positive()) => {
            Some(Cow::Owned(base62::encode_number_exact(*n)))
        }
        (Codec::Integer, Scalar::Number(n)) if n.fract() == 0.0 && n.abs() < 9e15 && (*n != 0.0 || n.is_sign_positive()) => {
            Some(Cow::Owned(base62::encode(*n)))
        }
        _ => None,
    }
}

/// Length of the mapped text, and the text on the wire. Base62 can spell a word of the dictionary, or `null`.
fn wire(text: Cow<'_, str>) -> (usize, Cow<'_, str>) {
    let length = text.len();
    let encoded = match &text {
        Cow::Borrowed(s) => return (length, metadata::encode_text(s)),
        Cow::Owned(s) => match metadata::encode_text(s) {
            Cow::Borrowed(_) => None,
            Cow::Owned(encoded) => Some(encoded),
        },
    };
    (length, encoded.map_or(text, Cow::Owned))
}

/// Names of rows, resolved once: see [`RecordCodec::row_shape`].
#[derive(Debug)]
pub struct RowShape {
    /// Codec and code of each value of a row.
    fields: Vec<(Codec, String)>,
    /// Places in the row in the order of the stored pairs; `None` is `_v`.
    order: Vec<Option<usize>>,
    /// `_v` on the wire.
    version: String,
}

impl RowShape {
    /// Values in a row.
    pub fn width(&self) -> usize {
        self.fields.len()
    }
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
        let mut wire_size = total;
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
            let scalar = Scalar::of(value);
            let Some(text) = scalar.as_ref().and_then(|value| mapped(attribute.codec, value)) else {
                return Err(record);
            };
            let code = attribute.code.clone().unwrap_or_default();
            indices_last &= array_index(&code).is_some();
            let (mapped_len, encoded) = wire(text);
            total += code.len() + mapped_len;
            wire_size += code.len() + encoded.len();
            pairs.push((code, encoded.into_owned()));
        }
        // The id counts into the limit of some behaviours; near the limit the general path decides.
        let id_bytes = match operation {
            Operation::Insert | Operation::Replace => 0,
            Operation::Update | Operation::Upsert => 2 + id.map_or(0, str::len),
        };
        if total + id_bytes > express.limit || wire_size > size::S3_METADATA_LIMIT_BYTES {
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
            wire_size,
            ..Encoded::default()
        })
    }

    /// The shape of rows with values of these attributes, or `None` when no row of it can be written without the general path.
    pub fn row_shape<S: AsRef<str>>(&self, names: &[S]) -> Option<RowShape> {
        if !self.express.usable {
            return None;
        }
        let schema = self.schema();
        let mut fields = Vec::with_capacity(names.len());
        let mut last = None;
        for name in names {
            let index = schema.root.children.get(name.as_ref())?.attribute?;
            let place = self.express.places[index]?;
            if last.is_some_and(|l| l >= place) {
                return None;
            }
            last = Some(place);
            let attribute = &schema.attributes[index];
            fields.push((attribute.codec, attribute.code.clone()?));
        }
        let (indices, others): (Vec<_>, Vec<_>) = (0..fields.len()).partition(|at| array_index(&fields[*at].1).is_some());
        Some(RowShape {
            order: (indices.into_iter().map(Some))
                .chain([None])
                .chain(others.into_iter().map(Some))
                .collect(),
            fields,
            version: metadata::encode_text(&self.version).into_owned(),
        })
    }

    /// Stored metadata of a row that is inserted, or `None` when it needs the general path. Such a record has no body and
    /// reads back as it was given.
    pub fn encode_row(&self, shape: &RowShape, values: &[Scalar<'_>]) -> Option<PackedMetadata> {
        let mut total = 2 + self.version.len();
        let mut wire_size = total;
        let mut texts = Vec::with_capacity(values.len());
        for ((codec, code), value) in shape.fields.iter().zip(values) {
            let (mapped_len, encoded) = wire(mapped(*codec, value)?);
            total += code.len() + mapped_len;
            wire_size += code.len() + encoded.len();
            texts.push(encoded);
        }
        if texts.len() < shape.width() || total > self.express.limit || wire_size > size::S3_METADATA_LIMIT_BYTES {
            return None;
        }
        let mut packer = MetadataPacker::with_capacity(texts.len() + 1, wire_size);
        for place in &shape.order {
            match place {
                Some(at) => packer.push(&shape.fields[*at].1, &texts[*at]),
                None => packer.push("_v", &shape.version),
            }
        }
        Some(packer.finish())
    }
}
