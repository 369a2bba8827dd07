//! Leader election: of all processes that take part one holds the lock and does the work.

use super::lease;
use super::life::{Life, Phase, StopOptions};
use super::millis;
use super::options::{Attempts, bad, duration, lease_ttl};
use super::run::{Ended, Failure, FailureKind, Handler, Run, Shared, Try, attempt, is_abort};
use super::signal::{AbortReason, Controller, Signal};
use super::stats::Stats;
use crate::error::Result;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Options of an election.
#[derive(Debug, Clone)]
pub struct LeaderOptions {
    /// Lock name; the election's own name when None.
    pub lock: Option<String>,
    /// Time after which another process can take over from a leader that died. At least 1 s. Default 30 s.
    pub ttl: Duration,
    /// Wait between attempts to become leader. Default a third of `ttl`.
    pub retry_every: Option<Duration>,
}

impl Default for LeaderOptions {
    fn default() -> Self {
        Self {
            lock: None,
            ttl: Duration::from_secs(30),
            retry_every: None,
        }
    }
}

/// Told about changes: true when this process became leader, false when it no longer is.
pub type LeaderChange = Arc<dyn Fn(bool) + Send + Sync>;

/// Part in an election.
#[derive(Clone)]
pub struct Leader(Arc<LeaderInner>);

struct LeaderInner {
    shared: Arc<Shared>,
    name: Arc<str>,
    lock: String,
    ttl: Duration,
    retry_every: Duration,
    handler: Arc<dyn Handler>,
    changed: LeaderChange,
    life: Arc<Life>,
    now: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leading: bool,
    stats: Stats,
}

impl Leader {
    pub(super) fn start(
        shared: Arc<Shared>,
        name: Arc<str>,
        options: LeaderOptions,
        handler: Arc<dyn Handler>,
        changed: LeaderChange,
    ) -> Result<Self> {
        shared.locks()?;
        lease_ttl("ttl", options.ttl)?;
        if let Some(wait) = options.retry_every {
            duration("retryEvery", wait)?;
        }
        let lock = options.lock.unwrap_or_else(|| name.to_string());
        if lock.is_empty() {
            return Err(bad("lock", "must be a text that names the lock"));
        }
        let inner = Arc::new(LeaderInner {
            lock,
            ttl: options.ttl,
            retry_every: options.retry_every.unwrap_or(options.ttl / 3),
            shared,
            name,
            handler,
            changed,
            life: Arc::new(Life::new()),
            now: Notify::new(),
            state: Mutex::default(),
        });
        let driven = inner.clone();
        let running = inner.life.enter();
        inner.shared.runtime.spawn(async move {
            driven.drive().await;
            driven.state.lock().stats.next_run_at = None;
            drop(running);
        });
        Ok(Self(inner))
    }

    /// Name of the election.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether this process is the leader. A leader that cannot renew its lock is none from the moment it may expire.
    pub fn is_leader(&self) -> bool {
        self.0.state.lock().leading
    }

    /// Counters so far; a run is a term as leader.
    pub fn stats(&self) -> Stats {
        self.0.state.lock().stats.clone()
    }

    /// Tries to become leader now.
    pub fn trigger(&self) {
        self.0.now.notify_one();
    }

    /// The part of `stop` that takes effect at once: from here on nothing new starts.
    pub fn begin_stop(&self) {
        self.0.life.go(Phase::Stopping);
    }

    /// Ends the term: the handler's signal is aborted at once, then it has the grace to end; the lock is given back when
    /// it did.
    pub async fn stop(&self, options: StopOptions) {
        self.begin_stop();
        self.0.life.stop(&*self.0.shared.clock, options).await;
    }

    pub(super) fn ended(&self) -> bool {
        self.0.life.phase() == Phase::Detached
    }

    pub(super) fn shut_down(&self) {
        self.0.life.go(Phase::Detached);
    }
}

impl LeaderInner {
    async fn drive(&self) {
        while self.life.phase() == Phase::Running {
            let taken = tokio::select! {
                biased;
                // An answer that comes later is a lock that expires by itself.
                () = self.life.reached(Phase::Detached) => return,
                taken = lease::keep(&self.shared, &self.name, &self.lock, self.ttl) => taken,
            };
            match taken {
                Ok(Some(keeper)) => {
                    let ended = self.term(keeper.lost()).await;
                    if ended {
                        keeper.release(&self.shared, &self.name).await;
                    } else {
                        keeper.abandon();
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    self.state.lock().stats.failed_attempt(&error, false);
                    self.shared.fail(&self.name, FailureKind::Lease, error);
                }
            }
            let clock = &self.shared.clock;
            let wait = millis(self.retry_every);
            self.state.lock().stats.next_run_at = Some(clock.wall().saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)));
            tokio::select! {
                biased;
                () = self.life.reached(Phase::Stopping) => {}
                () = self.now.notified() => {}
                () = clock.sleep_until(clock.monotonic().saturating_add(wait)) => {}
            }
        }
    }

    /// One term as leader; false when its handler was given up while it may still be going on.
    async fn term(&self, lost: &Signal) -> bool {
        if self.life.phase() != Phase::Running {
            return true;
        }
        {
            let mut state = self.state.lock();
            state.leading = true;
            state.stats.running = 1;
            state.stats.next_run_at = None;
            state.stats.started(self.shared.clock.wall(), false);
        }
        (self.changed)(true);
        // The handler's own signal: it ends with the lock and, other than a task's, with the first phase of a stop.
        let controller = Controller::new();
        let signal = controller.signal();
        let failed = AtomicBool::new(false);
        let plan = Attempts::default();
        let work = attempt(
            &self.shared,
            &self.life,
            &plan,
            Try {
                name: self.name.clone(),
                scheduled_at: self.shared.clock.wall(),
                attempt: 1,
            },
            None,
            |run| self.handler.run(Run { signal, ..run }),
            |ended, run| failed.store(self.report(ended, run), Ordering::Relaxed),
        );
        tokio::pin!(work);
        let (mut ended, mut over) = (None, false);
        while ended.is_none() || !over {
            tokio::select! {
                biased;
                _ = lost.wait(), if !over => {
                    over = true;
                    controller.abort(AbortReason::LeaseLost);
                    self.depose();
                }
                () = self.life.reached(Phase::Stopping), if !over => {
                    over = true;
                    controller.abort(AbortReason::Stopped);
                    self.depose();
                }
                done = &mut work, if ended.is_none() => ended = Some(done),
            }
        }
        let mut state = self.state.lock();
        state.stats.running = 0;
        state.stats.runs += 1;
        state.stats.failures += u64::from(failed.load(Ordering::Relaxed));
        state.stats.last_ended_at = Some(self.shared.clock.wall());
        ended.unwrap_or(true)
    }

    fn depose(&self) {
        self.state.lock().leading = false;
        (self.changed)(false);
    }

    /// Reports how the handler of a term failed, if it did.
    fn report(&self, ended: &Ended, run: u64) -> bool {
        let (kind, error) = match ended {
            Ended::Done | Ended::Aborted => return false,
            // The signal of a term is its own: obeying it is no failure.
            Ended::Failed(error) if is_abort(error) => return false,
            Ended::Failed(error) | Ended::TimedOut(error) | Ended::LeaseLost(error) => (FailureKind::Failed, error),
            Ended::Detached(error) => (FailureKind::Detached, error),
        };
        self.state.lock().stats.failed_attempt(error, false);
        (self.shared.observer)(Failure {
            task: self.name.clone(),
            kind,
            error: error.clone(),
            attempt: 1,
            will_retry: false,
            run: Some(run),
        });
        true
    }
}
