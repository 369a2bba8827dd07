//! Store in process memory.
//!
//! Keys live in one ordered map, so a listing is a range scan. Every future is
//! ready at its first poll; a condition and its write happen under one lock.
//! A bucket made with [`MemoryStore::shared`] is the same storage for every
//! handle of that name in the process, and lives as long as the process.

mod object;
mod snapshot;
#[cfg(test)]
mod tests;

pub use object::DEFAULT_CONTENT_TYPE;

use super::paging::{PageBuilder, Start, Step, start, successor};
use super::*;
use crate::ambient::now_ms;
use crate::error::{Error, Kind, Result};
use object::{Etag, Object, stored_content_type};
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, LazyLock};

/// Boxed, so that an insertion moves pointers.
type Objects = BTreeMap<Box<str>, Box<Object>>;

static BUCKETS: LazyLock<Mutex<HashMap<String, Arc<RwLock<Objects>>>>> = LazyLock::new(Mutex::default);

/// Optional limits of a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Whether the other two apply.
    pub enforce_limits: bool,
    /// Bytes of metadata names and values.
    pub metadata_limit: u64,
    /// Bytes of a body.
    pub max_object_size: u64,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            enforce_limits: false,
            metadata_limit: 2048,
            max_object_size: 5 * 1024 * 1024 * 1024,
        }
    }
}

/// Size of a memory store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryStats {
    /// Stored objects.
    pub object_count: usize,
    /// Sum of body sizes.
    pub total_size: u64,
}

/// Object store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    bucket: String,
    limits: MemoryLimits,
    objects: Arc<RwLock<Objects>>,
}

impl MemoryStore {
    /// A storage of its own.
    pub fn new(bucket: &str, limits: MemoryLimits) -> Self {
        Self {
            bucket: bucket.to_owned(),
            limits,
            objects: Arc::default(),
        }
    }

    /// A handle on the storage that all handles of `bucket` share in this process; limits are the handle's own.
    pub fn shared(bucket: &str, limits: MemoryLimits) -> Self {
        let objects = BUCKETS.lock().entry(bucket.to_owned()).or_default().clone();
        Self {
            bucket: bucket.to_owned(),
            limits,
            objects,
        }
    }

    /// Removes everything.
    pub fn clear(&self) {
        self.objects.write().clear();
    }

    /// Object count and bytes.
    pub fn stats(&self) -> MemoryStats {
        let objects = self.objects.read();
        MemoryStats {
            object_count: objects.len(),
            total_size: objects.values().map(|object| object.size).sum(),
        }
    }

    /// The snapshot text: JSON `{ timestamp, bucket, objectCount, objects }`.
    pub fn snapshot(&self) -> String {
        snapshot::write(&self.bucket, &self.objects.read())
    }

    /// Replaces everything by the objects of a snapshot text; limits are not applied.
    pub fn restore(&self, text: &str) -> Result<()> {
        let objects = snapshot::read(text)?;
        *self.objects.write() = objects;
        Ok(())
    }

    fn check_limits(&self, metadata: &PackedMetadata, body_len: usize, key: &str) -> Result<()> {
        if !self.limits.enforce_limits {
            return Ok(());
        }
        let size = metadata.size() as u64;
        let limit = self.limits.metadata_limit;
        if size > limit {
            let text = format!("Metadata limit exceeded in memory storage: Metadata size ({size} bytes) exceeds limit of {limit} bytes");
            return Err(Error::new(Kind::MetadataLimit, text)
                .with_status(413)
                .with("totalSize", size)
                .with("effectiveLimit", limit)
                .with("excess", size - limit)
                .with("key", key));
        }
        let max = self.limits.max_object_size;
        if body_len as u64 > max {
            return Err(Error::new(Kind::Resource, "Object size exceeds in-memory limit")
                .with_status(413)
                .with("size", body_len as u64)
                .with("maxObjectSize", max)
                .with("key", key));
        }
        Ok(())
    }

    fn put_now(&self, request: PutRequest) -> Result<PutOutcome> {
        let PutRequest {
            key,
            metadata,
            body,
            content_type,
            content_encoding,
            condition,
            purpose: _,
        } = request;
        // Hashing and packing stay outside the lock.
        let metadata = PackedMetadata::pack(&metadata);
        self.check_limits(&metadata, body.len(), &key)?;
        let etag = Etag::of(&body);
        let now = now_ms();
        let object = Object {
            metadata,
            size: body.len() as u64,
            body,
            etag: etag.clone(),
            last_modified: now,
            content_type: stored_content_type(content_type.as_deref()),
            content_encoding: content_encoding.map(Into::into),
        };
        let mut objects = self.objects.write();
        if condition != Condition::None {
            let current = objects.get(key.as_str()).map(|object| object.etag.text());
            super::condition::check(&condition, current.as_deref(), &key)?;
        }
        objects.insert(key.into_boxed_str(), Box::new(object));
        Ok(outcome(&etag, now))
    }

