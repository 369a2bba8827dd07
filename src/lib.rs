//! s3db: a document database on S3.
//!
//! Rooms, lowest first: `error`, `value`, `ambient`, `keys`, `codec`, `schema`,
//! `behavior`, `record`, `store`, `catalog`, `resource`, `plugin`, `cache`, `background`, and on top `binding`,
//! the only room that names napi. Each room may use the ones before it.

pub mod ambient;
pub mod background;
pub mod behavior;
#[cfg(feature = "node")]
mod binding;
pub mod cache;
pub mod catalog;
pub mod codec;
pub mod error;
pub mod keys;
pub mod plugin;
pub mod query;
pub mod record;
pub mod resource;
pub mod schema;
pub mod store;
pub mod value;

#[cfg(feature = "testkit")]
pub mod testkit;
