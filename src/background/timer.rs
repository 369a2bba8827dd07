//! Tasks with a schedule.

use super::cron::CronSchedule;
use super::lease::{self, Keeper};
use super::life::{Life, Phase, StopOptions};
use super::millis;
use super::options::{Overlap, Schedule, TaskOptions};
use super::run::{Ended, Failure, FailureKind, Handler, Shared, Try, attempt};
use super::signal::Signal;
use super::stats::{Outcome, SkipReason, Stats};
use crate::ambient::random_unit;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Cron looks at the wall clock at least this often, to notice that it was set or that the machine slept.
const LOOK: u64 = 60_000;
/// A clock set back further than this is a correction: cron follows it at once, as Vixie cron does. Below it cron waits
/// until the time passes that was reached before, so that nothing runs twice.
const CORRECTION: i64 = 3 * 3_600_000;

/// A task with a schedule.
#[derive(Clone)]
pub struct Task(pub(super) Arc<TaskInner>);

pub(super) struct TaskInner {
    shared: Arc<Shared>,
    name: Arc<str>,
    options: TaskOptions,
    handler: Arc<dyn Handler>,
    life: Arc<Life>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pending: VecDeque<Pending>,
    stats: Stats,
}

struct Pending {
    scheduled_at: i64,
    done: Option<oneshot::Sender<Outcome>>,
}

impl Task {
    pub(super) fn start(shared: Arc<Shared>, name: Arc<str>, options: TaskOptions, handler: Arc<dyn Handler>) -> Self {
        let inner = Arc::new(TaskInner {
            shared,
            name,
            options,
            handler,
            life: Arc::new(Life::new()),
            state: Mutex::default(),
        });
        let driven = inner.clone();
        // The grid starts now, not when the driver gets a thread.
        let clock = &inner.shared.clock;
        let start = (clock.monotonic(), clock.wall());
        inner.shared.runtime.spawn(async move {
            tokio::select! {
                biased;
                () = driven.life.reached(Phase::Stopping) => {}
                () = driven.drive(start) => {}
            }
            driven.state.lock().stats.next_run_at = None;
        });
        Self(inner)
    }

    /// Name of the task.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Counters so far.
    pub fn stats(&self) -> Stats {
        self.0.state.lock().stats.clone()
    }

    /// Runs the task now, by the same rules as its schedule, and tells how that went. The schedule is not changed.
    pub fn trigger(&self) -> impl Future<Output = Outcome> + Send + use<> {
        let (done, outcome) = oneshot::channel();
        self.0.fire(self.0.shared.clock.wall(), Some(done));
        async move { outcome.await.unwrap_or(Outcome::Skipped(SkipReason::Stopped)) }
    }

    /// The part of `stop` that takes effect at once: from here on nothing new starts.
    pub fn begin_stop(&self) {
        self.0.life.go(Phase::Stopping);
    }

    /// Nothing new starts; resolves when what ran has ended or been given up.
    pub async fn stop(&self, options: StopOptions) {
        self.begin_stop();
        self.0.drop_pending();
        self.0.life.stop(&*self.0.shared.clock, options).await;
    }

    pub(super) fn ended(&self) -> bool {
        self.0.life.phase() == Phase::Detached
    }

    pub(super) fn shut_down(&self) {
        self.0.life.go(Phase::Detached);
        self.0.drop_pending();
    }
}

impl TaskInner {
    /// Ticks for ever.
    async fn drive(self: &Arc<Self>, (monotonic, wall): (u64, i64)) {
        if self.options.immediate {
            self.fire(wall, None);
        }
        match &self.options.schedule {
            Schedule::Every(interval) => self.drive_interval(millis(*interval), monotonic).await,
            Schedule::Cron(cron) => self.drive_cron(cron, wall).await,
        }
        std::future::pending().await
    }

    async fn drive_interval(self: &Arc<Self>, every: u64, start: u64) {
        let clock = &self.shared.clock;
        let mut next = start.saturating_add(every);
        loop {
            let due = next.saturating_add(self.random_jitter());
            let wait = i64::try_from(due.saturating_sub(clock.monotonic())).unwrap_or(i64::MAX);
            self.state.lock().stats.next_run_at = Some(clock.wall().saturating_add(wait));
            while clock.monotonic() < due {
                clock.sleep_until(due).await;
            }
            let now = clock.monotonic();
            let late = i64::try_from(now.saturating_sub(next)).unwrap_or(0);
            self.fire(clock.wall().saturating_sub(late), None);
            next = next.saturating_add(every);
            // Ticks that passed before are made up by the run just started.
            if next <= now {
                let missed = (now - next) / every + 1;
                next = next.saturating_add(missed.saturating_mul(every));
                self.state.lock().stats.missed += missed;
            }
        }
    }

