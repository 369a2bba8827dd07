//! Content of an object's file: a line `s3db-object 1 <header length>`, the
//! header as JSON of that length, a line end, the body.

use crate::error::{Error, Kind, Result};
use crate::store::{Metadata, ObjectMeta};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Write};

const MAGIC: &str = "s3db-object 1 ";
/// Read at once to get a header; larger ones take a second read.
const HEAD_CHUNK: usize = 4096;

/// Everything about an object but its body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    pub etag: String,
    pub size: u64,
    pub last_modified: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(default)]
    pub metadata: Metadata,
}

impl Header {
    /// As the trait returns it.
    pub fn into_meta(self) -> ObjectMeta {
        ObjectMeta {
            metadata: self.metadata,
            etag: Some(self.etag),
            size: self.size,
            last_modified: self.last_modified,
            content_type: Some(
                self.content_type
                    .unwrap_or_else(|| crate::store::memory::DEFAULT_CONTENT_TYPE.to_owned()),
            ),
            content_encoding: self.content_encoding,
            version_id: None,
            expiration: None,
        }
    }
}

/// Why a file could not be read as an object.
#[derive(Debug)]
pub(super) enum ReadError {
    Io(io::Error),
    /// Truncated or not an object.
    Damaged(&'static str),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl ReadError {
    /// The error of a store call for `key`.
    pub fn into_error(self, key: &str, not_found_code: &str) -> Error {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => Error::no_such_key(key, not_found_code),
            Self::Io(error) => io_error("read", key, &error),
            Self::Damaged(what) => Error::new(Kind::Corrupted, format!("the object's file is damaged: {what}")).with("key", key),
        }
    }
}

/// Error for a failed file operation.
pub(super) fn io_error(action: &str, key: &str, error: &io::Error) -> Error {
    let (kind, code, status) = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (Kind::Permission, "AccessDenied", 403),
        io::ErrorKind::InvalidFilename => (Kind::Validation, "KeyTooLongError", 400),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (Kind::Unknown, "ENOSPC", 507),
        _ => (Kind::Unknown, "EIO", 500),
    };
    Error::new(kind, format!("file store: {action} failed: {error}"))
        .with_code(code)
        .with_status(status)
        .with("key", key)
}

/// Writes a whole object.
pub(super) fn write(file: &mut File, header: &Header, body: &[u8]) -> io::Result<()> {
    let json = serde_json::to_vec(header).map_err(io::Error::other)?;
    let mut head = format!("{MAGIC}{}\n", json.len()).into_bytes();
    head.extend_from_slice(&json);
    head.push(b'\n');
    file.write_all(&head)?;
    file.write_all(body)
}

/// Reads the header alone.
pub(super) fn read_header(file: &mut File) -> Result<Header, ReadError> {
    let mut chunk = Vec::with_capacity(HEAD_CHUNK);
    Read::by_ref(file).take(HEAD_CHUNK as u64).read_to_end(&mut chunk)?;
    let (start, length) = preamble(&chunk)?;
    let end = start.checked_add(length).ok_or(ReadError::Damaged("header length"))?;
    if end >= chunk.len() {
        let missing = (end + 1 - chunk.len()) as u64;
        Read::by_ref(file).take(missing).read_to_end(&mut chunk)?;
    }
    let header = parse_header(&chunk, start, end)?;
    let stored = file.metadata()?.len();
    if stored != (end as u64).saturating_add(1).saturating_add(header.size) {
        return Err(ReadError::Damaged("its length differs from the header's"));
    }
    Ok(header)
}

/// Reads header and body.
pub(super) fn read(file: &mut File) -> Result<(Header, Bytes), ReadError> {
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    let (start, length) = preamble(&content)?;
    let end = start.checked_add(length).ok_or(ReadError::Damaged("header length"))?;
    let header = parse_header(&content, start, end)?;
    let body = Bytes::from(content).slice(end + 1..);
    if body.len() as u64 != header.size {
        return Err(ReadError::Damaged("its length differs from the header's"));
    }
    Ok((header, body))
}

/// Start and length of the header.
fn preamble(content: &[u8]) -> Result<(usize, usize), ReadError> {
    let line_end = content
        .iter()
        .take(64)
        .position(|b| *b == b'\n')
        .ok_or(ReadError::Damaged("no first line"))?;
    let length = std::str::from_utf8(&content[..line_end])
        .ok()
        .and_then(|line| line.strip_prefix(MAGIC))
        .and_then(|length| length.parse().ok())
        .ok_or(ReadError::Damaged("unknown first line"))?;
    Ok((line_end + 1, length))
}

fn parse_header(content: &[u8], start: usize, end: usize) -> Result<Header, ReadError> {
    if content.get(end) != Some(&b'\n') {
        return Err(ReadError::Damaged("the header is cut"));
    }
    serde_json::from_slice(&content[start..end]).map_err(|_| ReadError::Damaged("the header is not valid"))
}
