//! Bounds the requests in flight.

use crate::error::Result;
use crate::store::*;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Lets at most `parallelism` requests into the inner store.
pub struct LimitLayer {
    inner: Arc<dyn Store>,
    permits: Semaphore,
}

impl LimitLayer {
    /// At most `parallelism` (at least 1) requests at once.
    pub fn new(inner: Arc<dyn Store>, parallelism: usize) -> Self {
        Self {
            inner,
            permits: Semaphore::new(parallelism.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    async fn permit(&self) -> SemaphorePermit<'_> {
        // A free permit never suspends the caller.
        match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.permits.acquire().await.expect("the semaphore is never closed"),
        }
    }

    async fn limited<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let _permit = self.permit().await;
        call.await
    }
}

impl Store for LimitLayer {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(self.limited(async move { self.inner.put(request).await }))
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(put_each(self, puts))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        Box::pin(self.limited(async move { self.inner.get(key).await }))
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        Box::pin(self.limited(async move { self.inner.head(key).await }))
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(self.limited(async move { self.inner.copy(request).await }))
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        Box::pin(self.limited(async move { self.inner.delete(key, if_match).await }))
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        Box::pin(self.limited(async move { self.inner.delete_many(keys).await }))
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        Box::pin(self.limited(async move { self.inner.list(request).await }))
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        // May consist of several requests of its own, so it takes no permit.
        self.inner.capabilities()
    }
}
