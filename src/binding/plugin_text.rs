//! Texts of plugin storage: options and locks as they come, results as they go.

use super::error::error_json;
use crate::error::{Error, Kind, Result};
use crate::plugin::{Behavior, Lease, LockFormat, LockInfo, LockOptions, LockTarget, PluginStorage, SequenceOptions, SetOptions, Split};
use crate::store::{Condition, PutOutcome, bare_etag};
use crate::value::{Object, Value, text};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Options {
    /// Epoch milliseconds, when the caller has a clock of its own.
    pub(super) now: Option<f64>,
    pub(super) ttl: Option<f64>,
    pub(super) behavior: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) prefix: String,
    pub(super) limit: Option<f64>,
    pub(super) parallelism: Option<f64>,
    pub(super) amount: f64,
    pub(super) version: Option<String>,
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) initial_value: Option<f64>,
    pub(super) increment: Option<f64>,
    pub(super) lock_timeout: Option<f64>,
    pub(super) lock_ttl: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LockText {
    pub(super) now: Option<f64>,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) token: String,
    #[serde(default = "null")]
    pub(super) worker_id: Value,
    pub(super) ttl: Option<f64>,
    pub(super) timeout: Option<f64>,
    pub(super) retry_delay: Option<f64>,
    pub(super) max_retry_delay: Option<f64>,
    #[serde(default)]
    pub(super) discard: bool,
    #[serde(default)]
    pub(super) fence: f64,
    #[serde(default)]
    pub(super) acquired_at: f64,
    #[serde(default)]
    pub(super) expires_at: f64,
    pub(super) etag: Option<String>,
}

fn null() -> Value {
    Value::Null
}

pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::new(Kind::PluginStorage, format!("Invalid options: {e}")).with_status(400))
}

pub(super) fn object_text(data: &str) -> Result<Object> {
    match text::parse(data)? {
        Value::Object(object) => Ok(object),
        _ => Err(Error::new(Kind::PluginStorage, "Invalid data: it must be an object").with_status(400)),
    }
}

impl Options {
    pub(super) fn set(&self) -> Result<SetOptions> {
        let defaults = SetOptions::default();
        let condition = match (self.if_match.as_deref(), self.if_none_match.as_deref()) {
            (None, None) => Condition::None,
            (None, Some("*")) => Condition::IfAbsent,
            (Some(etag), None) => Condition::IfMatch(bare_etag(etag).to_owned()),
            _ => {
                return Err(Error::validation(
                    "ifNoneMatch",
                    "give either ifMatch with an ETag or ifNoneMatch with '*'",
                ));
            }
        };
        Ok(SetOptions {
            ttl: self.ttl,
            behavior: self.behavior.as_deref().map_or(Ok(Behavior::default()), Behavior::parse)?,
            content_type: self.content_type.clone().unwrap_or(defaults.content_type),
            condition,
        })
    }

    pub(super) fn limit(&self) -> Option<usize> {
        self.limit.map(count)
    }

    pub(super) fn parallelism(&self) -> usize {
        self.parallelism.map_or(10, count).max(1)
    }

    pub(super) fn resource(&self) -> &str {
        self.resource.as_deref().unwrap_or("")
    }

    pub(super) fn sequence(&self) -> SequenceOptions {
        let defaults = SequenceOptions::default();
        SequenceOptions {
            resource: self.resource().to_owned(),
            initial_value: self.initial_value.unwrap_or(defaults.initial_value),
            increment: self.increment.unwrap_or(defaults.increment),
            lock_timeout: self.lock_timeout.unwrap_or(defaults.lock_timeout),
            lock_ttl: self.lock_ttl.unwrap_or(defaults.lock_ttl),
        }
    }
}

fn count(n: f64) -> usize {
    if n.is_nan() || n < 0.0 { 0 } else { n as usize }
}

impl LockText {
    pub(super) fn target(&self, storage: &PluginStorage) -> Result<LockTarget> {
        let mut target = match &self.namespace {
            None if self.key.is_some() => LockTarget {
                name: self.name.clone(),
                key: String::new(),
                format: LockFormat::Lock,
            },
            None => storage.lock_target(&self.name)?,
            Some(namespace) => storage.mutex_target(namespace, &self.name)?,
        };
        if let Some(key) = &self.key {
            target.key.clone_from(key);
        }
        crate::plugin::keys::check_object(&target.key)?;
        Ok(target)
    }

