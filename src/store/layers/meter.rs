//! Counts requests and body bytes.

use super::usage::{Change, Usage};
use crate::store::*;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A request by its published command name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// PUT
    Put,
    /// GET
    Get,
    /// HEAD
    Head,
    /// COPY
    Copy,
    /// DELETE
    Delete,
    /// Multi-delete
    DeleteMany,
    /// LIST
    List,
}

impl Command {
    /// Every command.
    pub const ALL: [Self; 7] = [
        Self::Put,
        Self::Get,
        Self::Head,
        Self::Copy,
        Self::Delete,
        Self::DeleteMany,
        Self::List,
    ];

    /// Name of the SDK's command class.
    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "PutObjectCommand",
            Self::Get => "GetObjectCommand",
            Self::Head => "HeadObjectCommand",
            Self::Copy => "CopyObjectCommand",
            Self::Delete => "DeleteObjectCommand",
            Self::DeleteMany => "DeleteObjectsCommand",
            Self::List => "ListObjectsV2Command",
        }
    }
}

/// Counters of one store stack.
#[derive(Debug, Default)]
pub struct Meter {
    commands: [AtomicU64; 7],
    retries: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    usage: Usage,
}

impl Meter {
    /// Requests of one command, retried attempts included.
    pub fn count(&self, command: Command) -> u64 {
        self.commands[command as usize].load(Relaxed)
    }

    /// Requests of all commands.
    pub fn total(&self) -> u64 {
        Command::ALL.iter().map(|command| self.count(*command)).sum()
    }

    /// Attempts after the first one.
    pub fn retries(&self) -> u64 {
        self.retries.load(Relaxed)
    }

    /// `{ total, byCommand: { PutObjectCommand, ... }, retries, bytesIn, bytesOut }`; bytes are those of bodies.
    pub fn snapshot(&self) -> Json {
        let by_command: Map<String, Json> = Command::ALL
            .iter()
            .map(|command| (command.name().to_owned(), self.count(*command).into()))
            .collect();
        let total: u64 = by_command.values().filter_map(Json::as_u64).sum();
        serde_json::json!({
            "total": total,
            "byCommand": by_command,
            "retries": self.retries(),
            "bytesIn": self.bytes_in.load(Relaxed),
            "bytesOut": self.bytes_out.load(Relaxed),
        })
    }

    /// The same by resource and plugin, once somebody asked for it.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    fn add(&self, command: Command, requests: u64) {
        self.commands[command as usize].fetch_add(requests, Relaxed);
    }
}

/// Counts what passes to the inner store.
pub struct MeterLayer {
    inner: Arc<dyn Store>,
    meter: Arc<Meter>,
}

impl MeterLayer {
    /// Counts requests to `inner` in `meter`.
    pub fn new(inner: Arc<dyn Store>, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }
}

impl Store for MeterLayer {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        self.meter.add(Command::Put, 1);
        let sent = request.body.len() as u64;
        self.meter.bytes_out.fetch_add(sent, Relaxed);
        if !self.meter.usage.is_on() {
            return self.inner.put(request);
        }
        Box::pin(async move {
            let key = request.key.clone();
            let outcome = self.inner.put(request).await;
            let change = if outcome.is_ok() {
                Change::Written(&key, sent)
            } else {
                Change::None
            };
            self.meter.usage.note(Command::Put, &key, outcome.is_err(), 0, sent, &[change]);
            outcome
        })
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        if self.meter.usage.is_on() {
            return Box::pin(put_each(self, puts));
        }
        self.meter.add(Command::Put, puts.len() as u64);
        self.inner.put_many(puts)
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        self.meter.add(Command::Get, 1);
        Box::pin(async move {
            let outcome = self.inner.get(key).await;
            let received = outcome.as_ref().map_or(0, |object| object.body.len() as u64);
            self.meter.bytes_in.fetch_add(received, Relaxed);
            if self.meter.usage.is_on() {
                let change = if outcome.is_ok() {
                    Change::Seen(key, received)
                } else {
                    Change::None
                };
                self.meter.usage.note(Command::Get, key, outcome.is_err(), received, 0, &[change]);
            }
            outcome
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        self.meter.add(Command::Head, 1);
        if !self.meter.usage.is_on() {
            return self.inner.head(key);
        }
        Box::pin(async move {
            let outcome = self.inner.head(key).await;
            let change = outcome.as_ref().map_or(Change::None, |meta| Change::Seen(key, meta.size));
            self.meter.usage.note(Command::Head, key, outcome.is_err(), 0, 0, &[change]);
            outcome
        })
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        self.meter.add(Command::Copy, 1);
        if !self.meter.usage.is_on() {
            return self.inner.copy(request);
        }
        Box::pin(async move {
            let (from, to) = (request.from.clone(), request.to.clone());
            let outcome = self.inner.copy(request).await;
            let change = if outcome.is_ok() {
                Change::Copied(&from, &to)
            } else {
                Change::None
            };
            self.meter.usage.note(Command::Copy, &to, outcome.is_err(), 0, 0, &[change]);
            outcome
        })
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        self.meter.add(Command::Delete, 1);
        if !self.meter.usage.is_on() {
            return self.inner.delete(key, if_match);
        }
        Box::pin(async move {
            let outcome = self.inner.delete(key, if_match).await;
            let change = if outcome.is_ok() { Change::Deleted(key) } else { Change::None };
            self.meter.usage.note(Command::Delete, key, outcome.is_err(), 0, 0, &[change]);
            outcome
        })
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        self.meter.add(Command::DeleteMany, keys.len().div_ceil(1000) as u64);
        if !self.meter.usage.is_on() {
            return self.inner.delete_many(keys);
        }
        Box::pin(async move {
            // A request counts for the owner of its first key.
            let firsts: Vec<String> = keys.iter().step_by(1000).cloned().collect();
            let outcome = self.inner.delete_many(keys).await;
            let mut gone: Vec<Change<'_>> = outcome.iter().flat_map(|o| &o.deleted).map(|key| Change::Deleted(key)).collect();
            for first in &firsts {
                self.meter.usage.note(Command::DeleteMany, first, outcome.is_err(), 0, 0, &gone);
                gone.clear();
            }
            outcome
        })
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        self.meter.add(Command::List, 1);
        if !self.meter.usage.is_on() {
            return self.inner.list(request);
        }
        Box::pin(async move {
            let prefix = request.prefix.clone();
            let outcome = self.inner.list(request).await;
            let seen: Vec<Change<'_>> = outcome
                .iter()
                .flat_map(|p| &p.entries)
                .map(|e| Change::Seen(&e.key, e.size))
                .collect();
            self.meter.usage.note(Command::List, &prefix, outcome.is_err(), 0, 0, &seen);
            outcome
        })
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        self.inner.capabilities()
    }
}
