//! Store handles: raw operations for the client classes, and the stack that resources use.

use super::error::to_napi;
use super::runtime::{Settled, settle};
use super::store_js::JsStore;
use crate::error::{Error, Kind, Result};
use crate::store::layers::{self, RetryPolicy, StackOptions};
use crate::store::memory::{MemoryLimits, MemoryStore};
use crate::store::s3::{S3Config, S3Store};
use crate::store::*;
use bytes::Bytes;
use napi::bindgen_prelude::{Buffer, Env, Object};
use napi_derive::napi;
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Reply of a `get`.
#[napi(object)]
pub struct NativeReply {
    pub meta: String,
    pub body: Buffer,
}

struct Inner {
    /// Keys relative to the database.
    relative: Arc<dyn Store>,
    /// Full keys, same layers.
    raw: Arc<dyn Store>,
    meter: Arc<layers::Meter>,
    memory: Option<Arc<MemoryStore>>,
    kind: &'static str,
    immediate: bool,
}

/// Handle of a store; `close` empties it.
#[napi]
pub struct NativeStore {
    inner: RwLock<Option<Arc<Inner>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemoryConfig {
    #[serde(default = "default_bucket")]
    bucket: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    enforce_limits: bool,
    metadata_limit: Option<u64>,
    max_object_size: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileConfig {
    base_path: String,
    #[serde(default = "default_bucket")]
    bucket: String,
    #[serde(default)]
    prefix: String,
    durability: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsConfig {
    #[serde(default = "default_bucket")]
    bucket: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct S3Common {
    #[serde(default)]
    prefix: String,
}

/// Requests at once of a whole store. Callers bound their own pipelines; this only keeps all of them together within what an
/// operating system gives, or a process can hold.
const MOST_FILES: usize = 256;
const MOST_CALLS: usize = 1024;

/// A stack that only bounds: no pool of connections behind it.
fn bounded(parallelism: usize) -> StackOptions {
    StackOptions {
        parallelism,
        ..StackOptions::default()
    }
}

fn default_bucket() -> String {
    "s3db".into()
}

fn config<T: for<'de> Deserialize<'de>>(text: &str) -> napi::Result<T> {
    serde_json::from_str(text).map_err(|e| to_napi(Error::new(Kind::Database, format!("Invalid store configuration: {e}"))))
}

impl NativeStore {
    fn build(backend: Arc<dyn Store>, prefix: &str, options: &StackOptions, memory: Option<Arc<MemoryStore>>) -> Result<Self> {
        let info = backend.info();
        let meter = Arc::new(layers::Meter::default());
        let raw = layers::stack_raw(backend.clone(), options, meter.clone()).store;
        let relative = layers::stack_with(backend, prefix, options, meter.clone())?.store;
        let inner = Inner {
            relative,
            raw,
            meter,
            memory,
            kind: info.kind,
            immediate: info.immediate,
        };
        Ok(Self {
            inner: RwLock::new(Some(Arc::new(inner))),
        })
    }

    fn inner(&self) -> napi::Result<Arc<Inner>> {
        self.inner
            .read()
            .clone()
            .ok_or_else(|| to_napi(Error::new(Kind::Database, "The client is closed; create a new one").with_code("CLIENT_CLOSED")))
    }

    /// The store that resources use.
    pub(super) fn relative(&self) -> napi::Result<Arc<dyn Store>> {
        Ok(self.inner()?.relative.clone())
    }

    fn memory_store(&self) -> napi::Result<Arc<MemoryStore>> {
        self.inner()?.memory.clone().ok_or_else(|| {
            to_napi(Error::new(
                Kind::Database,
                "Only memory stores can be snapshotted; use a MemoryClient",
            ))
        })
    }
}

#[napi]
impl NativeStore {
    #[napi(factory)]
    pub fn memory(config_text: String) -> napi::Result<Self> {
        let c: MemoryConfig = config(&config_text)?;
        let defaults = MemoryLimits::default();
        let limits = MemoryLimits {
            enforce_limits: c.enforce_limits,
            metadata_limit: c.metadata_limit.unwrap_or(defaults.metadata_limit),
            max_object_size: c.max_object_size.unwrap_or(defaults.max_object_size),
        };
        let store = if c.shared {
            MemoryStore::shared(&c.bucket, limits)
        } else {
            MemoryStore::new(&c.bucket, limits)
        };
        let store = Arc::new(store);
        Self::build(store.clone(), &c.prefix, &StackOptions::default(), Some(store)).map_err(to_napi)
    }

    #[napi(factory)]
    pub fn file(config_text: String) -> napi::Result<Self> {
        let c: FileConfig = config(&config_text)?;
        let store = crate::store::file::FileStore::new(&c.base_path, &c.bucket, c.durability.as_deref()).map_err(to_napi)?;
        Self::build(Arc::new(store), &c.prefix, &bounded(MOST_FILES), None).map_err(to_napi)
    }

    #[napi(factory)]
    pub fn s3(config_text: String) -> napi::Result<Self> {
        let c: S3Config = config(&config_text)?;
        let common: S3Common = config(&config_text)?;
        let options = StackOptions {
            parallelism: if c.http.max_sockets == 0 { MOST_CALLS } else { c.http.max_sockets },
            retry: RetryPolicy {
                attempts: c.attempts.max(1),
                ..RetryPolicy::default()
            },
            probe: !c.is_aws(),
        };
        let store = S3Store::new(c).map_err(to_napi)?;
        Self::build(Arc::new(store), &common.prefix, &options, None).map_err(to_napi)
    }

    #[napi(factory)]
    pub fn js(callbacks: Object<'_>, config_text: String) -> napi::Result<Self> {
        let c: JsConfig = config(&config_text)?;
        let store = JsStore::new(&callbacks, c.bucket)?;
        Self::build(Arc::new(store), "", &bounded(MOST_CALLS), None).map_err(to_napi)
    }

    #[napi(getter)]
    pub fn immediate(&self) -> napi::Result<bool> {
        Ok(self.inner()?.immediate)
    }

    #[napi(getter)]
    pub fn kind(&self) -> napi::Result<&'static str> {
        Ok(self.inner()?.kind)
    }

    #[napi]
    pub fn put<'env>(&self, env: &'env Env, request: String, body: Option<Buffer>) -> napi::Result<Settled<'env, String>> {
        let inner = self.inner()?;
        let mut request: PutText = config(&request)?;
        let body = body.map(|b| Bytes::from(b.to_vec())).unwrap_or_default();
        settle(env, inner.immediate, async move {
            let outcome = inner.raw.put(request.take(body)?).await?;
            Ok(outcome_text(&outcome))
        })
    }

    #[napi]
    pub fn get<'env>(&self, env: &'env Env, key: String) -> napi::Result<Settled<'env, NativeReply>> {
        let inner = self.inner()?;
        settle(env, inner.immediate, async move {
            let object = inner.raw.get(&key).await?;
            Ok(NativeReply {
                meta: meta_text(&object.meta),
                body: Buffer::from(object.body.to_vec()),
            })
        })
    }

    #[napi]
    pub fn head<'env>(&self, env: &'env Env, key: String) -> napi::Result<Settled<'env, String>> {
        let inner = self.inner()?;
        settle(env, inner.immediate, async move { Ok(meta_text(&inner.raw.head(&key).await?)) })
    }

    #[napi]
    pub fn copy<'env>(&self, env: &'env Env, request: String) -> napi::Result<Settled<'env, String>> {
        let inner = self.inner()?;
        let c: CopyText = config(&request)?;
        let request = CopyRequest {
            from: c.from,
            to: c.to,
            metadata: c.metadata,
            content_type: c.content_type,
            source_if_match: c.source_if_match.map(|e| bare_etag(&e).to_owned()),
        };
        settle(
            env,
            inner.immediate,
            async move { Ok(outcome_text(&inner.raw.copy(request).await?)) },
        )
    }

    #[napi]
    pub fn delete<'env>(&self, env: &'env Env, request: String) -> napi::Result<Settled<'env, String>> {
        let inner = self.inner()?;
        let d: DeleteText = config(&request)?;
        settle(env, inner.immediate, async move {
            let etag = d.if_match.as_deref().map(bare_etag);
            inner.raw.delete(&d.key, etag).await?;
            Ok("{}".to_owned())
        })
    }

    #[napi]
    pub fn delete_many<'env>(&self, env: &'env Env, keys: String) -> napi::Result<Settled<'env, String>> {
        let inner = self.inner()?;
        let keys: Vec<String> = config(&keys)?;
        settle(env, inner.immediate && keys.len() <= 1000, async move {
            let outcome = inner.raw.delete_many(keys).await?;
            let errors: Vec<_> = outcome
                .errors
                .iter()
                .map(|e| json!({ "key": e.key, "code": e.code, "message": e.message }))
                .collect();
            Ok(json!({ "deleted": outcome.deleted, "errors": errors }).to_string())
        })
    }

    #[napi]
    pub fn list<'env>(&self, env: &'env Env, request: String) -> napi::Result<Settled<'env, String>> {
        let inner = self.inner()?;
        let l: ListText = config(&request)?;
        let request = ListRequest {
            prefix: l.prefix,
            delimiter: l.delimiter,
            start_after: l.start_after,
            token: l.token,
            max_keys: l.max_keys,
        };
        settle(env, inner.immediate, async move { Ok(page_text(&inner.raw.list(request).await?)) })
    }

    #[napi]
    pub fn capabilities<'env>(&self, env: &'env Env) -> napi::Result<Settled<'env, String>> {
        let inner = self.inner()?;
        settle(env, inner.immediate, async move {
            let c = inner.relative.capabilities().await?;
            Ok(json!({ "putIfAbsent": c.put_if_absent, "putIfMatch": c.put_if_match, "deleteIfMatch": c.delete_if_match }).to_string())
        })
    }

    #[napi]
    pub fn stats(&self) -> napi::Result<String> {
        Ok(self.inner()?.meter.snapshot().to_string())
    }

    #[napi]
    pub fn usage(&self) -> napi::Result<String> {
        Ok(self.inner()?.meter.usage().snapshot().to_string())
    }

    #[napi]
    pub fn snapshot(&self) -> napi::Result<String> {
        Ok(self.memory_store()?.snapshot())
    }

    #[napi]
    pub fn restore(&self, snapshot: String) -> napi::Result<()> {
        self.memory_store()?.restore(&snapshot).map_err(to_napi)
    }

    #[napi]
    pub fn clear(&self) -> napi::Result<()> {
        self.memory_store()?.clear();
        Ok(())
    }

    /// HEAD that is no request: for the checks of a storage object around its own calls.
    #[napi]
    pub fn peek(&self, key: String) -> napi::Result<String> {
        use futures::FutureExt as _;
        let memory = self.memory_store()?;
        match memory.head(&key).now_or_never() {
            Some(Ok(meta)) => Ok(meta_text(&meta)),
            Some(Err(error)) => Err(to_napi(error)),
            None => Err(to_napi(Error::new(Kind::Database, "The memory store did not answer at once"))),
        }
    }

    #[napi]
    pub fn memory_stats(&self) -> napi::Result<String> {
        let stats = self.memory_store()?.stats();
        Ok(json!({ "objectCount": stats.object_count, "totalSize": stats.total_size }).to_string())
    }

    #[napi]
    pub fn close(&self) {
        *self.inner.write() = None;
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PutText {
    key: String,
    #[serde(default)]
    metadata: Metadata,
    content_type: Option<String>,
    content_encoding: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl PutText {
    fn take(&mut self, body: Bytes) -> Result<PutRequest> {
        let condition = match (self.if_match.take(), self.if_none_match.take().as_deref()) {
            (None, None) => Condition::None,
            (None, Some("*")) => Condition::IfAbsent,
            (Some(etag), None) => Condition::IfMatch(bare_etag(&etag).to_owned()),
            (Some(_), Some(_)) => {
                return Err(Error::validation(
                    "ifMatch",
                    "ifMatch and ifNoneMatch exclude each other; give one of them",
                ));
            }
            (None, Some(_)) => return Err(Error::validation("ifNoneMatch", "ifNoneMatch accepts '*' only, as S3 does")),
        };
        Ok(PutRequest {
            key: std::mem::take(&mut self.key),
            metadata: std::mem::take(&mut self.metadata),
            body,
            content_type: self.content_type.take(),
            content_encoding: self.content_encoding.take(),
            condition,
            ..PutRequest::default()
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CopyText {
    from: String,
    to: String,
    metadata: Option<Metadata>,
    content_type: Option<String>,
    source_if_match: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteText {
    key: String,
    if_match: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ListText {
    prefix: String,
    delimiter: Option<String>,
    start_after: Option<String>,
    token: Option<String>,
    max_keys: u32,
}

/// Request text of a PUT, without the body.
pub(super) fn put_text(request: &PutRequest) -> String {
    let (if_match, if_none_match) = match &request.condition {
        Condition::None => (None, None),
        Condition::IfAbsent => (None, Some("*")),
        Condition::IfMatch(etag) => (Some(etag.as_str()), None),
    };
    json!({
        "key": request.key, "metadata": request.metadata, "contentType": request.content_type,
        "contentEncoding": request.content_encoding, "ifMatch": if_match, "ifNoneMatch": if_none_match,
    })
    .to_string()
}

/// Request text of a LIST.
pub(super) fn list_text(request: &ListRequest) -> String {
    json!({
        "prefix": request.prefix, "delimiter": request.delimiter, "startAfter": request.start_after,
        "token": request.token, "maxKeys": if request.max_keys == 0 { 1000 } else { request.max_keys },
    })
    .to_string()
}

fn outcome_text(o: &PutOutcome) -> String {
    json!({ "etag": o.etag, "versionId": o.version_id, "lastModified": o.last_modified }).to_string()
}

fn meta_text(m: &ObjectMeta) -> String {
    json!({
        "metadata": m.metadata, "etag": m.etag, "size": m.size, "lastModified": m.last_modified,
        "contentType": m.content_type, "contentEncoding": m.content_encoding, "versionId": m.version_id, "expiration": m.expiration,
    })
    .to_string()
}

fn page_text(page: &ListPage) -> String {
    let entries: Vec<_> = page
        .entries
        .iter()
        .map(|e| json!({ "key": e.key, "size": e.size, "etag": e.etag, "lastModified": e.last_modified }))
        .collect();
    json!({ "entries": entries, "commonPrefixes": page.common_prefixes, "nextToken": page.next_token }).to_string()
}
