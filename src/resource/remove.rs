//! Deleting records with their references and content.

use super::index::IndexJob;
use super::{Core, Read, Resource, WriteOptions};
use crate::error::{Error, Result};
use crate::keys::{DateHints, field_value, foreign_date};
use crate::store::{KeyError, ListRequest};
use futures::StreamExt as _;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Outcome of `delete_many`.
#[derive(Debug, Clone, Default)]
pub struct Removed {
    /// Ids that are gone.
    pub deleted: Vec<String>,
    /// Ids that are not, with the reason.
    pub errors: Vec<KeyError>,
    /// Ids that are not, because `dates` decide where their references are.
    pub undated: Vec<String>,
    /// Texts of dates, as the rules of partitions cut them, that need JavaScript's parser.
    pub dates: Vec<String>,
}

impl Resource {
    /// DELETE of a record, then at once of its content object and of its references, these in one multi-delete. Nothing tells
    /// whether content is kept beside the record (decision 51), and left behind it would turn up in a later record of
    /// the same id: so this is one DELETE more than the sequence of spec/03 21.3. A record that cannot be deleted keeps its
    /// content.
    pub async fn delete(&self, id: &str, read: Option<&Read>, options: &WriteOptions) -> Result<()> {
        let core = &self.0;
        let (key, content) = (core.keys.record(id)?, core.keys.content(id)?);
        let located = |e| core.located(e, id);
        core.store.delete(&key, None).await.map_err(located)?;
        let content = core.store.delete(&content, None);
        let Some(read) = read else {
            return content.await.map_err(located);
        };
        let delete = core
            .old_references(read, options.old_dates.as_ref())?
            .into_iter()
            .flatten()
            .collect();
        let references = core.index.submit(
            options.refs,
            IndexJob {
                operation: "delete",
                id: id.to_owned(),
                version: read.version.clone(),
                put: Vec::new(),
                delete,
            },
        );
        let (content, references) = futures::join!(content, references);
        content.and(references).map_err(located)
    }

    /// Deletes records and, where partitions exist, the references found by reading them first. `hints` tell the days of texts
    /// (or the texts themselves where they are no dates); records with other such texts are left for another call.
    pub async fn delete_many(&self, ids: Vec<String>, hints: Option<&DateHints>) -> Result<Removed> {
        let core = &self.0;
        let mut by_key: HashMap<String, String> = HashMap::with_capacity(ids.len());
        let mut keys = Vec::with_capacity(ids.len());
        for id in &ids {
            let key = core.keys.record(id)?;
            if by_key.insert(key.clone(), id.clone()).is_none() {
                keys.push(key);
                keys.push(core.keys.content(id)?);
            }
        }
        let mut refused: HashSet<String> = HashSet::new();
        let mut removed = Removed::default();
        if !core.config.partitions.is_empty() {
            let found = futures::stream::iter(ids.iter().cloned())
                .map(|id| {
                    let core = core.clone();
                    async move {
                        let found = core.references_of(&id, hints).await;
                        (id, found)
                    }
                })
                .buffer_unordered(core.config.parallelism.max(1));
            let mut found = std::pin::pin!(found);
            while let Some((id, references)) = found.next().await {
                match references {
                    Ok(References::Known(references)) => keys.extend(references),
                    Ok(References::Undated(texts)) => {
                        refused.insert(core.keys.record(&id)?);
                        refused.insert(core.keys.content(&id)?);
                        removed.dates.extend(texts);
                        removed.undated.push(id);
                    }
                    Err(e) => {
                        // A record whose references are unknown stays, so that none dangles.
                        refused.insert(core.keys.record(&id)?);
                        refused.insert(core.keys.content(&id)?);
                        removed.errors.push(KeyError {
                            key: id,
                            code: e.code().unwrap_or("Unknown").to_owned(),
                            message: e.message().to_owned(),
                        });
                    }
                }
            }
            keys.retain(|k| !refused.contains(k));
        }
        let outcome = core.store.delete_many(keys).await?;
        let failed: HashSet<&str> = outcome.errors.iter().map(|e| e.key.as_str()).collect();
        for (key, id) in &by_key {
            if !failed.contains(key.as_str()) && !refused.contains(key) {
                removed.deleted.push(id.clone());
            }
        }
        let order: HashMap<&str, usize> = ids.iter().enumerate().map(|(i, id)| (id.as_str(), i)).collect();
        removed.deleted.sort_by_key(|id| order.get(id.as_str()).copied());
        for e in outcome.errors {
            // A reference or content object that stays behind is named by its key.
            let key = by_key.get(&e.key).cloned().unwrap_or(e.key);
            removed.errors.push(KeyError { key, ..e });
        }
        Ok(removed)
    }