    pub(super) fn options(&self) -> LockOptions {
        let defaults = LockOptions::default();
        LockOptions {
            ttl: self.ttl.unwrap_or(defaults.ttl),
            timeout: self.timeout.unwrap_or(defaults.timeout),
            worker_id: self.worker_id.clone(),
            retry_delay: self.retry_delay.unwrap_or(defaults.retry_delay),
            max_retry_delay: self.max_retry_delay.unwrap_or(defaults.max_retry_delay),
            discard: self.discard,
        }
    }

    pub(super) fn lease(&self, storage: &PluginStorage) -> Result<Lease> {
        Ok(Lease {
            target: self.target(storage)?,
            token: self.token.clone(),
            worker_id: self.worker_id.clone(),
            acquired_at: self.acquired_at,
            expires_at: self.expires_at,
            ttl: self.ttl.unwrap_or(LockOptions::default().ttl),
            fence: self.fence,
            etag: self.etag.as_deref().map(|etag| bare_etag(etag).to_owned()),
            discard: self.discard,
        })
    }
}

pub(super) fn lease_text(lease: &Lease) -> String {
    let mut out = json!({
        "name": lease.target.name, "key": lease.target.key, "token": lease.token, "acquiredAt": lease.acquired_at,
        "expiresAt": lease.expires_at, "ttl": lease.ttl, "fence": lease.fence, "etag": lease.etag,
    })
    .to_string();
    // The holder may be any value.
    out.pop();
    out.push_str(",\"workerId\":");
    text::write_tagged(&lease.worker_id, &mut out);
    out.push('}');
    out
}

pub(super) fn outcome_text(outcome: &PutOutcome) -> String {
    json!({ "etag": outcome.etag, "versionId": outcome.version_id }).to_string()
}

pub(super) fn split_text(split: &Split) -> String {
    let mut out = String::from("{\"metadata\":[");
    for (i, (name, value)) in split.metadata.iter().enumerate() {
        out.push_str(if i == 0 { "[" } else { ",[" });
        text::write_string(name, &mut out);
        out.push(',');
        text::write_tagged(value, &mut out);
        out.push(']');
    }
    out.push_str("],\"body\":");
    match &split.body {
        Some(body) => text::write_tagged(&Value::Object(body.clone()), &mut out),
        None => out.push_str("null"),
    }
    out.push('}');
    out
}

pub(super) fn write_object(object: &Object, out: &mut String) {
    out.push('{');
    for (i, (key, value)) in object.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        text::write_string(key, out);
        out.push(':');
        text::write_tagged(value, out);
    }
    out.push('}');
}

pub(super) fn fields_text(object: &Object) -> String {
    let mut out = String::with_capacity(128);
    write_object(object, &mut out);
    out
}

pub(super) fn list_text<'a>(objects: impl Iterator<Item = &'a Object>) -> String {
    let mut out = String::from("[");
    for (i, object) in objects.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_object(object, &mut out);
    }
    out.push(']');
    out
}

/// `[{ data } | { error }]`
pub(super) fn results_text(results: &[Result<Option<Object>>]) -> String {
    let mut out = String::from("[");
    for (i, result) in results.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        match result {
            Ok(Some(fields)) => {
                out.push_str("{\"data\":");
                write_object(fields, &mut out);
                out.push('}');
            }
            Ok(None) => out.push_str("{\"data\":null}"),
            Err(error) => out.push_str(&json!({ "error": error_json(error) }).to_string()),
        }
    }
    out.push(']');
    out
}

pub(super) fn info_text(info: &LockInfo) -> String {
    let number = |n: f64| if n.is_finite() { json!(n) } else { json!(null) };
    let mut out = json!({
        "token": info.token, "acquiredAt": number(info.acquired_at), "expiresAt": number(info.expires_at), "fence": info.fence,
    })
    .to_string();
    out.pop();
    out.push_str(",\"workerId\":");
    text::write_tagged(&info.worker_id, &mut out);
    out.push('}');
    out
}

pub(super) fn version_text(version: &str, data: &Object) -> String {
    let mut out = String::from("{\"version\":");
    text::write_string(version, &mut out);
    out.push_str(",\"data\":");
    write_object(data, &mut out);
    out.push('}');
    out
}
