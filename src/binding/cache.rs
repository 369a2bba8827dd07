//! Store of the in-memory cache driver, and the hash of cache keys.

use super::error::to_napi;
use crate::cache::{Body, Counters, EntryId, Limits, MemoryCache, Policy};
use crate::codec::crypto;
use crate::error::{Error, Kind};
use napi::bindgen_prelude::{Buffer, Either, Float64Array};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    max_items: usize,
    max_bytes: u64,
    ttl_ms: u64,
    lru: bool,
}

/// Memory cache of one driver. Ids are numbers; 0 is no entry.
#[napi]
pub struct NativeMemoryCache {
    cache: MemoryCache,
}

// Ids have 53 bits.
fn number(id: EntryId) -> f64 {
    id as f64
}

fn entry_id(id: f64) -> EntryId {
    id as EntryId
}

fn ttl(ttl: f64) -> Option<u64> {
    (ttl >= 0.0).then_some(ttl as u64)
}

#[napi]
impl NativeMemoryCache {
    #[napi(constructor)]
    pub fn new(config: String) -> napi::Result<Self> {
        let config: Config = serde_json::from_str(&config).map_err(|e| {
            to_napi(Error::new(
                Kind::Validation,
                format!("Invalid configuration of a memory cache: {e}"),
            ))
        })?;
        let limits = Limits {
            items: config.max_items,
            bytes: config.max_bytes,
            ttl_ms: config.ttl_ms,
            policy: if config.lru { Policy::Lru } else { Policy::Fifo },
        };
        Ok(Self {
            cache: MemoryCache::new(limits),
        })
    }

    #[napi]
    pub fn set_text(&mut self, key: String, text: String, ttl_ms: f64, label: Option<String>) -> f64 {
        let size = text.len() as u64;
        let body = Body::Text(text.into_boxed_str());
        number(self.cache.set(&key, label.as_deref(), body, size, ttl(ttl_ms)))
    }

    #[napi]
    pub fn set_bytes(&mut self, key: String, bytes: Buffer, size: f64, ttl_ms: f64, label: Option<String>) -> f64 {
        let body = Body::Bytes(bytes.to_vec().into_boxed_slice());
        number(self.cache.set(&key, label.as_deref(), body, size as u64, ttl(ttl_ms)))
    }

    #[napi]
    pub fn find(&mut self, key: String) -> f64 {
        number(self.cache.find(&key))
    }

    #[napi]
    pub fn touch_all(&mut self, ids: Float64Array, count: u32) {
        let count = usize::try_from(count).unwrap_or(0).min(ids.len());
        self.cache.touch_all(ids[..count].iter().map(|id| entry_id(*id)));
    }

    #[napi]
    pub fn keep(&mut self, id: f64) -> f64 {
        self.cache.keep(entry_id(id)).map_or(-1.0, |ms| ms as f64)
    }

    #[napi]
    pub fn released(&mut self) -> Option<Vec<String>> {
        let keys = self.cache.take_released();
        (!keys.is_empty()).then(|| keys.iter().map(|key| key.to_string()).collect())
    }

    #[napi]
    pub fn body(&self, id: f64) -> Option<Either<String, Buffer>> {
        self.cache.body(entry_id(id)).map(to_js)
    }

    #[napi]
    pub fn peek(&self, key: String) -> Option<Either<String, Buffer>> {
        self.cache.peek(&key).map(|(body, _)| to_js(body))
    }

    #[napi]
    pub fn facts(&self, key: String) -> Option<String> {
        let (_, facts) = self.cache.peek(&key)?;
        Some(json!({ "size": facts.size, "createdAt": facts.created_at, "lastAccess": facts.last_access }).to_string())
    }

    #[napi]
    pub fn remove(&mut self, key: String) -> bool {
        self.cache.remove(&key)
    }

    #[napi]
    pub fn clear(&mut self) -> f64 {
        self.cache.clear() as f64
    }

    #[napi]
    pub fn clear_prefix(&mut self, prefix: String, keep: Vec<String>) -> f64 {
        self.cache.clear_prefix(&prefix, &keep) as f64
    }

    #[napi]
    pub fn keys(&mut self) -> Vec<String> {
        self.cache.keys()
    }

    #[napi]
    pub fn size(&mut self) -> f64 {
        self.cache.count() as f64
    }

    #[napi]
    pub fn bytes(&self) -> f64 {
        self.cache.bytes() as f64
    }

    #[napi]
    pub fn counters(&self) -> String {
        let Counters {
            hits,
            misses,
            sets,
            deletes,
            evictions,
            evicted_for_bytes,
        } = self.cache.counters;
        json!({
            "hits": hits, "misses": misses, "sets": sets, "deletes": deletes,
            "evictions": evictions, "evictedDueToMemory": evicted_for_bytes,
        })
        .to_string()
    }

    #[napi]
    pub fn sweep(&mut self) {
        self.cache.sweep();
    }
}

fn to_js(body: &Body) -> Either<String, Buffer> {
    match body {
        Body::Text(text) => Either::A(text.to_string()),
        Body::Bytes(bytes) => Either::B(Buffer::from(bytes.to_vec())),
    }
}

/// The first 16 hex digits of the MD5 of a text.
#[napi]
pub fn cache_hash(text: String) -> String {
    let mut hash = crypto::md5_hex(text.as_bytes());
    hash.truncate(16);
    hash
}