    /// Deletes every record, its content and its references; with `everything` also historical copies and plugin data
    /// below `resource=R/`. Returns how many records (with `everything`: objects) were deleted.
    pub async fn delete_all(&self, everything: bool) -> Result<usize> {
        let core = &self.0;
        let root = core.keys.root_prefix();
        let partitions = core.keys.partitions_prefix();
        let mut request = ListRequest {
            prefix: root,
            ..ListRequest::default()
        };
        let mut count = 0;
        let mut errors: Vec<KeyError> = Vec::new();
        loop {
            let page = core.store.list(request.clone()).await?;
            let keys: Vec<String> = page
                .entries
                .into_iter()
                .map(|e| e.key)
                .filter(|k| {
                    everything
                        || k.starts_with(core.keys.data_prefix())
                        || k.starts_with(core.keys.content_prefix())
                        || k.starts_with(&partitions)
                })
                .collect();
            let counted = keys.iter().filter(|k| everything || k.starts_with(core.keys.data_prefix())).count();
            if !keys.is_empty() {
                let outcome = core.store.delete_many(keys).await?;
                let failed = outcome
                    .errors
                    .iter()
                    .filter(|e| everything || e.key.starts_with(core.keys.data_prefix()))
                    .count();
                count += counted - failed.min(counted);
                errors.extend(outcome.errors);
            }
            match page.next_token {
                Some(token) => request.token = Some(token),
                None => break,
            }
        }
        match errors.first() {
            None => Ok(count),
            Some(first) => Err(Error::new(
                crate::error::Kind::Unknown,
                format!("{} objects could not be deleted: {}", errors.len(), first.message),
            )
            .with_code(first.code.clone())
            .with("deletedCount", count)
            .with(
                "errors",
                errors
                    .iter()
                    .take(100)
                    .map(|e| serde_json::json!({ "key": e.key, "code": e.code, "message": e.message }))
                    .collect::<Vec<_>>(),
            )),
        }
    }
}

impl Core {
    /// References of a stored record: HEAD where metadata holds it whole, else GET. A missing record has none.
    async fn references_of(self: &Arc<Self>, id: &str, hints: Option<&DateHints>) -> Result<References> {
        let resource = Resource(self.clone());
        let read = if matches!(self.config.behavior.as_str(), "enforce-limits" | "truncate-data") {
            resource.read_head(id).await
        } else {
            resource.read(id).await
        };
        let read = match read {
            Ok(read) => read,
            Err(e) if e.is_not_found() => return Ok(References::Known(Vec::new())),
            Err(e) => return Err(e),
        };
        let fields = self.config.partitions.iter().flat_map(|partition| &partition.fields);
        let undated: Vec<String> = fields
            .filter_map(|(field, rule)| foreign_date(field_value(&read.record, field)?, rule))
            .filter(|text| hints.is_none_or(|hints| !hints.contains_key(text)))
            .collect();
        if !undated.is_empty() {
            return Ok(References::Undated(undated));
        }
        Ok(References::Known(
            self.old_references(&read, hints)?.into_iter().flatten().collect(),
        ))
    }
}

/// References of a record that goes.
enum References {
    Known(Vec<String>),
    /// Texts of dates on which they depend.
    Undated(Vec<String>),
}
