//! Writing one record: insert, update, optimised patch, replace.

use super::compose::{System, whole_seconds};
use super::index::{IndexJob, RefsMode};
use super::{Core, Read, Resource, compute};
use crate::codec;
use crate::error::{Error, Kind, Result};
use crate::keys::DateHints;
use crate::record::{Carried, Encoded, Operation, is_token};
use crate::store::{Condition, CopyRequest, ObjectMeta, PutOutcome, PutRequest, bare_etag};
use crate::value::{Object, Value, text};
use std::sync::Arc;

/// Options of a write.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Create only if no record exists (ids given by the caller).
    pub explicit: bool,
    /// Reference work.
    pub refs: RefsMode,
    /// Days for date texts of the new record that need JavaScript's parser.
    pub dates: Option<DateHints>,
    /// The same for the old record.
    pub old_dates: Option<DateHints>,
    /// ETag the caller insists on (`updateConditional`).
    pub if_match: Option<String>,
    /// Return the system fields as a read would (`updateConditional` and `patch` do not).
    pub full: bool,
    /// Leave out the text of a record that reads back exactly as it was given ([`Written::as_given`]).
    pub compact: bool,
}

/// Result of a write.
#[derive(Debug, Clone)]
pub struct Written {
    /// Record text; empty with `as_given`.
    pub record: String,
    /// The record reads back as it was given, without a body: only its time is told, epoch milliseconds.
    pub as_given: Option<i64>,
    /// New ETag as the client shows it.
    pub etag: Option<String>,
    /// `(event, payload)` to emit on the resource (`db:` ones on the database).
    pub events: Vec<(String, Value)>,
}

impl Written {
    /// Envelope text `{ record, etag?, events? }`.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(self.record.len() + 64);
        out.push_str("{\"record\":");
        out.push_str(&self.record);
        if let Some(etag) = &self.etag {
            out.push_str(",\"etag\":");
            text::write_string(etag, &mut out);
        }
        write_events(&self.events, &mut out);
        out.push('}');
        out
    }
}

/// Member `,"events":[...]` of an envelope; nothing without events.
pub(super) fn write_events(events: &[(String, Value)], out: &mut String) {
    if events.is_empty() {
        return;
    }
    out.push_str(",\"events\":[");
    for (i, (name, payload)) in events.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str("{\"event\":");
        text::write_string(name, out);
        out.push_str(",\"payload\":");
        text::write_tagged(payload, out);
        out.push('}');
    }
    out.push(']');
}

impl Resource {
    /// PUT of a new record, then its references.
    pub async fn insert(&self, id: &str, record: Object, options: &WriteOptions) -> Result<Written> {
        let core = &self.0;
        let key = core.keys.record(id)?;
        let mut encoded = core.encode(record, Operation::Insert, id, None, None).await?;
        let refs = core.references(&encoded.composed, id, &core.config.version, options.dates.as_ref())?;
        let mut events = core.events(&encoded);
        let request = core.put_request(&key, &mut encoded, Condition::None);
        let outcome = if options.explicit {
            core.create(id, request, &mut events).await
        } else {
            core.store.put(request).await
        }
        .map_err(|e| core.write_error(e, id, "insert", &encoded))?;
        let compact = options.compact && encoded.as_given && encoded.body.is_empty() && outcome.version_id.is_none();
        let (record, as_given) = if compact {
            (String::new(), Some(written_at(&outcome)))
        } else {
            (core.composed_text(id, &encoded, &outcome), None)
        };
        core.index
            .submit(
                options.refs,
                IndexJob {
                    operation: "insert",
                    id: id.to_owned(),
                    version: core.config.version.clone(),
                    put: refs.into_iter().flatten().collect(),
                    delete: Vec::new(),
                },
            )
            .await
            .map_err(|e| core.located(e, id))?;
        Ok(Written {
            record,
            as_given,
            etag: outcome.etag.as_deref().map(|e| core.etag(e)),
            events,
        })
    }

