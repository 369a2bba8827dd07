//! Retries temporary failures.
//!
//! A failure may hide a write that happened. When a repeated conditional write
//! is told that its condition no longer holds, the stored object is compared
//! with what was planned before that counts as a lost race.

use super::Meter;
use crate::ambient::random_unit;
use crate::error::{Error, Result, Retry};
use crate::store::*;
use futures::future::join_all;
use std::sync::Arc;
use std::time::Duration;

/// How often and how fast to retry.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in total, at least 1.
    pub attempts: u32,
    /// Wait before the second attempt; doubles for each further one.
    pub base: Duration,
    /// Longest wait.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(5),
        }
    }
}

impl RetryPolicy {
    /// Wait before attempt `attempt + 1`: exponential, the upper half jittered.
    fn wait(&self, attempt: u32) -> Duration {
        let full = self.base.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.cap);
        full.mul_f64(0.5 + random_unit() / 2.0)
    }
}

/// Retries requests to the inner store.
pub struct RetryLayer {
    inner: Arc<dyn Store>,
    policy: RetryPolicy,
    meter: Arc<Meter>,
}

impl RetryLayer {
    /// Retries by `policy`; `meter` counts the repeated attempts.
    pub fn new(inner: Arc<dyn Store>, policy: RetryPolicy, meter: Arc<Meter>) -> Self {
        Self { inner, policy, meter }
    }

    /// Decides about a failed attempt: waits and returns `Ok` for another one, or returns the error to report.
    async fn next(&self, attempt: u32, error: Error) -> Result<()> {
        if error.retry() != Retry::Temporary {
            return Err(error);
        }
        if attempt >= self.policy.attempts.max(1) {
            return Err(error.with_retry(Retry::Exhausted).with("attempts", attempt));
        }
        tokio::time::sleep(self.policy.wait(attempt)).await;
        self.meter.retried();
        Ok(())
    }

    async fn run<'a, T>(&'a self, call: impl Fn() -> StoreFuture<'a, T>) -> Result<T> {
        let mut attempt = 1;
        loop {
            match call().await {
                Ok(value) => return Ok(value),
                Err(error) => self.next(attempt, error).await?,
            }
            attempt += 1;
        }
    }

    async fn put_resolved(&self, request: PutRequest) -> Result<PutOutcome> {
        let conditional = request.condition != Condition::None;
        let mut attempt = 1;
        loop {
            let error = match self.inner.put(request.clone()).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            if conditional && attempt > 1 && error.is_precondition() {
                return match self.stored_as_planned(&request).await? {
                    Some(outcome) => Ok(outcome),
                    None => Err(error),
                };
            }
            self.next(attempt, error).await?;
            attempt += 1;
        }
    }

    /// The outcome of an earlier attempt of `request`, when the stored object is what it planned.
    async fn stored_as_planned(&self, request: &PutRequest) -> Result<Option<PutOutcome>> {
        let (meta, same_body) = if request.body.is_empty() {
            match self.run(|| self.inner.head(&request.key)).await {
                Ok(meta) => {
                    let empty = meta.size == 0;
                    (meta, empty)
                }
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            }
        } else {
            match self.run(|| self.inner.get(&request.key)).await {
                Ok(object) => (object.meta, object.body == request.body),
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            }
        };
        if !same_body || !same_metadata(&meta.metadata, &request.metadata) {
            return Ok(None);
        }
        if request.content_type.is_some() && request.content_type != meta.content_type {
            return Ok(None);
        }
        Ok(Some(PutOutcome {
            etag: meta.etag,
            version_id: meta.version_id,
            last_modified: Some(meta.last_modified - meta.last_modified.rem_euclid(1000)),
        }))
    }

    async fn delete_resolved(&self, key: &str, if_match: Option<&str>) -> Result<()> {
        let mut attempt = 1;
        loop {
            let error = match self.inner.delete(key, if_match).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let repeated = if_match.is_some() && attempt > 1;
            if repeated && error.is_not_found() {
                return Ok(());
            }
            if repeated && error.is_precondition() {
                // Gone after an unanswered delete: that delete did it.
                return match self.run(|| self.inner.head(key)).await {
                    Err(head) if head.is_not_found() => Ok(()),
                    Err(head) => Err(head),
                    Ok(_) => Err(error),
                };
            }
            self.next(attempt, error).await?;
            attempt += 1;
        }
    }

    async fn delete_chunk(&self, keys: &[String]) -> Result<DeleteOutcome> {
        let mut attempt = 1;
        let mut keys = keys.to_vec();
        let mut deleted = Vec::with_capacity(keys.len());
        loop {
            match self.inner.delete_many(keys.clone()).await {
                Err(error) => self.next(attempt, error).await?,
                Ok(mut outcome) => {
                    deleted.append(&mut outcome.deleted);
                    let (again, errors): (Vec<_>, Vec<_>) = outcome.errors.into_iter().partition(|e| is_temporary_code(&e.code));
                    if again.is_empty() || attempt >= self.policy.attempts.max(1) || !errors.is_empty() {
                        let errors = errors.into_iter().chain(again).collect();
                        return Ok(DeleteOutcome { deleted, errors });
                    }
                    tokio::time::sleep(self.policy.wait(attempt)).await;
                    self.meter.retried();
                    keys = again.into_iter().map(|e| e.key).collect();
                }
            }
            attempt += 1;
        }
    }

    async fn delete_chunks(&self, keys: Vec<String>) -> Result<DeleteOutcome> {
        // The limit layer below bounds how many of these run at once.
        let chunks: Vec<&[String]> = keys.chunks(1000).collect();
        let results = join_all(chunks.iter().map(|chunk| self.delete_chunk(chunk))).await;
        if results.iter().all(Result::is_err)
            && let Some(Err(error)) = results.first()
        {
            return Err(error.clone());
        }
        let mut outcome = DeleteOutcome::default();
        for (result, chunk) in results.into_iter().zip(chunks) {
            match result {
                Ok(mut part) => {
                    outcome.deleted.append(&mut part.deleted);
                    outcome.errors.append(&mut part.errors);
                }
                Err(error) => outcome.errors.extend(chunk.iter().map(|key| KeyError {
                    key: key.clone(),
                    code: error.code().unwrap_or(error.kind().class_name()).to_owned(),
                    message: error.message().to_owned(),
                })),
            }
        }
        Ok(outcome)
    }
}

