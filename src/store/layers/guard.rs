//! Refuses a condition that the store would drop.
//!
//! Callers ask `capabilities()` and choose a weaker mode themselves; what
//! reaches this layer in spite of a missing capability must not be sent
//! unconditionally, so it is refused.

use crate::error::{Error, Kind, Result};
use crate::store::*;
use std::sync::Arc;

/// Checks conditions of requests against the capabilities of the inner store.
pub struct GuardLayer {
    inner: Arc<dyn Store>,
}

impl GuardLayer {
    /// Guards `inner`, whose `capabilities()` should be cached.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner }
    }

    async fn demand(&self, missing: &'static str, key: &str, honoured: impl FnOnce(&Capabilities) -> bool) -> Result<()> {
        let capabilities = self.inner.capabilities().await?;
        if honoured(&capabilities) {
            return Ok(());
        }
        let text = format!("the store does not honour {missing}: use the weaker mode for stores without it");
        Err(Error::new(Kind::Unsupported, text)
            .with_code("NotImplemented")
            .with_status(501)
            .with("missing", missing)
            .with("bucket", self.inner.info().bucket)
            .with("key", key))
    }
}

impl Store for GuardLayer {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        match request.condition {
            Condition::None => self.inner.put(request),
            Condition::IfAbsent => Box::pin(async move {
                self.demand("if-none-match", &request.key, |c| c.put_if_absent).await?;
                self.inner.put(request).await
            }),
            Condition::IfMatch(_) => Box::pin(async move {
                self.demand("if-match", &request.key, |c| c.put_if_match).await?;
                self.inner.put(request).await
            }),
        }
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        self.inner.put_many(puts)
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        self.inner.get(key)
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        self.inner.head(key)
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        self.inner.copy(request)
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        if if_match.is_none() {
            return self.inner.delete(key, None);
        }
        Box::pin(async move {
            self.demand("delete-if-match", key, |c| c.delete_if_match).await?;
            self.inner.delete(key, if_match).await
        })
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        self.inner.delete_many(keys)
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        self.inner.list(request)
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        self.inner.capabilities()
    }
}
