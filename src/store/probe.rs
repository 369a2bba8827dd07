//! Finds out which conditional writes a store honours, by trying them once on
//! an object of its own (`plugin=s3db-core/probe/<random>`).
//!
//! A rejection other than 412 means that a condition is not supported, and so
//! does a success where a failure is due. Network and permission errors decide
//! nothing: they are given back and the next caller probes again.

use super::*;
use crate::ambient::random_bytes;
use crate::error::{Error, Kind, Result, Retry};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Where probe objects live, relative to the database.
pub const PROBE_PREFIX: &str = "plugin=s3db-core/probe/";

/// An ETag that no object has.
const MADE_UP_ETAG: &str = "00000000000000000000000000000000";

/// 22 random characters of the URL alphabet.
fn token() -> String {
    let mut bytes = [0u8; 17];
    random_bytes(&mut bytes);
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(22);
    text
}

/// Tries each conditional write on `store`, which must accept relative keys and not guard conditions.
pub async fn probe(store: &dyn Store) -> Result<Capabilities> {
    let key = format!("{PROBE_PREFIX}{}", token());
    let found = try_conditions(store, &key).await;
    let removed = store.delete(&key, None).await;
    let capabilities = found?;
    removed?;
    Ok(capabilities)
}

async fn try_conditions(store: &dyn Store, key: &str) -> Result<Capabilities> {
    let created = attempt(put(store, key, Condition::IfAbsent).await)?;
    let put_if_absent = match created {
        // A rejected header leaves nothing behind; the next steps need an object.
        Answer::Rejected => {
            put(store, key, Condition::None).await?;
            false
        }
        // The key is random: a precondition failure here is not an honest answer.
        Answer::Precondition => {
            put(store, key, Condition::None).await?;
            false
        }
        Answer::Done => attempt(put(store, key, Condition::IfAbsent).await)? == Answer::Precondition,
    };
    let wrong = || Condition::IfMatch(MADE_UP_ETAG.into());
    let put_if_match = attempt(put(store, key, wrong()).await)? == Answer::Precondition && {
        // It must also let the right ETag through.
        match store.head(key).await?.etag {
            Some(etag) => attempt(put(store, key, Condition::IfMatch(etag)).await)? == Answer::Done,
            None => false,
        }
    };
    let delete_if_match = attempt(store.delete(key, Some(MADE_UP_ETAG)).await)? == Answer::Precondition;
    Ok(Capabilities {
        put_if_absent,
        put_if_match,
        delete_if_match,
    })
}

async fn put(store: &dyn Store, key: &str, condition: Condition) -> Result<()> {
    // Each body differs, so that no retry takes an older write for its own.
    let request = PutRequest {
        key: key.to_owned(),
        body: Bytes::from(token()),
        condition,
        purpose: Purpose::Probe,
        ..PutRequest::default()
    };
    store.put(request).await.map(drop)
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done,
    Precondition,
    Rejected,
}

fn attempt(result: Result<()>) -> Result<Answer> {
    match result {
        Ok(()) => Ok(Answer::Done),
        Err(error) if error.is_precondition() || error.status() == Some(412) => Ok(Answer::Precondition),
        Err(error) if undecided(&error) => Err(error),
        Err(_) => Ok(Answer::Rejected),
    }
}

/// Failures that say nothing about conditions.
fn undecided(error: &Error) -> bool {
    if error.kind() == Kind::Unsupported || error.status() == Some(501) {
        return false;
    }
    matches!(error.kind(), Kind::Network | Kind::Permission | Kind::NoSuchBucket)
        || error.retry() != Retry::Permanent
        || matches!(error.status(), Some(401 | 403 | 429 | 500 | 502 | 503 | 504))
}

/// Answers `capabilities()` of the inner store by one probe for its lifetime; concurrent callers share it.
pub struct ProbedStore {
    inner: Arc<dyn Store>,
    found: OnceCell<Capabilities>,
}

impl ProbedStore {
    /// Probes `inner` when first asked.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            found: OnceCell::new(),
        }
    }
}

impl Store for ProbedStore {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        self.inner.put(request)
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
        self.inner.delete(key, if_match)
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        self.inner.delete_many(keys)
    }

    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        self.inner.list(request)
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        Box::pin(async move { self.found.get_or_try_init(|| probe(self.inner.as_ref())).await.copied() })
    }
}
