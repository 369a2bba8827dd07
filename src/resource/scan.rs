//! Listings as pulled batches: one page of keys and one batch of records in memory at a time.

use super::compose::System;
use super::{Core, Resource, stored_version};
use crate::error::{Error, Kind, Result};
use crate::keys::{DateHints, field_value, foreign_date};
use crate::query::{Query, Subject, TopRows};
use crate::store::{ListPage, ListRequest};
use crate::value::{Object, Value, text};
use futures::StreamExt as _;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::task::{JoinError, JoinHandle};

/// What a scan yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScanKind {
    /// Ids.
    #[default]
    Ids,
    /// Records.
    Records,
}

/// Options of a scan.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Ids or records.
    pub kind: ScanKind,
    /// Partition to list; all of it without values (decision 54).
    pub partition: Option<String>,
    /// Requested partition values.
    pub values: Object,
    /// Days for date values that need JavaScript's parser.
    pub dates: Option<DateHints>,
    /// Filter, order and projection of records (`query`).
    pub query: Option<Query>,
    /// Only entries whose key is after this one.
    pub start_after: Option<String>,
    /// Tell with each batch the key of its last entry and whether more follow.
    pub positions: bool,
    /// At most this many results; `None` for all.
    pub limit: Option<usize>,
    /// Entries to skip: before filtering, or of the sorted result when the query sorts.
    pub offset: usize,
    /// Results of one `next`, default 1000.
    pub batch: usize,
    /// Refuses records of versions without a definition, but for these; `None` reads all of them by the current one.
    pub undefined_versions: Option<Vec<String>>,
}

/// A running scan.
pub struct Scan {
    core: Arc<Core>,
    kind: ScanKind,
    prefix: String,
    partition: Option<(usize, Vec<(usize, String)>)>,
    query: Option<Arc<Query>>,
    undefined_versions: Option<Arc<Vec<String>>>,
    sorted: Option<VecDeque<String>>,
    start_after: Option<String>,
    position: Option<String>,
    with_positions: bool,
    token: Option<String>,
    listed_all: bool,
    skip: usize,
    remaining: Option<usize>,
    batch: usize,
    pending: VecDeque<Entry>,
    /// The next page of keys, on its way while records of this one are loaded.
    ahead: Option<JoinHandle<Result<ListPage>>>,
}

#[derive(Debug, Clone)]
struct Entry {
    id: String,
    /// Kept only where positions are told.
    key: Option<String>,
    values: Vec<(String, String)>,
}

/// A record of a listing, with the text that is returned for it.
struct Loaded {
    record: Object,
    id: Value,
    text: String,
}

/// How the records of a listing are judged.
#[derive(Clone)]
struct Reading {
    partition: Option<usize>,
    query: Option<Arc<Query>>,
    undefined_versions: Option<Arc<Vec<String>>>,
}

impl Reading {
    /// An error for a record whose version has no definition here, when that matters.
    fn check_version(&self, core: &Core, version: Option<&str>) -> Result<()> {
        match (version, &self.undefined_versions) {
            (Some(version), Some(tolerated)) if !core.codec.defines(version) && !tolerated.iter().any(|v| v == version) => {
                let message = format!(
                    "a record of '{}' has version '{version}', which has no definition here",
                    core.config.name
                );
                Err(Error::new(Kind::Schema, message)
                    .with_code("UNDEFINED_VERSION")
                    .with("version", version))
            }
            _ => Ok(()),
        }
    }
}

const PAGE: usize = 1000;

impl Resource {
    /// Starts a scan; nothing is requested yet.
    pub fn scan(&self, options: ScanOptions) -> Result<Scan> {
        let core = self.0.clone();
        let (prefix, partition) = core.listing(options.partition.as_deref(), &options.values, options.dates.as_ref())?;
        Ok(Scan {
            kind: options.kind,
            prefix,
            partition,
            query: options.query.map(Arc::new),
            undefined_versions: options.undefined_versions.map(Arc::new),
            sorted: None,
            start_after: options.start_after,
            position: None,
            with_positions: options.positions,
            token: None,
            listed_all: false,
            skip: options.offset,
            remaining: options.limit,
            batch: if options.batch == 0 { PAGE } else { options.batch },
            pending: VecDeque::new(),
            ahead: None,
            core,
        })
    }

