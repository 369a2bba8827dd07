//! Writes: condition and publication under the key's lock, one rename per object.

use super::lock::KeyLock;
use super::object::{self, Header, ReadError, io_error};
use super::{Durability, Inner, path};
use crate::ambient::{now_ms, random_bytes};
use crate::error::{Error, Result};
use crate::store::{Condition, CopyRequest, DeleteOutcome, KeyError, PutOutcome, PutRequest, condition};
use bytes::Bytes;
use md5::{Digest as _, Md5};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Other processes may remove an empty directory again and again before a file is in it.
const DIRECTORY_RACES: u32 = 1000;
/// Directories remembered as durable.
const KNOWN_DIRECTORIES: usize = 10_000;

impl Inner {
    pub(super) fn put(&self, request: PutRequest) -> Result<PutOutcome> {
        check_key(&request.key)?;
        let key = request.key;
        let target = path::object(&self.objects, &key);
        let header = Header {
            etag: hex(&Md5::digest(&request.body)),
            size: request.body.len() as u64,
            last_modified: 0,
            content_type: request.content_type,
            content_encoding: request.content_encoding,
            metadata: deduplicated(request.metadata),
        };
        let _lock = self.lock(&key)?;
        if request.condition != Condition::None {
            let current = self.current_etag(&target, &key)?;
            condition::check(&request.condition, current.as_deref(), &key)?;
        }
        self.publish(&key, &target, header, &request.body)
    }

    pub(super) fn copy(&self, request: CopyRequest) -> Result<PutOutcome> {
        check_key(&request.from)?;
        check_key(&request.to)?;
        let target = path::object(&self.objects, &request.to);
        // Taken before the source is read, so that a copy onto itself is atomic.
        let _lock = self.lock(&request.to)?;
        let source = path::object(&self.objects, &request.from);
        let (mut header, body) = File::open(&source)
            .map_err(ReadError::from)
            .and_then(|mut file| object::read(&mut file))
            .map_err(|e| e.into_error(&request.to, "NoSuchKey").with("source", request.from.clone()))?;
        condition::check_match(request.source_if_match.as_deref(), Some(&header.etag), &request.to)?;
        if let Some(metadata) = request.metadata {
            header.metadata = deduplicated(metadata);
            header.content_type = request.content_type.or(header.content_type);
        }
        self.publish(&request.to, &target, header, &body)
    }

    pub(super) fn delete(&self, key: &str, if_match: Option<&str>) -> Result<()> {
        check_key(key)?;
        let target = path::object(&self.objects, key);
        if if_match.is_none() && !target.exists() {
            return Ok(());
        }
        let _lock = self.lock(key)?;
        if if_match.is_some() {
            let current = self.current_etag(&target, key)?;
            condition::check_match(if_match, current.as_deref(), key)?;
        }
        self.remove(&target)
            .and_then(|removed| if removed { self.settle(parent(&target)) } else { Ok(()) })
            .map_err(|e| io_error("delete", key, &e))
    }

    pub(super) fn delete_many(&self, keys: Vec<String>) -> DeleteOutcome {
        let mut outcome = DeleteOutcome::default();
        let mut touched: HashSet<PathBuf> = HashSet::new();
        for key in keys {
            match self.delete_unsettled(&key) {
                Ok(directory) => {
                    touched.extend(directory);
                    outcome.deleted.push(key);
                }
                Err(error) => outcome.errors.push(key_error(key, &error)),
            }
        }
        // One flush per directory instead of one per object.
        for directory in touched {
            if let Err(error) = self.settle(&directory) {
                let error = io_error("flush after delete", "", &error);
                outcome.errors.extend(outcome.deleted.drain(..).map(|key| key_error(key, &error)));
                break;
            }
        }
        outcome
    }

    fn delete_unsettled(&self, key: &str) -> Result<Option<PathBuf>> {
        check_key(key)?;
        let target = path::object(&self.objects, key);
        if !target.exists() {
            return Ok(None);
        }
        let _lock = self.lock(key)?;
        let removed = self.remove(&target).map_err(|e| io_error("delete", key, &e))?;
        Ok(removed.then(|| parent(&target).to_path_buf()))
    }

    fn lock(&self, key: &str) -> Result<KeyLock> {
        KeyLock::acquire(&self.locks, key).map_err(|e| io_error("lock", key, &e))
    }