    /// PUT of a changed record on the condition that it is still the one that was read.
    pub async fn update(&self, read: &Read, record: Object, operation: Operation, options: &WriteOptions) -> Result<Written> {
        let core = &self.0;
        let id = read.id.as_str();
        let key = core.keys.record(id)?;
        if let Some(expected) = &options.if_match
            && read.meta.etag.as_deref() != Some(bare_etag(expected))
        {
            return Err(core.located(Error::precondition(&key), id));
        }
        let revision = Some(codec::ids::generate(22));
        let mut encoded = core.encode(record, operation, id, Some(read.carried.clone()), revision).await?;
        let old = core.old_references(read, options.old_dates.as_ref())?;
        let new = core.references(&encoded.composed, id, &core.config.version, options.dates.as_ref())?;
        let mut events = core.events(&encoded);
        // Content gives its place to a token: with its own ETag, which no change of fields changes, two updates at once would not see each other.
        if let Some(content) = &read.content {
            core.move_beside(read, content).await.map_err(|e| core.located(e, id))?;
            if encoded.body.is_empty() {
                encoded.body = super::content::token_body();
                encoded.content_type = Some("application/json");
            }
        }
        let request = core.put_request(&key, &mut encoded, Condition::None);
        let outcome = core
            .replace_if_unchanged(&read.meta, request, &mut events)
            .await
            .map_err(|e| core.write_error(e, id, "update", &encoded))?;
        core.move_references("update", id, old, new, options.refs).await?;
        let record = if options.full {
            core.composed_text(id, &encoded, &outcome)
        } else {
            core.plain_text(&encoded.composed, id, &flags(&encoded))
        };
        Ok(Written {
            record,
            as_given: None,
            etag: outcome.etag.as_deref().map(|e| core.etag(e)),
            events,
        })
    }

    /// COPY of a record onto itself with new metadata; the body, token or content, stays.
    pub async fn patch(&self, read: &Read, record: Object, options: &WriteOptions) -> Result<Written> {
        let core = &self.0;
        let id = read.id.as_str();
        let key = core.keys.record(id)?;
        let encoded = core.encode(record, Operation::Update, id, Some(read.carried.clone()), None).await?;
        let old = core.old_references(read, options.old_dates.as_ref())?;
        let new = core.references(&encoded.composed, id, &core.config.version, options.dates.as_ref())?;
        let outcome = core
            .store
            .copy(CopyRequest {
                from: key.clone(),
                to: key,
                metadata: Some(encoded.metadata.clone()),
                content_type: read.meta.content_type.clone(),
                source_if_match: read.meta.etag.clone(),
            })
            .await
            .map_err(|e| core.write_error(e, id, "patch", &encoded))?;
        core.move_references("patch", id, old, new, options.refs).await?;
        Ok(Written {
            as_given: None,
            record: core.plain_text(&encoded.composed, id, &flags(&encoded)),
            etag: outcome.etag.as_deref().map(|e| core.etag(e)),
            events: core.events(&encoded),
        })
    }

    /// PUT of a complete record whether or not one exists; a HEAD finds old references and content, never a GET.
    pub async fn replace(&self, id: &str, record: Object, options: &WriteOptions) -> Result<Written> {
        let core = &self.0;
        let key = core.keys.record(id)?;
        let body_only = core.config.behavior == "body-only";
        let mut old = vec![None; core.config.partitions.len()];
        if !(body_only && core.config.partitions.is_empty()) {
            old = core.before_replace(id, &key, options).await?;
        }
        let revision = codec::ids::generate(22);
        let mut encoded = core.encode(record, Operation::Replace, id, None, Some(revision)).await?;
        let new = core.references(&encoded.composed, id, &core.config.version, options.dates.as_ref())?;
        let request = core.put_request(&key, &mut encoded, Condition::None);
        let outcome = core
            .store
            .put(request)
            .await
            .map_err(|e| core.write_error(e, id, "replace", &encoded))?;
        core.move_references("replace", id, old, new, options.refs).await?;
        Ok(Written {
            as_given: None,
            record: core.plain_text(&encoded.composed, id, &flags(&encoded)),
            etag: outcome.etag.as_deref().map(|e| core.etag(e)),
            events: core.events(&encoded),
        })
    }
}