    /// Number of records, or of references in a partition.
    pub async fn count(&self, partition: Option<&str>, values: &Object, dates: Option<&DateHints>) -> Result<usize> {
        let core = &self.0;
        let (prefix, partition) = core.listing(partition, values, dates)?;
        let mut request = ListRequest {
            prefix,
            ..ListRequest::default()
        };
        let mut count = 0;
        loop {
            let page = core.store.list(request.clone()).await?;
            count += match &partition {
                Some((_, filter)) if !filter.is_empty() => page.entries.iter().filter(|e| core.entry(&e.key, &partition).is_some()).count(),
                _ => page.entries.len(),
            };
            match page.next_token {
                Some(token) => request.token = Some(token),
                None => return Ok(count),
            }
        }
    }
}

impl Core {
    #[allow(clippy::type_complexity)]
    fn listing(
        &self,
        partition: Option<&str>,
        values: &Object,
        dates: Option<&DateHints>,
    ) -> Result<(String, Option<(usize, Vec<(usize, String)>)>)> {
        let Some(name) = partition else {
            return Ok((self.keys.data_prefix().to_owned(), None));
        };
        let partition = self.partition(name)?;
        let index = self.config.partitions.iter().position(|p| p.name == name).unwrap_or(0);
        let (prefix, filter) = partition.prefix(&self.config.name, values, dates)?;
        Ok((prefix, Some((index, filter))))
    }

    /// Id and partition values of a listed key; `None` when it is not an entry or does not pass the segment filter.
    fn entry(&self, key: &str, partition: &Option<(usize, Vec<(usize, String)>)>) -> Option<Entry> {
        let Some((index, filter)) = partition else {
            return self.keys.id_of(key).map(|id| Entry {
                id: id.to_owned(),
                key: None,
                values: Vec::new(),
            });
        };
        let partition = &self.config.partitions[*index];
        let (values, id) = partition.parse(&self.config.name, key)?;
        if filter.iter().any(|(i, wanted)| values.get(*i) != Some(&wanted.as_str())) {
            return None;
        }
        let values = partition
            .fields
            .iter()
            .zip(values)
            .map(|((f, _), v)| (f.clone(), v.to_owned()))
            .collect();
        Some(Entry {
            id: id.to_owned(),
            key: None,
            values,
        })
    }
}

impl Scan {
    /// True when `next` may run on the caller's thread: the store never waits and the batch is small.
    pub fn is_immediate(&self) -> bool {
        let small = self.remaining.unwrap_or(usize::MAX).min(self.batch) <= 100 && self.query.is_none() && self.skip < 5000;
        self.core.immediate && !self.core.codec.is_heavy() && (small || self.kind == ScanKind::Ids)
    }

