//! One attempt of a handler: its timeout, its signal, its end.

use super::clock::Clock;
use super::lease::Locks;
use super::life::{Life, Phase};
use super::millis;
use super::options::{Attempts, OnTimeout};
use super::signal::{AbortReason, Controller, Signal};
use crate::error::{Error, Kind, Result};
use futures::FutureExt as _;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;

/// What a handler is told.
#[derive(Debug, Clone)]
pub struct Run {
    /// Unique within one [`super::Background`].
    pub id: u64,
    /// Name of the task.
    pub name: Arc<str>,
    /// Time the run is for, epoch milliseconds: the tick, the cron time, or when it was asked for.
    pub scheduled_at: i64,
    /// Start of this attempt, epoch milliseconds.
    pub started_at: i64,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// Tells when to end early.
    pub signal: Signal,
}

/// What a handler returns.
pub type RunFuture = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Work of a task. Async closures `|run| async move { Ok(()) }` are handlers.
///
/// The future is dropped when its run is given up (timeout with [`OnTimeout::Free`], end of the grace of `stop`); a
/// panic counts as a failure.
pub trait Handler: Send + Sync + 'static {
    /// Starts one attempt.
    fn run(&self, run: Run) -> RunFuture;
}

impl<F, Fut> Handler for F
where
    F: Fn(Run) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    fn run(&self, run: Run) -> RunFuture {
        Box::pin(self(run))
    }
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The handler failed or panicked.
    Failed,
    /// An attempt took longer than its timeout.
    Timeout,
    /// The lock under which it ran was lost.
    LeaseLost,
    /// A lock could not be asked for, renewed or given back.
    Lease,
    /// A handler was still running when the grace of `stop` had passed.
    Detached,
    /// A queue was stopped with unfinished items.
    Dropped,
}

impl FailureKind {
    /// Name as JavaScript sees it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::LeaseLost => "lease-lost",
            Self::Lease => "lease",
            Self::Detached => "detached",
            Self::Dropped => "dropped",
        }
    }
}

/// A failure of background work, as reported to the observer.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Task, queue or election.
    pub task: Arc<str>,
    /// What went wrong.
    pub kind: FailureKind,
    /// Why.
    pub error: Error,
    /// Attempt that failed; 0 when no handler was involved.
    pub attempt: u32,
    /// Another attempt follows.
    pub will_retry: bool,
    /// Run that failed.
    pub run: Option<u64>,
}

/// Receives every failure. Called from background threads; must not block.
pub type Observer = Arc<dyn Fn(Failure) + Send + Sync>;

/// What the tasks of one [`super::Background`] have in common.
pub(super) struct Shared {
    pub clock: Arc<dyn Clock>,
    pub runtime: Handle,
    pub observer: Observer,
    pub locks: Option<Arc<dyn Locks>>,
    pub next_run: AtomicU64,
}

impl Shared {
    pub fn fail(&self, task: &Arc<str>, kind: FailureKind, error: Error) {
        (self.observer)(Failure {
            task: task.clone(),
            kind,
            error,
            attempt: 0,
            will_retry: false,
            run: None,
        });
    }

    /// The locks, for options that need them.
    pub fn locks(&self) -> Result<Arc<dyn Locks>> {
        self.locks.clone().ok_or_else(|| {
            Error::validation(
                "lease",
                "Background work without a storage has no locks: create it with one, or leave the lease out",
            )
        })
    }
}

/// Code of the error with which a handler obeys its signal; see [`Signal::error`].
pub(super) const ABORTED: &str = "ABORT_ERR";

