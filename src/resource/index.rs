//! Maintenance of partition references: put new ones, then delete stale ones.
//!
//! In queue mode the work goes to a bounded queue of workers; jobs of one
//! record go to one worker, so they keep their order. A job is retried with
//! jittered back-off, then reported through the event sink, never dropped in
//! silence. `drain` waits for everything accepted so far.

use crate::ambient;
use crate::error::{Error, Result, Retry};
use crate::store::{Purpose, PutRequest, Store};
use crate::value::{Object, Value, text};
use parking_lot::Mutex;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// How reference work relates to the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefsMode {
    /// Awaited; a failure rejects the operation.
    Strict,
    /// Awaited; a failure is an event.
    Await,
    /// Queued; a failure is an event.
    #[default]
    Queue,
    /// Left to the caller, who replaced the maintenance methods.
    None,
}

pub use crate::value::EventSink;

/// Reference changes of one record.
#[derive(Debug, Clone, Default)]
pub(super) struct IndexJob {
    pub operation: &'static str,
    pub id: String,
    pub version: String,
    pub put: Vec<String>,
    pub delete: Vec<String>,
}

const WORKERS: usize = 8;
const QUEUE: usize = 1024;
const ATTEMPTS: u32 = 4;

/// Queue of reference work.
pub(super) struct IndexQueue {
    shared: Arc<Shared>,
    immediate: bool,
    workers: Mutex<Vec<mpsc::Sender<IndexJob>>>,
}

struct Shared {
    store: Arc<dyn Store>,
    pending: AtomicUsize,
    idle: Notify,
    sink: Mutex<Option<EventSink>>,
}

impl IndexQueue {
    pub fn new(store: Arc<dyn Store>, immediate: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                pending: AtomicUsize::new(0),
                idle: Notify::new(),
                sink: Mutex::new(None),
            }),
            immediate,
            workers: Mutex::new(Vec::new()),
        }
    }

    pub fn set_sink(&self, sink: EventSink) {
        *self.shared.sink.lock() = Some(sink);
    }

    /// Carries out or queues a job according to `mode`.
    pub async fn submit(&self, mode: RefsMode, job: IndexJob) -> Result<()> {
        if job.put.is_empty() && job.delete.is_empty() {
            return Ok(());
        }
        match mode {
            RefsMode::None => Ok(()),
            RefsMode::Strict => apply(&*self.shared.store, &job).await,
            RefsMode::Await => {
                if let Err(e) = apply(&*self.shared.store, &job).await {
                    self.shared.report(&job, &e);
                }
                Ok(())
            }
            // An immediate store answers at once, so queueing would only cost order.
            RefsMode::Queue if self.immediate => {
                if let Err(e) = apply(&*self.shared.store, &job).await {
                    self.shared.report(&job, &e);
                }
                Ok(())
            }
            RefsMode::Queue => {
                self.shared.pending.fetch_add(1, Ordering::SeqCst);
                let sender = self.sender(&job.id);
                if let Err(unsent) = sender.send(job).await {
                    // The worker is gone (runtime shut down): do the work here.
                    self.shared.work(unsent.0).await;
                }
                Ok(())
            }
        }
    }

    pub async fn drain(&self) {
        loop {
            let notified = self.shared.idle.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.shared.pending.load(Ordering::SeqCst) == 0 {
                return;
            }
            notified.await;
        }
    }

    fn sender(&self, id: &str) -> mpsc::Sender<IndexJob> {
        let mut workers = self.workers.lock();
        if workers.is_empty() {
            for _ in 0..WORKERS {
                let (tx, mut rx) = mpsc::channel::<IndexJob>(QUEUE / WORKERS);
                let shared = self.shared.clone();
                tokio::spawn(async move {
                    while let Some(job) = rx.recv().await {
                        shared.work(job).await;
                    }
                });
                workers.push(tx);
            }
        }
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let slot = usize::try_from(hasher.finish() % WORKERS as u64).unwrap_or(0);
        workers[slot].clone()
    }
}

impl Shared {
    async fn work(&self, job: IndexJob) {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match apply(&*self.store, &job).await {
                Ok(()) => break,
                Err(e) if attempt < ATTEMPTS && e.retry() != Retry::Permanent => {
                    let base = 200.0 * f64::from(1 << attempt);
                    tokio::time::sleep(Duration::from_secs_f64(base * (0.5 + ambient::random_unit()) / 1000.0)).await;
                }
                Err(e) => {
                    self.report(&job, &e);
                    break;
                }
            }
        }
        if self.pending.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.idle.notify_waiters();
        }
    }

    fn report(&self, job: &IndexJob, error: &Error) {
        tracing::warn!(operation = job.operation, id = %job.id, error = %error, "partition index work failed");
        let sink = self.sink.lock().clone();
        if let Some(sink) = sink {
            let mut payload = Object::default();
            payload.insert("operation".into(), Value::from(job.operation));
            payload.insert("id".into(), Value::from(job.id.as_str()));
            if let Some(error) = text::parse_plain(&error.to_json().to_string()) {
                payload.insert("error".into(), error);
            }
            payload.insert("message".into(), Value::from(error.message()));
            payload.insert("code".into(), error.code().map_or(Value::Null, Value::from));
            payload.insert(
                "keys".into(),
                Value::Array(job.put.iter().chain(&job.delete).map(|k| Value::from(k.as_str())).collect()),
            );
            sink("partitionIndexError", Value::Object(payload));
        }
    }
}

/// New references first, stale ones after, so a crash in between leaves one too many, never one too few.
async fn apply(store: &dyn Store, job: &IndexJob) -> Result<()> {
    let puts = job.put.iter().map(|key| {
        store.put(PutRequest {
            key: key.clone(),
            metadata: vec![("_v".to_owned(), job.version.clone())],
            purpose: Purpose::Index,
            ..PutRequest::default()
        })
    });
    for outcome in futures::future::join_all(puts).await {
        outcome?;
    }
    match job.delete.as_slice() {
        [] => Ok(()),
        [key] if job.operation != "delete" => store.delete(key, None).await,
        keys => {
            let outcome = store.delete_many(keys.to_vec()).await?;
            match outcome.errors.into_iter().next() {
                None => Ok(()),
                Some(e) => Err(Error::new(crate::error::Kind::Unknown, e.message)
                    .with_code(e.code)
                    .with("key", e.key)),
            }
        }
    }
}
