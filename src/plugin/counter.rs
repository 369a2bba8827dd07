//! Counters that lose nothing, under any number of writers (spec/05 section 10.8).
//!
//! A counter is an entry whose fields are all in the body, under a revision
//! that differs on every write, so that its ETag does too. It is read, changed
//! and written on the ETag that was read. Increments of one key that meet in
//! one process are added up and written together, and each caller still gets
//! the value after its own. The body remembers the last write of each recent
//! writer: a writer whose answer was lost and who finds the counter changed
//! since can tell whether its write was among the changes.

use super::cas::{Expected, Swap, Weaker};
use super::entry::{Entry, WRITERS, revised};
use super::keys;
use super::storage::{PluginStorage, SetOptions, request};
use crate::error::{Error, Kind, Result, Retry};
use crate::store::StoredObject;
use crate::value::{Object, Value};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use tokio::sync::oneshot;

/// Lost races before an increment gives up.
const ATTEMPTS: u32 = 50;
/// Writers whose last write a counter remembers.
const REMEMBERED: usize = 24;
/// Increments written together.
const GROUP: usize = 1000;
/// Field that counts.
const VALUE: &str = "value";

/// Options of [`PluginStorage::increment`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IncrementOptions {
    /// Seconds to live from now; `None` keeps the expiry there is.
    pub ttl: Option<f64>,
    /// Content type; `application/json` when absent.
    pub content_type: Option<String>,
}

struct Waiting {
    amount: f64,
    options: IncrementOptions,
    answer: oneshot::Sender<Result<f64>>,
}

/// Store and key.
type QueueKey = (usize, String);

/// Increments that wait for the write under way on their key.
static QUEUES: LazyLock<Mutex<HashMap<QueueKey, Vec<Waiting>>>> = LazyLock::new(Mutex::default);

/// Writes of counters so far.
static SERIAL: AtomicU64 = AtomicU64::new(1);

impl PluginStorage {
    /// Adds `amount` to the counter under `key` and returns its new value; a missing or expired one starts at 0.
    pub async fn increment(&self, key: &str, amount: f64, options: &IncrementOptions) -> Result<f64> {
        keys::check_object(key)?;
        if !amount.is_finite() {
            return Err(bad_number(key, "amount", "the amount is not a finite number"));
        }
        if self.immediate() {
            let (answer, _) = oneshot::channel();
            let alone = Waiting {
                amount,
                options: options.clone(),
                answer,
            };
            return self.add(key, &[alone]).await.map(|values| values[0]);
        }
        let (answer, mut done) = oneshot::channel();
        let queue = (Arc::as_ptr(&self.store).cast::<()>() as usize, key.to_owned());
        QUEUES.lock().entry(queue.clone()).or_default().push(Waiting {
            amount,
            options: options.clone(),
            answer,
        });
        // Whoever gets the turn writes for all that wait; the others find their answer.
        let _turn = self.turn(key).await;
        if let Ok(value) = done.try_recv() {
            return value;
        }
        loop {
            let group = take_group(&queue);
            if group.is_empty() {
                break;
            }
            let mine = self.add(key, &group).await;
            for (index, waiting) in group.into_iter().enumerate() {
                let value = match &mine {
                    Ok(values) => Ok(values[index]),
                    Err(error) => Err(error.clone()),
                };
                // The caller may have gone.
                let _gone = waiting.answer.send(value);
            }
            if let Ok(value) = done.try_recv() {
                return value;
            }
        }
        Err(Error::new(Kind::PluginStorage, "Failed to increment counter")
            .with("key", key)
            .with_retry(Retry::Temporary))
    }

