//! Engine errors as the JSON message of a napi error, and back for errors of JavaScript stores.

use crate::error::{Error, Kind, Retry};

/// Contract of errors as JSON.
pub(super) fn error_json(error: &Error) -> serde_json::Value {
    error.to_json()
}

pub(super) fn to_napi(error: Error) -> napi::Error {
    napi::Error::from_reason(error.to_json().to_string())
}

/// Error of a JavaScript store: the contract JSON, or any text.
pub(super) fn from_napi(error: &napi::Error) -> Error {
    let reason = error.reason.as_str();
    let parsed = reason
        .find('{')
        .and_then(|at| serde_json::from_str::<serde_json::Value>(&reason[at..]).ok());
    let Some(json) = parsed else {
        return Error::new(Kind::Unknown, reason.to_owned());
    };
    let text = |name: &str| json.get(name).and_then(serde_json::Value::as_str);
    let kind = match text("kind") {
        Some("NoSuchKey") => Kind::NoSuchKey,
        Some("NoSuchBucket") => Kind::NoSuchBucket,
        Some("Permission") => Kind::Permission,
        Some("Precondition") => Kind::Precondition,
        Some("Validation") => Kind::Validation,
        Some("Database") => Kind::Database,
        Some("Resource") => Kind::Resource,
        Some("MetadataLimit") => Kind::MetadataLimit,
        Some("Unsupported") => Kind::Unsupported,
        Some("Network") => Kind::Network,
        _ => Kind::Unknown,
    };
    let message = text("message").unwrap_or("Unknown error");
    let mut out = match json.get("foreign").and_then(serde_json::Value::as_u64) {
        Some(id) => Error::foreign(id, message).with_kind(kind),
        None => Error::new(kind, message),
    };
    if let Some(code) = text("code") {
        out = out.with_code(code);
    }
    if let Some(status) = json
        .get("status")
        .and_then(serde_json::Value::as_u64)
        .and_then(|s| u16::try_from(s).ok())
    {
        out = out.with_status(status);
    }
    if json.get("retriable").and_then(serde_json::Value::as_bool) == Some(true) {
        out = out.with_retry(Retry::Exhausted);
    }
    if let Some(fields) = json.get("fields").and_then(serde_json::Value::as_object) {
        for (name, value) in fields {
            out = out.with(name, value.clone());
        }
    }
    out
}