    /// Next batch as text `{ items, done }`.
    pub async fn next(&mut self) -> Result<String> {
        if self.sorted.is_none() && self.query.as_ref().is_some_and(|query| !query.sort.is_empty()) {
            self.sorted = Some(self.sort_all().await?);
        }
        let mut out = String::from("{\"items\":[");
        let mut taken = 0;
        if let Some(sorted) = &mut self.sorted {
            let n = self.batch.min(sorted.len());
            for (i, text) in sorted.drain(..n).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&text);
            }
            out.push_str(if sorted.is_empty() {
                "],\"done\":true}"
            } else {
                "],\"done\":false}"
            });
            return Ok(out);
        }
        while taken < self.batch && self.remaining != Some(0) {
            if self.pending.is_empty() {
                if self.listed_all {
                    break;
                }
                self.fetch_page().await?;
                continue;
            }
            let want = self.remaining.unwrap_or(usize::MAX).min(self.batch - taken);
            let got = match self.kind {
                ScanKind::Ids => self.take_ids(want, taken, &mut out),
                ScanKind::Records => self.take_records(want, taken, &mut out).await?,
            };
            taken += got;
            if let Some(remaining) = &mut self.remaining {
                *remaining -= got;
            }
        }
        let exhausted = self.listed_all && self.pending.is_empty();
        let done = self.remaining == Some(0) || exhausted;
        out.push_str(if done { "],\"done\":true" } else { "],\"done\":false" });
        if self.with_positions {
            out.push_str(if exhausted { ",\"more\":false" } else { ",\"more\":true" });
            if let Some(position) = &self.position {
                out.push_str(",\"position\":");
                text::write_string(position, &mut out);
            }
        }
        out.push('}');
        Ok(out)
    }

    fn take_ids(&mut self, want: usize, taken: usize, out: &mut String) -> usize {
        let n = want.min(self.pending.len());
        for (i, entry) in self.pending.drain(..n).enumerate() {
            if taken + i > 0 {
                out.push(',');
            }
            text::write_string(&entry.id, out);
            if entry.key.is_some() {
                self.position = entry.key;
            }
        }
        n
    }

    /// Loads the records of the listing and keeps the first by the query's sort: `offset` of them are left out, and no
    /// more than `offset` and `limit` together are in memory.
    async fn sort_all(&mut self) -> Result<VecDeque<String>> {
        let query = self.query.clone().unwrap_or_default();
        let skip = std::mem::take(&mut self.skip);
        let capacity = self.remaining.map(|limit| limit.saturating_add(skip));
        self.remaining = None;
        let mut top = TopRows::new(query.sort.clone(), capacity);
        loop {
            if self.pending.is_empty() {
                if self.listed_all {
                    break;
                }
                self.fetch_page().await?;
                continue;
            }
            let entries: Vec<Entry> = self.pending.drain(..).collect();
            self.list_ahead(PAGE);
            let core = self.core.clone();
            let reading = self.reading();
            let loads = futures::stream::iter(entries).map(|entry| core.load_entry(entry, reading.clone()));
            let mut loads = std::pin::pin!(loads.buffered(core.config.parallelism.max(1)));
            while let Some(loaded) = loads.next().await {
                let Some(Loaded { record, id, text }) = loaded? else { continue };
                let subject = Subject {
                    record: &record,
                    id: Some(&id),
                };
                top.offer(subject, || text);
            }
        }
        Ok(top.into_rows().into_iter().skip(skip).collect())
    }

    /// Loads pending records in key order, a bounded number at once, until `want` matched or none is left. When it is certain
    /// that they are not enough, the next page of keys is listed meanwhile.
    async fn take_records(&mut self, want: usize, taken: usize, out: &mut String) -> Result<usize> {
        // Who reads a whole page at once reads on; who takes less may stop.
        let open_ended = if want >= self.pending.len() { usize::MAX } else { want };
        let needed = self.remaining.unwrap_or(open_ended);
        let chunk = if self.query.is_some() {
            self.pending.len()
        } else {
            want.min(self.pending.len())
        };
        let entries: Vec<Entry> = self.pending.drain(..chunk).collect();
        let mut matched = 0;
        let mut used: usize = 0;
        {
            let core = self.core.clone();
            let reading = self.reading();
            let loads = futures::stream::iter(entries.iter().cloned()).map(|entry| core.load_entry(entry, reading.clone()));
            let mut loads = std::pin::pin!(loads.buffered(core.config.parallelism.max(1)));
            while matched < want {
                let left = self.pending.len() + entries.len() - used;
                self.list_ahead(needed.saturating_sub(matched + left));
                let Some(loaded) = loads.next().await else { break };
                used += 1;
                let Some(loaded) = loaded? else { continue };
                if taken + matched > 0 {
                    out.push(',');
                }
                out.push_str(&loaded.text);
                matched += 1;
            }
        }
        if let Some(key) = used.checked_sub(1).and_then(|last| entries[last].key.clone()) {
            self.position = Some(key);
        }
        for entry in entries.into_iter().skip(used).rev() {
            self.pending.push_front(entry);
        }
        Ok(matched)
    }

    fn reading(&self) -> Reading {
        Reading {
            partition: self.partition.as_ref().map(|(index, _)| *index),
            query: self.query.clone(),
            undefined_versions: self.undefined_versions.clone(),
        }
    }

    /// Requests the next page of keys, when `missing` results have to come from it.
    fn list_ahead(&mut self, missing: usize) {
        if missing == 0 || self.listed_all || self.ahead.is_some() || self.core.immediate {
            return;
        }
        let request = self.page_request(missing);
        let core = self.core.clone();
        self.ahead = Some(tokio::spawn(async move { core.store.list(request).await }));
    }

    /// Request of the next page, for `missing` results.
    fn page_request(&mut self, missing: usize) -> ListRequest {
        let exact = self.query.is_none() && self.partition.as_ref().is_none_or(|(_, f)| f.is_empty());
        let want = if exact {
            self.skip.saturating_add(missing).clamp(1, PAGE)
        } else {
            PAGE
        };
        ListRequest {
            prefix: self.prefix.clone(),
            token: self.token.clone(),
            start_after: self.start_after.clone(),
            max_keys: u32::try_from(want).unwrap_or(1000),
            ..ListRequest::default()
        }
    }

    async fn fetch_page(&mut self) -> Result<()> {
        let page = match self.ahead.take() {
            Some(ahead) => ahead.await.unwrap_or_else(|e| Err(reader_failed(&e)))?,
            None => {
                let request = self.page_request(self.remaining.unwrap_or(PAGE));
                self.core.store.list(request).await?
            }
        };
        for listed in page.entries {
            let Some(mut entry) = self.core.entry(&listed.key, &self.partition) else {
                continue;
            };
            if self.with_positions {
                entry.key = Some(listed.key);
            }
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.pending.push_back(entry);
        }
        self.start_after = None;
        self.token = page.next_token;
        self.listed_all = self.token.is_none();
        Ok(())
    }
}

