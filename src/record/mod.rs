//! Records to stored objects and back.
//!
//! A [`RecordCodec`] owns the schema of a resource and of its older versions.
//! It is pure: callers move it to a thread pool when [`RecordCodec::is_heavy`]
//! or [`RecordCodec::heavy_read`] says that a key has to be derived. Below:
//! `schema`, `behavior`, `codec`. A record is decoded exactly once, with the
//! map of the version that wrote it.

mod decode;
mod encode;
mod express;
mod names;
mod types;
mod versions;

pub use decode::{TOKEN_BODY_LEN, is_token};
pub use express::RowShape;
pub(crate) use types::CarriedValue;
pub use types::*;

use crate::behavior::Behavior;
use crate::error::Result;
use crate::schema::{CodeMap, Schema};
use crate::value::{Object, Value};
use versions::Versions;

/// Codec of one resource.
#[derive(Debug)]
pub struct RecordCodec {
    name: String,
    version: String,
    behavior: Behavior,
    timestamps: bool,
    versions: Versions,
    map: Object,
    plugin_map: Object,
    retired: Vec<String>,
    express: express::Express,
}

impl RecordCodec {
    /// Codec of a resource.
    pub fn new(config: RecordConfig) -> Result<Self> {
        let behavior = Behavior::parse(&config.behavior)?;
        let texts = |map: &CodeMap| map.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
        let mut codec = Self {
            express: express::Express::default(),
            map: texts(&config.schema.maps.map),
            plugin_map: texts(&config.schema.maps.plugin_map),
            name: config.name.clone(),
            version: config.version.clone(),
            retired: config.retired.clone(),
            behavior,
            timestamps: config.timestamps,
            versions: Versions::new(config)?,
        };
        codec.express = express::Express::new(&codec);
        Ok(codec)
    }

    /// Behaviour of the resource.
    pub fn behavior(&self) -> Behavior {
        self.behavior
    }

    /// Schema of the current version.
    pub fn schema(&self) -> &Schema {
        self.versions.current()
    }

    /// Whether there is a definition of a version (without `v`).
    pub fn defines(&self, version: &str) -> bool {
        self.versions.defines(version)
    }

    /// Whether encoding may derive keys or hash passwords.
    pub fn is_heavy(&self) -> bool {
        self.schema().is_heavy()
    }
}