impl Core {
    /// References of the record to be replaced; its content is copied beside it, anew when the record changes meanwhile.
    async fn before_replace(self: &Arc<Self>, id: &str, key: &str, options: &WriteOptions) -> Result<Vec<Option<String>>> {
        let resource = Resource(self.clone());
        let mut attempt = 0;
        loop {
            attempt += 1;
            let read = match resource.read_head(id).await {
                Ok(read) => read,
                Err(e) if e.is_not_found() => return Ok(vec![None; self.config.partitions.len()]),
                Err(e) => return Err(e),
            };
            if read.meta.size > 0 && !read.meta.content_type.as_deref().is_none_or(super::content::is_json_type) {
                match self.copy_content(id, key, &read).await {
                    Ok(()) => {}
                    Err(e) if attempt < 10 && (e.is_precondition() || e.is_not_found()) => continue,
                    Err(e) => return Err(self.located(e, id)),
                }
            }
            return self.old_references(&read, options.old_dates.as_ref());
        }
    }

    pub(super) async fn encode(
        self: &Arc<Self>,
        record: Object,
        operation: Operation,
        id: &str,
        carried: Option<Carried>,
        revision: Option<String>,
    ) -> Result<Encoded> {
        if !self.codec.is_heavy() {
            let encoded = self
                .codec
                .encode_owned(record, operation, Some(id), carried.as_ref(), revision.as_deref());
            return encoded.map_err(|e| self.located(e, id));
        }
        let (shared, owned) = (self.clone(), id.to_owned());
        compute(true, move || {
            shared
                .codec
                .encode_owned(record, operation, Some(&owned), carried.as_ref(), revision.as_deref())
        })
        .await
        .map_err(|e| self.located(e, id))
    }

    /// Request of a planned write; takes the metadata, which nothing needs afterwards but its size.
    pub(super) fn put_request(&self, key: &str, encoded: &mut Encoded, condition: Condition) -> PutRequest {
        PutRequest {
            key: key.to_owned(),
            metadata: std::mem::take(&mut encoded.metadata),
            body: encoded.body.clone(),
            content_type: encoded.content_type.map(str::to_owned),
            condition,
            ..PutRequest::default()
        }
    }

    pub(super) fn events(&self, encoded: &Encoded) -> Vec<(String, Value)> {
        encoded.events.iter().map(|e| (e.name.to_owned(), e.payload.clone())).collect()
    }

    /// The record that a read of what was just written would return (decision 58).
    pub(super) fn composed_text(&self, id: &str, encoded: &Encoded, outcome: &PutOutcome) -> String {
        let token_only = is_token(&encoded.body);
        let length = if token_only { 0 } else { encoded.body.len() };
        let system = System {
            content_length: u64::try_from(length).unwrap_or(u64::MAX),
            last_modified: written_at(outcome),
            mime_type: Some(encoded.content_type.unwrap_or("application/octet-stream")),
            etag: outcome.etag.as_deref(),
            version_id: outcome.version_id.as_deref(),
            expires_at: None,
            original_version: None,
            partition: None,
        };
        self.record_text(&encoded.composed, id, &system)
    }

    /// Create-if-absent; on stores without it HEAD and PUT, announced once.
    pub(super) async fn create(&self, id: &str, mut request: PutRequest, events: &mut Vec<(String, Value)>) -> Result<PutOutcome> {
        let duplicate = || {
            Error::new(Kind::InvalidResourceItem, format!("Resource with id '{id}' already exists"))
                .with_status(409)
                .with(
                    "validation",
                    serde_json::json!([{ "message": format!("Resource with id '{id}' already exists"), "field": "id" }]),
                )
        };
        if self.capabilities().await?.put_if_absent {
            request.condition = Condition::IfAbsent;
            return match self.store.put(request).await {
                Err(e) if e.is_precondition() => Err(duplicate()),
                outcome => outcome,
            };
        }
        self.announce_degraded(events).await?;
        let _guard = self.weak_lock(&request.key).await;
        match self.store.head(&request.key).await {
            Ok(_) => Err(duplicate()),
            Err(e) if e.is_not_found() => self.store.put(request).await,
            Err(e) => Err(e),
        }
    }

