//! Bulk operations: bounded concurrent pipelines with results in input order.

use super::compose::System;
use super::write::{WriteOptions, Written};
use super::{Core, Resource};
use crate::error::{Error, Kind, Result};
use crate::value::Object;
use std::sync::Arc;

/// One record of a bulk insert.
#[derive(Debug, Clone)]
pub struct InsertItem {
    /// Id.
    pub id: String,
    /// Attributes.
    pub record: Object,
    /// Options.
    pub options: WriteOptions,
}

impl Resource {
    /// Inserts all items; each result stands for the item at its place.
    pub(super) async fn insert_many(&self, items: Vec<InsertItem>) -> Vec<Result<Written>> {
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
    /// `parallelism` items at once, each in its own task, results in input order. Where nothing has to be waited for, one after the
    /// other: its callers send several batches at once, which share the cores better than tasks that share its lock.
    async fn pipeline<I, T, F, Fut>(self: &Arc<Self>, items: Vec<I>, work: F) -> Vec<Result<T>>
    where
        I: Send + 'static,
        T: Send + 'static,
        F: Fn(I) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        if self.immediate && !self.codec.is_heavy() {
            let mut results = Vec::with_capacity(items.len());
            for item in items {
                results.push(work(item).await);
            }
            return results;
        }
        let at_once = self.config.parallelism.max(1);
        let total = items.len();
        let mut items = items.into_iter().enumerate();
        let mut running = tokio::task::JoinSet::new();
        let mut results: Vec<Option<Result<T>>> = (0..total).map(|_| None).collect();
        loop {
            while running.len() < at_once
                && let Some((index, item)) = items.next()
            {
                let work = work.clone();
                running.spawn(async move { (index, work(item).await) });
            }
            match running.join_next().await {
                None => break,
                Some(Ok((index, result))) => results[index] = Some(result),
                Some(Err(e)) => tracing::error!(error = %e, "bulk worker failed"),
            }
        }
        results
            .into_iter()
            .map(|r| r.unwrap_or_else(|| Err(Error::new(Kind::Unknown, "bulk worker failed"))))
            .collect()
    }
}
