//! Handles of resources, reads and scans.

use super::error::{error_json, to_napi};
use super::events::event_sink;
use super::runtime::{Settled, promise, settle};
use super::store::NativeStore;
use crate::error::{Error, Kind, Result};
use crate::keys::{DateHints, Partition};
use crate::record::Operation;
use crate::resource::{Batch, InsertItem, Read, RefsMode, Resource, ResourceConfig, RowNames, Scan, WriteOptions, Written};
use crate::store::StoredObject;
use crate::value::{Object, Value, text};
use bytes::Bytes;
use napi::bindgen_prelude::{Buffer, Env, Function, PromiseRaw};
use napi_derive::napi;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Record read for a later write.
#[napi]
pub struct NativeRead {
    pub(super) read: Arc<Read>,
    quoted: bool,
}

#[napi]
impl NativeRead {
    #[napi(getter)]
    pub fn text(&self) -> String {
        self.read.text().to_owned()
    }

    #[napi(getter)]
    pub fn etag(&self) -> Option<String> {
        self.read
            .etag()
            .map(|e| if self.quoted { format!("\"{e}\"") } else { e.to_owned() })
    }
}

#[napi]
pub struct NativeResource {
    pub(super) resource: Resource,
    quoted: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartitionText {
    name: String,
    fields: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigText {
    name: String,
    version: String,
    #[serde(default)]
    behavior: Option<String>,
    #[serde(default)]
    definition_hash: String,
    #[serde(default)]
    partitions: Vec<PartitionText>,
    parallelism: Option<usize>,
    #[serde(default)]
    etag_quoted: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WriteText {
    id: String,
    explicit: bool,
    refs: Option<String>,
    dates: Option<DateHints>,
    old_dates: Option<DateHints>,
    operation: Option<String>,
    if_match: Option<String>,
    full: bool,
}

impl WriteText {
    fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| Error::new(Kind::Validation, format!("invalid write options: {e}")))
    }

    fn options(&self) -> Result<WriteOptions> {
        Ok(WriteOptions {
            explicit: self.explicit,
            refs: match self.refs.as_deref() {
                None | Some("queue") => RefsMode::Queue,
                Some("await") => RefsMode::Await,
                Some("strict") => RefsMode::Strict,
                Some("none") => RefsMode::None,
                Some(other) => {
                    return Err(Error::validation(
                        "refs",
                        format!("unknown mode '{other}'; use queue, await, strict or none"),
                    ));
                }
            },
            dates: self.dates.clone(),
            old_dates: self.old_dates.clone(),
            if_match: self.if_match.clone(),
            full: self.full,
            compact: false,
        })
    }

    fn operation(&self) -> Operation {
        match self.operation.as_deref() {
            Some("upsert") => Operation::Upsert,
            Some("insert") => Operation::Insert,
            Some("replace") => Operation::Replace,
            _ => Operation::Update,
        }
    }
}

pub(super) fn object(record: &str) -> Result<Object> {
    match text::parse(record)? {
        Value::Object(o) => Ok(o),
        _ => Err(Error::validation("data", "a record must be an object")),
    }
}

fn strings(list: &str) -> Result<Vec<String>> {
    serde_json::from_str(list).map_err(|_| Error::validation("ids", "ids must be an array of strings"))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let mut out = String::from("{\"results\":[");
    for (i, part) in parts.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&part);
    }
    out.push_str("]}");
    out
}

fn failure(error: &Error) -> String {
    format!("{{\"error\":{}}}", error_json(error))
}

#[napi]
impl NativeResource {
    #[napi(constructor)]
    pub fn new(store: &NativeStore, config: String) -> napi::Result<Self> {
        let c: ConfigText = serde_json::from_str(&config)
            .map_err(|e| to_napi(Error::new(Kind::Database, format!("Invalid resource configuration: {e}"))))?;
        let codec = super::schema::record_codec(&config).map_err(to_napi)?;
        let resource = Resource::new(
            ResourceConfig {
                name: c.name,
                version: c.version,
                behavior: c.behavior.unwrap_or_else(|| "user-managed".into()),
                definition_hash: c.definition_hash,
                partitions: c
                    .partitions
                    .into_iter()
                    .map(|p| Partition {
                        name: p.name,
                        fields: p.fields,
                    })
                    .collect(),
                parallelism: c.parallelism.unwrap_or(10).max(1),
                etag_quoted: c.etag_quoted,
            },
            codec,
            store.relative()?,
        )
        .map_err(to_napi)?;
        Ok(Self {
            resource,
            quoted: c.etag_quoted,
        })
    }

