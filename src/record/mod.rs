//! Records to stored objects and back (pure, no I/O).

mod types;

pub use types::*;

use crate::error::{Error, Kind, Result};
use crate::value::Object;

/// Codec of one resource.
#[derive(Debug)]
pub struct RecordCodec {
    config: RecordConfig,
}

impl RecordCodec {
    /// Codec of a resource.
    pub fn new(config: RecordConfig) -> Result<Self> {
        Ok(Self { config })
    }

    /// Stored form of a record.
    pub fn encode(
        &self,
        record: &Object,
        operation: Operation,
        id: Option<&str>,
        carried: Option<&Carried>,
        revision: Option<&str>,
    ) -> Result<Encoded> {
        let _ = (record, operation, id, carried, revision);
        Err(Error::new(
            Kind::Unknown,
            format!("record codec of {} is not available", self.config.name),
        ))
    }

    /// Record of a stored object.
    pub fn decode(&self, metadata: &[(String, String)], body: &[u8], content_type: Option<&str>) -> Result<Decoded> {
        let _ = (metadata, body, content_type);
        Err(Error::new(
            Kind::Unknown,
            format!("record codec of {} is not available", self.config.name),
        ))
    }

    /// Record of a HEAD, for behaviours that keep records in metadata.
    pub fn decode_head(&self, metadata: &[(String, String)]) -> Result<Decoded> {
        self.decode(metadata, &[], None)
    }

    /// Whether encoding may derive keys or hash passwords.
    pub fn is_heavy(&self) -> bool {
        false
    }

    /// Whether reading this object has to derive a key.
    pub fn heavy_read(&self, metadata: &[(String, String)], body: &[u8]) -> bool {
        let _ = (metadata, body);
        false
    }
}