    fn put_many_now(&self, puts: Vec<PlainPut>) -> Vec<Result<PutOutcome>> {
        let etag = Etag::of(&[]);
        let now = now_ms();
        let reply = outcome(&etag, now);
        let checked: Vec<Result<_>> = puts
            .into_iter()
            .map(|PlainPut { key, metadata }| {
                self.check_limits(&metadata, 0, &key)?;
                Ok((key.into_boxed_str(), Box::new(Object::plain(metadata, etag.clone(), now))))
            })
            .collect();
        let mut objects = self.objects.write();
        checked
            .into_iter()
            .map(|checked| {
                let (key, object) = checked?;
                objects.insert(key, object);
                Ok(reply.clone())
            })
            .collect()
    }

    fn copy_now(&self, request: CopyRequest) -> Result<PutOutcome> {
        let mut objects = self.objects.write();
        let Some(source) = objects.get(request.from.as_str()) else {
            return Err(Error::no_such_key(&request.to, "NoSuchKey").with("source", request.from));
        };
        super::condition::check_match(request.source_if_match.as_deref(), Some(&source.etag.text()), &request.to)?;
        let mut object = source.clone();
        if let Some(metadata) = &request.metadata {
            let metadata = PackedMetadata::pack(metadata);
            self.check_limits(&metadata, 0, &request.to)?;
            object.metadata = metadata;
            if request.content_type.is_some() {
                object.content_type = stored_content_type(request.content_type.as_deref());
            }
        }
        object.last_modified = now_ms();
        let reply = outcome(&object.etag, object.last_modified);
        objects.insert(request.to.into_boxed_str(), object);
        Ok(reply)
    }

    fn delete_now(&self, key: &str, if_match: Option<&str>) -> Result<()> {
        let mut objects = self.objects.write();
        if if_match.is_some() {
            let current = objects.get(key).map(|object| object.etag.text());
            super::condition::check_match(if_match, current.as_deref(), key)?;
        }
        objects.remove(key);
        Ok(())
    }

    fn list_now(&self, request: &ListRequest) -> Result<ListPage> {
        let from = start(request)?;
        let mut page = PageBuilder::new(request, &from);
        let prefix = request.prefix.as_str();
        let mut bound = match from {
            Start::First | Start::Skip(_) => Bound::Included(prefix.to_owned()),
            Start::After(key) if key.as_str() >= prefix => Bound::Excluded(key),
            Start::After(_) => Bound::Included(prefix.to_owned()),
            Start::AfterGroup(group) => match successor(&group) {
                Some(next) if next.as_str() >= prefix => Bound::Included(next),
                Some(_) => Bound::Included(prefix.to_owned()),
                None => return Ok(page.finish()),
            },
        };
        let objects = self.objects.read();
        'scan: loop {
            for (key, object) in objects.range::<str, _>((bound.as_ref().map(String::as_str), Bound::Unbounded)) {
                if !key.starts_with(prefix) {
                    break 'scan;
                }
                match page.offer(key) {
                    Step::Take => page.add(ListEntry {
                        key: key.to_string(),
                        size: object.size,
                        etag: Some(object.etag.text()),
                        last_modified: object.last_modified,
                    }),
                    Step::SkipGroup(group) => {
                        let Some(next) = successor(&group) else { break 'scan };
                        bound = Bound::Included(next);
                        continue 'scan;
                    }
                    Step::Full => break 'scan,
                }
            }
            break;
        }
        Ok(page.finish())
    }
}

fn outcome(etag: &Etag, now: i64) -> PutOutcome {
    PutOutcome {
        etag: Some(etag.text()),
        version_id: None,
        last_modified: Some(now - now.rem_euclid(1000)),
    }
}

impl Store for MemoryStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            kind: "memory",
            bucket: self.bucket.clone(),
            immediate: true,
        }
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(async move { self.put_now(request) })
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(async move { Ok(self.put_many_now(puts)) })
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        Box::pin(async move {
            let objects = self.objects.read();
            let object = objects.get(key).ok_or_else(|| Error::no_such_key(key, "NoSuchKey"))?;
            Ok(StoredObject {
                meta: object.meta(),
                body: object.body.clone(),
            })
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        Box::pin(async move {
            let objects = self.objects.read();
            let object = objects.get(key).ok_or_else(|| Error::no_such_key(key, "NotFound"))?;
            Ok(object.meta())
        })
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(async move { self.copy_now(request) })
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.delete_now(key, if_match) })
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        Box::pin(async move {
            let mut objects = self.objects.write();
            for key in &keys {
                objects.remove(key.as_str());
            }
            Ok(DeleteOutcome {
                deleted: keys,
                errors: Vec::new(),
            })
        })
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        Box::pin(async move { self.list_now(&request) })
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        Box::pin(async { Ok(Capabilities::ALL) })
    }
}