    #[napi]
    pub fn set_event_sink(&self, sink: Function<'_, String, ()>) -> napi::Result<()> {
        self.resource.set_event_sink(event_sink(&sink)?);
        Ok(())
    }

    #[napi]
    pub fn insert<'env>(&self, env: &'env Env, record: String, opts: String) -> napi::Result<Settled<'env, String>> {
        let resource = self.resource.clone();
        settle(env, resource.is_immediate(), async move {
            let w = WriteText::parse(&opts)?;
            Ok(resource.insert(&w.id, object(&record)?, &w.options()?).await?.to_text())
        })
    }

    #[napi]
    pub fn insert_many<'env>(
        &self,
        env: &'env Env,
        batch: String,
        opts: String,
        rows: Option<String>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let resource = self.resource.clone();
        promise(env, async move {
            let mut shared = WriteText::parse(&opts)?.options()?;
            let batch: BatchText = serde_json::from_str(&batch).map_err(|e| Error::new(Kind::Validation, format!("invalid batch: {e}")))?;
            if batch.ids.len() != batch.records.len() {
                return Err(Error::validation("ids", "a batch has one id for each record"));
            }
            shared.compact = batch.compact;
            let mut explicit = batch.explicit.into_iter().peekable();
            let mut list = Vec::with_capacity(batch.ids.len());
            for (index, (id, record)) in batch.ids.into_iter().zip(batch.records).enumerate() {
                let Value::Object(record) = record else {
                    return Err(Error::validation("records", "every record must be an object"));
                };
                let mut options = shared.clone();
                options.explicit = explicit.next_if_eq(&index).is_some();
                if !batch.dates.is_empty() {
                    options.dates = batch.dates.get(&index).cloned();
                }
                list.push(InsertItem { id, record, options });
            }
            let batch = Batch {
                shapes: batch
                    .shapes
                    .into_iter()
                    .map(|(names, explicit)| RowNames { names, explicit })
                    .collect(),
                rows: rows.unwrap_or_default(),
                items: list,
                options: shared,
            };
            Ok(batch_text(&resource.insert_batch(batch).await?))
        })
    }

    #[napi]
    pub fn get<'env>(&self, env: &'env Env, id: String) -> napi::Result<Settled<'env, String>> {
        let resource = self.resource.clone();
        settle(env, resource.is_immediate(), async move { resource.get(&id).await })
    }

    #[napi]
    pub fn get_many<'env>(&self, env: &'env Env, ids: String) -> napi::Result<PromiseRaw<'env, String>> {
        let resource = self.resource.clone();
        promise(env, async move {
            let results = resource.get_many(strings(&ids)?).await;
            Ok(join(results.into_iter().map(|r| match r {
                Ok(Some(record)) => format!("{{\"record\":{record}}}"),
                Ok(None) => "{\"missing\":true}".to_owned(),
                Err(e) => failure(&e),
            })))
        })
    }

    #[napi]
    pub fn exists<'env>(&self, env: &'env Env, id: String) -> napi::Result<Settled<'env, bool>> {
        let resource = self.resource.clone();
        settle(env, resource.is_immediate(), async move { resource.exists(&id).await })
    }

    #[napi]
    pub fn read<'env>(&self, env: &'env Env, id: String) -> napi::Result<Settled<'env, NativeRead>> {
        let (resource, quoted) = (self.resource.clone(), self.quoted);
        settle(env, resource.is_immediate(), async move {
            Ok(NativeRead {
                read: Arc::new(resource.read(&id).await?),
                quoted,
            })
        })
    }

    #[napi]
    pub fn read_head<'env>(&self, env: &'env Env, id: String) -> napi::Result<Settled<'env, NativeRead>> {
        let (resource, quoted) = (self.resource.clone(), self.quoted);
        settle(env, resource.is_immediate(), async move {
            Ok(NativeRead {
                read: Arc::new(resource.read_head(&id).await?),
                quoted,
            })
        })
    }

    #[napi]
    pub fn update<'env>(&self, env: &'env Env, read: &NativeRead, record: String, opts: String) -> napi::Result<Settled<'env, String>> {
        let (resource, read) = (self.resource.clone(), read.read.clone());
        settle(env, resource.is_immediate(), async move {
            let w = WriteText::parse(&opts)?;
            Ok(resource
                .update(&read, object(&record)?, w.operation(), &w.options()?)
                .await?
                .to_text())
        })
    }

    #[napi]
    pub fn patch<'env>(&self, env: &'env Env, read: &NativeRead, record: String, opts: String) -> napi::Result<Settled<'env, String>> {
        let (resource, read) = (self.resource.clone(), read.read.clone());
        settle(env, resource.is_immediate(), async move {
            let w = WriteText::parse(&opts)?;
            Ok(resource.patch(&read, object(&record)?, &w.options()?).await?.to_text())
        })
    }

    #[napi]
    pub fn replace<'env>(&self, env: &'env Env, id: String, record: String, opts: String) -> napi::Result<Settled<'env, String>> {
        let resource = self.resource.clone();
        settle(env, resource.is_immediate(), async move {
            let w = WriteText::parse(&opts)?;
            Ok(resource.replace(&id, object(&record)?, &w.options()?).await?.to_text())
        })
    }

    #[napi]
    pub fn delete<'env>(&self, env: &'env Env, id: String, read: Option<&NativeRead>, opts: String) -> napi::Result<Settled<'env, String>> {
        let (resource, read) = (self.resource.clone(), read.map(|r| r.read.clone()));
        settle(env, resource.is_immediate(), async move {
            let w = WriteText::parse(&opts)?;
            resource.delete(&id, read.as_deref(), &w.options()?).await?;
            Ok("{}".to_owned())
        })
    }

    #[napi]
    pub fn delete_many<'env>(&self, env: &'env Env, ids: String, dates: Option<String>) -> napi::Result<PromiseRaw<'env, String>> {
        let resource = self.resource.clone();
        promise(env, async move {
            let dates: Option<DateHints> = dates.and_then(|d| serde_json::from_str(&d).ok());
            let removed = resource.delete_many(strings(&ids)?, dates.as_ref()).await?;
            let errors: Vec<_> = removed
                .errors
                .iter()
                .map(|e| serde_json::json!({ "id": e.key, "code": e.code, "message": e.message }))
                .collect();
            let mut report = serde_json::json!({ "deleted": removed.deleted, "errors": errors });
            if !removed.undated.is_empty() {
                report["undated"] = removed.undated.into();
                report["dates"] = removed.dates.into();
            }
            Ok(report.to_string())
        })
    }

    #[napi]
    pub fn delete_all<'env>(&self, env: &'env Env, scope: String) -> napi::Result<PromiseRaw<'env, String>> {
        let resource = self.resource.clone();
        promise(env, async move {
            let everything = match scope.as_str() {
                "records" => false,
                "all" => true,
                other => return Err(Error::validation("scope", format!("unknown scope '{other}'; use records or all"))),
            };
            let count = resource.delete_all(everything).await?;
            Ok(format!("{{\"deletedCount\":{count}}}"))
        })
    }

    #[napi]
    pub fn count<'env>(&self, env: &'env Env, opts: String) -> napi::Result<Settled<'env, f64>> {
        let resource = self.resource.clone();
        settle(env, resource.is_immediate(), async move {
            let o = super::query::scan_options(&opts)?;
            let count = resource.count(o.partition.as_deref(), &o.values, o.dates.as_ref()).await?;
            Ok(count as f64)
        })
    }

    #[napi]
    pub fn scan(&self, opts: String) -> napi::Result<NativeScan> {
        let scan = self
            .resource
            .scan(super::query::scan_options(&opts).map_err(to_napi)?)
            .map_err(to_napi)?;
        Ok(NativeScan {
            immediate: scan.is_immediate(),
            scan: Arc::new(Mutex::new(scan)),
        })
    }

    #[napi]
    pub fn partition_key(&self, partition: String, id: String, record: String, dates: Option<String>) -> napi::Result<Option<String>> {
        let dates: Option<DateHints> = dates.and_then(|d| serde_json::from_str(&d).ok());
        object(&record)
            .and_then(|r| self.resource.partition_key(&partition, &id, &r, dates.as_ref()))
            .map_err(to_napi)
    }

    #[napi]
    pub fn encode<'env>(
        &self,
        env: &'env Env,
        record: String,
        operation: String,
        id: Option<String>,
    ) -> napi::Result<Settled<'env, String>> {
        let resource = self.resource.clone();
        settle(env, resource.is_immediate(), async move {
            let operation = WriteText {
                operation: Some(operation),
                ..WriteText::default()
            }
            .operation();
            let encoded = resource.encode_record(object(&record)?, operation, id.as_deref()).await?;
            let events: Vec<_> = encoded.events.iter().map(|e| e.name).collect();
            Ok(serde_json::json!({
                "metadata": encoded.metadata, "body": String::from_utf8_lossy(&encoded.body),
                "contentType": encoded.content_type, "events": events,
            })
            .to_string())
        })
    }

    #[napi]
    pub fn decode<'env>(&self, env: &'env Env, id: String, meta: String, body: Option<Buffer>) -> napi::Result<Settled<'env, String>> {
        let resource = self.resource.clone();
        let body = body.map(|b| Bytes::from(b.to_vec())).unwrap_or_default();
        settle(env, resource.is_immediate(), async move {
            let stored = StoredObject {
                meta: super::store_js::meta_of(&meta)?,
                body,
            };
            let (record, content) = resource.decode(&id, stored).await?;
            Ok(format!("{{\"record\":{record},\"content\":{content}}}"))
        })
    }

    #[napi]
    pub fn drain<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let resource = self.resource.clone();
        promise(env, async move {
            resource.drain().await;
            Ok(())
        })
    }
}

