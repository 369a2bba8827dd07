//! One span per request: command, key, purpose. No bodies, no metadata values.

use crate::error::Result;
use crate::store::*;
use std::sync::Arc;
use tracing::{Instrument as _, Level, Span, debug, debug_span};

/// Traces requests to the inner store.
pub struct TraceLayer {
    inner: Arc<dyn Store>,
}

impl TraceLayer {
    /// Traces requests to `inner`.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner }
    }
}

fn on() -> bool {
    tracing::enabled!(Level::DEBUG)
}

fn traced<'a, T: Send + 'a>(span: Span, call: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
    Box::pin(
        async move {
            let result: Result<T> = call.await;
            match &result {
                Ok(_) => debug!("done"),
                Err(error) => debug!(kind = ?error.kind(), code = error.code(), status = error.status(), "failed"),
            }
            result
        }
        .instrument(span),
    )
}

impl Store for TraceLayer {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        if !on() {
            return self.inner.put(request);
        }
        let condition = match request.condition {
            Condition::None => "none",
            Condition::IfAbsent => "if-absent",
            Condition::IfMatch(_) => "if-match",
        };
        let span =
            debug_span!("store", command = "put", key = %request.key, purpose = ?request.purpose, condition, size = request.body.len());
        traced(span, self.inner.put(request))
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        if !on() {
            return self.inner.put_many(puts);
        }
        let span = debug_span!("store", command = "put_many", objects = puts.len());
        traced(span, self.inner.put_many(puts))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        if !on() {
            return self.inner.get(key);
        }
        traced(debug_span!("store", command = "get", key), self.inner.get(key))
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        if !on() {
            return self.inner.head(key);
        }
        traced(debug_span!("store", command = "head", key), self.inner.head(key))
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        if !on() {
            return self.inner.copy(request);
        }
        let span = debug_span!("store", command = "copy", key = %request.to, from = %request.from);
        traced(span, self.inner.copy(request))
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        if !on() {
            return self.inner.delete(key, if_match);
        }
        let span = debug_span!("store", command = "delete", key, conditional = if_match.is_some());
        traced(span, self.inner.delete(key, if_match))
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        if !on() {
            return self.inner.delete_many(keys);
        }
        traced(
            debug_span!("store", command = "delete_many", keys = keys.len()),
            self.inner.delete_many(keys),
        )
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        if !on() {
            return self.inner.list(request);
        }
        traced(
            debug_span!("store", command = "list", prefix = %request.prefix),
            self.inner.list(request),
        )
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        if !on() {
            return self.inner.capabilities();
        }
        traced(debug_span!("store", command = "capabilities"), self.inner.capabilities())
    }
}
