//! Sequences (spec/05 section 18): numbers that are given out once.
//!
//! The next number is an entry that is changed by compare-and-swap, under a
//! lock beside it, because later versions of the original know the lock alone.

use super::keys;
use super::lock::{LockFormat, LockOptions, LockTarget};
use super::storage::{PluginStorage, SetOptions};
use crate::error::{Error, Kind, Result, Retry};
use crate::value::{Object, Value, text};

/// Which sequence, and how it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceOptions {
    /// Resource it belongs to; empty for the plugin's own.
    pub resource: String,
    /// First number.
    pub initial_value: f64,
    /// Step.
    pub increment: f64,
    /// Milliseconds to wait for the lock.
    pub lock_timeout: f64,
    /// Seconds after which the lock of a crashed process is taken over.
    pub lock_ttl: f64,
}

impl Default for SequenceOptions {
    fn default() -> Self {
        Self {
            resource: String::new(),
            initial_value: 1.0,
            increment: 1.0,
            lock_timeout: 5000.0,
            lock_ttl: 10.0,
        }
    }
}

/// A sequence as stored: `{ value, name, resourceName, createdAt, updatedAt?, resetAt? }`.
pub type Sequence = Object;

/// What happens to the number that is due.
#[derive(Debug, Clone, Copy)]
enum Change {
    Next,
    Reset(f64),
}

impl PluginStorage {
    fn sequence_value(&self, name: &str, resource: &str) -> Result<String> {
        keys::check_object(name)?;
        let key = keys::sequence_key(&self.slug, resource, name, "value");
        keys::check(&key)?;
        Ok(key)
    }

    /// The number that is due; the next one is stored.
    pub async fn next_sequence(&self, name: &str, options: &SequenceOptions) -> Result<f64> {
        self.under_lock(name, options, Change::Next).await
    }

    /// Sets the number that is due.
    pub async fn reset_sequence(&self, name: &str, value: f64, options: &SequenceOptions) -> Result<()> {
        self.under_lock(name, options, Change::Reset(value)).await.map(drop)
    }

    /// The number that is due, without taking it; `None` for an unknown sequence.
    pub async fn sequence(&self, name: &str, resource: &str) -> Result<Option<Sequence>> {
        self.get(&self.sequence_value(name, resource)?).await
    }

    /// Deletes a sequence with its lock; false when it was unknown.
    pub async fn delete_sequence(&self, name: &str, resource: &str) -> Result<bool> {
        let key = self.sequence_value(name, resource)?;
        let known = self.has(&key).await?;
        self.delete(&key).await?;
        self.delete(&keys::sequence_key(&self.slug, resource, name, "lock")).await?;
        Ok(known)
    }

    /// The sequences of the plugin or of one of its resources, by name.
    pub async fn list_sequences(&self, resource: &str, parallelism: usize) -> Result<Vec<Sequence>> {
        let keys: Vec<String> = self
            .list(resource, "sequence=", None)
            .await?
            .into_iter()
            .filter(|key| key.ends_with("/value"))
            .collect();
        let mut found = Vec::with_capacity(keys.len());
        for sequence in self.get_many(&keys, parallelism).await {
            found.extend(sequence?);
        }
        Ok(found)
    }

    /// Changes the entry of a sequence under its lock, on the version that was read.
    async fn under_lock(&self, name: &str, options: &SequenceOptions, change: Change) -> Result<f64> {
        let key = self.sequence_value(name, &options.resource)?;
        let lock = LockTarget {
            name: name.to_owned(),
            key: keys::sequence_key(&self.slug, &options.resource, name, "lock"),
            format: LockFormat::Lock,
        };
        let lock_options = LockOptions {
            ttl: options.lock_ttl,
            timeout: options.lock_timeout,
            worker_id: Value::from("sequence"),
            retry_delay: 20.0,
            max_retry_delay: 250.0,
            discard: false,
        };
        // Callers of one process wait here, not against each other at the store.
        let _turn = self.turn(&format!("{key}\nsequence")).await;
        let Some(lease) = self.acquire_target(&lock, &lock_options).await? else {
            return Err(locked_out(&key, name));
        };
        let outcome = self.change_sequence(&key, name, options, change).await;
        // An unreleased lock expires; the number is safe either way.
        if let Err(error) = self.release(&lease).await {
            tracing::warn!(%error, key, "the lock of a sequence could not be released; it expires");
        }
        outcome?.ok_or_else(|| locked_out(&key, name))
    }

    /// The number taken or set; `None` when another writer was first every time.
    async fn change_sequence(&self, key: &str, name: &str, options: &SequenceOptions, change: Change) -> Result<Option<f64>> {
        for _ in 0..8 {
            let current = self.get_with_version(key).await?;
            let (fields, version) = current.map_or((None, None), |(fields, version)| (Some(fields), Some(version)));
            let (answer, next) = match change {
                Change::Reset(value) => (value, self.advanced(name, options, fields, value, "resetAt")),
                Change::Next => {
                    let value = fields.as_ref().map_or(Ok(options.initial_value), |fields| number(fields, key))?;
                    (value, self.advanced(name, options, fields, value + options.increment, "updatedAt"))
                }
            };
            let set = SetOptions::default();
            let written = match version {
                None => self.set_if_absent(key, next, &set).await?,
                Some(version) => self.set_if_version(key, next, &version, &set).await?,
            };
            if written.is_some() {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    fn advanced(&self, name: &str, options: &SequenceOptions, current: Option<Object>, value: f64, stamp: &str) -> Object {
        let now = Value::from(text::iso_date(self.now_f64()).unwrap_or_default());
        let known = current.is_some();
        let mut fields = current.unwrap_or_default();
        fields.insert("value".into(), Value::Number(value));
        fields.insert("name".into(), Value::from(name));
        let resource = &options.resource;
        let resource = if resource.is_empty() {
            Value::Null
        } else {
            Value::from(resource.as_str())
        };
        fields.insert("resourceName".into(), resource);
        if known {
            fields.insert(stamp.into(), now);
        } else {
            fields.insert("createdAt".into(), now);
        }
        fields
    }
}

fn number(fields: &Object, key: &str) -> Result<f64> {
    match fields.get("value") {
        Some(Value::Number(n)) if n.is_finite() => Ok(*n),
        _ => Err(Error::new(Kind::PluginStorage, "The stored sequence has no numeric value")
            .with("key", key)
            .with("suggestion", "Set it anew with resetSequence(name, value).")),
    }
}

fn locked_out(key: &str, name: &str) -> Error {
    Error::new(Kind::PluginStorage, "Failed to acquire lock for sequence")
        .with_code("LockTimeout")
        .with_status(409)
        .with_retry(Retry::Temporary)
        .with("key", key)
        .with("sequence", name)
        .with(
            "suggestion",
            "Others hold the lock of the sequence: try again, or raise lockTimeout.",
        )
}
