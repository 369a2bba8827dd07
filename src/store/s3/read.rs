//! GET and HEAD.

use super::S3Store;
use super::transport::{Captured, capture};
use crate::error::Result;
use crate::store::{ObjectMeta, StoredObject, bare_etag};
use aws_sdk_s3::primitives::DateTime;

impl S3Store {
    pub(super) async fn get_object(&self, key: &str) -> Result<StoredObject> {
        let client = &self.connection().await?.client;
        let send = client.get_object().bucket(&self.config.bucket).key(key).send();
        let (result, captured) = capture(send).await;
        let output = result.map_err(|error| self.failure("GetObject", Some(key)).map(error, &captured))?;
        let meta = ObjectMeta {
            metadata: captured.metadata,
            etag: output.e_tag().map(|tag| bare_etag(tag).to_owned()),
            size: size(output.content_length()),
            last_modified: millis(output.last_modified(), captured.date),
            content_type: output.content_type,
            content_encoding: output.content_encoding,
            version_id: output.version_id,
            expiration: output.expiration,
        };
        let body = output
            .body
            .collect()
            .await
            .map_err(|error| self.failure("GetObject", Some(key)).body(&error))?
            .into_bytes();
        let size = u64::try_from(body.len()).unwrap_or(u64::MAX);
        Ok(StoredObject {
            meta: ObjectMeta { size, ..meta },
            body,
        })
    }

    pub(super) async fn head_object(&self, key: &str) -> Result<ObjectMeta> {
        let client = &self.connection().await?.client;
        let send = client.head_object().bucket(&self.config.bucket).key(key).send();
        let (result, captured) = capture(send).await;
        let output = result.map_err(|error| self.failure("HeadObject", Some(key)).map(error, &captured))?;
        let Captured { metadata, date, .. } = captured;
        Ok(ObjectMeta {
            metadata,
            etag: output.e_tag().map(|tag| bare_etag(tag).to_owned()),
            size: size(output.content_length()),
            last_modified: millis(output.last_modified(), date),
            content_type: output.content_type,
            content_encoding: output.content_encoding,
            version_id: output.version_id,
            expiration: output.expiration,
        })
    }
}

/// Epoch milliseconds; the time of the answer when the store names none.
pub(super) fn millis(date: Option<&DateTime>, otherwise: Option<i64>) -> i64 {
    date.and_then(|date| date.to_millis().ok()).or(otherwise).unwrap_or(0)
}

/// A length as the SDK has it.
pub(super) fn size(length: Option<i64>) -> u64 {
    length.and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
}
