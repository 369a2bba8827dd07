//! Exclusive lock of one key, held between processes.
//!
//! A lock is an advisory lock of the operating system on a file named after
//! the key, so a dead owner's lock is free at once. The holder removes the file
//! before letting go; whoever waited on a removed file notices that its name no
//! longer leads to it and starts over.

use md5::{Digest as _, Md5};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A held lock; freed when dropped.
#[derive(Debug)]
pub(super) struct KeyLock {
    path: PathBuf,
    file: File,
}

impl KeyLock {
    /// Waits for the lock of `key` in the directory `locks`.
    pub fn acquire(locks: &Path, key: &str) -> io::Result<Self> {
        let name: String = Md5::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let path = locks.join(name);
        loop {
            let file = match open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(locks)?;
                    continue;
                }
                other => other?,
            };
            file.lock()?;
            if is_at(&file, &path)? {
                return Ok(Self { path, file });
            }
        }
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        remove(&self.path);
        let _ = self.file.unlock();
    }
}

/// Removes lock files whose owners are gone.
pub(super) fn sweep(locks: &Path) {
    for entry in fs::read_dir(locks).into_iter().flatten().flatten() {
        let path = entry.path();
        if let Ok(file) = OpenOptions::new().write(true).open(&path)
            && file.try_lock().is_ok()
            && is_at(&file, &path).unwrap_or(false)
        {
            remove(&path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// Whether `path` still leads to the open `file`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok(open.ino() == named.ino() && open.dev() == named.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Where open files cannot be told apart by name, lock files stay.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
fn remove(_: &Path) {}
