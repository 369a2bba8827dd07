//! Compact form of a stored object: packed metadata, no owned copy of the
//! ETag or of the default content type.

use crate::store::{ObjectMeta, PackedMetadata};
use bytes::Bytes;
use md5::{Digest as _, Md5};

/// Content type of objects stored without one.
pub const DEFAULT_CONTENT_TYPE: &str = "application/octet-stream";

/// MD5 of the empty body, the ETag of every body-less object.
const EMPTY_MD5: [u8; 16] = [
    0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e,
];
const EMPTY_MD5_TEXT: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// ETag of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Etag {
    /// MD5 of the body.
    Md5([u8; 16]),
    /// Taken from a snapshot.
    Other(Box<str>),
}

impl Etag {
    /// MD5 of `body`.
    pub fn of(body: &[u8]) -> Self {
        if body.is_empty() {
            return Self::Md5(EMPTY_MD5);
        }
        Self::Md5(Md5::digest(body).into())
    }

    /// From its text form.
    pub fn parse(text: &str) -> Self {
        let bytes = text.as_bytes();
        let digit = |b: u8| match b {
            b'0'..=b'9' => Some(b - b'0'),
            b'a'..=b'f' => Some(b - b'a' + 10),
            _ => None,
        };
        let mut md5 = [0u8; 16];
        if bytes.len() == 32
            && md5
                .iter_mut()
                .zip(bytes.chunks_exact(2))
                .all(|(byte, pair)| match (digit(pair[0]), digit(pair[1])) {
                    (Some(high), Some(low)) => {
                        *byte = high << 4 | low;
                        true
                    }
                    _ => false,
                })
        {
            return Self::Md5(md5);
        }
        Self::Other(text.into())
    }

    /// Text form, without quotes.
    pub fn text(&self) -> String {
        match self {
            Self::Md5(EMPTY_MD5) => EMPTY_MD5_TEXT.to_owned(),
            Self::Md5(md5) => md5
                .iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
                .collect(),
            Self::Other(text) => text.to_string(),
        }
    }
}

/// A stored object.
#[derive(Debug, Clone)]
pub struct Object {
    /// User metadata.
    pub metadata: PackedMetadata,
    /// Body, shared with readers.
    pub body: Bytes,
    /// ETag.
    pub etag: Etag,
    /// Body length as reported.
    pub size: u64,
    /// Epoch milliseconds.
    pub last_modified: i64,
    /// `None` for [`DEFAULT_CONTENT_TYPE`].
    pub content_type: Option<Box<str>>,
    /// Content encoding.
    pub content_encoding: Option<Box<str>>,
}

impl Object {
    /// An object without body.
    pub fn plain(metadata: PackedMetadata, etag: Etag, now: i64) -> Self {
        Self {
            metadata,
            body: Bytes::new(),
            etag,
            size: 0,
            last_modified: now,
            content_type: None,
            content_encoding: None,
        }
    }

    /// Everything but the body, as the trait returns it.
    pub fn meta(&self) -> ObjectMeta {
        ObjectMeta {
            metadata: self.metadata.unpack(),
            etag: Some(self.etag.text()),
            size: self.size,
            last_modified: self.last_modified,
            content_type: Some(self.content_type.as_deref().unwrap_or(DEFAULT_CONTENT_TYPE).to_owned()),
            content_encoding: self.content_encoding.as_deref().map(str::to_owned),
            version_id: None,
            expiration: None,
        }
    }
}

/// Content type in stored form.
pub fn stored_content_type(content_type: Option<&str>) -> Option<Box<str>> {
    content_type.filter(|t| *t != DEFAULT_CONTENT_TYPE).map(Into::into)
}
