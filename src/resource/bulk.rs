//! Bulk operations: bounded concurrent pipelines with results in input order.

use super::compose::System;
use super::write::{WriteOptions, Written};
use super::{Core, Resource};
use crate::error::{Error, Kind, Result};
use crate::value::Object;
use std::sync::Arc;

/// One record of `insert_many`.
#[derive(Debug, Clone)]
pub struct InsertItem {
    /// Id.
    pub id: String,
    /// Attributes.
    pub record: Object,
    /// Options.
    pub options: WriteOptions,
}

/// Items of one task on a store that never waits; large enough to make the task cheap, small enough to share cores.
const IMMEDIATE_CHUNK: usize = 128;

impl Resource {
    /// Inserts all items; each result stands for the item at its place.
    pub async fn insert_many(&self, items: Vec<InsertItem>) -> Vec<Result<Written>> {
        let resource = self.clone();
        self.0
            .pipeline(items, move |item: InsertItem| {
                let resource = resource.clone();
                async move { resource.insert(&item.id, item.record, &item.options).await }
            })
            .await
    }

    /// Reads all ids; `None` for a missing record.
    pub async fn get_many(&self, ids: Vec<String>) -> Vec<Result<Option<String>>> {
        let core = self.0.clone();
        self.0
            .pipeline(ids, move |id: String| {
                let core = core.clone();
                async move {
                    match core.load(&id).await {
                        Ok((stored, decoded)) => {
                            let system = System::of(&stored.meta, decoded.has_token_only_body, decoded.version_differs.as_deref());
                            Ok(Some(core.record_text(&decoded.record, &id, &system)))
                        }
                        Err(e) if e.is_not_found() => Ok(None),
                        Err(e) => Err(e),
                    }
                }
            })
            .await
    }
}

impl Core {
    /// `parallelism` items at once, each in its own task (chunks of items on immediate stores), results in input order.
    async fn pipeline<I, T, F, Fut>(self: &Arc<Self>, items: Vec<I>, work: F) -> Vec<Result<T>>
    where
        I: Send + 'static,
        T: Send + 'static,
        F: Fn(I) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let chunk = if self.immediate { IMMEDIATE_CHUNK } else { 1 };
        let at_once = if self.immediate { 4 } else { self.config.parallelism.max(1) };
        let total = items.len();
        let mut items = items.into_iter();
        let mut running = tokio::task::JoinSet::new();
        let mut results: Vec<Option<Result<T>>> = (0..total).map(|_| None).collect();
        let mut next = 0;
        loop {
            while running.len() < at_once && next < total {
                let batch: Vec<I> = items.by_ref().take(chunk).collect();
                let (start, work) = (next, work.clone());
                next += batch.len();
                running.spawn(async move {
                    let mut done = Vec::with_capacity(batch.len());
                    for item in batch {
                        done.push(work(item).await);
                    }
                    (start, done)
                });
            }
            match running.join_next().await {
                None => break,
                Some(Ok((start, done))) => {
                    for (i, result) in done.into_iter().enumerate() {
                        results[start + i] = Some(result);
                    }
                }
                Some(Err(e)) => tracing::error!(error = %e, "bulk worker failed"),
            }
        }
        results
            .into_iter()
            .map(|r| r.unwrap_or_else(|| Err(Error::new(Kind::Unknown, "bulk worker failed"))))
            .collect()
    }
}
