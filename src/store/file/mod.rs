//! Store in a directory, durable and safe for several processes.
//!
//! One file per object holds header and body, so one rename publishes both;
//! `docs/formats/file-store.md` describes the layout. Reads take no lock; every
//! write holds the key's lock, under which conditions are checked. Temporary
//! and lock files of dead owners are ignored and removed.

mod lock;
mod object;
mod path;
#[cfg(test)]
mod tests;
mod walk;
mod write;

use super::*;
use crate::error::{Error, Kind, Result};
use object::ReadError;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use write::check_key;

/// What a finished write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power failure: file and directory are flushed before the answer.
    #[default]
    Full,
    /// A crash of the process. After a power failure recent writes may be gone, or damaged, which reading reports.
    None,
}

impl Durability {
    fn parse(text: Option<&str>) -> Result<Self> {
        match text {
            None | Some("full") => Ok(Self::Full),
            Some("none") => Ok(Self::None),
            Some(other) => Err(Error::validation("durability", "unknown durability: use 'full' (default) or 'none'").with("value", other)),
        }
    }
}

#[derive(Debug)]
struct CachedDirectory {
    path: PathBuf,
    changed: SystemTime,
    entries: Arc<Vec<walk::Entry>>,
}

#[derive(Debug)]
struct Inner {
    /// Directory of the bucket.
    root: PathBuf,
    objects: PathBuf,
    locks: PathBuf,
    durability: Durability,
    /// Age from which an unlocked temporary file counts as left behind.
    leftover_age: Duration,
    /// Directories known to exist durably.
    durable: Mutex<HashSet<PathBuf>>,
    /// Large directories as last listed, valid while their time stamp stays.
    cache: Mutex<Vec<CachedDirectory>>,
}

/// Object store in a directory.
#[derive(Debug, Clone)]
pub struct FileStore {
    bucket: String,
    inner: Arc<Inner>,
}

impl FileStore {
    /// Store of `bucket` below `base_path`, which is created by the first write. `durability`: `full` (default) or `none`.
    pub fn new(base_path: impl AsRef<Path>, bucket: &str, durability: Option<&str>) -> Result<Self> {
        let base_path = base_path.as_ref();
        if base_path.as_os_str().is_empty() {
            return Err(Error::validation(
                "basePath",
                "a file store requires a path, for example file:///var/lib/app",
            ));
        }
        if bucket.is_empty() {
            return Err(Error::validation("bucket", "a file store requires a bucket name"));
        }
        let durability = Durability::parse(durability)?;
        // Later changes of the working directory must not move the store.
        let base_path =
            std::path::absolute(base_path).map_err(|e| Error::validation("basePath", format!("the path cannot be made absolute: {e}")))?;
        let root = base_path.join(path::bucket(bucket));
        let locks = root.join("locks");
        lock::sweep(&locks);
        Ok(Self {
            bucket: bucket.to_owned(),
            inner: Arc::new(Inner {
                objects: root.join("objects"),
                root,
                locks,
                durability,
                leftover_age: Duration::from_secs(60),
                durable: Mutex::default(),
                cache: Mutex::default(),
            }),
        })
    }

    fn blocking<T: Send + 'static>(&self, call: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> StoreFuture<'_, T> {
        let inner = self.inner.clone();
        Box::pin(async move {
            match tokio::task::spawn_blocking(move || call(&inner)).await {
                Ok(result) => result,
                Err(error) => Err(Error::new(Kind::Unknown, format!("the file operation was interrupted: {error}"))),
            }
        })
    }
}

impl Inner {
    fn open<T>(&self, key: &str, code: &str, read: impl FnOnce(&mut File) -> Result<T, ReadError>) -> Result<T> {
        check_key(key)?;
        File::open(path::object(&self.objects, key))
            .map_err(ReadError::from)
            .and_then(|mut file| read(&mut file))
            .map_err(|e| e.into_error(key, code))
    }
}

impl Store for FileStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            kind: "file",
            bucket: self.bucket.clone(),
            immediate: false,
        }
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        self.blocking(move |inner| inner.put(request))
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(put_each(self, puts))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        let key = key.to_owned();
        self.blocking(move |inner| {
            let (header, body) = inner.open(&key, "NoSuchKey", object::read)?;
            Ok(StoredObject {
                meta: header.into_meta(),
                body,
            })
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        let key = key.to_owned();
        self.blocking(move |inner| Ok(inner.open(&key, "NotFound", object::read_header)?.into_meta()))
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        self.blocking(move |inner| inner.copy(request))
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        let (key, if_match) = (key.to_owned(), if_match.map(str::to_owned));
        self.blocking(move |inner| inner.delete(&key, if_match.as_deref()))
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        self.blocking(move |inner| Ok(inner.delete_many(keys)))
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        self.blocking(move |inner| inner.list(&request))
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        Box::pin(async { Ok(Capabilities::ALL) })
    }
}
