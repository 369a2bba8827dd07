//! Reading one record.

use super::compose::System;
use super::{Core, Resource, compute, stored_version};
use crate::error::{Kind, Result};
use crate::keys::DateHints;
use crate::record::{Carried, Decoded};
use crate::store::{ObjectMeta, StoredObject};
use crate::value::Object;
use bytes::Bytes;

/// A record read for a later write.
///
/// Keeps what must not cross the boundary or be read twice: ETag, stored
/// secrets, the version for old references, and binary content.
pub struct Read {
    pub(super) id: String,
    pub(super) record: Object,
    pub(super) meta: ObjectMeta,
    pub(super) version: String,
    pub(super) carried: Carried,
    /// Binary content held in the record's own object, when it was read whole.
    pub(super) content: Option<Bytes>,
    text: String,
}

impl Read {
    /// Record text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// ETag without quotes.
    pub fn etag(&self) -> Option<&str> {
        self.meta.etag.as_deref()
    }
}

impl Resource {
    /// GET of one record as text.
    pub async fn get(&self, id: &str) -> Result<String> {
        self.0.get_text(id).await
    }

    /// GET for a read-modify-write.
    pub async fn read(&self, id: &str) -> Result<Read> {
        let core = &self.0;
        let (stored, decoded) = core.load(id).await?;
        Ok(core.to_read(id, stored.meta, decoded, stored.body))
    }

    /// HEAD for the optimised patch of behaviours that keep the record in metadata.
    pub async fn read_head(&self, id: &str) -> Result<Read> {
        let core = &self.0;
        let key = core.keys.record(id)?;
        let meta = core.store.head(&key).await.map_err(|e| core.located(e, id))?;
        let heavy = core.codec.heavy_read(&meta.metadata, b"");
        let (shared, metadata) = (self.0.clone(), meta.metadata.clone());
        let decoded = compute(heavy, move || shared.codec.decode_head(&metadata))
            .await
            .map_err(|e| core.located(e, id))?;
        Ok(core.to_read(id, meta, decoded, Bytes::new()))
    }
}

impl Resource {
    /// Record text of a stored object read elsewhere, and whether its body is binary content (spec/04 16.9).
    pub async fn decode(&self, id: &str, stored: StoredObject) -> Result<(String, bool)> {
        let (stored, decoded) = self.0.decode(id, stored).await?;
        let system = System::of(&stored.meta, decoded.has_token_only_body, decoded.version_differs.as_deref());
        Ok((self.0.record_text(&decoded.record, id, &system), decoded.content))
    }
}

impl Core {
    pub(super) async fn get_text(self: &std::sync::Arc<Self>, id: &str) -> Result<String> {
        let (stored, decoded) = self.load(id).await?;
        let system = System::of(&stored.meta, decoded.has_token_only_body, decoded.version_differs.as_deref());
        Ok(self.record_text(&decoded.record, id, &system))
    }

    /// GET and decode; errors name resource, id and bucket.
    pub(super) async fn load(self: &std::sync::Arc<Self>, id: &str) -> Result<(StoredObject, Decoded)> {
        let key = self.keys.record(id)?;
        let stored = self.store.get(&key).await.map_err(|e| self.located(e, id))?;
        self.decode(id, stored).await
    }

    pub(super) async fn decode(self: &std::sync::Arc<Self>, id: &str, stored: StoredObject) -> Result<(StoredObject, Decoded)> {
        let heavy = self.codec.heavy_read(&stored.meta.metadata, &stored.body);
        if !heavy {
            let decoded = self
                .codec
                .decode(&stored.meta.metadata, &stored.body, stored.meta.content_type.as_deref());
            return decoded.map(|d| (stored, d)).map_err(|e| self.located(e, id));
        }
        let shared = self.clone();
        compute(true, move || {
            let decoded = shared
                .codec
                .decode(&stored.meta.metadata, &stored.body, stored.meta.content_type.as_deref())?;
            Ok((stored, decoded))
        })
        .await
        .map_err(|e| self.located(e, id))
    }

    fn to_read(&self, id: &str, meta: ObjectMeta, decoded: Decoded, body: Bytes) -> Read {
        let text = {
            let system = System::of(&meta, decoded.has_token_only_body, decoded.version_differs.as_deref());
            self.record_text(&decoded.record, id, &system)
        };
        let version = match stored_version(&meta.metadata) {
            Some(v) if decoded.version_differs.is_some() => v.to_owned(),
            _ => self.config.version.clone(),
        };
        Read {
            id: id.to_owned(),
            record: decoded.record,
            version,
            carried: decoded.carried,
            content: decoded.content.then_some(body),
            meta,
            text,
        }
    }

    /// References that a read record has.
    pub(super) fn old_references(&self, read: &Read, hints: Option<&DateHints>) -> Result<Vec<Option<String>>> {
        match self.references(&read.record, &read.id, &read.version, hints) {
            Ok(keys) => Ok(keys),
            // A stored value that could never have been indexed has no reference to remove.
            Err(e) if e.kind() == Kind::Validation => Ok(vec![None; self.config.partitions.len()]),
            Err(e) => Err(e),
        }
    }
}