pub(super) fn is_abort(error: &Error) -> bool {
    error.code() == Some(ABORTED)
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Ended {
    Done,
    Failed(Error),
    TimedOut(Error),
    LeaseLost(Error),
    /// It ended without a result because its signal was aborted.
    Aborted,
    /// It did not end before its task did.
    Detached(Error),
}

/// Which attempt of which run.
#[derive(Debug, Clone)]
pub(super) struct Try {
    pub name: Arc<str>,
    pub scheduled_at: i64,
    pub attempt: u32,
}

/// Runs one attempt. `decided` is called once, with the run's id, as soon as it is known how the attempt counts: for one
/// that timed out and keeps its slot that is before it ends.
pub(super) async fn attempt<H, D>(
    shared: &Shared,
    life: &Life,
    plan: &Attempts,
    this: Try,
    lost: Option<&Signal>,
    handler: H,
    decided: D,
) -> bool
where
    H: FnOnce(Run) -> RunFuture,
    D: FnOnce(&Ended, u64),
{
    let controller = Controller::new();
    let id = shared.next_run.fetch_add(1, Ordering::Relaxed);
    let run = Run {
        id,
        name: this.name.clone(),
        scheduled_at: this.scheduled_at,
        started_at: shared.clock.wall(),
        attempt: this.attempt,
        signal: controller.signal(),
    };
    let timeout = plan.timeout.map(millis);
    let deadline = timeout.map(|ms| shared.clock.monotonic().saturating_add(ms));
    // The handler itself may panic as well as its future. The future is dropped after the decision, never before.
    let started = std::panic::catch_unwind(AssertUnwindSafe(|| handler(run)));
    let work = started.unwrap_or_else(|panic| Box::pin(std::future::ready(Err(panicked(&*panic)))));
    let work = AssertUnwindSafe(work).catch_unwind();
    tokio::pin!(work);
    let mut decided = Some(decided);
    let mut decide = |ended: &Ended| {
        if let Some(decided) = decided.take() {
            decided(ended, id);
        }
    };
    let (mut timed_out, mut lease_lost, mut aborted) = (false, false, false);
    loop {
        tokio::select! {
            biased;
            result = &mut work => {
                let ended = match result {
                    Ok(Ok(())) => Ended::Done,
                    Ok(Err(error)) if is_abort(&error) && (aborted || timed_out || lease_lost) => Ended::Aborted,
                    Ok(Err(error)) => Ended::Failed(error),
                    Err(panic) => Ended::Failed(panicked(&*panic)),
                };
                decide(&ended);
                return true;
            }
            () = until(&*shared.clock, deadline), if !timed_out => {
                timed_out = true;
                controller.abort(AbortReason::Timeout);
                decide(&Ended::TimedOut(timeout_error(&this.name, timeout.unwrap_or_default())));
                if plan.on_timeout == OnTimeout::Free {
                    return true;
                }
            }
            () = aborted_by(lost), if !lease_lost => {
                lease_lost = true;
                controller.abort(AbortReason::LeaseLost);
                decide(&Ended::LeaseLost(lease_error(&this.name)));
            }
            () = life.reached(Phase::Aborting), if !aborted => {
                aborted = true;
                controller.abort(AbortReason::Stopped);
            }
            () = life.reached(Phase::Detached), if aborted => {
                decide(&Ended::Detached(detached_error(&this.name)));
                return false;
            }
        }
    }
}

async fn until(clock: &dyn Clock, deadline: Option<u64>) {
    let Some(at) = deadline else { return std::future::pending().await };
    // A sleep may saturate below a far deadline.
    while clock.monotonic() < at {
        clock.sleep_until(at).await;
    }
}

async fn aborted_by(signal: Option<&Signal>) {
    match signal {
        Some(signal) => {
            signal.wait().await;
        }
        None => std::future::pending().await,
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::new(Kind::Unknown, format!("the handler panicked: {text}"))
}

fn timeout_error(name: &str, ms: u64) -> Error {
    Error::new(
        Kind::Unknown,
        format!("Background task '{name}' did not end within its timeout of {ms} ms"),
    )
    .with_code("BACKGROUND_TIMEOUT")
    .with("timeout", ms)
}

fn lease_error(name: &str) -> Error {
    Error::new(
        Kind::Unknown,
        format!("Background task '{name}' lost the lock under which it ran: another process may run it now"),
    )
    .with_code("BACKGROUND_LEASE_LOST")
}

fn detached_error(name: &str) -> Error {
    Error::new(
        Kind::Unknown,
        format!("Background task '{name}' was still running when the grace of its stop had passed"),
    )
    .with_code("BACKGROUND_DETACHED")
}
