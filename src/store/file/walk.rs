//! Listing: a walk over directories in the byte order of keys.
//!
//! A directory sorts by its name followed by `/`, as the keys under it do.
//! Directories outside the prefix or below the start of the page are not
//! opened, and headers are read only for entries of the page.

use super::object::{self, io_error};
use super::path::{self, Name};
use super::{CachedDirectory, Inner};
use crate::error::Result;
use crate::store::paging::{PageBuilder, Start, Step, start, successor};
use crate::store::{ListEntry, ListPage, ListRequest};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Directories with fewer entries are cheap to read again.
const CACHE_FROM: usize = 1000;
/// Directories kept.
const CACHED: usize = 4;
/// A directory changed this shortly before it was read may change again within the resolution of its time stamp.
const SETTLED: Duration = Duration::from_secs(2);

/// An entry of a directory in listing order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// Last part of the key; directories end in `/`.
    name: Vec<u8>,
    path: PathBuf,
    directory: bool,
}

struct Walk<'a> {
    store: &'a Inner,
    prefix: &'a str,
    grouped: bool,
    /// Keys below this one are left out.
    from: Vec<u8>,
    page: PageBuilder,
}

enum Flow {
    Continue,
    Stop,
}

impl Inner {
    pub(super) fn list(&self, request: &ListRequest) -> Result<ListPage> {
        let begin = start(request)?;
        let page = PageBuilder::new(request, &begin);
        let lowest = match begin {
            Start::First | Start::Skip(_) => String::new(),
            Start::After(key) => key + "\0",
            Start::AfterGroup(group) => match successor(&group) {
                Some(next) => next,
                None => return Ok(page.finish()),
            },
        };
        let prefix = request.prefix.as_str();
        let whole = &prefix[..prefix.rfind('/').map_or(0, |at| at + 1)];
        let mut walk = Walk {
            store: self,
            prefix,
            grouped: request.delimiter.as_deref() == Some("/"),
            from: lowest.into_bytes().max(prefix.as_bytes().to_vec()),
            page,
        };
        walk.directory(&path::directory(&self.objects, whole), whole.as_bytes())
            .map_err(|e| io_error("list", prefix, &e))?;
        Ok(walk.page.finish())
    }

