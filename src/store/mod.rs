//! Object stores behind one trait.
//!
//! Backends ([`memory`], [`file`], [`s3`], and the JavaScript object of the
//! binding) speak full keys; [`prefix`] makes keys relative to the database.
//! Layers, inside out: backend, prefix, meter, limit, retry, probe, guard, trace.

pub mod condition;
pub mod connection;
#[cfg(feature = "testkit")]
pub mod contract;
pub mod file;
pub mod layers;
pub mod memory;
mod packed;
pub mod paging;
pub mod prefix;
pub mod probe;
pub mod s3;
mod types;

pub use packed::{MetadataPacker, PackedMetadata};
pub use types::*;

use crate::error::Result;
use futures::future::BoxFuture;

/// Future of a store call.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T>>;

/// An object store. Contract (held by `contract.rs` for every implementation):
/// reads see completed writes; `list` is in UTF-8 byte order of keys; a
/// conditional write is atomic where [`Capabilities`] says so; deleting a
/// missing object succeeds; metadata names are returned as the store keeps
/// them (S3: lower case) and values verbatim, already printable ASCII.
///
/// No method has a default body, so a layer cannot skip one silently.
pub trait Store: Send + Sync + 'static {
    /// Kind, bucket and whether calls complete without waiting.
    fn info(&self) -> StoreInfo;
    /// Writes an object.
    fn put(&self, request: PutRequest) -> StoreFuture<'_, PutOutcome>;
    /// Writes objects that have neither body nor condition, all of them whatever becomes of the others; results in the order of `puts`.
    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>>;
    /// Reads an object with its body. Missing: `Kind::NoSuchKey`, code `NoSuchKey`.
    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject>;
    /// Reads metadata only. Missing: `Kind::NoSuchKey`, code `NotFound`.
    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta>;
    /// Copies inside the bucket.
    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome>;
    /// Deletes one object; `if_match` makes it conditional.
    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()>;
    /// Deletes any number of objects in requests of at most 1000 keys; per-key failures are reported, not thrown.
    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome>;
    /// One page of a listing.
    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage>;
    /// Which conditional writes the store honours; backends that are not known probe once (decision 10).
    fn capabilities(&self) -> StoreFuture<'_, Capabilities>;
}

/// [`Store::put_many`] of stores that gain nothing by seeing many objects at once.
pub async fn put_each(store: &dyn Store, puts: Vec<PlainPut>) -> Result<Vec<Result<PutOutcome>>> {
    let mut results = Vec::with_capacity(puts.len());
    for put in puts {
        results.push(store.put(put.into()).await);
    }
    Ok(results)
}