    async fn drive_cron(self: &Arc<Self>, cron: &CronSchedule, start: i64) {
        let clock = &self.shared.clock;
        let mut seen = start;
        let mut next = cron.next_after(seen);
        while let Some(slot) = next {
            let due = slot.saturating_add(i64::try_from(self.random_jitter()).unwrap_or(0));
            self.state.lock().stats.next_run_at = Some(due);
            let now = loop {
                // Read first: a clock that moves between the two makes the wait shorter, never longer.
                let before = clock.monotonic();
                let now = clock.wall();
                if now < seen.saturating_sub(CORRECTION) || now >= due {
                    break now;
                }
                seen = seen.max(now);
                let wait = u64::try_from(due - now).unwrap_or(1).min(LOOK);
                clock.sleep_until(before.saturating_add(wait)).await;
            };
            if now < due {
                seen = now;
                next = cron.next_after(now);
                continue;
            }
            seen = seen.max(now);
            next = self.fire_latest(cron, slot, now);
        }
    }

    /// Fires for the latest time that has come, `slot` or a later one, and gives the one after it.
    fn fire_latest(self: &Arc<Self>, cron: &CronSchedule, slot: i64, now: i64) -> Option<i64> {
        let mut latest = slot;
        let mut missed = 0;
        let mut next = cron.next_after(latest);
        while let Some(later) = next.filter(|later| *later <= now) {
            missed += 1;
            latest = later;
            next = cron.next_after(latest);
        }
        let jitter = i64::try_from(millis(self.options.jitter)).unwrap_or(i64::MAX);
        let late = now.saturating_sub(latest).saturating_sub(jitter);
        let on_time = late <= i64::try_from(LOOK).unwrap_or(i64::MAX);
        if on_time || self.options.catch_up {
            self.state.lock().stats.missed += missed;
            self.fire(latest, None);
        } else {
            self.state.lock().stats.missed += missed + 1;
        }
        next
    }

    fn random_jitter(&self) -> u64 {
        millis(self.options.jitter.mul_f64(random_unit()))
    }

    /// Starts a run, lets it wait, or passes it over.
    fn fire(self: &Arc<Self>, scheduled_at: i64, done: Option<oneshot::Sender<Outcome>>) {
        let pending = Pending { scheduled_at, done };
        let mut state = self.state.lock();
        if self.life.phase() != Phase::Running {
            return pending.skip(&mut state.stats, SkipReason::Stopped);
        }
        let limit = if self.options.overlap == Overlap::Allow {
            self.options.max_concurrent
        } else {
            1
        };
        if state.stats.running < limit {
            state.stats.running += 1;
            drop(state);
            return self.spawn(pending);
        }
        if self.options.overlap == Overlap::Queue && state.pending.len() < self.options.max_queued {
            state.pending.push_back(pending);
            state.stats.queued = state.pending.len();
        } else {
            pending.skip(&mut state.stats, SkipReason::Overlap);
        }
    }

    /// The run's place is already counted in `running`.
    fn spawn(self: &Arc<Self>, pending: Pending) {
        let task = self.clone();
        // Counted before the spawn: a stop right after must wait for it.
        let running = self.life.enter();
        self.shared.runtime.spawn(async move {
            let outcome = task.execute(pending.scheduled_at).await;
            let follow = task.ended(&outcome);
            if let Some(done) = pending.done {
                drop(done.send(outcome));
            }
            if let Some(follow) = follow {
                task.spawn(follow);
            }
            drop(running);
        });
    }

    /// Books the end of a run; the waiting one that takes its place.
    fn ended(&self, outcome: &Outcome) -> Option<Pending> {
        let mut state = self.state.lock();
        state.stats.end(outcome, self.shared.clock.wall());
        let follow = if self.life.phase() == Phase::Running {
            state.pending.pop_front()
        } else {
            None
        };
        state.stats.queued = state.pending.len();
        if follow.is_none() {
            state.stats.running -= 1;
        }
        follow
    }

