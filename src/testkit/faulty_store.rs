//! A store that fails by a seed: requests that never arrive, answers that get
//! lost after the request took effect, and delays. The same seed and the same
//! order of calls give the same faults.

use crate::error::{Error, Kind, Result, Retry};
use crate::store::*;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Which faults, how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Start of the pseudo-random sequence.
    pub seed: u64,
    /// Share of requests that fail without effect, 0 to 1.
    pub refused: f64,
    /// Share of requests that take effect and then fail.
    pub lost: f64,
    /// Share of requests that are delayed.
    pub delayed: f64,
    /// Longest delay.
    pub delay: Duration,
}

/// [`Faults`] in front of a store.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    faults: Faults,
    state: Mutex<u64>,
    injected: AtomicU64,
    echoed: f64,
    conditions: bool,
    bucket: Option<String>,
}

enum Fate {
    Fine,
    Refused,
    Lost,
}

impl FaultyStore {
    /// Puts faults in front of `inner`.
    pub fn new(inner: Arc<dyn Store>, faults: Faults) -> Self {
        Self {
            inner,
            faults,
            state: Mutex::new(faults.seed),
            injected: AtomicU64::new(0),
            echoed: 0.0,
            conditions: true,
            bucket: None,
        }
    }

    /// Share of conditional writes that take effect and are then told "precondition failed", as by a transport that sent
    /// them twice.
    #[must_use]
    pub fn echoing(mut self, share: f64) -> Self {
        self.echoed = share;
        self
    }

    /// Ignores every condition, and says so.
    #[must_use]
    pub fn without_conditions(mut self) -> Self {
        self.conditions = false;
        self
    }

    /// Goes by another bucket name, so that what is shared per bucket inside a process is not: stands for another process.
    #[must_use]
    pub fn named(mut self, bucket: &str) -> Self {
        self.bucket = Some(bucket.to_owned());
        self
    }

    /// Failures injected so far.
    pub fn injected(&self) -> u64 {
        self.injected.load(Relaxed)
    }

    /// Next number in [0, 1): splitmix64.
    fn unit(&self) -> f64 {
        let mut state = self.state.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn fate(&self) -> Fate {
        let n = self.unit();
        if n < self.faults.refused {
            Fate::Refused
        } else if n < self.faults.refused + self.faults.lost {
            Fate::Lost
        } else {
            Fate::Fine
        }
    }

    async fn through<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        if self.unit() < self.faults.delayed {
            tokio::time::sleep(self.faults.delay.mul_f64(self.unit())).await;
        }
        let fail = |kind, code: &str, text| {
            self.injected.fetch_add(1, Relaxed);
            Err(Error::new(kind, text).with_code(code).with_retry(Retry::Temporary))
        };
        match self.fate() {
            Fate::Fine => call.await,
            Fate::Refused => fail(Kind::Unknown, "SlowDown", "injected: refused").map_err(|e: Error| e.with_status(503)),
            Fate::Lost => {
                let _answer = call.await;
                fail(Kind::Network, "ECONNRESET", "injected: answer lost")
            }
        }
    }
}

impl Store for FaultyStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            immediate: false,
            bucket: self.bucket.clone().unwrap_or_else(|| self.inner.info().bucket),
            ..self.inner.info()
        }
    }

    fn put(&self, mut request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        if !self.conditions {
            request.condition = Condition::None;
        }
        let echo = request.condition != Condition::None && self.echoed > 0.0 && self.unit() < self.echoed;
        Box::pin(self.through(async move {
            let key = request.key.clone();
            let outcome = self.inner.put(request).await?;
            if !echo {
                return Ok(outcome);
            }
            self.injected.fetch_add(1, Relaxed);
            Err(Error::precondition(&key))
        }))
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(put_each(self, puts))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        Box::pin(self.through(async move { self.inner.get(key).await }))
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        Box::pin(self.through(async move { self.inner.head(key).await }))
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(self.through(async move { self.inner.copy(request).await }))
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        let if_match = if_match.filter(|_| self.conditions);
        Box::pin(self.through(async move { self.inner.delete(key, if_match).await }))
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        Box::pin(self.through(async move { self.inner.delete_many(keys).await }))
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        Box::pin(self.through(async move { self.inner.list(request).await }))
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        if self.conditions {
            return self.inner.capabilities();
        }
        Box::pin(async { Ok(Capabilities::default()) })
    }
}
