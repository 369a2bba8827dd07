//! The handle, and reading and writing of entries.

use super::cas::EventSink;
use super::entry::{Behavior, Entry, Split, split};
use super::keys;
use crate::ambient::{now_ms, now_us};
use crate::codec::ids;
use crate::error::{Error, Kind, Result};
use crate::store::{Condition, Purpose, PutOutcome, PutRequest, Store, StoredObject};
use crate::value::Object;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Options of a write.
#[derive(Debug, Clone, PartialEq)]
pub struct SetOptions {
    /// Seconds to live, above 0; `None`: no expiry.
    pub ttl: Option<f64>,
    /// Where fields go.
    pub behavior: Behavior,
    /// Content type.
    pub content_type: String,
    /// Condition of the write, as the caller gave it.
    pub condition: Condition,
}

impl Default for SetOptions {
    fn default() -> Self {
        Self {
            ttl: None,
            behavior: Behavior::default(),
            content_type: "application/json".into(),
            condition: Condition::None,
        }
    }
}

/// State that the clones of a handle share.
pub(super) struct Shared {
    pub immediate: bool,
    pub bucket: String,
    pub degraded: AtomicBool,
    pub sink: Mutex<Option<EventSink>>,
    /// This handle among the writers of a counter.
    pub writer: String,
}

/// The storage of one plugin. Cheap to clone.
#[derive(Clone)]
pub struct PluginStorage {
    pub(super) store: Arc<dyn Store>,
    pub(super) slug: Arc<str>,
    pub(super) shared: Arc<Shared>,
    clock: Clock,
}

/// What a handle takes for the time.
#[derive(Debug, Clone, Copy)]
enum Clock {
    System,
    /// Stands still at these epoch milliseconds.
    Still(i64),
    /// Runs, this many milliseconds ahead of the system.
    Ahead(i64),
}

impl PluginStorage {
    /// Storage of `slug` in a store whose keys are relative to the database.
    pub fn new(store: Arc<dyn Store>, slug: &str) -> Result<Self> {
        if slug.is_empty() {
            return Err(Error::new(Kind::PluginStorage, "PluginStorage requires a pluginSlug").with_status(400));
        }
        keys::check(slug)?;
        let info = store.info();
        Ok(Self {
            store,
            slug: slug.into(),
            shared: Arc::new(Shared {
                immediate: info.immediate,
                bucket: info.bucket,
                degraded: AtomicBool::new(false),
                sink: Mutex::new(None),
                writer: ids::generate(8),
            }),
            clock: Clock::System,
        })
    }

    /// The same storage at another time, epoch milliseconds.
    #[must_use]
    pub fn at(&self, now: i64) -> Self {
        Self {
            clock: Clock::Still(now),
            ..self.clone()
        }
    }

    /// The same storage with a clock that runs, for calls that wait.
    #[must_use]
    pub(super) fn running(&self) -> Self {
        let clock = match self.clock {
            Clock::Still(now) => Clock::Ahead(now - now_ms()),
            other => other,
        };
        Self { clock, ..self.clone() }
    }

    /// Slug of the plugin.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// Calls may run on the caller's thread: the store never waits.
    pub fn is_immediate(&self) -> bool {
        self.shared.immediate
    }

    /// Epoch milliseconds by this handle's clock.
    pub(super) fn now(&self) -> i64 {
        match self.clock {
            Clock::System => now_ms(),
            Clock::Still(now) => now,
            Clock::Ahead(by) => now_ms() + by,
        }
    }

    /// Where fences start: epoch microseconds.
    pub(super) fn fence_floor(&self) -> f64 {
        let micros = match self.clock {
            Clock::System => now_us(),
            _ => self.now().saturating_mul(1000),
        };
        micros as f64
    }

    /// [`Self::now`] for arithmetic with stored numbers.
    pub(super) fn now_f64(&self) -> f64 {
        self.now() as f64
    }

    /// Expiry for a time to live in seconds; one that is not above 0 counts as none.
    pub(super) fn expiry(&self, ttl: Option<f64>) -> Option<f64> {
        ttl.filter(|seconds| *seconds > 0.0 && seconds.is_finite())
            .map(|seconds| (self.now_f64() + seconds * 1000.0).round())
    }

    /// How [`Self::set`] stores `data`.
    pub fn split(&self, data: Object, options: &SetOptions) -> Result<Split> {
        split(data, self.expiry(options.ttl), options.behavior)
    }

    /// Writes an entry: one PUT.
    pub async fn set(&self, key: &str, data: Object, options: &SetOptions) -> Result<PutOutcome> {
        keys::check_object(key)?;
        let split = self.split(data, options)?;
        let mut request = request(key, &split, options)?;
        request.condition = options.condition.clone();
        self.store.put(request).await
    }

    /// Reads an entry: one GET. Missing or expired: `None`; an expired one is removed.
    pub async fn get(&self, key: &str) -> Result<Option<Object>> {
        Ok(self.live(key).await?.map(|(entry, _)| entry.fields))
    }

    /// The live entry and its object.
    pub(super) async fn live(&self, key: &str) -> Result<Option<(Entry, StoredObject)>> {
        keys::check_object(key)?;
        loop {
            let Some(object) = self.fetch(key).await? else {
                return Ok(None);
            };
            let entry = Entry::parse(&object, key)?;
            if !entry.is_expired(self.now_f64()) {
                return Ok(Some((entry, object)));
            }
            if super::lock::is_lock(&entry) || self.delete_exact(key, &object).await? {
                return Ok(None);
            }
            // Somebody refreshed it in between.
        }
    }

    /// Whether a live entry exists; removes an expired one.
    pub async fn has(&self, key: &str) -> Result<bool> {
        Ok(self.live(key).await?.is_some())
    }

    /// Deletes an entry; a missing one is fine.
    pub async fn delete(&self, key: &str) -> Result<()> {
        keys::check_object(key)?;
        match self.store.delete(key, None).await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other,
        }
    }
}

/// PUT of a split entry, unconditional.
pub(super) fn request(key: &str, split: &Split, options: &SetOptions) -> Result<PutRequest> {
    Ok(PutRequest {
        key: key.to_owned(),
        metadata: split.wire_metadata()?,
        body: split.body_bytes(),
        content_type: Some(options.content_type.clone()),
        purpose: Purpose::Plugin,
        ..PutRequest::default()
    })
}
