//! PUT, COPY, DELETE, multi-delete.

use super::S3Store;
use super::transport::capture;
use crate::error::{Error, Result};
use crate::store::{Condition, CopyRequest, DeleteOutcome, KeyError, PutOutcome, PutRequest, bare_etag};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, MetadataDirective, ObjectIdentifier};
use base64::Engine as _;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use md5::{Digest as _, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Keys per DeleteObjects request, the limit of S3.
const CHUNK: usize = 1000;

/// Everything but unreserved characters and the separator.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

impl S3Store {
    pub(super) async fn put_object(&self, request: PutRequest) -> Result<PutOutcome> {
        let client = &self.connection().await?.client;
        let conditional = request.condition != Condition::None;
        let (if_match, if_none_match) = match &request.condition {
            Condition::None => (None, None),
            Condition::IfAbsent => (None, Some("*".to_owned())),
            Condition::IfMatch(etag) => (Some(quoted(etag)), None),
        };
        let metadata = (!request.metadata.is_empty()).then(|| request.metadata.into_iter().collect());
        let send = client
            .put_object()
            .bucket(&self.config.bucket)
            .key(&request.key)
            .set_metadata(metadata)
            .set_content_type(request.content_type)
            .set_content_encoding(request.content_encoding)
            .set_if_match(if_match)
            .set_if_none_match(if_none_match)
            .body(ByteStream::from(request.body))
            .send();
        let (result, captured) = capture(send).await;
        match result {
            Ok(output) => Ok(PutOutcome {
                etag: output.e_tag().map(|tag| bare_etag(tag).to_owned()),
                version_id: output.version_id,
                last_modified: captured.date,
            }),
            Err(error) => {
                let error = self
                    .failure("PutObject", Some(&request.key))
                    .conditional(conditional)
                    .map(error, &captured);
                // S3 answers 404 to `If-Match` on nothing: the condition did not hold.
                let unmatched = conditional && error.is_not_found();
                Err(if unmatched { Error::precondition(&request.key) } else { error })
            }
        }
    }

    pub(super) async fn copy_object(&self, request: CopyRequest) -> Result<PutOutcome> {
        let client = &self.connection().await?.client;
        let conditional = request.source_if_match.is_some();
        let directive = request.metadata.as_ref().map(|_| MetadataDirective::Replace);
        let send = client
            .copy_object()
            .bucket(&self.config.bucket)
            .key(&request.to)
            .copy_source(copy_source(&self.config.bucket, &request.from))
            .set_metadata_directive(directive)
            .set_metadata(request.metadata.map(|metadata| metadata.into_iter().collect()))
            .set_content_type(request.content_type)
            .set_copy_source_if_match(request.source_if_match.as_deref().map(quoted))
            .send();
        let (result, captured) = capture(send).await;
        match result {
            Ok(output) => {
                let copied = output.copy_object_result();
                let modified = copied
                    .and_then(|c| c.last_modified())
                    .and_then(|date| date.secs().checked_mul(1000));
                Ok(PutOutcome {
                    etag: copied.and_then(|c| c.e_tag()).map(|tag| bare_etag(tag).to_owned()),
                    version_id: output.version_id,
                    last_modified: modified.or(captured.date),
                })
            }
            // Errors name the destination, even when the source is what is missing.
            Err(error) => Err(self
                .failure("CopyObject", Some(&request.to))
                .conditional(conditional)
                .map(error, &captured)),
        }
    }

    pub(super) async fn delete_object(&self, key: &str, if_match: Option<&str>) -> Result<()> {
        let client = &self.connection().await?.client;
        let send = client
            .delete_object()
            .bucket(&self.config.bucket)
            .key(key)
            .set_if_match(if_match.map(quoted))
            .send();
        let (result, captured) = capture(send).await;
        match result {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = self
                    .failure("DeleteObject", Some(key))
                    .conditional(if_match.is_some())
                    .map(error, &captured);
                // Some stores answer 404 where S3 answers 204; the object is gone either way.
                if error.is_not_found() { Ok(()) } else { Err(error) }
            }
        }
    }

    pub(super) async fn delete_objects(&self, keys: Vec<String>) -> Result<DeleteOutcome> {
        // A multi-delete names keys in XML, which cannot carry every character of a key.
        let (batch, single): (Vec<String>, Vec<String>) = keys.into_iter().partition(|key| key.chars().all(is_xml));
        let chunks: Vec<Vec<String>> = batch.chunks(CHUNK).map(<[String]>::to_vec).collect();
        let mut outcome = DeleteOutcome::default();
        let mut parts = stream::iter(chunks)
            .map(|chunk| self.delete_chunk(chunk))
            .buffered(self.config.parallelism);
        while let Some(part) = parts.try_next().await? {
            outcome.deleted.extend(part.deleted);
            outcome.errors.extend(part.errors);
        }
        let mut singles = stream::iter(single)
            .map(|key| async move {
                let result = self.delete_object(&key, None).await;
                (key, result)
            })
            .buffered(self.config.parallelism);
        while let Some((key, result)) = singles.next().await {
            match result {
                Ok(()) => outcome.deleted.push(key),
                Err(error) => outcome.errors.push(KeyError {
                    key,
                    code: error.code().unwrap_or("UnknownError").to_owned(),
                    message: error.message().to_owned(),
                }),
            }
        }
        Ok(outcome)
    }

    async fn delete_chunk(&self, keys: Vec<String>) -> Result<DeleteOutcome> {
        let client = &self.connection().await?.client;
        let objects = keys
            .iter()
            .map(|key| ObjectIdentifier::builder().key(key).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Error::validation("keys", "a key is empty"))?;
        // Quiet: only failures come back.
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(|_| Error::validation("keys", "no keys were given"))?;
        let send = client
            .delete_objects()
            .bucket(&self.config.bucket)
            .delete(delete)
            .customize()
            .mutate_request(|request| {
                // Required by several compatible servers, whatever other checksum there is.
                if let Some(body) = request.body().bytes() {
                    let digest = base64::engine::general_purpose::STANDARD.encode(Md5::digest(body));
                    request.headers_mut().insert("content-md5", digest);
                }
            })
            .send();
        let (result, captured) = capture(send).await;
        let output = result.map_err(|error| self.failure("DeleteObjects", None).map(error, &captured))?;
        let errors: Vec<KeyError> = output
            .errors
            .unwrap_or_default()
            .into_iter()
            .filter(|error| !matches!(error.code(), Some("NoSuchKey" | "NotFound")))
            .map(|error| KeyError {
                message: self.redactor.clean(error.message().unwrap_or_default()),
                code: error.code.unwrap_or_else(|| "UnknownError".to_owned()),
                key: error.key.unwrap_or_default(),
            })
            .collect();
        let failed: std::collections::HashSet<&str> = errors.iter().map(|error| error.key.as_str()).collect();
        let deleted = keys.iter().filter(|key| !failed.contains(key.as_str())).cloned().collect();
        Ok(DeleteOutcome { deleted, errors })
    }
}

/// `"etag"`, the form of the header.
fn quoted(etag: &str) -> String {
    match etag.trim() {
        "*" => "*".to_owned(),
        etag => format!("\"{}\"", bare_etag(etag)),
    }
}

/// `bucket/key` with each segment percent-encoded.
pub(super) fn copy_source(bucket: &str, key: &str) -> String {
    format!(
        "{}/{}",
        utf8_percent_encode(bucket, COPY_SOURCE),
        utf8_percent_encode(key, COPY_SOURCE)
    )
}

/// Characters XML 1.0 can carry.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
