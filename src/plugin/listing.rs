//! Listing, removal and batches (spec/05 sections 10.4, 10.5 and 18).

use super::keys;
use super::storage::PluginStorage;
use crate::error::{Error, Kind, Result};
use crate::store::{KeyError, ListRequest};
use crate::value::Object;
use futures::stream::{self, StreamExt as _};

/// Entries per request.
const PAGE: u32 = 1000;
/// Per-key failures that an error lists.
const SHOWN: usize = 20;

impl PluginStorage {
    /// Keys under `plugin=<slug>/<prefix>`, or `resource=<resource>/plugin=<slug>/<prefix>`, ascending, up to `limit`.
    pub async fn list(&self, resource: &str, prefix: &str, limit: Option<usize>) -> Result<Vec<String>> {
        let full = keys::plugin_key(&self.slug, resource, &[prefix]);
        keys::check(&full)?;
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let left = limit.map_or(usize::MAX, |limit| limit.saturating_sub(found.len()));
            if left == 0 {
                return Ok(found);
            }
            let request = ListRequest {
                prefix: full.clone(),
                token: token.take(),
                max_keys: u32::try_from(left).unwrap_or(PAGE).min(PAGE),
                ..ListRequest::default()
            };
            let page = self.store.list(request).await?;
            found.extend(page.entries.into_iter().map(|entry| entry.key).take(left));
            match page.next_token {
                Some(next) => token = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// Deletes every key of the plugin, or those of one resource; the count. A purge covers both scopes.
    pub async fn delete_all(&self, resource: Option<&str>) -> Result<usize> {
        if let Some(resource) = resource {
            return self.delete_under(&keys::plugin_key(&self.slug, resource, &[])).await;
        }
        let mut deleted = self.delete_under(&keys::plugin_key(&self.slug, "", &[])).await?;
        for group in self.resource_groups().await? {
            deleted += self.delete_under(&format!("{group}plugin={}/", self.slug)).await?;
        }
        Ok(deleted)
    }

    /// `resource=<name>/` of every resource that has objects.
    async fn resource_groups(&self) -> Result<Vec<String>> {
        let mut groups = Vec::new();
        let mut token = None;
        loop {
            let request = ListRequest {
                prefix: "resource=".into(),
                delimiter: Some("/".into()),
                token: token.take(),
                max_keys: PAGE,
                ..ListRequest::default()
            };
            let page = self.store.list(request).await?;
            groups.extend(page.common_prefixes);
            match page.next_token {
                Some(next) => token = Some(next),
                None => return Ok(groups),
            }
        }
    }

    async fn delete_under(&self, prefix: &str) -> Result<usize> {
        keys::check(prefix)?;
        let mut deleted = 0;
        let mut failures = Vec::new();
        let mut token = None;
        loop {
            let request = ListRequest {
                prefix: prefix.to_owned(),
                token: token.take(),
                max_keys: PAGE,
                ..ListRequest::default()
            };
            let page = self.store.list(request).await?;
            let batch: Vec<String> = page.entries.into_iter().map(|entry| entry.key).collect();
            if !batch.is_empty() {
                let outcome = self.store.delete_many(batch).await?;
                deleted += outcome.deleted.len();
                failures.extend(outcome.errors);
            }
            match page.next_token {
                Some(next) => token = Some(next),
                None if failures.is_empty() => return Ok(deleted),
                None => return Err(left_over(deleted, &failures)),
            }
        }
    }

    /// Data of the live entries under a prefix, in key order; `limit` bounds the keys that are read.
    pub async fn list_data(&self, prefix: &str, limit: Option<usize>, parallelism: usize) -> Result<Vec<Object>> {
        let keys = self.list("", prefix, limit).await?;
        let mut data = Vec::with_capacity(keys.len());
        for found in self.get_many(&keys, parallelism).await {
            data.extend(found?);
        }
        Ok(data)
    }

    /// Reads several entries, at most `parallelism` at once; results in the order of `keys`.
    pub async fn get_many(&self, keys: &[String], parallelism: usize) -> Vec<Result<Option<Object>>> {
        if self.immediate() {
            let mut results = Vec::with_capacity(keys.len());
            for key in keys {
                results.push(self.get(key).await);
            }
            return results;
        }
        stream::iter(keys.to_vec())
            .map(|key| {
                let storage = self.clone();
                async move { storage.get(&key).await }
            })
            .buffered(parallelism.max(1))
            .collect()
            .await
    }
}

fn left_over(deleted: usize, failures: &[KeyError]) -> Error {
    let first = failures.first().map_or("", |failure| failure.code.as_str());
    let errors: Vec<_> = failures
        .iter()
        .take(SHOWN)
        .map(|failure| serde_json::json!({ "key": failure.key, "code": failure.code, "message": failure.message }))
        .collect();
    Error::new(
        Kind::PluginStorage,
        format!(
            "Failed to delete plugin data: {} of {} objects are left",
            failures.len(),
            failures.len() + deleted
        ),
    )
    .with_code(first)
    .with("deleted", deleted)
    .with("failed", failures.len())
    .with("errors", errors)
    .with(
        "suggestion",
        "Check the permission to delete under the plugin's prefix, then call it again.",
    )
}
