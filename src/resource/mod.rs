//! Operations on the records of one resource.
//!
//! Above the store and the record codec, below the binding. Each operation
//! sends the requests of spec/03 section 21.3 and no other; data is written
//! before references, references are put before stale ones are deleted. What
//! it does not know: hooks, events, validation, merging. Those are JavaScript.

mod bulk;
mod compose;
mod content;
mod index;
mod read;
mod remove;
mod rows;
mod scan;
mod write;

pub use bulk::InsertItem;
pub use content::{Content, ContentWritten};
pub use index::{EventSink, RefsMode};
pub use read::Read;
pub use rows::{Batch, RowNames};
pub use scan::{Scan, ScanKind, ScanOptions};
pub use write::{WriteOptions, Written};

use crate::error::{Error, Kind, Result};
use crate::keys::{DateHints, Partition, ResourceKeys};
use crate::record::{Encoded, Operation, RecordCodec};
use crate::store::{Capabilities, Metadata, Store};
use crate::value::{Object, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the engine must know of a resource besides its codec.
#[derive(Debug, Clone, Default)]
pub struct ResourceConfig {
    /// Resource name.
    pub name: String,
    /// Version written as `_v`, for example `v1`.
    pub version: String,
    /// Storage behaviour.
    pub behavior: String,
    /// `_definitionHash` of returned records.
    pub definition_hash: String,
    /// Partitions with fields in key order.
    pub partitions: Vec<Partition>,
    /// Requests in flight of one bulk operation, at least 1.
    pub parallelism: usize,
    /// ETags are returned in quotes (S3, file) or bare (MemoryClient, decision 18).
    pub etag_quoted: bool,
}

/// A resource; cheap to clone.
#[derive(Clone)]
pub struct Resource(Arc<Core>);

struct Core {
    config: ResourceConfig,
    keys: ResourceKeys,
    codec: RecordCodec,
    store: Arc<dyn Store>,
    immediate: bool,
    bucket: String,
    index: index::IndexQueue,
    degraded: AtomicBool,
    /// Serialises read-check-write on stores without conditional writes.
    weak_locks: Vec<tokio::sync::Mutex<()>>,
}

impl Resource {
    /// Builds the operations of a resource over a store with relative keys.
    pub fn new(config: ResourceConfig, codec: RecordCodec, store: Arc<dyn Store>) -> Result<Self> {
        let info = store.info();
        let keys = ResourceKeys::new(&config.name)?;
        let index = index::IndexQueue::new(store.clone(), info.immediate);
        Ok(Self(Arc::new(Core {
            keys,
            codec,
            immediate: info.immediate,
            bucket: info.bucket,
            index,
            degraded: AtomicBool::new(false),
            weak_locks: (0..16).map(|_| tokio::sync::Mutex::new(())).collect(),
            store,
            config,
        })))
    }

    /// Calls may run on the caller's thread: the store never waits and no key derivation or hashing is due.
    pub fn is_immediate(&self) -> bool {
        self.0.immediate && !self.0.codec.is_heavy()
    }

    /// Receives the events of background index work.
    pub fn set_event_sink(&self, sink: EventSink) {
        self.0.index.set_sink(sink);
    }

    /// Waits until queued index work is done.
    pub async fn drain(&self) {
        self.0.index.drain().await;
    }

    /// Codec of the resource.
    pub fn codec(&self) -> &RecordCodec {
        &self.0.codec
    }

    /// Stored form of a record, without storing it.
    pub async fn encode_record(&self, record: Object, operation: Operation, id: Option<&str>) -> Result<Encoded> {
        self.0.encode(record, operation, id.unwrap_or(""), None, None).await
    }

    /// Partition key of a record, or `None` when it is not indexed there.
    pub fn partition_key(&self, partition: &str, id: &str, record: &Object, hints: Option<&DateHints>) -> Result<Option<String>> {
        let partition = self.0.partition(partition)?;
        partition.key(
            &self.0.config.name,
            id,
            &self.0.indexable(record, id, &self.0.config.version),
            hints,
        )
    }

    /// HEAD: does the record exist?
    pub async fn exists(&self, id: &str) -> Result<bool> {
        let key = self.0.keys.record(id)?;
        match self.0.store.head(&key).await {
            Ok(_) => Ok(true),
            Err(e) if e.is_not_found() => Ok(false),
            Err(e) => Err(self.0.located(e, id)),
        }
    }
}

impl Core {
    fn partition(&self, name: &str) -> Result<&Partition> {
        self.config.partitions.iter().find(|p| p.name == name).ok_or_else(|| {
            Error::new(Kind::Partition, format!("Partition '{name}' not found"))
                .with_status(400)
                .with("resourceName", self.config.name.clone())
                .with("partitionName", name)
                .with(
                    "availablePartitions",
                    self.config.partitions.iter().map(|p| p.name.clone()).collect::<Vec<_>>(),
                )
        })
    }

    /// The record with the system fields that partitions may name.
    fn indexable(&self, record: &Object, id: &str, version: &str) -> Object {
        let mut object = record.clone();
        object.insert("id".into(), Value::from(id));
        object.insert("_v".into(), Value::from(version));
        object
    }

    /// Reference keys of a record, in partition order.
    fn references(&self, record: &Object, id: &str, version: &str, hints: Option<&DateHints>) -> Result<Vec<Option<String>>> {
        if self.config.partitions.is_empty() {
            return Ok(Vec::new());
        }
        let system = self
            .config
            .partitions
            .iter()
            .any(|p| p.fields.iter().any(|(f, _)| f.starts_with('_') || f == "id"));
        let extended;
        let view = if system {
            extended = self.indexable(record, id, version);
            &extended
        } else {
            record
        };
        self.config
            .partitions
            .iter()
            .map(|p| p.key(&self.config.name, id, view, hints))
            .collect()
    }

    /// Adds resource and id to an error that lacks them.
    fn located(&self, error: Error, id: &str) -> Error {
        error
            .with_default("resourceName", self.config.name.clone())
            .with_default("id", id)
            .with_default("bucket", self.bucket.clone())
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        self.store.capabilities().await
    }

    /// True once per resource handle: the caller reports `db:storage:degraded`.
    fn first_degraded(&self) -> bool {
        !self.degraded.swap(true, Ordering::Relaxed)
    }

    async fn weak_lock(&self, key: &str) -> tokio::sync::MutexGuard<'_, ()> {
        use std::hash::{BuildHasher as _, RandomState};
        static STATE: std::sync::OnceLock<RandomState> = std::sync::OnceLock::new();
        let hash = STATE.get_or_init(RandomState::new).hash_one(key);
        let slot = usize::try_from(hash % 16).unwrap_or(0);
        self.weak_locks[slot].lock().await
    }
}

/// Stored `_v` of a record, as written.
fn stored_version(metadata: &Metadata) -> Option<&str> {
    metadata.iter().find(|(name, _)| name == "_v").map(|(_, value)| value.as_str())
}

/// Runs CPU-heavy work (key derivation, bcrypt) on the blocking pool, other work in place.
async fn compute<T: Send + 'static>(heavy: bool, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    if !heavy {
        return work();
    }
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(Error::new(Kind::Unknown, format!("worker failed: {e}"))))
}
