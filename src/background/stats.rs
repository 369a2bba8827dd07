//! What a task tells about itself.

use crate::error::Error;

/// How a run ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The handler succeeded.
    Done {
        /// Attempts it took.
        attempts: u32,
    },
    /// Every attempt failed.
    Failed {
        /// Attempts made; 0 when the lock could not be asked for.
        attempts: u32,
        /// The last one took longer than its timeout.
        timed_out: bool,
        /// Why the last one failed.
        error: Error,
    },
    /// It did not run.
    Skipped(SkipReason),
    /// It ended without a result because its task had been stopped and its signal aborted.
    Aborted {
        /// Attempts made.
        attempts: u32,
    },
}

/// Why a run was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The task was still running.
    Overlap,
    /// Another process holds the lock.
    Lease,
    /// The task was stopped.
    Stopped,
}

impl SkipReason {
    /// Name as JavaScript sees it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overlap => "overlap",
            Self::Lease => "lease",
            Self::Stopped => "stopped",
        }
    }
}

/// Counters of a task since it was created. Times are epoch milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Runs that ended after at least one attempt.
    pub runs: u64,
    /// Those that did not succeed.
    pub failures: u64,
    /// Attempts that took longer than the timeout.
    pub timeouts: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Runs passed over because the task was running, another process held the lock, or the task was stopped.
    pub skipped: u64,
    /// Times that passed without a run of their own: the machine slept, the clock was set, the process was busy.
    pub missed: u64,
    /// Runs going on.
    pub running: usize,
    /// Runs waiting for one to end.
    pub queued: usize,
    /// Message of the latest failed attempt.
    pub last_error: Option<String>,
    /// Start of the latest attempt.
    pub last_started_at: Option<i64>,
    /// End of the latest run.
    pub last_ended_at: Option<i64>,
    /// Next scheduled run; None when the task was stopped.
    pub next_run_at: Option<i64>,
}

impl Stats {
    pub(super) fn started(&mut self, now: i64, again: bool) {
        self.last_started_at = Some(now);
        self.retries += u64::from(again);
    }

    pub(super) fn failed_attempt(&mut self, error: &Error, timed_out: bool) {
        self.timeouts += u64::from(timed_out);
        self.last_error = Some(error.message().to_owned());
    }

    pub(super) fn skip(&mut self) {
        self.skipped += 1;
    }

    pub(super) fn end(&mut self, outcome: &Outcome, now: i64) {
        match outcome {
            Outcome::Skipped(_) => return self.skip(),
            Outcome::Failed { attempts, error, .. } => {
                self.failures += 1;
                if *attempts == 0 {
                    self.last_error = Some(error.message().to_owned());
                }
            }
            Outcome::Done { .. } | Outcome::Aborted { .. } => {}
        }
        self.runs += 1;
        self.last_ended_at = Some(now);
    }
}
