//! Binary content of records: where it lives, and keeping it (spec/03 section 10, decisions 9 and 51).
//!
//! Content is in the body of the record's own object, as 13.6 stores it, or in
//! the object beside it. No marker tells which: a body that fails the
//! record-body test of spec/04 16.9 is content, else the object beside the
//! record is asked.

use super::write::write_events;
use super::{Core, Read, Resource};
use crate::behavior::Behavior;
use crate::codec;
use crate::error::{Error, Result};
use crate::record::TOKEN_BODY_LEN;
use crate::store::{Condition, CopyRequest, Metadata, ObjectMeta, PutRequest, StoredObject};
use crate::value::{Value, text};
use bytes::Bytes;

/// Content of a record.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Bytes; empty where the record has no content.
    pub body: Bytes,
    /// Content type; without content that of the record's object, `None` when its body is record data.
    pub content_type: Option<String>,
}

/// Result of storing or removing content.
#[derive(Debug, Clone, Default)]
pub struct ContentWritten {
    /// ETag of the record's object as the client shows it; after `set_content` only when that object was written.
    pub etag: Option<String>,
    /// The content is in the record's own object.
    pub in_object: bool,
    /// Events to emit, as of a record's write.
    pub events: Vec<(String, Value)>,
}

impl ContentWritten {
    /// Envelope text `{ inObject, etag?, events? }`.
    pub fn to_text(&self) -> String {
        let mut out = format!("{{\"inObject\":{}", self.in_object);
        if let Some(etag) = &self.etag {
            out.push_str(",\"etag\":");
            text::write_string(etag, &mut out);
        }
        write_events(&self.events, &mut out);
        out.push('}');
        out
    }
}

impl Resource {
    /// Stores content of the record that was read. A precondition error means that the record changed in between.
    pub async fn set_content(&self, read: &Read, content: Bytes, content_type: &str) -> Result<ContentWritten> {
        let core = &self.0;
        let id = read.id.as_str();
        let key = core.keys.record(id)?;
        let mut written = ContentWritten::default();
        let located = |e| core.located(e, id).with_default("operation", "setContent");
        if core.keeps_beside(read, &content, content_type) {
            let request = core.beside(id, content, Some(content_type.to_owned()))?;
            core.store.put(request).await.map_err(located)?;
            if read.content.is_some() {
                let request = cleared(key, read.meta.metadata.clone());
                let outcome = core
                    .replace_if_unchanged(&read.meta, request, &mut written.events)
                    .await
                    .map_err(located)?;
                written.etag = outcome.etag.as_deref().map(|e| core.etag(e));
            }
            return Ok(written);
        }
        let request = PutRequest {
            key,
            metadata: read.meta.metadata.clone(),
            body: content,
            content_type: Some(content_type.to_owned()),
            ..PutRequest::default()
        };
        let outcome = core
            .replace_if_unchanged(&read.meta, request, &mut written.events)
            .await
            .map_err(located)?;
        core.store.delete(&core.keys.content(id)?, None).await.map_err(located)?;
        written.etag = outcome.etag.as_deref().map(|e| core.etag(e));
        written.in_object = true;
        Ok(written)
    }

    /// Content of a record; `None` when there is no such record.
    pub async fn content(&self, id: &str) -> Result<Option<Content>> {
        let core = &self.0;
        let stored = match core.store.get(&core.keys.record(id)?).await {
            Ok(stored) => stored,
            Err(e) if e.is_not_found() => return Ok(None),
            Err(e) => return Err(core.located(e, id)),
        };
        let bodiless = stored.body.is_empty();
        if core.is_content(&stored)? {
            return Ok(Some(Content {
                body: stored.body,
                content_type: stored.meta.content_type,
            }));
        }
        match core.store.get(&core.keys.content(id)?).await {
            Ok(beside) => Ok(Some(Content {
                body: beside.body,
                content_type: beside.meta.content_type,
            })),
            Err(e) if e.is_not_found() => Ok(Some(Content {
                body: Bytes::new(),
                content_type: stored.meta.content_type.filter(|_| bodiless),
            })),
            Err(e) => Err(core.located(e, id)),
        }
    }

    /// Whether a record has content of one byte or more; false when there is no such record.
    pub async fn has_content(&self, id: &str) -> Result<bool> {
        let core = &self.0;
        let meta = match core.store.head(&core.keys.record(id)?).await {
            Ok(meta) => meta,
            Err(e) if e.is_not_found() => return Ok(false),
            Err(e) => return Err(core.located(e, id)),
        };
        if core.holds_content(id, &meta).await? {
            return Ok(true);
        }
        match core.store.head(&core.keys.content(id)?).await {
            Ok(beside) => Ok(beside.size > 0),
            Err(e) if e.is_not_found() => Ok(false),
            Err(e) => Err(core.located(e, id)),
        }
    }

    /// Removes the content of a record, wherever it is. A missing record is an error, missing content is not.
    pub async fn delete_content(&self, id: &str) -> Result<ContentWritten> {
        let core = &self.0;
        let key = core.keys.record(id)?;
        let located = |e| core.located(e, id).with_default("operation", "deleteContent");
        let meta = core.store.head(&key).await.map_err(located)?;
        let mut written = ContentWritten::default();
        let mut etag = meta.etag.clone();
        if core.holds_content(id, &meta).await? {
            let request = cleared(key, meta.metadata.clone());
            let outcome = core
                .replace_if_unchanged(&meta, request, &mut written.events)
                .await
                .map_err(located)?;
            etag = outcome.etag;
        }
        // Also after removal from the record's object: an update that lost a race may have left a copy beside it.
        core.store.delete(&core.keys.content(id)?, None).await.map_err(located)?;
        written.etag = etag.as_deref().map(|e| core.etag(e));
        Ok(written)
    }
}