    /// Sorted entries of a directory; one that does not exist has none.
    fn entries(&self, directory: &Path) -> io::Result<Arc<Vec<Entry>>> {
        let changed = match fs::metadata(directory).and_then(|m| m.modified()) {
            Ok(time) => time,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Arc::default()),
            Err(error) => return Err(error),
        };
        {
            let cache = self.cache.lock();
            if let Some(hit) = cache.iter().find(|c| c.path == directory && c.changed == changed) {
                return Ok(hit.entries.clone());
            }
        }
        let mut entries = Vec::new();
        let flat = self.collect(directory, &[], &mut entries)?;
        entries.sort_unstable();
        let entries = Arc::new(entries);
        let settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age > SETTLED);
        if flat && settled && entries.len() >= CACHE_FROM {
            let mut cache = self.cache.lock();
            cache.retain(|c| c.path != directory);
            cache.truncate(CACHED - 1);
            cache.insert(
                0,
                CachedDirectory {
                    path: directory.to_path_buf(),
                    changed,
                    entries: entries.clone(),
                },
            );
        }
        Ok(entries)
    }

    /// Adds the entries of a directory, those of its long segments included; true when it had none of these.
    fn collect(&self, directory: &Path, before: &[u8], entries: &mut Vec<Entry>) -> io::Result<bool> {
        let mut flat = true;
        let reader = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(flat),
            other => other?,
        };
        for item in reader {
            let item = item?;
            let join = |rest: Vec<u8>| [before, rest.as_slice()].concat();
            let path = item.path();
            match path::name(&item.file_name()) {
                Name::Object(rest) => entries.push(Entry {
                    name: join(rest),
                    path,
                    directory: false,
                }),
                Name::Segment(rest) => {
                    let mut name = join(rest);
                    name.push(b'/');
                    entries.push(Entry {
                        name,
                        path,
                        directory: true,
                    });
                }
                Name::Continued(rest) => {
                    flat = false;
                    self.collect(&path, &join(rest), entries)?;
                }
                Name::Temporary => self.remove_leftover(&path),
                Name::Foreign => {}
            }
        }
        Ok(flat)
    }

    /// Removes a temporary file whose owner is gone.
    fn remove_leftover(&self, path: &Path) {
        let old = |file: &File| {
            let age = file
                .metadata()
                .and_then(|m| m.modified())
                .map(|time| time.elapsed().unwrap_or_default());
            age.is_ok_and(|age| age >= self.leftover_age)
        };
        if let Ok(file) = File::options().write(true).open(path)
            && old(&file)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(path);
        }
    }

    /// Whether any object is below a directory.
    fn holds_objects(&self, directory: &Path) -> io::Result<bool> {
        let mut inner = Vec::new();
        let reader = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        for item in reader {
            let item = item?;
            match path::name(&item.file_name()) {
                Name::Object(_) => return Ok(true),
                Name::Segment(_) | Name::Continued(_) => inner.push(item.path()),
                Name::Temporary | Name::Foreign => {}
            }
        }
        for directory in inner {
            if self.holds_objects(&directory)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Path, base: &[u8]) -> io::Result<Flow> {
        let entries = self.store.entries(directory)?;
        let prefix = self.prefix.as_bytes();
        // First entry that may reach the start of the page.
        let first = entries.partition_point(|entry| {
            let key = [base, entry.name.as_slice()].concat();
            key < self.from && !(entry.directory && self.from.starts_with(&key))
        });
        for entry in &entries[first..] {
            let key = [base, entry.name.as_slice()].concat();
            let reaches = key >= self.from || (entry.directory && self.from.starts_with(&key));
            let inside = key.starts_with(prefix) || (entry.directory && prefix.starts_with(&key));
            if !reaches || !inside {
                if key.as_slice() > prefix && !key.starts_with(prefix) {
                    return Ok(Flow::Stop);
                }
                continue;
            }
            let flow = if !entry.directory {
                self.object(&entry.path, key)?
            } else if self.grouped && key >= self.from && key.starts_with(prefix) && key.len() > prefix.len() {
                self.group(&entry.path, key)?
            } else {
                self.directory(&entry.path, &key)?
            };
            if matches!(flow, Flow::Stop) {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// A whole directory that is one group: its content does not matter beyond being there.
    fn group(&mut self, directory: &Path, key: Vec<u8>) -> io::Result<Flow> {
        if !self.store.holds_objects(directory)? {
            return Ok(Flow::Continue);
        }
        Ok(match String::from_utf8(key) {
            Ok(key) if self.page.offer(&key) == Step::Full => Flow::Stop,
            _ => Flow::Continue,
        })
    }

    fn object(&mut self, path: &Path, key: Vec<u8>) -> io::Result<Flow> {
        let Ok(key) = String::from_utf8(key) else {
            return Ok(Flow::Continue);
        };
        match self.page.offer(&key) {
            Step::Full => return Ok(Flow::Stop),
            Step::SkipGroup(group) => match successor(&group) {
                Some(next) => self.from = next.into_bytes(),
                None => return Ok(Flow::Stop),
            },
            Step::Take => match describe(path, key) {
                Ok(entry) => self.page.add(entry),
                // Deleted since the directory was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            },
        }
        Ok(Flow::Continue)
    }
}

fn describe(path: &Path, key: String) -> io::Result<ListEntry> {
    let mut file = File::open(path)?;
    match object::read_header(&mut file) {
        Ok(header) => Ok(ListEntry {
            key,
            size: header.size,
            etag: Some(header.etag),
            last_modified: header.last_modified,
        }),
        Err(object::ReadError::Io(error)) => Err(error),
        // Listed, so that it can be found and deleted; reading it reports the damage.
        Err(object::ReadError::Damaged(_)) => {
            let meta = file.metadata()?;
            let time = meta.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Ok(ListEntry {
                key,
                size: meta.len(),
                etag: None,
                last_modified: i64::try_from(time.as_millis()).unwrap_or(i64::MAX),
            })
        }
    }
}
