//! The S3 operations that the database uses.

use super::state::{METADATA_LIMIT, Only, Refusal, State, Stored};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;

/// Keys longer than this are refused.
const MAX_KEY: usize = 1024;
/// Keys of a multi-delete.
const MAX_DELETE: usize = 1000;
/// `encoding-type=url` leaves these as they are.
const URL_ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// One key pair; an unknown key is answered as S3 does.
pub(super) struct OneKey {
    pub access_key: String,
    pub secret_key: SecretKey,
}

#[async_trait::async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.access_key {
            return Ok(self.secret_key.clone());
        }
        Err(s3_error!(
            InvalidAccessKeyId,
            "The access key ID you provided does not exist in our records."
        ))
    }
}

/// S3 over [`State`].
pub(super) struct Service(pub Arc<State>);

fn refused(refusal: Refusal) -> S3Error {
    match refusal {
        Refusal::NoSuchBucket => s3_error!(NoSuchBucket, "The specified bucket does not exist"),
        Refusal::NoSuchKey => s3_error!(NoSuchKey, "The specified key does not exist."),
        Refusal::Precondition => s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold"),
    }
}

fn with_code(status: http::StatusCode, code: &'static str, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

fn check_key(key: &str) -> S3Result<()> {
    if key.len() > MAX_KEY {
        return Err(s3_error!(KeyTooLongError, "Your key is too long"));
    }
    Ok(())
}

/// User metadata of the request: names in lower case, values trimmed, at most [`METADATA_LIMIT`] bytes.
fn user_metadata(headers: &HeaderMap) -> S3Result<Vec<(String, String)>> {
    let mut metadata: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("x-amz-meta-") else {
            continue;
        };
        let text = std::str::from_utf8(value.as_bytes()).map_err(|_| s3_error!(InvalidArgument, "Metadata is not UTF-8"))?;
        let text = text.trim();
        match metadata.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => {
                known.push(',');
                known.push_str(text);
            }
            None => metadata.push((name.to_owned(), text.to_owned())),
        }
    }
    let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > METADATA_LIMIT {
        return Err(with_code(
            http::StatusCode::BAD_REQUEST,
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    Ok(metadata)
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// `Content-Encoding` without `aws-chunked`, which belongs to the transfer.
fn content_encoding(headers: &HeaderMap) -> Option<String> {
    let text = header(headers, http::header::CONTENT_ENCODING)?;
    let kept: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|token| !matches!(*token, "" | "aws-chunked"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// `Content-Type` and the others as stored, so that nothing is reinterpreted on the way out.
fn object_headers(object: &Stored) -> S3Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).map_err(|_| s3_error!(InternalError));
    headers.insert(http::header::CONTENT_TYPE, value(&object.content_type)?);
    if let Some(encoding) = &object.content_encoding {
        headers.insert(http::header::CONTENT_ENCODING, value(encoding)?);
    }
    for (name, text) in &object.metadata {
        let name = HeaderName::from_bytes(format!("x-amz-meta-{name}").as_bytes()).map_err(|_| s3_error!(InternalError))?;
        headers.insert(name, value(text)?);
    }
    Ok(headers)
}

fn if_match(condition: ETagCondition) -> Only {
    match condition {
        ETagCondition::Any => Only::IfPresent,
        ETagCondition::ETag(etag) => Only::IfMatch(etag.into_value()),
    }
}

/// Conditions of a read.
fn readable(object: &Stored, wanted: Option<ETagCondition>, unwanted: Option<ETagCondition>) -> S3Result<()> {
    let is = |condition: ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == object.etag,
    };
    if wanted.is_some_and(|condition| !is(condition)) {
        return Err(refused(Refusal::Precondition));
    }
    if unwanted.is_some_and(is) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

fn length(n: usize) -> Option<i64> {
    i64::try_from(n).ok()
}

async fn collect(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else {
        return Ok(Bytes::new());
    };
    let bytes = body
        .try_fold(BytesMut::new(), |mut all, part| async move {
            all.extend_from_slice(&part);
            Ok(all)
        })
        .await
        .map_err(|_| s3_error!(IncompleteBody))?;
    Ok(bytes.freeze())
}

fn token(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("after:{after}"))
}

fn parse_token(token: &str) -> S3Result<String> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix("after:").map(str::to_owned))
        .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        self.0.create_bucket(&req.input.bucket);
        Ok(S3Response::new(CreateBucketOutput {
            location: Some(format!("/{}", req.input.bucket)),
        }))
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        match self.0.delete_bucket(&req.input.bucket) {
            Some(true) => Ok(S3Response::new(DeleteBucketOutput::default())),
            Some(false) => Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty")),
            None => Err(refused(Refusal::NoSuchBucket)),
        }
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        if self.0.has_bucket(&req.input.bucket) {
            return Ok(S3Response::new(HeadBucketOutput::default()));
        }
        Err(refused(Refusal::NoSuchBucket))
    }

    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let buckets = self
            .0
            .bucket_names()
            .into_iter()
            .map(|name| Bucket {
                name: Some(name),
                ..Bucket::default()
            })
            .collect();
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            ..ListBucketsOutput::default()
        }))
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        check_key(&req.input.key)?;
        let metadata = user_metadata(&req.headers)?;
        let only = match (req.input.if_match, req.input.if_none_match) {
            (None, None) => Only::Always,
            (None, Some(ETagCondition::Any)) => Only::IfAbsent,
            (Some(condition), None) => if_match(condition),
            _ => {
                return Err(s3_error!(
                    NotImplemented,
                    "A header you provided implies functionality that is not implemented"
                ));
            }
        };
        let content_type = header(&req.headers, http::header::CONTENT_TYPE);
        let content_encoding = content_encoding(&req.headers);
        let body = collect(req.input.body).await?;
        let object = Stored::new(body, metadata, content_type, content_encoding);
        let etag = ETag::Strong(object.etag.clone());
        self.0.put(&req.input.bucket, &req.input.key, object, &only).map_err(refused)?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(etag),
            ..PutObjectOutput::default()
        }))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let object = self.0.get(&req.input.bucket, &req.input.key).map_err(refused)?;
        readable(&object, req.input.if_match, req.input.if_none_match)?;
        let total = u64::try_from(object.body.len()).map_err(|_| s3_error!(InternalError))?;
        let mut body = object.body.clone();
        let mut content_range = None;
        if let Some(range) = req.input.range {
            let range = range.check(total).map_err(|_| s3_error!(InvalidRange))?;
            content_range = Some(format!("bytes {}-{}/{total}", range.start, range.end - 1));
            let at = |n: u64| usize::try_from(n).map_err(|_| s3_error!(InvalidRange));
            body = body.slice(at(range.start)?..at(range.end)?);
        }
        let mut response = S3Response::new(GetObjectOutput {
            content_length: length(body.len()),
            content_range,
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.modified.into()),
            body: Some(StreamingBlob::from(s3s::Body::from(body))),
            ..GetObjectOutput::default()
        });
        response.headers = object_headers(&object)?;
        Ok(response)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let object = self.0.get(&req.input.bucket, &req.input.key).map_err(refused)?;
        readable(&object, req.input.if_match, req.input.if_none_match)?;
        let mut response = S3Response::new(HeadObjectOutput {
            content_length: length(object.body.len()),
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.modified.into()),
            ..HeadObjectOutput::default()
        });
        response.headers = object_headers(&object)?;
        Ok(response)
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = req.input;
        check_key(&input.key)?;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "Only sources in buckets are implemented"));
        };
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if !replace && **bucket == *input.bucket && **key == *input.key {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata"
            ));
        }
        let metadata = user_metadata(&req.headers)?;
        let content_type = header(&req.headers, http::header::CONTENT_TYPE);
        let content_encoding = content_encoding(&req.headers);
        let only = input.copy_source_if_match.map_or(Only::Always, if_match);
        let unwanted = input.copy_source_if_none_match;
        if unwanted.is_some() {
            let source = self.0.get(bucket, key).map_err(refused)?;
            readable(&source, None, unwanted).map_err(|_| refused(Refusal::Precondition))?;
        }
        let copied = self
            .0
            .copy((bucket, key), (&input.bucket, &input.key), &only, |source| {
                if replace {
                    Stored::new(source.body.clone(), metadata, content_type, content_encoding)
                } else {
                    Stored {
                        modified: super::state::whole_second(),
                        ..source.clone()
                    }
                }
            })
            .map_err(refused)?;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(ETag::Strong(copied.etag)),
                last_modified: Some(copied.modified.into()),
                ..CopyObjectResult::default()
            }),
            ..CopyObjectOutput::default()
        }))
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let only = req.input.if_match.map_or(Only::Always, if_match);
        self.0.delete(&req.input.bucket, &req.input.key, &only).map_err(refused)?;
        let mut response = S3Response::new(DeleteObjectOutput::default());
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let checked = |name: &HeaderName| name == "content-md5" || name.as_str().starts_with("x-amz-checksum-");
        if !req.headers.keys().any(checked) {
            return Err(s3_error!(InvalidRequest, "Missing required header for this request: Content-MD5"));
        }
        let Delete { objects, quiet } = req.input.delete;
        if objects.is_empty() || objects.len() > MAX_DELETE {
            return Err(s3_error!(
                MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema"
            ));
        }
        let mut output = DeleteObjectsOutput::default();
        for object in objects {
            match self.0.delete(&req.input.bucket, &object.key, &Only::Always) {
                Ok(()) => {
                    if quiet != Some(true) {
                        output.deleted.get_or_insert_default().push(DeletedObject {
                            key: Some(object.key),
                            ..DeletedObject::default()
                        });
                    }
                }
                Err(refusal) => return Err(refused(refusal)),
            }
        }
        Ok(S3Response::new(output))
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let max = match input.max_keys {
            None => 1000,
            Some(n) => usize::try_from(n)
                .map_err(|_| s3_error!(InvalidArgument, "Argument maxKeys must be an integer between 0 and 2147483647"))?
                .min(1000),
        };
        let after = match &input.continuation_token {
            Some(token) => Some(parse_token(token)?),
            None => input.start_after.clone(),
        };
        let page = self
            .0
            .list(&input.bucket, &prefix, input.delimiter.as_deref(), after.as_deref(), max)
            .map_err(refused)?;
        let url = input.encoding_type.as_ref().is_some_and(|t| t.as_str() == EncodingType::URL);
        let name = |text: &str| {
            if url {
                utf8_percent_encode(text, URL_ENCODED).to_string().replace(' ', "+")
            } else {
                text.to_owned()
            }
        };
        let contents: Vec<Object> = page
            .entries
            .iter()
            .map(|(key, object)| Object {
                key: Some(name(key)),
                size: length(object.body.len()),
                e_tag: Some(ETag::Strong(object.etag.clone())),
                last_modified: Some(object.modified.into()),
                ..Object::default()
            })
            .collect();
        let groups: Vec<CommonPrefix> = page
            .prefixes
            .iter()
            .map(|prefix| CommonPrefix {
                prefix: Some(name(prefix)),
            })
            .collect();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(name(&prefix)),
            delimiter: input.delimiter.as_deref().map(name),
            max_keys: i32::try_from(max).ok(),
            key_count: i32::try_from(contents.len() + groups.len()).ok(),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_deref().map(token),
            continuation_token: input.continuation_token,
            start_after: input.start_after.as_deref().map(name),
            encoding_type: input.encoding_type,
            contents: Some(contents),
            common_prefixes: Some(groups),
            ..ListObjectsV2Output::default()
        }))
    }
}