impl Core {
    /// The table of spec/03 section 10. Empty content goes beside as well: in the record's object it could not be told from none.
    fn keeps_beside(&self, read: &Read, content: &[u8], content_type: &str) -> bool {
        let record_body = read.meta.size > 0 && read.content.is_none();
        matches!(self.codec.behavior(), Behavior::BodyOnly | Behavior::BodyOverflow)
            || record_body
            || content.is_empty()
            || is_json_type(content_type)
            || parses_as_json(content)
    }

    fn is_content(&self, stored: &StoredObject) -> Result<bool> {
        self.codec
            .is_content(&stored.meta.metadata, &stored.body, stored.meta.content_type.as_deref())
    }

    /// Whether the body of an object known by its HEAD is content; a GET decides where the HEAD cannot.
    async fn holds_content(&self, id: &str, meta: &ObjectMeta) -> Result<bool> {
        if meta.size == 0 {
            return Ok(false);
        }
        let json = meta.content_type.as_deref().is_none_or(is_json_type);
        let body_only = self.codec.behavior() == Behavior::BodyOnly;
        if body_only && json {
            return Ok(false);
        }
        if !json && !body_only && meta.size != TOKEN_BODY_LEN {
            return Ok(true);
        }
        let stored = self.store.get(&self.keys.record(id)?).await.map_err(|e| self.located(e, id))?;
        self.is_content(&stored)
    }

    /// PUT of content beside the record.
    fn beside(&self, id: &str, content: Bytes, content_type: Option<String>) -> Result<PutRequest> {
        Ok(PutRequest {
            key: self.keys.content(id)?,
            metadata: vec![("_v".to_owned(), self.config.version.clone())],
            body: content,
            content_type,
            ..PutRequest::default()
        })
    }

    /// Stores the content that was read in the record's object beside it. What is there already is newer, unless the record
    /// still is as it was read: then it is the copy of an update that lost a race. A precondition error means that the record changed.
    pub(super) async fn move_beside(&self, read: &Read, content: &Bytes) -> Result<()> {
        let mut request = self.beside(&read.id, content.clone(), read.meta.content_type.clone())?;
        let capabilities = self.capabilities().await?;
        if capabilities.put_if_absent {
            request.condition = Condition::IfAbsent;
            match self.store.put(request.clone()).await {
                Err(e) if e.is_precondition() => {}
                outcome => return outcome.map(drop),
            }
            let changed = |e: Error| if e.is_not_found() { Error::precondition(&request.key) } else { e };
            let there = self.store.head(&request.key).await.map_err(changed)?;
            let now = self.store.head(&self.keys.record(&read.id)?).await.map_err(changed)?;
            if now.etag != read.meta.etag {
                return Err(Error::precondition(&request.key));
            }
            request.condition = match there.etag.filter(|_| capabilities.put_if_match) {
                Some(etag) => Condition::IfMatch(etag),
                None => Condition::None,
            };
            return self.store.put(request.clone()).await.map(drop).map_err(changed);
        }
        self.store.put(request).await.map(drop)
    }

    /// Copies content that a HEAD found in the record's object beside it.
    pub(super) async fn copy_content(&self, id: &str, from: &str, read: &Read) -> Result<()> {
        self.store
            .copy(CopyRequest {
                from: from.to_owned(),
                to: self.keys.content(id)?,
                metadata: Some(vec![("_v".to_owned(), self.config.version.clone())]),
                content_type: read.meta.content_type.clone(),
                source_if_match: read.meta.etag.clone(),
            })
            .await
            .map(drop)
    }
}

/// The record's object without its content: a fresh token, so that its ETag is none that it had before.
fn cleared(key: String, metadata: Metadata) -> PutRequest {
    PutRequest {
        key,
        metadata,
        body: token_body(),
        content_type: Some("application/json".to_owned()),
        condition: Condition::None,
        ..PutRequest::default()
    }
}

/// Body that holds nothing but a fresh revision token.
pub(super) fn token_body() -> Bytes {
    Bytes::from(format!("{{\"_rev\":\"{}\"}}", codec::ids::generate(22)))
}

pub(super) fn is_json_type(content_type: &str) -> bool {
    content_type.trim_start().to_ascii_lowercase().starts_with("application/json")
}

/// Whether 13.6 would take the content for JSON: it reads bodies as UTF-8 text with replacement characters.
fn parses_as_json(content: &[u8]) -> bool {
    let first = content.iter().find(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
    matches!(first, Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'))
        && text::parse_plain(&String::from_utf8_lossy(content)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_content_is_recognised_as_13_6_does() {
        for json in ["{\"a\":1}", " [1]\n", "\"x\"", "-1.5e3", "true", "null", "0"] {
            assert!(parses_as_json(json.as_bytes()), "{json}");
        }
        for other in ["", "\u{feff}{}", "{\"a\":1", "nope", "1 2", "\u{0}\u{1}", "-"] {
            assert!(!parses_as_json(other.as_bytes()), "{other}");
        }
        assert!(parses_as_json(b"\"\xff\""));
        assert!(is_json_type("application/json; charset=utf-8") && is_json_type("Application/JSON"));
        assert!(!is_json_type("text/json"));
    }
}
