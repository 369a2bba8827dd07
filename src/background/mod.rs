//! Background work of plugins: timers, cron, queues, leases and elections.
//!
//! One [`Background`] per plugin. What runs is bounded, failures reach one observer, `stop` waits for running handlers
//! up to a grace and then lets nothing of the plugin run. Handlers are async closures; a panic, a failure, a handler
//! that is slow or never ends harms no other task. Time comes from a [`Clock`], so that tests need no waiting.
//!
//! Source: spec/05 sections 17 and 18 (`scheduleCron`, `scheduleInterval`, leader election), spec/14 section B.6.
//! It knows no JavaScript: the binding makes handlers of JavaScript functions.

mod clock;
mod cron;
mod leader;
mod lease;
mod life;
mod options;
mod queue;
mod run;
mod signal;
mod stats;
mod timer;

#[cfg(test)]
mod tests;

pub use clock::{Clock, ManualClock, Sleep, SystemClock};
pub use cron::CronSchedule;
pub use leader::{Leader, LeaderChange, LeaderOptions};
pub use lease::{Held, LockFuture, Locks};
pub use life::StopOptions;
pub use options::{Attempts, Backoff, LONGEST, LeaseOptions, OnTimeout, Overlap, Schedule, TaskOptions};
pub use queue::{DeadLetter, Job, Offer, Overflow, Queue, QueueHandler, QueueOptions, QueueStats, WithDeadLetter};
pub use run::{Failure, FailureKind, Handler, Observer, Run, RunFuture};
pub use signal::{AbortReason, Signal};
pub use stats::{Outcome, SkipReason, Stats};
pub use timer::Task;

use crate::error::{Error, Kind, Result};
use futures::future::join_all;
use parking_lot::Mutex;
use run::Shared;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// Background work of one plugin. Dropping it ends everything at once.
pub struct Background {
    shared: Arc<Shared>,
    parts: Mutex<Vec<Arc<dyn Part>>>,
    stopping: AtomicBool,
}

/// Something that `stop` ends.
trait Part: Send + Sync {
    fn ended(&self) -> bool;
    fn begin_stop(&self);
    fn stop(&self, options: StopOptions) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    fn shut_down(&self);
}

/// What background work depends on.
pub struct Ambient {
    /// Runtime that drives it. Default: the current one.
    pub runtime: Handle,
    /// Its clocks. Default: the machine's.
    pub clock: Arc<dyn Clock>,
    /// Locks for leases and elections.
    pub locks: Option<Arc<dyn Locks>>,
}

impl Ambient {
    /// The current runtime, the machine's clocks, no locks.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn current() -> Self {
        Self {
            runtime: Handle::current(),
            clock: Arc::new(SystemClock::default()),
            locks: None,
        }
    }
}

impl Background {
    /// `observer` receives every failure.
    pub fn new(ambient: Ambient, observer: impl Fn(Failure) + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock: ambient.clock,
                runtime: ambient.runtime,
                observer: Arc::new(observer),
                locks: ambient.locks,
                next_run: AtomicU64::new(1),
            }),
            parts: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Starts a task with a schedule.
    ///
    /// # Errors
    /// Validation, naming the option.
    pub fn task(&self, name: &str, options: TaskOptions, handler: impl Handler) -> Result<Task> {
        self.open()?;
        options.check()?;
        if options.lease.is_some() {
            self.shared.locks()?;
        }
        let task = Task::start(self.shared.clone(), name.into(), options, Arc::new(handler));
        self.add(task.clone());
        Ok(task)
    }

    /// Starts a task that runs every `interval`.
    ///
    /// # Errors
    /// Validation, naming the option.
    pub fn every(&self, name: &str, interval: Duration, handler: impl Handler) -> Result<Task> {
        self.task(name, TaskOptions::every(interval), handler)
    }

    /// Starts a task at the times of a cron expression; see [`TaskOptions::cron`].
    ///
    /// # Errors
    /// Validation, naming `cron` or `timeZone`.
    pub fn cron(&self, name: &str, expression: &str, time_zone: &str, handler: impl Handler) -> Result<Task> {
        self.task(name, TaskOptions::cron(expression, time_zone)?, handler)
    }

    /// Opens a queue.
    ///
    /// # Errors
    /// Validation, naming the option.
    pub fn queue<T: Send + Sync + 'static>(&self, name: &str, options: QueueOptions, handler: impl QueueHandler<T>) -> Result<Queue<T>> {
        self.open()?;
        let queue = Queue::start(self.shared.clone(), name.into(), options, Arc::new(handler))?;
        self.add(queue.clone());
        Ok(queue)
    }

    /// Takes part in an election. `handler` runs while this process leads; its signal is aborted when that ends.
    ///
    /// # Errors
    /// Validation, naming the option.
    pub fn leader(
        &self,
        name: &str,
        options: LeaderOptions,
        handler: impl Handler,
        changed: impl Fn(bool) + Send + Sync + 'static,
    ) -> Result<Leader> {
        self.open()?;
        let leader = Leader::start(self.shared.clone(), name.into(), options, Arc::new(handler), Arc::new(changed))?;
        self.add(leader.clone());
        Ok(leader)
    }

    fn add(&self, part: impl Part + 'static) {
        let mut parts = self.parts.lock();
        parts.retain(|part| !part.ended());
        parts.push(Arc::new(part));
    }

    fn open(&self) -> Result<()> {
        if self.stopping.load(Ordering::Acquire) {
            let text = "Background work is being stopped: start new work once stop() has resolved";
            return Err(Error::new(Kind::Unknown, text).with_code("BACKGROUND_STOPPED"));
        }
        Ok(())
    }

    /// The part of `stop` that takes effect at once: from here on nothing new starts.
    pub fn begin_stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for part in self.parts.lock().iter() {
            part.begin_stop();
        }
    }

    /// Ends everything. When it resolves nothing started here runs any more, handlers that never end excepted, which
    /// were told to and reported.
    pub async fn stop(&self, options: StopOptions) {
        self.begin_stop();
        let parts = self.parts.lock().clone();
        join_all(parts.iter().map(|part| part.stop(options))).await;
        self.parts.lock().retain(|part| !part.ended());
        self.stopping.store(false, Ordering::Release);
    }

    /// Ends everything without waiting.
    pub fn shut_down(&self) {
        for part in std::mem::take(&mut *self.parts.lock()) {
            part.shut_down();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl Part for Task {
    fn ended(&self) -> bool {
        Task::ended(self)
    }

    fn begin_stop(&self) {
        Task::begin_stop(self);
    }

    fn stop(&self, options: StopOptions) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Task::stop(self, options))
    }

    fn shut_down(&self) {
        Task::shut_down(self);
    }
}

impl Part for Leader {
    fn ended(&self) -> bool {
        Leader::ended(self)
    }

    fn begin_stop(&self) {
        Leader::begin_stop(self);
    }

    fn stop(&self, options: StopOptions) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Leader::stop(self, options))
    }

    fn shut_down(&self) {
        Leader::shut_down(self);
    }
}

impl<T: Send + Sync + 'static> Part for Queue<T> {
    fn ended(&self) -> bool {
        Queue::ended(self)
    }

    fn begin_stop(&self) {
        Queue::begin_stop(self);
    }

    fn stop(&self, options: StopOptions) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            Queue::stop(self, options).await;
        })
    }

    fn shut_down(&self) {
        Queue::shut_down(self);
    }
}

/// Whole milliseconds, as clocks count them.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
