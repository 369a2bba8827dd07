//! S3 and compatible stores, over aws-sdk-s3.
//!
//! The SDK signs, serialises and parses; retries, concurrency and metering are
//! layers of ours, so the SDK's own are off.

mod client;
mod config;
mod errors;
mod list;
mod read;
mod tls;
mod transport;
mod write;

#[cfg(test)]
mod tests;

pub use config::{HttpConfig, S3Config};

use super::{
    Capabilities, CopyRequest, DeleteOutcome, ListPage, ListRequest, ObjectMeta, PlainPut, PutOutcome, PutRequest, Store, StoreFuture,
    StoreInfo, StoredObject, put_each,
};
use crate::error::{Error, Kind, Result};
use client::Connection;
use errors::Redactor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::OnceCell;

/// An S3 bucket.
pub struct S3Store {
    config: Arc<S3Config>,
    redactor: Redactor,
    connection: OnceCell<Connection>,
    capabilities: OnceCell<Capabilities>,
    closed: AtomicBool,
}

impl S3Store {
    /// Checks the configuration; sockets, certificates and credentials are touched at the first request.
    pub fn new(config: S3Config) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            redactor: Redactor::new(&config),
            config: Arc::new(config),
            connection: OnceCell::new(),
            capabilities: OnceCell::new(),
            closed: AtomicBool::new(false),
        })
    }

    /// The configuration.
    pub fn config(&self) -> &S3Config {
        &self.config
    }

    /// Refuses further requests and lets idle sockets go.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if let Some(connection) = self.connection.get() {
            connection.transport.close();
        }
    }

    async fn connection(&self) -> Result<&Connection> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(Kind::Database, "The S3 client is closed; create a new one"));
        }
        self.connection.get_or_try_init(|| client::connect(&self.config)).await
    }

    fn failure<'a>(&'a self, operation: &'static str, key: Option<&'a str>) -> errors::Context<'a> {
        errors::Context {
            operation,
            key,
            bucket: &self.config.bucket,
            region: &self.config.region,
            conditional: false,
            redactor: &self.redactor,
            connection: self.connection.get(),
        }
    }
}

impl Store for S3Store {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            kind: "s3",
            bucket: self.config.bucket.clone(),
            immediate: false,
        }
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(self.put_object(request))
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(put_each(self, puts))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        Box::pin(self.get_object(key))
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        Box::pin(self.head_object(key))
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(self.copy_object(request))
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        Box::pin(self.delete_object(key, if_match))
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        Box::pin(self.delete_objects(keys))
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        Box::pin(self.list_objects(request))
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        Box::pin(async {
            if self.config.is_aws() {
                return Ok(Capabilities::ALL);
            }
            // One probe even for concurrent callers; a failed probe decides nothing and is tried again.
            self.capabilities.get_or_try_init(|| super::probe::probe(self)).await.copied()
        })
    }
}
