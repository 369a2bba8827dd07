//! Requests and replies of [`super::Store`].

use super::PackedMetadata;
use bytes::Bytes;

/// What a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// `s3`, `memory`, `file` or `js`.
    pub kind: &'static str,
    /// Bucket name, for error texts.
    pub bucket: String,
    /// Calls complete at the first poll, so they may run on the caller's thread.
    pub immediate: bool,
}

/// Condition of a write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// Unconditional.
    #[default]
    None,
    /// `If-None-Match: *`: only when no object exists.
    IfAbsent,
    /// `If-Match`: only when the current ETag is this one (quotes and `W/` ignored).
    IfMatch(String),
}

/// Why a request is made, for attribution of cost and traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Record data.
    #[default]
    Record,
    /// Partition references.
    Index,
    /// `s3db.json`.
    Catalog,
    /// Plugin storage, locks, counters.
    Plugin,
    /// Capability probe.
    Probe,
}

/// User metadata in order: name to wire value.
pub type Metadata = Vec<(String, String)>;

/// PUT.
#[derive(Debug, Clone, Default)]
pub struct PutRequest {
    /// Object key.
    pub key: String,
    /// User metadata, wire form.
    pub metadata: Metadata,
    /// Body; empty for none.
    pub body: Bytes,
    /// Content type; the store's default when absent (`application/octet-stream`).
    pub content_type: Option<String>,
    /// Content encoding.
    pub content_encoding: Option<String>,
    /// Condition.
    pub condition: Condition,
    /// Attribution.
    pub purpose: Purpose,
}

/// PUT of an object without body and condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPut {
    /// Object key.
    pub key: String,
    /// User metadata, wire form.
    pub metadata: PackedMetadata,
}

impl From<PlainPut> for PutRequest {
    fn from(put: PlainPut) -> Self {
        Self {
            key: put.key,
            metadata: put.metadata.unpack(),
            ..Self::default()
        }
    }
}

/// Reply of PUT and COPY.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PutOutcome {
    /// New ETag, without quotes.
    pub etag: Option<String>,
    /// Version id of a versioned bucket.
    pub version_id: Option<String>,
    /// Server time of the write, epoch milliseconds cut to whole seconds, when known.
    pub last_modified: Option<i64>,
}

/// Object without body.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObjectMeta {
    /// User metadata, wire form.
    pub metadata: Metadata,
    /// ETag without quotes.
    pub etag: Option<String>,
    /// Body length in bytes.
    pub size: u64,
    /// Epoch milliseconds.
    pub last_modified: i64,
    /// Content type.
    pub content_type: Option<String>,
    /// Content encoding.
    pub content_encoding: Option<String>,
    /// Version id of a versioned bucket.
    pub version_id: Option<String>,
    /// `x-amz-expiration`.
    pub expiration: Option<String>,
}

/// Object with body.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredObject {
    /// Everything but the body.
    pub meta: ObjectMeta,
    /// Body.
    pub body: Bytes,
}

/// COPY.
#[derive(Debug, Clone, Default)]
pub struct CopyRequest {
    /// Source key.
    pub from: String,
    /// Destination key.
    pub to: String,
    /// `Some`: replace metadata (directive REPLACE); `None`: copy it.
    pub metadata: Option<Metadata>,
    /// Content type to set (with `metadata`).
    pub content_type: Option<String>,
    /// Only when the source's ETag is this one.
    pub source_if_match: Option<String>,
}

/// Reply of a multi-delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeleteOutcome {
    /// Keys gone (missing ones included).
    pub deleted: Vec<String>,
    /// Keys that could not be deleted.
    pub errors: Vec<KeyError>,
}

/// Failure of one key inside a multi-delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError {
    /// Key.
    pub key: String,
    /// Code, for example `AccessDenied`.
    pub code: String,
    /// Text.
    pub message: String,
}

/// LIST.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Only keys that start with this.
    pub prefix: String,
    /// Groups keys by the text up to this after the prefix.
    pub delimiter: Option<String>,
    /// Only keys after this one.
    pub start_after: Option<String>,
    /// Continuation token of the previous page.
    pub token: Option<String>,
    /// At most this many entries, 1 to 1000; 0 means 1000.
    pub max_keys: u32,
}

/// Entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// Key.
    pub key: String,
    /// Body length.
    pub size: u64,
    /// ETag without quotes.
    pub etag: Option<String>,
    /// Epoch milliseconds.
    pub last_modified: i64,
}

/// One page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    /// Entries in UTF-8 byte order of keys.
    pub entries: Vec<ListEntry>,
    /// Groups, with a delimiter.
    pub common_prefixes: Vec<String>,
    /// Token of the next page; `None` at the end.
    pub next_token: Option<String>,
}

/// Conditional writes a store honours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// `If-None-Match: *` on PUT.
    pub put_if_absent: bool,
    /// `If-Match` on PUT.
    pub put_if_match: bool,
    /// `If-Match` on DELETE.
    pub delete_if_match: bool,
}

impl Capabilities {
    /// Everything.
    pub const ALL: Self = Self {
        put_if_absent: true,
        put_if_match: true,
        delete_if_match: true,
    };
}

/// ETag without `W/` and quotes, the form stores compare.
pub fn bare_etag(etag: &str) -> &str {
    etag.trim().trim_start_matches("W/").trim_matches('"')
}