    async fn execute(&self, scheduled_at: i64) -> Outcome {
        let Some(options) = &self.options.lease else {
            return self.attempts(scheduled_at, None).await.0;
        };
        let taken = tokio::select! {
            biased;
            () = self.life.reached(Phase::Detached) => return Outcome::Skipped(SkipReason::Stopped),
            taken = lease::keep(&self.shared, &self.name, &options.name, options.ttl) => taken,
        };
        let keeper: Keeper = match taken {
            Ok(Some(keeper)) => keeper,
            Ok(None) => return Outcome::Skipped(SkipReason::Lease),
            Err(error) => {
                self.shared.fail(&self.name, FailureKind::Lease, error.clone());
                return Outcome::Failed {
                    attempts: 0,
                    timed_out: false,
                    error,
                };
            }
        };
        let (outcome, ended) = self.attempts(scheduled_at, Some(keeper.lost())).await;
        if ended {
            keeper.release(&self.shared, &self.name).await;
        } else {
            keeper.abandon();
        }
        outcome
    }

    /// All attempts of a run; false when the last one was given up while it may still be going on.
    async fn attempts(&self, scheduled_at: i64, lost: Option<&Signal>) -> (Outcome, bool) {
        let plan = &self.options.attempts;
        let mut number = 0;
        loop {
            number += 1;
            self.state.lock().stats.started(self.shared.clock.wall(), number > 1);
            let this = Try {
                name: self.name.clone(),
                scheduled_at,
                attempt: number,
            };
            let mut outcome = Outcome::Aborted { attempts: number };
            let mut again = false;
            let mut failed_at = 0;
            let decided = |ended: &Ended, run: u64| {
                failed_at = self.shared.clock.monotonic();
                let may_retry = number <= plan.retries && self.life.phase() == Phase::Running;
                (outcome, again) = self.decide(ended, run, number, may_retry);
            };
            let ended = attempt(&self.shared, &self.life, plan, this, lost, |run| self.handler.run(run), decided).await;
            if !again {
                return (outcome, ended);
            }
            let wait = millis(plan.backoff.delay(number, random_unit()));
            let until = failed_at.saturating_add(wait);
            tokio::select! {
                biased;
                () = self.life.reached(Phase::Stopping) => return (outcome, ended),
                _ = async { lost?.wait().await; Some(()) }, if lost.is_some() => return (outcome, ended),
                () = self.shared.clock.sleep_until(until) => {}
            }
        }
    }

    /// What an attempt's end means, reported when it is a failure; true when another attempt follows.
    fn decide(&self, ended: &Ended, run: u64, number: u32, may_retry: bool) -> (Outcome, bool) {
        let (kind, error, may_retry) = match ended {
            Ended::Done => return (Outcome::Done { attempts: number }, false),
            Ended::Aborted => return (Outcome::Aborted { attempts: number }, false),
            Ended::Failed(error) => (FailureKind::Failed, error, may_retry),
            Ended::TimedOut(error) => (FailureKind::Timeout, error, may_retry),
            Ended::LeaseLost(error) => (FailureKind::LeaseLost, error, false),
            Ended::Detached(error) => (FailureKind::Detached, error, false),
        };
        let timed_out = kind == FailureKind::Timeout;
        self.state.lock().stats.failed_attempt(error, timed_out);
        (self.shared.observer)(Failure {
            task: self.name.clone(),
            kind,
            error: error.clone(),
            attempt: number,
            will_retry: may_retry,
            run: Some(run),
        });
        let error = error.clone();
        (
            Outcome::Failed {
                attempts: number,
                timed_out,
                error,
            },
            may_retry,
        )
    }

    fn drop_pending(&self) {
        let mut state = self.state.lock();
        let waiting: Vec<Pending> = state.pending.drain(..).collect();
        for pending in waiting {
            pending.skip(&mut state.stats, SkipReason::Stopped);
        }
        state.stats.queued = 0;
    }
}

impl Pending {
    fn skip(self, stats: &mut Stats, reason: SkipReason) {
        stats.skip();
        if let Some(done) = self.done {
            drop(done.send(Outcome::Skipped(reason)));
        }
    }
}
