//! Compare-and-swap on objects whose bodies never repeat, and what stands in for it where a store cannot do it.
//!
//! A write whose answer is lost, or that is told "precondition failed" although
//! it had taken effect before a transport repeated it, is settled by reading the
//! object back and looking for the writer's own mark.

use super::storage::PluginStorage;
use super::{keyed, keys};
use crate::ambient::random_unit;
use crate::error::{Error, Kind, Result, Retry};
use crate::store::{Capabilities, Condition, PutRequest, StoredObject};
use crate::value::{Object, Value};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::OwnedMutexGuard;

pub use crate::value::EventSink;

/// What an object must be for a write to happen.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expected {
    /// There is none.
    Absent,
    /// Its ETag is this one; `None` where the store does not tell ETags.
    Version(Option<String>),
}

/// Outcome of a swap.
#[derive(Debug)]
pub(super) enum Swap {
    /// Written; the new ETag.
    Won(Option<String>),
    /// Somebody else was first; the object as it is now.
    Lost(Option<StoredObject>),
}

/// How a write without a condition is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weaker {
    /// The turn of the key in this process is all there is.
    Turn,
    /// Wait, then look whether the own mark is still there.
    ReadBack,
}

/// Shortest wait before reading back.
const SETTLE: Duration = Duration::from_millis(50);
/// Attempts to read back what an unanswered write did.
const READ_BACKS: u32 = 4;

impl PluginStorage {
    /// Whether calls complete at the first poll; such stores must never be made to wait.
    pub(super) fn immediate(&self) -> bool {
        self.shared.immediate
    }

    /// The turn of a key inside this process; immediate stores are settled by their conditions alone.
    pub(super) async fn turn(&self, key: &str) -> Option<OwnedMutexGuard<()>> {
        if self.immediate() {
            return None;
        }
        Some(keyed::turn(format!("{}\n{key}", self.shared.bucket)).await)
    }

    /// What the store honours; a client object that lacks the methods to find out honours nothing.
    pub(super) async fn capabilities(&self) -> Result<Capabilities> {
        match self.store.capabilities().await {
            Err(error) if error.status() == Some(501) => Ok(Capabilities::default()),
            other => other,
        }
    }