fn reader_failed(error: &JoinError) -> Error {
    Error::new(Kind::Unknown, format!("reader failed: {error}"))
}

impl Core {
    /// One record of a listing. `None`: vanished between LIST and GET, no longer in this partition, or not matched.
    async fn load_entry(self: &Arc<Self>, entry: Entry, reading: Reading) -> Result<Option<Loaded>> {
        let Reading { partition, ref query, .. } = reading;
        let id = Value::from(entry.id.as_str());
        let is_wanted = |record: &Object| {
            query
                .as_ref()
                .is_none_or(|query| query.filter.matches(Subject { record, id: Some(&id) }))
        };
        let loaded = if self.immediate {
            self.load(&entry.id).await
        } else {
            let (core, id) = (self.clone(), entry.id.clone());
            tokio::spawn(async move { core.load(&id).await })
                .await
                .unwrap_or_else(|e| Err(reader_failed(&e)))
        };
        let (stored, decoded) = match loaded {
            Ok(loaded) => loaded,
            Err(e) if e.is_not_found() => return Ok(None),
            Err(e) if e.kind() == Kind::Crypto => {
                let mut record = Object::default();
                record.insert("_decryptionFailed".into(), Value::Bool(true));
                record.insert("_error".into(), Value::from(e.message()));
                if partition.is_some() {
                    record.insert("_partition".into(), Value::from("partition"));
                }
                if !is_wanted(&record) {
                    return Ok(None);
                }
                let text = self.plain_text(&record, &entry.id, &[]);
                return Ok(Some(Loaded { record, id, text }));
            }
            Err(e) => return Err(e),
        };
        reading.check_version(self, decoded.version_differs.as_deref())?;
        if !is_wanted(&decoded.record) {
            return Ok(None);
        }
        let mut system = System::of(&stored.meta, decoded.has_token_only_body, decoded.version_differs.as_deref());
        let name;
        if let Some(index) = partition {
            let partition = &self.config.partitions[index];
            let version = stored_version(&stored.meta.metadata).unwrap_or(&self.config.version);
            let version = if decoded.version_differs.is_some() {
                version
            } else {
                self.config.version.as_str()
            };
            let view = self.indexable(&decoded.record, &entry.id, version);
            // The record is the truth: a reference it no longer has is stale (a crash between data and index).
            // A value that only JavaScript's date parser understands cannot be checked here and is believed.
            match partition.key(&self.config.name, &entry.id, &view, None) {
                Ok(Some(key)) => {
                    let listed = partition
                        .parse(&self.config.name, &key)
                        .map(|(values, _)| values.into_iter().map(str::to_owned).collect::<Vec<_>>());
                    let same = listed.is_some_and(|now| now.iter().zip(&entry.values).all(|(a, (_, b))| a == b));
                    if !same && !self.needs_javascript_dates(index, &decoded.record) {
                        return Ok(None);
                    }
                }
                Ok(None) => return Ok(None),
                Err(e) => return Err(e),
            }
            name = partition.name.as_str();
            system.partition = Some((name, &entry.values));
        }
        let text = match query.as_ref().and_then(|query| query.select.as_ref()) {
            None => self.record_text(&decoded.record, &entry.id, &system),
            Some(select) if select.excludes() => self.record_text(&select.apply(&decoded.record), &entry.id, &system),
            Some(select) => self.plain_text(&select.apply(&decoded.record), &entry.id, &[]),
        };
        Ok(Some(Loaded {
            record: decoded.record,
            id,
            text,
        }))
    }

    fn needs_javascript_dates(&self, partition: usize, record: &Object) -> bool {
        self.config.partitions[partition]
            .fields
            .iter()
            .any(|(field, rule)| field_value(record, field).is_some_and(|value| foreign_date(value, rule).is_some()))
    }
}
