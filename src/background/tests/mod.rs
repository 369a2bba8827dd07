//! Background work on a clock that the tests move.

mod cron;
mod lease;
mod queue;
mod timer;

use super::*;
use crate::error::{Error, Kind};
use std::collections::HashMap;

/// 2026-03-01T00:00:00Z.
const START: i64 = 1_772_323_200_000;

/// Background work, its clock, and what it reported.
struct Lab {
    clock: Arc<ManualClock>,
    locks: Arc<FakeLocks>,
    failures: Arc<Mutex<Vec<Failure>>>,
    background: Background,
}

impl Lab {
    fn new() -> Self {
        Self::at(START)
    }

    fn at(wall: i64) -> Self {
        let clock = Arc::new(ManualClock::new(wall));
        Self::with(clock.clone(), Arc::new(FakeLocks::new(clock)))
    }

    /// Another process with the same clock and locks.
    fn beside(&self) -> Self {
        Self::with(self.clock.clone(), self.locks.clone())
    }

    fn with(clock: Arc<ManualClock>, locks: Arc<FakeLocks>) -> Self {
        let failures = Arc::new(Mutex::new(Vec::new()));
        let seen = failures.clone();
        let ambient = Ambient {
            runtime: Handle::current(),
            clock: clock.clone(),
            locks: Some(locks.clone()),
        };
        Self {
            background: Background::new(ambient, move |failure| seen.lock().push(failure)),
            clock,
            locks,
            failures,
        }
    }

    async fn pass(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms)).await;
    }

    fn kinds(&self) -> Vec<FailureKind> {
        self.failures.lock().iter().map(|failure| failure.kind).collect()
    }
}

/// Runs as they started, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Run>>>);

impl Log {
    fn add(&self, run: &Run) {
        self.0.lock().push(run.clone());
    }

    fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Times the runs were for, relative to [`START`].
    fn slots(&self) -> Vec<i64> {
        self.0.lock().iter().map(|run| run.scheduled_at - START).collect()
    }

    fn attempts(&self) -> Vec<u32> {
        self.0.lock().iter().map(|run| run.attempt).collect()
    }

    fn signal(&self, index: usize) -> Signal {
        self.0.lock()[index].signal.clone()
    }

    /// A handler that notes its runs and ends.
    fn note(&self) -> impl Fn(Run) -> std::future::Ready<Result<()>> + Send + Sync + 'static {
        let log = self.clone();
        move |run| {
            log.add(&run);
            std::future::ready(Ok(()))
        }
    }

    /// A handler that notes its runs and never ends.
    fn hang(&self) -> impl Fn(Run) -> std::future::Pending<Result<()>> + Send + Sync + 'static {
        let log = self.clone();
        move |run| {
            log.add(&run);
            std::future::pending()
        }
    }
}

fn boom() -> Error {
    Error::new(Kind::Unknown, "boom")
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Stops without waiting for anybody.
const NOW: StopOptions = StopOptions {
    grace: Duration::ZERO,
    abort_grace: Duration::ZERO,
};

/// Locks in memory that can be told to fail or to be taken away.
struct FakeLocks {
    clock: Arc<ManualClock>,
    held: Mutex<HashMap<String, (String, u64)>>,
    next: AtomicU64,
    failing: AtomicBool,
    calls: Mutex<Vec<&'static str>>,
}

impl FakeLocks {
    fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            clock,
            held: Mutex::default(),
            next: AtomicU64::new(1),
            failing: AtomicBool::new(false),
            calls: Mutex::default(),
        }
    }

    fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    /// Gives a lock to somebody else.
    fn steal(&self, name: &str) {
        self.held.lock().insert(name.to_owned(), ("thief".to_owned(), u64::MAX));
    }

    fn is_held(&self, name: &str) -> bool {
        let now = self.clock.monotonic();
        self.held.lock().get(name).is_some_and(|(_, until)| *until > now)
    }

    fn call<T: Send + 'static>(&self, what: &'static str, answer: T) -> LockFuture<'_, T> {
        self.calls.lock().push(what);
        let failing = self.failing.load(Ordering::Relaxed);
        Box::pin(async move {
            if failing {
                Err(Error::new(Kind::Network, "no store"))
            } else {
                Ok(answer)
            }
        })
    }
}

impl Locks for FakeLocks {
    fn acquire<'a>(&'a self, name: &'a str, ttl: Duration) -> LockFuture<'a, Option<Held>> {
        if self.failing.load(Ordering::Relaxed) || self.is_held(name) {
            return self.call("acquire", None);
        }
        let token = format!("{name}:{}", self.next.fetch_add(1, Ordering::Relaxed));
        let until = self.clock.monotonic() + millis(ttl);
        self.held.lock().insert(name.to_owned(), (token.clone(), until));
        self.call("acquire", Some(Held(token)))
    }

    fn renew<'a>(&'a self, held: &'a Held, ttl: Duration) -> LockFuture<'a, Option<Held>> {
        let until = self.clock.monotonic() + millis(ttl);
        let failing = self.failing.load(Ordering::Relaxed);
        let mut all = self.held.lock();
        let ours = all.values_mut().find(|(token, _)| *token == held.0);
        let renewed = ours.map(|entry| {
            if !failing {
                entry.1 = until;
            }
            held.clone()
        });
        drop(all);
        self.call("renew", renewed)
    }

    fn release(&self, held: Held) -> LockFuture<'_, ()> {
        self.held.lock().retain(|_, (token, _)| *token != held.0);
        self.call("release", ())
    }
}
