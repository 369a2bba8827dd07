//! Counts requests and body bytes.

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
        self.meter.bytes_out.fetch_add(request.body.len() as u64, Relaxed);
        self.inner.put(request)
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        self.meter.add(Command::Get, 1);
        Box::pin(async move {
            let object = self.inner.get(key).await?;
            self.meter.bytes_in.fetch_add(object.body.len() as u64, Relaxed);
            Ok(object)
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        self.meter.add(Command::Head, 1);
        self.inner.head(key)
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        self.meter.add(Command::Copy, 1);
        self.inner.copy(request)
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        self.meter.add(Command::Delete, 1);
        self.inner.delete(key, if_match)
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        self.meter.add(Command::DeleteMany, keys.len().div_ceil(1000) as u64);
        self.inner.delete_many(keys)
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        self.meter.add(Command::List, 1);
        self.inner.list(request)
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        self.inner.capabilities()
    }
}
