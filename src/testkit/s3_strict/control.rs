//! What tests ask and tell the server: `/_control` over HTTP, or the handle.
//!
//! `GET` returns the snapshot. `POST` takes `{ faults?, resetStore?, resetCounters? }`
//! and returns the snapshot; given faults replace all of the current ones.

use super::faults::{Dice, Faults};
use super::state::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Path of the control endpoint; no bucket can have this name.
pub(super) const PATH: &str = "/_control";

/// Requests so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// All S3 requests that arrived.
    pub total: u64,
    /// By operation name, for example `PutObject`.
    pub by_operation: BTreeMap<String, u64>,
    /// Refused or dropped by a fault.
    pub refused: u64,
    /// Carried out and not answered, or answered with an error.
    pub lost: u64,
}

impl Counters {
    /// Requests of one operation.
    pub fn of(&self, operation: &str) -> u64 {
        self.by_operation.get(operation).copied().unwrap_or(0)
    }
}

/// State as tests see it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Requests since the start or the last reset.
    pub counters: Counters,
    /// Faults in force.
    pub faults: Faults,
    /// Stored objects.
    pub objects: usize,
    /// Buckets.
    pub buckets: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Order {
    faults: Option<Faults>,
    reset_store: bool,
    reset_counters: bool,
}

/// State of the server that is not S3's.
#[derive(Debug)]
pub(super) struct Control {
    pub state: std::sync::Arc<State>,
    pub dice: Dice,
    pub counters: parking_lot::Mutex<Counters>,
}

impl Control {
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            counters: self.counters.lock().clone(),
            faults: self.dice.current(),
            objects: self.state.count(),
            buckets: self.state.bucket_names(),
        }
    }

    pub(super) fn count(&self, operation: &str) {
        let mut counters = self.counters.lock();
        counters.total += 1;
        *counters.by_operation.entry(operation.to_owned()).or_default() += 1;
    }

    /// Carries out an order in JSON.
    pub(super) fn obey(&self, json: &[u8]) -> Result<(), String> {
        let order: Order = if json.is_empty() {
            Order::default()
        } else {
            serde_json::from_slice(json).map_err(|error| error.to_string())?
        };
        if let Some(faults) = order.faults {
            self.dice.set(faults);
        }
        if order.reset_store {
            self.state.reset();
        }
        if order.reset_counters {
            *self.counters.lock() = Counters::default();
        }
        Ok(())
    }
}

/// Operation of a request, by its method, path and query.
pub(super) fn operation(method: &http::Method, uri: &http::Uri, headers: &http::HeaderMap) -> &'static str {
    let path = uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query = uri.query().unwrap_or_default();
    let has = |name: &str| query.split('&').any(|part| part.split('=').next() == Some(name));
    match (method.as_str(), bucket.is_empty(), key.is_empty()) {
        ("GET", true, _) => "ListBuckets",
        ("GET", false, true) if has("list-type") => "ListObjectsV2",
        ("GET", false, true) => "GetBucket",
        ("PUT", false, true) => "CreateBucket",
        ("HEAD", false, true) => "HeadBucket",
        ("DELETE", false, true) => "DeleteBucket",
        ("POST", false, true) if has("delete") => "DeleteObjects",
        ("GET", false, false) => "GetObject",
        ("HEAD", false, false) => "HeadObject",
        ("DELETE", false, false) => "DeleteObject",
        ("PUT", false, false) if headers.contains_key("x-amz-copy-source") => "CopyObject",
        ("PUT", false, false) => "PutObject",
        _ => "Other",
    }
}
