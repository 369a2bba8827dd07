//! Options of background tasks, checked once.

use super::cron::CronSchedule;
use crate::error::{Error, Result};
use std::time::Duration;

/// Longest interval, timeout, delay or lease: ten years.
pub const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// When a task runs.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// At a fixed rate: the grid starts when the task does, whatever the runs take.
    Every(Duration),
    /// When the wall clock reaches the times of a cron expression.
    Cron(CronSchedule),
}

/// What happens at a time at which the task is still running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// The time is passed over and counted in `skipped`.
    #[default]
    Skip,
    /// It runs when the current run has ended; at most `max_queued` wait, further ones are passed over.
    Queue,
    /// It runs beside the current one, up to `max_concurrent`; further ones are passed over.
    Allow,
}

/// What happens to the slot of a run that timed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnTimeout {
    /// Given up at once: the next run may start although the handler has not ended.
    #[default]
    Free,
    /// Kept until the handler ends: runs never overlap, and a handler that never ends blocks its task.
    Keep,
}

/// Waits between attempts: `base`, then twice as long each time, at most `max`, plus up to half of `base` at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// First wait. Default 1 s.
    pub base: Duration,
    /// Longest wait. Default 30 s.
    pub max: Duration,
    /// Adds the random part. Default true.
    pub jitter: bool,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            max: Duration::from_secs(30),
            jitter: true,
        }
    }
}

impl Backoff {
    /// Wait after the failed attempt number `attempt`, which counts from 1; `random` is in [0, 1).
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        let factor = 1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX).max(1);
        let wait = self.base.saturating_mul(factor).min(self.max);
        if self.jitter {
            wait + self.base.mul_f64(random.clamp(0.0, 1.0) / 2.0)
        } else {
            wait
        }
    }
}

/// Attempts of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Time after which an attempt counts as failed and its signal is aborted. None: no limit.
    pub timeout: Option<Duration>,
    /// Slot of an attempt that timed out.
    pub on_timeout: OnTimeout,
    /// Further attempts after a failed one. Default 0.
    pub retries: u32,
    /// Waits between them.
    pub backoff: Backoff,
}

/// A distributed lock under which a task runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseOptions {
    /// Lock name.
    pub name: String,
    /// Time after which the lock is free when it is not renewed; it is renewed every third of it. At least 1 s.
    pub ttl: Duration,
}

/// Options of a timer or cron task.
#[derive(Debug, Clone)]
pub struct TaskOptions {
    /// When it runs.
    pub schedule: Schedule,
    /// Also runs when the task is created. Default false.
    pub immediate: bool,
    /// Each run starts up to this much later, at random. Below the interval. Default 0.
    pub jitter: Duration,
    /// Overlapping runs.
    pub overlap: Overlap,
    /// Runs at once with [`Overlap::Allow`]. Default 16.
    pub max_concurrent: usize,
    /// Waiting runs with [`Overlap::Queue`]. Default 1.
    pub max_queued: usize,
    /// Attempts of a run.
    pub attempts: Attempts,
    /// Runs only while this lock is held; a time at which another process has it is passed over.
    pub lease: Option<LeaseOptions>,
    /// Cron times that passed while the machine slept or the clock was set forward: the latest of them runs once.
    /// Otherwise those more than a minute late are counted in `missed` alone. Default true.
    pub catch_up: bool,
}

impl TaskOptions {
    /// A task with a fixed rate.
    pub fn every(interval: Duration) -> Self {
        Self::new(Schedule::Every(interval))
    }

    /// A task at the times of a cron expression in a time zone of the IANA database (`UTC`, `Europe/Berlin`).
    ///
    /// # Errors
    /// Validation, naming `cron` or `timeZone`.
    pub fn cron(expression: &str, time_zone: &str) -> Result<Self> {
        Ok(Self::new(Schedule::Cron(CronSchedule::new(expression, time_zone)?)))
    }

    fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            immediate: false,
            jitter: Duration::ZERO,
            overlap: Overlap::default(),
            max_concurrent: 16,
            max_queued: 1,
            attempts: Attempts::default(),
            lease: None,
            catch_up: true,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if let Schedule::Every(interval) = self.schedule {
            duration("every", interval)?;
            if self.jitter >= interval {
                return Err(bad(
                    "jitter",
                    "must be below the interval, or two runs could change places: give fewer milliseconds",
                ));
            }
        }
        if self.jitter > LONGEST {
            return Err(bad("jitter", "must not be longer than ten years"));
        }
        count("maxConcurrent", self.max_concurrent)?;
        count("maxQueued", self.max_queued)?;
        self.attempts.check()?;
        self.lease.as_ref().map_or(Ok(()), LeaseOptions::check)
    }
}

impl Attempts {
    pub(super) fn check(&self) -> Result<()> {
        if let Some(timeout) = self.timeout {
            duration("timeout", timeout)?;
        }
        if self.backoff.base > LONGEST || self.backoff.max > LONGEST {
            return Err(bad("backoff", "must not be longer than ten years"));
        }
        Ok(())
    }
}

impl LeaseOptions {
    pub(super) fn check(&self) -> Result<()> {
        if self.name.is_empty() {
            return Err(bad("lease.name", "must be a text that names the lock"));
        }
        lease_ttl("lease.ttl", self.ttl)
    }
}

pub(super) fn lease_ttl(field: &str, ttl: Duration) -> Result<()> {
    if ttl < Duration::from_secs(1) || ttl > LONGEST {
        return Err(bad(
            field,
            "must be at least 1 second and at most ten years: locks are renewed every third of it",
        ));
    }
    Ok(())
}

pub(super) fn duration(field: &str, value: Duration) -> Result<()> {
    if value < Duration::from_millis(1) || value > LONGEST {
        return Err(bad(field, "must be at least 1 millisecond and at most ten years"));
    }
    Ok(())
}

pub(super) fn count(field: &str, value: usize) -> Result<()> {
    if value == 0 {
        return Err(bad(field, "must be at least 1"));
    }
    Ok(())
}

pub(super) fn bad(field: &str, rule: &str) -> Error {
    Error::validation(field, format!("Background option '{field}' {rule}"))
}
