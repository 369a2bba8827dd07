//! Snapshot text of a memory store, the format of s3db.js:
//! `{ timestamp, bucket, objectCount, objects: { <key>: { body: base64,
//! metadata, contentType, etag, lastModified, size, contentEncoding?,
//! contentLength } } }`.

use super::Objects;
use super::object::{DEFAULT_CONTENT_TYPE, Etag, Object, stored_content_type};
use crate::ambient::now_ms;
use crate::error::{Error, Result};
use crate::store::PackedMetadata;
use crate::value::text::{iso_date, write_string};
use aws_smithy_types::date_time::{DateTime, Format};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use bytes::Bytes;
use serde_json::{Map, Value as Json};

/// Node accepts base64 with and without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn write(bucket: &str, objects: &Objects) -> String {
    let mut out = String::with_capacity(128 + objects.values().map(|o| 320 + o.body.len() * 4 / 3).sum::<usize>());
    out.push_str("{\"timestamp\":");
    write_time(now_ms(), &mut out);
    out.push_str(",\"bucket\":");
    write_string(bucket, &mut out);
    out.push_str(&format!(",\"objectCount\":{},\"objects\":{{", objects.len()));
    for (index, (key, object)) in objects.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(key, &mut out);
        out.push(':');
        write_object(object, &mut out);
    }
    out.push_str("}}");
    out
}

fn write_object(object: &Object, out: &mut String) {
    out.push_str("{\"body\":\"");
    general_purpose::STANDARD.encode_string(&object.body, out);
    out.push_str("\",\"metadata\":{");
    for (index, (name, value)) in object.metadata.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(name, out);
        out.push(':');
        write_string(value, out);
    }
    out.push_str("},\"contentType\":");
    write_string(object.content_type.as_deref().unwrap_or(DEFAULT_CONTENT_TYPE), out);
    out.push_str(",\"etag\":");
    write_string(&object.etag.text(), out);
    out.push_str(",\"lastModified\":");
    write_time(object.last_modified, out);
    out.push_str(&format!(",\"size\":{}", object.size));
    if let Some(encoding) = &object.content_encoding {
        out.push_str(",\"contentEncoding\":");
        write_string(encoding, out);
    }
    out.push_str(&format!(",\"contentLength\":{}}}", object.body.len()));
}

fn write_time(ms: i64, out: &mut String) {
    write_string(&iso_date(ms as f64).unwrap_or_default(), out);
}

pub(super) fn read(text: &str) -> Result<Objects> {
    let invalid = |why: String| Error::validation("snapshot", format!("Invalid snapshot format: {why}"));
    let snapshot: Json = serde_json::from_str(text).map_err(|e| invalid(e.to_string()))?;
    let Some(Json::Object(stored)) = snapshot.get("objects") else {
        return Err(invalid("an object with an `objects` member is expected".into()));
    };
    let mut objects = Objects::new();
    for (key, value) in stored {
        let Json::Object(fields) = value else {
            return Err(invalid(format!("the entry of key {key:?} is not an object")));
        };
        let object = read_object(fields).map_err(|why| invalid(format!("{why} (key {key:?})")))?;
        objects.insert(key.as_str().into(), Box::new(object));
    }
    Ok(objects)
}

fn read_object(fields: &Map<String, Json>) -> std::result::Result<Object, String> {
    let text = |name: &str| fields.get(name).and_then(Json::as_str);
    let body = match fields.get("body") {
        None | Some(Json::Null) => Bytes::new(),
        Some(Json::String(base64)) => Bytes::from(LENIENT.decode(base64).map_err(|_| "body is not base64".to_owned())?),
        Some(_) => return Err("body is not a base64 string".into()),
    };
    let metadata: Vec<(String, String)> = match fields.get("metadata") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Object(members)) => members
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect(),
        Some(_) => return Err("metadata is not an object".into()),
    };
    let last_modified = match text("lastModified") {
        None => now_ms(),
        Some(iso) => DateTime::from_str(iso, Format::DateTime)
            .ok()
            .and_then(|time| time.to_millis().ok())
            .ok_or_else(|| format!("lastModified {iso:?} is not an ISO 8601 time"))?,
    };
    Ok(Object {
        metadata: PackedMetadata::pack(&metadata),
        size: fields.get("size").and_then(Json::as_u64).unwrap_or(body.len() as u64),
        etag: text("etag").map_or_else(|| Etag::of(&body), |etag| Etag::parse(crate::store::bare_etag(etag))),
        body,
        last_modified,
        content_type: stored_content_type(text("contentType")),
        content_encoding: text("contentEncoding").map(Into::into),
    })
}
