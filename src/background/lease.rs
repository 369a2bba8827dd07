//! Distributed locks under which tasks run, kept by renewal.
//!
//! A lock counts as held from the start of the request that took or renewed it until its time to live has passed: what
//! the store answers late never makes it longer. It is renewed every third of that time; a renewal that fails is
//! reported and tried again after a twelfth, one that says that the lock is another's ends it at once.

use super::millis;
use super::run::{FailureKind, Shared};
use super::signal::{AbortReason, Controller, Signal};
use crate::error::{Error, Kind, Result};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Result of a lock call.
pub type LockFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A lock that this process holds, as its implementation describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held(pub String);

/// Distributed locks with a time to live.
pub trait Locks: Send + Sync + 'static {
    /// One attempt; None when somebody else holds it.
    fn acquire<'a>(&'a self, name: &'a str, ttl: Duration) -> LockFuture<'a, Option<Held>>;
    /// Extends a lock; None when it is no longer ours.
    fn renew<'a>(&'a self, held: &'a Held, ttl: Duration) -> LockFuture<'a, Option<Held>>;
    /// Gives a lock back; fine when it is no longer ours.
    fn release(&self, held: Held) -> LockFuture<'_, ()>;
}

/// A store that does not answer must not hold a task or `stop` longer than this.
const DEADLINE: Duration = Duration::from_secs(5);

/// A held lock that renews itself.
pub(super) struct Keeper {
    lost: Signal,
    stop: oneshot::Sender<()>,
    renewal: JoinHandle<Option<Held>>,
}

/// Takes a lock and keeps it; None when somebody else holds it.
pub(super) async fn keep(shared: &Arc<Shared>, task: &Arc<str>, name: &str, ttl: Duration) -> Result<Option<Keeper>> {
    let locks = shared.locks()?;
    let asked = shared.clock.monotonic();
    // Whatever is later than the time to live cannot be a held lock any more.
    let Some(held) = bounded(shared, ttl, locks.acquire(name, ttl)).await? else {
        return Ok(None);
    };
    let controller = Controller::new();
    let lost = controller.signal();
    let (stop, stopped) = oneshot::channel();
    let renewal = shared
        .runtime
        .spawn(renew(shared.clone(), locks, task.clone(), held, asked, ttl, controller, stopped));
    Ok(Some(Keeper { lost, stop, renewal }))
}

impl Keeper {
    /// Aborted when the lock is lost.
    pub fn lost(&self) -> &Signal {
        &self.lost
    }

    /// Ends the renewal and gives the lock back.
    pub async fn release(self, shared: &Arc<Shared>, task: &Arc<str>) {
        let Self { stop, renewal, .. } = self;
        stop.send(()).ok();
        let (Ok(Some(held)), Ok(locks)) = (renewal.await, shared.locks()) else {
            return;
        };
        if let Err(error) = bounded(shared, DEADLINE, locks.release(held)).await {
            shared.fail(task, FailureKind::Lease, error);
        }
    }

    /// Ends the renewal and leaves the lock to expire: its work may still be going on.
    pub fn abandon(self) {
        self.stop.send(()).ok();
    }
}

/// Renews until told to stop or until the lock is lost; the lock, when it is still held.
#[allow(clippy::too_many_arguments)]
async fn renew(
    shared: Arc<Shared>,
    locks: Arc<dyn Locks>,
    task: Arc<str>,
    mut held: Held,
    asked: u64,
    ttl: Duration,
    lost: Controller,
    mut stopped: oneshot::Receiver<()>,
) -> Option<Held> {
    let clock = &shared.clock;
    let third = (millis(ttl) / 3).max(1);
    let mut valid_until = asked.saturating_add(millis(ttl));
    let mut next = asked.saturating_add(third);
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => return Some(held),
            () = clock.sleep_until(next.min(valid_until)) => {}
        }
        let now = clock.monotonic();
        if now >= valid_until {
            lost.abort(AbortReason::LeaseLost);
            return None;
        }
        let patience = Duration::from_millis(third.min(valid_until - now).max(1));
        match bounded(&shared, patience, locks.renew(&held, ttl)).await {
            Ok(Some(renewed)) => {
                held = renewed;
                valid_until = now.saturating_add(millis(ttl));
                next = now.saturating_add(third);
            }
            Ok(None) => {
                lost.abort(AbortReason::LeaseLost);
                return None;
            }
            Err(error) => {
                shared.fail(&task, FailureKind::Lease, error);
                // Sooner than after a success: the time left is for more than one more attempt.
                next = clock.monotonic().saturating_add((third / 4).max(1));
            }
        }
    }
}

async fn bounded<T>(shared: &Shared, patience: Duration, call: LockFuture<'_, T>) -> Result<T> {
    let until = shared.clock.monotonic().saturating_add(millis(patience));
    tokio::select! {
        biased;
        result = call => result,
        () = shared.clock.sleep_until(until) => Err(Error::new(
            Kind::Network,
            format!("the lock storage did not answer within {} ms", millis(patience)),
        )),
    }
}