#[napi]
pub struct NativeScan {
    scan: Arc<Mutex<Scan>>,
    immediate: bool,
}

#[napi]
impl NativeScan {
    #[napi]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<Settled<'env, String>> {
        let scan = self.scan.clone();
        settle(env, self.immediate, async move { scan.lock().await.next().await })
    }
}

/// Many records at once: ids and records side by side, exceptions by index.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchText {
    ids: Vec<String>,
    records: Vec<Value>,
    #[serde(default)]
    explicit: Vec<usize>,
    #[serde(default)]
    dates: HashMap<usize, DateHints>,
    #[serde(default)]
    compact: bool,
    /// Names and whether ids are the caller's.
    #[serde(default)]
    shapes: Vec<(Vec<String>, bool)>,
}

/// `{ etag, results }`; a number stands for a record that reads back as it was given, with that time and ETag `etag`.
/// `{ etag, asGiven }` when that number stands for every record.
fn batch_text(results: &[Result<Written>]) -> String {
    let first = results.iter().flatten().find(|w| w.as_given.is_some());
    let etag = first.and_then(|w| w.etag.clone());
    let time = first.and_then(|w| w.as_given);
    let mut out = String::with_capacity(32 + results.len() * 16);
    out.push_str("{\"etag\":");
    match &etag {
        Some(etag) => text::write_string(etag, &mut out),
        None => out.push_str("null"),
    }
    if let Some(time) = time
        && results
            .iter()
            .all(|r| matches!(r, Ok(w) if w.as_given == Some(time) && w.etag == etag))
    {
        out.push_str(",\"asGiven\":");
        out.push_str(&time.to_string());
        out.push('}');
        return out;
    }
    out.push_str(",\"results\":[");
    for (i, result) in results.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        match result {
            Ok(Written {
                as_given: Some(time),
                etag: own,
                ..
            }) => {
                let time = time.to_string();
                if *own == etag {
                    out.push_str(&time);
                } else {
                    out.push_str("{\"asGiven\":");
                    out.push_str(&time);
                    out.push_str(",\"etag\":");
                    text::write_string(own.as_deref().unwrap_or(""), &mut out);
                    out.push('}');
                }
            }
            Ok(written) => out.push_str(&written.to_text()),
            Err(e) => out.push_str(&failure(e)),
        }
    }
    out.push_str("]}");
    out
}

pub(super) fn hints(dates: &Object) -> DateHints {
    dates
        .iter()
        .filter_map(|(k, v)| v.as_str().map(|s| (k.clone(), s.into())))
        .collect()
}
