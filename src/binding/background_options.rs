//! Options of background work as JavaScript gives them. Times are milliseconds.

use crate::background::{
    Attempts, Backoff, LONGEST, LeaderOptions, LeaseOptions, OnTimeout, Overflow, Overlap, QueueOptions, StopOptions, TaskOptions,
};
use crate::error::{Error, Kind, Result};
use serde::Deserialize;
use std::time::Duration;

pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::new(Kind::Validation, format!("invalid background options: {e}")))
}

/// A number of milliseconds.
pub(super) fn duration(field: &str, ms: f64) -> Result<Duration> {
    if ms.is_finite() && ms >= 0.0 && ms <= LONGEST.as_secs_f64() * 1000.0 {
        return Ok(Duration::from_secs_f64(ms / 1000.0));
    }
    Err(Error::validation(
        field,
        format!("Background option '{field}' must be a number of milliseconds from 0 to ten years, received {ms}"),
    ))
}

fn one_of<T: Copy>(field: &str, given: Option<&str>, known: &[(&str, T)]) -> Result<Option<T>> {
    let Some(given) = given else { return Ok(None) };
    match known.iter().find(|(name, _)| *name == given) {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let names: Vec<_> = known.iter().map(|(name, _)| format!("'{name}'")).collect();
            Err(Error::validation(
                field,
                format!(
                    "Background option '{field}' must be one of {}, received '{given}'",
                    names.join(", ")
                ),
            ))
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BackoffText {
    base: Option<f64>,
    max: Option<f64>,
    jitter: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct AttemptsText {
    timeout: Option<f64>,
    on_timeout: Option<String>,
    retries: u32,
    backoff: BackoffText,
}

impl AttemptsText {
    fn attempts(&self) -> Result<Attempts> {
        let standard = Backoff::default();
        let base = self.backoff.base.map_or(Ok(standard.base), |ms| duration("backoff.base", ms))?;
        Ok(Attempts {
            // 0 means none, as for every timeout of Node.
            timeout: self.timeout.filter(|ms| *ms != 0.0).map(|ms| duration("timeout", ms)).transpose()?,
            on_timeout: one_of(
                "onTimeout",
                self.on_timeout.as_deref(),
                &[("free", OnTimeout::Free), ("keep", OnTimeout::Keep)],
            )?
            .unwrap_or_default(),
            retries: self.retries,
            backoff: Backoff {
                base,
                max: self
                    .backoff
                    .max
                    .map_or(Ok(standard.max.max(base)), |ms| duration("backoff.max", ms))?,
                jitter: self.backoff.jitter.unwrap_or(standard.jitter),
            },
        })
    }
}

#[derive(Deserialize)]
struct LeaseText {
    name: String,
    ttl: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskText {
    pub name: String,
    every: Option<f64>,
    cron: Option<String>,
    time_zone: Option<String>,
    #[serde(default)]
    immediate: bool,
    #[serde(default)]
    jitter: f64,
    overlap: Option<String>,
    max_concurrent: Option<usize>,
    max_queued: Option<usize>,
    catch_up: Option<bool>,
    lease: Option<LeaseText>,
    #[serde(flatten)]
    attempts: AttemptsText,
}

impl TaskText {
    pub fn options(&self) -> Result<TaskOptions> {
        let mut options = match (self.every, &self.cron) {
            (Some(ms), None) => TaskOptions::every(duration("every", ms)?),
            (None, Some(cron)) => TaskOptions::cron(cron, self.time_zone.as_deref().unwrap_or("UTC"))?,
            _ => return Err(Error::validation("every", "A background task has either 'every' or 'cron'")),
        };
        options.immediate = self.immediate;
        options.jitter = duration("jitter", self.jitter)?;
        let overlaps = [("skip", Overlap::Skip), ("queue", Overlap::Queue), ("allow", Overlap::Allow)];
        options.overlap = one_of("overlap", self.overlap.as_deref(), &overlaps)?.unwrap_or_default();
        options.max_concurrent = self.max_concurrent.unwrap_or(options.max_concurrent);
        options.max_queued = self.max_queued.unwrap_or(options.max_queued);
        options.catch_up = self.catch_up.unwrap_or(options.catch_up);
        options.attempts = self.attempts.attempts()?;
        if let Some(lease) = &self.lease {
            options.lease = Some(LeaseOptions {
                name: lease.name.clone(),
                ttl: duration("lease.ttl", lease.ttl)?,
            });
        }
        Ok(options)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueText {
    pub name: String,
    concurrency: Option<usize>,
    max_length: Option<usize>,
    overflow: Option<String>,
    drain_on_stop: Option<bool>,
    #[serde(flatten)]
    attempts: AttemptsText,
}

impl QueueText {
    pub fn options(&self) -> Result<QueueOptions> {
        let standard = QueueOptions::default();
        Ok(QueueOptions {
            concurrency: self.concurrency.unwrap_or(standard.concurrency),
            max_length: self.max_length.unwrap_or(standard.max_length),
            overflow: one_of(
                "overflow",
                self.overflow.as_deref(),
                &[("wait", Overflow::Wait), ("reject", Overflow::Reject)],
            )?
            .unwrap_or_default(),
            attempts: self.attempts.attempts()?,
            drain_on_stop: self.drain_on_stop.unwrap_or(standard.drain_on_stop),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeaderText {
    pub name: String,
    lock: Option<String>,
    ttl: Option<f64>,
    retry_every: Option<f64>,
}

impl LeaderText {
    pub fn options(&self) -> Result<LeaderOptions> {
        let standard = LeaderOptions::default();
        Ok(LeaderOptions {
            lock: self.lock.clone(),
            ttl: self.ttl.map_or(Ok(standard.ttl), |ms| duration("ttl", ms))?,
            retry_every: self.retry_every.map(|ms| duration("retryEvery", ms)).transpose()?,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StopText {
    grace: Option<f64>,
    abort_grace: Option<f64>,
}

impl StopText {
    pub fn options(&self) -> Result<StopOptions> {
        let standard = StopOptions::default();
        Ok(StopOptions {
            grace: self.grace.map_or(Ok(standard.grace), |ms| duration("grace", ms))?,
            abort_grace: self.abort_grace.map_or(Ok(standard.abort_grace), |ms| duration("abortGrace", ms))?,
        })
    }
}