    /// Adds a group in one write; the value after each.
    async fn add(&self, key: &str, group: &[Waiting]) -> Result<Vec<f64>> {
        let mut current = self.fetch(key).await?;
        // A write without an answer may still land while the next one is on its way.
        let mut tried: Vec<(u64, Vec<f64>)> = Vec::new();
        for attempt in 1..=ATTEMPTS {
            let plan = self.plan(key, current.as_ref(), group)?;
            let split = revised(plan.fields, plan.expires_at);
            let options = SetOptions {
                content_type: plan.content_type,
                ..SetOptions::default()
            };
            let request = request(key, &split, &options)?;
            let expected = match &current {
                None => Expected::Absent,
                Some(object) => Expected::Version(object.meta.etag.clone()),
            };
            let serial = plan.serial;
            let swap = self
                .swap(request, expected, Weaker::Turn, |stored| self.is_written(stored, serial))
                .await?;
            match swap {
                Swap::Won(_) => return Ok(plan.values),
                Swap::Lost(now) => current = now,
            }
            tried.push((serial, plan.values));
            if attempt > 1 && !self.immediate() {
                self.pause(attempt - 1).await;
                // Others have gone on meanwhile.
                current = self.fetch(key).await?;
            }
            let landed = current
                .as_ref()
                .and_then(|object| tried.iter().find(|(serial, _)| self.is_written(object, *serial)));
            if let Some((_, values)) = landed {
                return Ok(values.clone());
            }
        }
        Err(Error::new(Kind::PluginStorage, "Failed to increment counter")
            .with_code("ContentionError")
            .with_status(409)
            .with_retry(Retry::Temporary)
            .with("key", key)
            .with("attempts", ATTEMPTS)
            .with(
                "suggestion",
                "Too many writers change this counter at once: try again, or split it over several keys.",
            ))
    }

    fn plan(&self, key: &str, current: Option<&StoredObject>, group: &[Waiting]) -> Result<Plan> {
        let entry = match current {
            Some(object) => Some(Entry::parse(object, key)?).filter(|entry| !entry.is_expired(self.now_f64())),
            None => None,
        };
        let Entry {
            mut fields,
            mut expires_at,
            writers,
            ..
        } = entry.unwrap_or_default();
        let mut value = match fields.get(VALUE) {
            None | Some(Value::Null | Value::Undefined) => 0.0,
            Some(Value::Number(n)) if n.is_finite() => *n,
            Some(_) => return Err(bad_number(key, VALUE, "the field 'value' of the entry is not a number")),
        };
        let mut values = Vec::with_capacity(group.len());
        let mut content_type = None;
        for waiting in group {
            value += waiting.amount;
            values.push(value);
            expires_at = self.expiry(waiting.options.ttl).or(expires_at);
            content_type = waiting.options.content_type.clone().or(content_type);
        }
        fields.insert(VALUE.into(), Value::Number(value));
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        fields.insert(WRITERS.into(), Value::Object(self.remember(writers.unwrap_or_default(), serial)));
        Ok(Plan {
            fields,
            expires_at,
            values,
            serial,
            content_type: content_type
                .or_else(|| current.and_then(|object| object.meta.content_type.clone()))
                .unwrap_or_else(|| "application/json".into()),
        })
    }

    /// The writers with this one as the latest.
    fn remember(&self, mut writers: Object, serial: u64) -> Object {
        writers.shift_remove(&self.shared.writer);
        while writers.len() >= REMEMBERED {
            writers.shift_remove_index(0);
        }
        writers.insert(self.shared.writer.clone(), Value::Number(serial as f64));
        writers
    }

    /// Whether the counter contains write `serial` of this handle, whose writes of one key follow each other.
    fn is_written(&self, stored: &StoredObject, serial: u64) -> bool {
        match Entry::parse(stored, "") {
            Ok(Entry {
                writers: Some(writers), ..
            }) => writers.get(&self.shared.writer) == Some(&Value::Number(serial as f64)),
            _ => false,
        }
    }
}

/// What is to be written.
struct Plan {
    fields: Object,
    expires_at: Option<f64>,
    values: Vec<f64>,
    serial: u64,
    content_type: String,
}

fn take_group(queue: &QueueKey) -> Vec<Waiting> {
    let mut queues = QUEUES.lock();
    let Some(waiting) = queues.get_mut(queue) else {
        return Vec::new();
    };
    if waiting.len() > GROUP {
        return waiting.drain(..GROUP).collect();
    }
    queues.remove(queue).unwrap_or_default()
}

fn bad_number(key: &str, field: &str, text: &str) -> Error {
    Error::new(Kind::PluginStorage, format!("Cannot increment counter: {text}"))
        .with_status(400)
        .with("key", key)
        .with("field", field)
        .with(
            "suggestion",
            "Set the entry to { value: <number> } first, and pass a finite number as amount.",
        )
}
