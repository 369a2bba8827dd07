//! Layers around a backend, and the one function that stacks them.
//!
//! Inside out: backend, prefix, meter, limit, retry, probe, guard, trace. The
//! meter sits under retry, so it counts attempts; limit sits under retry, so a
//! sleeping retry holds no permit. Immediate stores get neither limit nor
//! retry, since both may wait; a JavaScript store retries itself.

mod guard;
mod limit;
mod meter;
mod retry;
#[cfg(test)]
mod tests;
mod trace;
mod usage;

pub use guard::GuardLayer;
pub use limit::LimitLayer;
pub use meter::{Command, Meter, MeterLayer};
pub use retry::{RetryLayer, RetryPolicy};
pub use trace::TraceLayer;
pub use usage::Usage;

use super::prefix::PrefixStore;
use super::probe::ProbedStore;
use super::{Store, StoreInfo};
use crate::error::Result;
use std::sync::Arc;

/// How a stack behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct StackOptions {
    /// Requests in flight at once, at least 1.
    pub parallelism: usize,
    /// Retries of temporary failures.
    pub retry: RetryPolicy,
    /// Find out by trying which conditions the store honours; off where its own answer is certain.
    pub probe: bool,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            parallelism: 10,
            retry: RetryPolicy::default(),
            probe: true,
        }
    }
}

/// A backend with its layers.
#[derive(Clone)]
pub struct Stacked {
    /// Outermost store, relative keys.
    pub store: Arc<dyn Store>,
    /// Counters of the requests that reached the backend.
    pub meter: Arc<Meter>,
}

/// Stacks all layers that `backend` needs over relative keys under `prefix`.
pub fn stack(backend: Arc<dyn Store>, prefix: &str, options: &StackOptions) -> Result<Stacked> {
    stack_with(backend, prefix, options, Arc::default())
}

/// [`stack`] that counts into a meter shared with other stacks of the same backend.
pub fn stack_with(backend: Arc<dyn Store>, prefix: &str, options: &StackOptions, meter: Arc<Meter>) -> Result<Stacked> {
    let kind = backend.info().kind;
    let mut store = backend;
    if !prefix.is_empty() {
        store = Arc::new(PrefixStore::new(store, prefix)?);
    }
    store = transport(store, options, &meter);
    // Memory and file honour every condition; others are found out.
    if !matches!(kind, "memory" | "file") {
        if options.probe {
            store = Arc::new(ProbedStore::new(store));
        }
        store = Arc::new(GuardLayer::new(store));
    }
    store = Arc::new(TraceLayer::new(store));
    Ok(Stacked { store, meter })
}

/// The layers of direct calls on full keys: conditions go to the backend as the caller gave them.
pub fn stack_raw(backend: Arc<dyn Store>, options: &StackOptions, meter: Arc<Meter>) -> Stacked {
    let store: Arc<dyn Store> = Arc::new(TraceLayer::new(transport(backend, options, &meter)));
    Stacked { store, meter }
}

fn transport(backend: Arc<dyn Store>, options: &StackOptions, meter: &Arc<Meter>) -> Arc<dyn Store> {
    let StoreInfo { kind, immediate, .. } = backend.info();
    let mut store: Arc<dyn Store> = Arc::new(MeterLayer::new(backend, meter.clone()));
    if !immediate {
        store = Arc::new(LimitLayer::new(store, options.parallelism));
        if kind != "js" {
            store = Arc::new(RetryLayer::new(store, options.retry.clone(), meter.clone()));
        }
    }
    store
}