    /// PUT with `If-Match` of the read; on stores without it a second HEAD right before the PUT.
    pub(super) async fn replace_if_unchanged(
        &self,
        read: &ObjectMeta,
        mut request: PutRequest,
        events: &mut Vec<(String, Value)>,
    ) -> Result<PutOutcome> {
        let Some(etag) = read.etag.clone() else {
            return self.store.put(request).await;
        };
        if self.capabilities().await?.put_if_match {
            request.condition = Condition::IfMatch(etag);
            return match self.store.put(request).await {
                // The record was deleted in between: S3 answers 404 to a conditional PUT.
                Err(e) if e.is_not_found() => Err(Error::precondition(e.fields().get("key").and_then(|k| k.as_str()).unwrap_or(""))),
                outcome => outcome,
            };
        }
        self.announce_degraded(events).await?;
        let _guard = self.weak_lock(&request.key).await;
        match self.store.head(&request.key).await {
            Ok(now) if now.etag.as_deref() == Some(etag.as_str()) && now.metadata == read.metadata => self.store.put(request).await,
            Ok(_) => Err(Error::precondition(&request.key)),
            Err(e) if e.is_not_found() => Err(Error::precondition(&request.key)),
            Err(e) => Err(e),
        }
    }

    async fn announce_degraded(&self, events: &mut Vec<(String, Value)>) -> Result<()> {
        if !self.first_degraded() {
            return Ok(());
        }
        let caps = self.capabilities().await?;
        let missing: Vec<Value> = [
            ("if-none-match", caps.put_if_absent),
            ("if-match", caps.put_if_match),
            ("delete-if-match", caps.delete_if_match),
        ]
        .into_iter()
        .filter(|(_, has)| !has)
        .map(|(name, _)| Value::from(name))
        .collect();
        let payload: Object = [
            ("bucket".to_owned(), Value::from(self.bucket.as_str())),
            ("missing".to_owned(), Value::Array(missing)),
            ("mode".to_owned(), Value::from("read-back")),
        ]
        .into_iter()
        .collect();
        tracing::warn!(bucket = %self.bucket, "store ignores conditional writes, using the weaker read-back mode");
        events.push(("db:storage:degraded".into(), Value::Object(payload)));
        Ok(())
    }

    async fn move_references(
        &self,
        operation: &'static str,
        id: &str,
        old: Vec<Option<String>>,
        new: Vec<Option<String>>,
        mode: RefsMode,
    ) -> Result<()> {
        let mut job = IndexJob {
            operation,
            id: id.to_owned(),
            version: self.config.version.clone(),
            ..IndexJob::default()
        };
        for (index, key) in new.iter().enumerate() {
            let before = old.get(index).and_then(Option::as_ref);
            if key.as_ref() == before {
                continue;
            }
            job.put.extend(key.clone());
            job.delete.extend(before.cloned());
        }
        self.index.submit(mode, job).await.map_err(|e| self.located(e, id))
    }

    /// The documented error when the store refuses the size of the metadata; others get their place named.
    pub(super) fn write_error(&self, error: Error, id: &str, operation: &str, encoded: &Encoded) -> Error {
        let too_large = error.code() == Some("MetadataTooLarge") || error.message().contains("metadata headers exceed");
        if !too_large {
            return self.located(error, id).with_default("operation", operation);
        }
        let total = encoded.wire_size;
        let limit = codec::size::S3_METADATA_LIMIT_BYTES;
        self.located(
            Error::new(Kind::Resource, "metadata headers exceed")
                .with_status(413)
                .with("operation", operation)
                .with("totalSize", total)
                .with("effectiveLimit", limit)
                .with("excess", total.saturating_sub(limit)),
            id,
        )
    }
}

fn flags(encoded: &Encoded) -> Vec<&'static str> {
    let mut flags = Vec::new();
    if encoded.overflow {
        flags.push("$overflow");
    }
    if encoded.truncated {
        flags.push("$truncated");
    }
    flags
}

/// Time of a write as a read reports it, whole seconds.
pub(super) fn written_at(outcome: &PutOutcome) -> i64 {
    outcome.last_modified.unwrap_or_else(|| whole_seconds(crate::ambient::now_ms()))
}