    fn current_etag(&self, target: &Path, key: &str) -> Result<Option<String>> {
        match File::open(target)
            .map_err(ReadError::from)
            .and_then(|mut file| object::read_header(&mut file))
        {
            Ok(header) => Ok(Some(header.etag)),
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into_error(key, "NoSuchKey")),
        }
    }

    /// Makes the object visible by one rename.
    fn publish(&self, key: &str, target: &Path, mut header: Header, body: &Bytes) -> Result<PutOutcome> {
        let now = now_ms();
        header.last_modified = now;
        let failed = |e: io::Error| io_error("write", key, &e);
        let mut raced = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..DIRECTORY_RACES {
            match self.publish_once(target, &header, body) {
                // An empty directory was removed, perhaps between the attempt to make it and a look at what is there, or a
                // sweep took the file for a leftover.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => {
                    self.durable.lock().remove(parent(target));
                    raced = error;
                }
                Err(error) => return Err(failed(error)),
                Ok(()) => {
                    return Ok(PutOutcome {
                        etag: Some(header.etag),
                        version_id: None,
                        last_modified: Some(now - now.rem_euclid(1000)),
                    });
                }
            }
        }
        Err(failed(raced))
    }

    fn publish_once(&self, target: &Path, header: &Header, body: &[u8]) -> io::Result<()> {
        let directory = parent(target);
        self.ensure_directory(directory)?;
        let mut random = [0u8; 12];
        random_bytes(&mut random);
        let temporary = directory.join(path::temporary(&hex(&random)));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        let written = (|| {
            // Tells sweeps of other processes that the owner lives.
            file.lock()?;
            object::write(&mut file, header, body)?;
            if self.durability == Durability::Full {
                file.sync_all()?;
            }
            fs::rename(&temporary, target)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written?;
        self.settle(directory)
    }

    /// Makes `directory` exist, durably with all its ancestors inside the store.
    fn ensure_directory(&self, directory: &Path) -> io::Result<()> {
        if self.durable.lock().contains(directory) {
            return Ok(());
        }
        fs::create_dir_all(directory)?;
        if self.durability == Durability::Full {
            for ancestor in directory.ancestors().skip(1).take_while(|a| a.starts_with(&self.root)) {
                flush(ancestor)?;
            }
            // The directories above may have been made just now as well, or belong to somebody else.
            for ancestor in self.root.ancestors().skip(1) {
                if flush(ancestor).is_err() {
                    break;
                }
            }
        }
        let mut durable = self.durable.lock();
        if durable.len() >= KNOWN_DIRECTORIES {
            durable.clear();
        }
        durable.insert(directory.to_path_buf());
        Ok(())
    }

    /// Removes an object's file and directories that it leaves empty; false when there was none.
    fn remove(&self, target: &Path) -> io::Result<bool> {
        match fs::remove_file(target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        for directory in target.ancestors().skip(1) {
            // Fails where something is left, which ends the climb.
            if directory == self.objects || fs::remove_dir(directory).is_err() {
                break;
            }
            self.durable.lock().remove(directory);
        }
        Ok(true)
    }

    /// Flushes a directory, or the nearest ancestor that still exists.
    fn settle(&self, directory: &Path) -> io::Result<()> {
        if self.durability == Durability::None {
            return Ok(());
        }
        for ancestor in directory.ancestors() {
            match flush(ancestor) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && ancestor != self.root => {}
                other => return other,
            }
        }
        Ok(())
    }
}

/// Later pairs of the same name replace earlier ones.
fn deduplicated(metadata: Vec<(String, String)>) -> Vec<(String, String)> {
    let keep: Vec<bool> = (0..metadata.len())
        .map(|at| !metadata[at + 1..].iter().any(|(later, _)| *later == metadata[at].0))
        .collect();
    metadata
        .into_iter()
        .zip(keep)
        .filter_map(|(pair, keep)| keep.then_some(pair))
        .collect()
}

fn key_error(key: String, error: &Error) -> KeyError {
    KeyError {
        key,
        code: error.code().unwrap_or(error.kind().class_name()).to_owned(),
        message: error.message().to_owned(),
    }
}

pub(super) fn check_key(key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::validation("key", "an object key must not be empty"));
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn flush(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Directories cannot be flushed here; the file system journals them itself.
#[cfg(not(unix))]
fn flush(directory: &Path) -> io::Result<()> {
    fs::metadata(directory).map(drop)
}