fn is_temporary_code(code: &str) -> bool {
    matches!(
        code,
        "SlowDown" | "InternalError" | "ServiceUnavailable" | "RequestTimeout" | "Throttling"
    )
}

/// Equal as sets of pairs; names without regard to case, since HTTP stores lower it.
fn same_metadata(stored: &[(String, String)], planned: &[(String, String)]) -> bool {
    let sorted = |metadata: &[(String, String)]| {
        let mut pairs: Vec<_> = metadata.iter().map(|(k, v)| (k.to_ascii_lowercase(), v.clone())).collect();
        pairs.sort();
        pairs
    };
    stored.len() == planned.len() && sorted(stored) == sorted(planned)
}

impl Store for RetryLayer {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(self.put_resolved(request))
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(put_each(self, puts))
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        Box::pin(self.run(move || self.inner.get(key)))
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        Box::pin(self.run(move || self.inner.head(key)))
    }

    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(self.run(move || self.inner.copy(request.clone())))
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        Box::pin(self.delete_resolved(key, if_match))
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(DeleteOutcome::default());
            }
            self.delete_chunks(keys).await
        })
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        Box::pin(self.run(move || self.inner.list(request.clone())))
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        self.inner.capabilities()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_below_the_cap() {
        let policy = RetryPolicy {
            attempts: 9,
            base: Duration::from_millis(100),
            cap: Duration::from_millis(350),
        };
        for (attempt, low, high) in [(1, 50, 100), (2, 100, 200), (3, 175, 350), (40, 175, 350)] {
            let wait = policy.wait(attempt).as_millis();
            assert!((low..=high).contains(&wait), "attempt {attempt}: {wait} ms");
        }
    }

    #[test]
    fn error_kind_of_a_lost_race_is_not_retried() {
        assert_eq!(Error::precondition("k").retry(), Retry::Permanent);
        assert_eq!(Error::new(crate::error::Kind::Unknown, "x").retry(), Retry::Permanent);
    }
}
