//! The phases in which a task ends, and the count of what it still runs.

use super::clock::Clock;
use super::millis;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What a task may still do. Phases only go forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Everything.
    Running,
    /// Nothing new starts; what runs may end.
    Stopping,
    /// Signals of running handlers are aborted.
    Aborting,
    /// Nothing is waited for any more.
    Detached,
}

/// How long `stop` waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopOptions {
    /// For running handlers to end by themselves. Default 5 s.
    pub grace: Duration,
    /// After their signals were aborted. Default 1 s.
    pub abort_grace: Duration,
}

impl Default for StopOptions {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(5),
            abort_grace: Duration::from_secs(1),
        }
    }
}

#[derive(Debug)]
pub(super) struct Life {
    phase: watch::Sender<Phase>,
    running: watch::Sender<usize>,
}

/// Counts one running handler while it exists.
pub(super) struct Running(Arc<Life>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|n| *n = n.saturating_sub(1));
    }
}

impl Life {
    pub fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Running),
            running: watch::Sender::new(0),
        }
    }

    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits for `phase` or a later one.
    pub async fn reached(&self, phase: Phase) {
        // The sender lives as long as `self`, so this never fails.
        drop(self.phase.subscribe().wait_for(|now| *now >= phase).await);
    }

    /// To be called before anything is spawned that ends by `Running` being dropped.
    pub fn enter(self: &Arc<Self>) -> Running {
        self.running.send_modify(|n| *n += 1);
        Running(self.clone())
    }

    pub fn go(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let later = phase > *now;
            if later {
                *now = phase;
            }
            later
        });
    }

    /// True when nothing runs within `patience`.
    async fn idle_within(&self, clock: &dyn Clock, patience: Duration) -> bool {
        let mut running = self.running.subscribe();
        let until = clock.monotonic().saturating_add(millis(patience));
        tokio::select! {
            biased;
            _ = running.wait_for(|n| *n == 0) => true,
            () = clock.sleep_until(until) => false,
        }
    }

    /// Goes through the phases. When it resolves nothing of the task runs in this room any more.
    pub async fn stop(&self, clock: &dyn Clock, options: StopOptions) {
        self.go(Phase::Stopping);
        if !self.idle_within(clock, options.grace).await {
            self.go(Phase::Aborting);
            self.idle_within(clock, options.abort_grace).await;
        }
        self.go(Phase::Detached);
        drop(self.running.subscribe().wait_for(|n| *n == 0).await);
    }
}