    /// The object under `key`, or `None`.
    pub(super) async fn fetch(&self, key: &str) -> Result<Option<StoredObject>> {
        match self.store.get(key).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.with_default("key", key)),
        }
    }

    /// Writes `request` if the object is `expected`. The caller holds the turn of the key. `own` tells its own write by the
    /// stored object; the body must carry a mark that no other write has.
    pub(super) async fn swap(
        &self,
        mut request: PutRequest,
        expected: Expected,
        weaker: Weaker,
        own: impl Fn(&StoredObject) -> bool,
    ) -> Result<Swap> {
        keys::check_object(&request.key)?;
        let capabilities = self.capabilities().await?;
        let key = request.key.clone();
        request.condition = match expected {
            Expected::Absent if capabilities.put_if_absent => Condition::IfAbsent,
            Expected::Version(Some(etag)) if capabilities.put_if_match => Condition::IfMatch(etag),
            _ => return self.swap_weakly(request, capabilities, weaker, own).await,
        };
        let matching = matches!(request.condition, Condition::IfMatch(_));
        match self.store.put(request).await {
            Ok(outcome) => Ok(Swap::Won(outcome.etag)),
            Err(error) if error.is_precondition() || (matching && error.is_not_found()) => Ok(settled(self.fetch(&key).await?, own)),
            Err(error) if is_uncertain(&error) => match self.read_back(&key).await {
                Some(current) => match settled(current, own) {
                    Swap::Lost(current) if error.retry() == Retry::Temporary => Ok(Swap::Lost(current)),
                    Swap::Lost(_) => Err(error),
                    won => Ok(won),
                },
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    async fn swap_weakly(
        &self,
        mut request: PutRequest,
        capabilities: Capabilities,
        weaker: Weaker,
        own: impl Fn(&StoredObject) -> bool,
    ) -> Result<Swap> {
        self.announce_degraded(capabilities);
        request.condition = Condition::None;
        let key = request.key.clone();
        let started = Instant::now();
        let outcome = self.store.put(request).await?;
        if weaker == Weaker::Turn || self.immediate() {
            return Ok(Swap::Won(outcome.etag));
        }
        tokio::time::sleep(SETTLE.max(started.elapsed() * 3)).await;
        Ok(settled(self.fetch(&key).await?, own))
    }

    /// The object after a write without an answer; `None` when that cannot be found out either.
    async fn read_back(&self, key: &str) -> Option<Option<StoredObject>> {
        for attempt in 1..=READ_BACKS {
            match self.fetch(key).await {
                Ok(found) => return Some(found),
                Err(error) if error.retry() == Retry::Temporary => self.pause(attempt).await,
                Err(_) => return None,
            }
        }
        None
    }

    /// Deletes an object if it still is `seen`; false when it is not. The caller holds the turn of the key.
    pub(super) async fn delete_exact(&self, key: &str, seen: &StoredObject) -> Result<bool> {
        let capabilities = self.capabilities().await?;
        let etag = seen.meta.etag.as_deref().filter(|_| capabilities.delete_if_match);
        // The ETag of an object without a body says nothing about its metadata.
        if etag.is_none() || seen.body.is_empty() {
            match self.fetch(key).await? {
                None => return Ok(true),
                Some(now) if now.body != seen.body || now.meta.metadata != seen.meta.metadata || now.meta.etag != seen.meta.etag => {
                    return Ok(false);
                }
                Some(_) => {}
            }
        }
        match self.store.delete(key, etag).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) if error.is_precondition() => Ok(self.fetch(key).await?.is_none()),
            Err(error) => Err(error),
        }
    }

    /// Jittered wait before attempt `attempt + 1`; immediate stores try again at once.
    pub(super) async fn pause(&self, attempt: u32) {
        if !self.immediate() {
            let full = Duration::from_millis(8 << attempt.saturating_sub(1).min(7)).min(Duration::from_secs(1));
            tokio::time::sleep(full.mul_f64(0.25 + 0.75 * random_unit())).await;
        }
    }

    /// Receives the events of this handle and its clones.
    pub fn set_event_sink(&self, sink: EventSink) {
        *self.shared.sink.lock() = Some(sink);
    }

    /// Says once per handle that the store ignores conditions.
    pub(super) fn announce_degraded(&self, capabilities: Capabilities) {
        if self.shared.degraded.swap(true, Ordering::Relaxed) {
            return;
        }
        let missing: Vec<Value> = [
            ("if-none-match", capabilities.put_if_absent),
            ("if-match", capabilities.put_if_match),
            ("delete-if-match", capabilities.delete_if_match),
        ]
        .into_iter()
        .filter(|(_, has)| !has)
        .map(|(name, _)| Value::from(name))
        .collect();
        let payload: Object = [
            ("bucket".to_owned(), Value::from(self.shared.bucket.as_str())),
            ("missing".to_owned(), Value::Array(missing)),
            ("mode".to_owned(), Value::from("read-back")),
        ]
        .into_iter()
        .collect();
        tracing::warn!(bucket = %self.shared.bucket, "store ignores conditional writes, using the weaker read-back mode");
        let sink = self.shared.sink.lock().clone();
        if let Some(sink) = sink {
            sink("db:storage:degraded", Value::Object(payload));
        }
    }
}

/// The write may have taken effect although it failed.
fn is_uncertain(error: &Error) -> bool {
    error.retry() != Retry::Permanent || error.kind() == Kind::Network
}

fn settled(current: Option<StoredObject>, own: impl Fn(&StoredObject) -> bool) -> Swap {
    match current {
        Some(object) if own(&object) => Swap::Won(object.meta.etag),
        other => Swap::Lost(other),
    }
}
