//! Time as background work sees it.

use super::millis;
use crate::ambient::now_ms;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A boxed wait.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The two clocks of a process: the wall clock, which may jump, and one that only goes forward.
pub trait Clock: Send + Sync + 'static {
    /// Epoch milliseconds. Cron follows it.
    fn wall(&self) -> i64;
    /// Milliseconds since some start. Intervals, timeouts and leases follow it.
    fn monotonic(&self) -> u64;
    /// Waits until [`Clock::monotonic`] has reached `at`; ready at once when it has.
    fn sleep_until(&self, at: u64) -> Sleep;
}

/// The clocks of the machine.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> i64 {
        now_ms()
    }

    fn monotonic(&self) -> u64 {
        millis(self.start.elapsed())
    }

    fn sleep_until(&self, at: u64) -> Sleep {
        // Past what tokio's timer reaches it saturates; every caller loops.
        let until = self.start + Duration::from_millis(at);
        Box::pin(tokio::time::sleep_until(until))
    }
}

/// Clocks that move only when told to, for tests of plugins.
#[derive(Debug)]
pub struct ManualClock(Mutex<Hands>);

#[derive(Debug)]
struct Hands {
    wall: i64,
    monotonic: u64,
    next_id: u64,
    sleepers: BTreeMap<(u64, u64), oneshot::Sender<()>>,
}

impl ManualClock {
    /// Starts with the wall clock at `wall` epoch milliseconds.
    pub fn new(wall: i64) -> Self {
        Self(Mutex::new(Hands {
            wall,
            monotonic: 0,
            next_id: 0,
            sleepers: BTreeMap::new(),
        }))
    }

    /// Moves both clocks forward and wakes, in order, what is due; between two wakings other tasks of a single-threaded
    /// runtime run until they wait again.
    pub async fn advance(&self, by: Duration) {
        let target = self.0.lock().monotonic.saturating_add(millis(by));
        settle().await;
        while self.wake_next(target) {
            settle().await;
        }
        self.move_to(target);
        settle().await;
    }

    /// Moves both clocks forward in one step and wakes everything that is due.
    pub fn step(&self, by: Duration) {
        let target = self.0.lock().monotonic.saturating_add(millis(by));
        self.move_to(target);
        while self.wake_next(target) {}
    }

    /// Sets the wall clock alone: what an operator or a time server does.
    pub fn set_wall(&self, wall: i64) {
        self.0.lock().wall = wall;
    }

    fn move_to(&self, target: u64) {
        let mut hands = self.0.lock();
        let by = target.saturating_sub(hands.monotonic);
        hands.monotonic += by;
        hands.wall = hands.wall.saturating_add(i64::try_from(by).unwrap_or(i64::MAX));
    }

    /// Wakes the first sleeper due by `target`; false when there is none.
    fn wake_next(&self, target: u64) -> bool {
        let first = self.0.lock().sleepers.first_key_value().map(|(key, _)| *key);
        let Some(key) = first.filter(|(at, _)| *at <= target) else {
            return false;
        };
        self.move_to(key.0);
        if let Some(sleeper) = self.0.lock().sleepers.remove(&key) {
            // A sleeper whose wait was given up has nobody to wake.
            sleeper.send(()).ok();
        }
        true
    }
}

/// Lets every other task of a single-threaded runtime run until it waits.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> i64 {
        self.0.lock().wall
    }

    fn monotonic(&self) -> u64 {
        self.0.lock().monotonic
    }

    fn sleep_until(&self, at: u64) -> Sleep {
        let mut hands = self.0.lock();
        if at <= hands.monotonic {
            return Box::pin(std::future::ready(()));
        }
        hands.sleepers.retain(|_, sleeper| !sleeper.is_closed());
        let (send, receive) = oneshot::channel();
        let key = (at, hands.next_id);
        hands.next_id += 1;
        hands.sleepers.insert(key, send);
        Box::pin(async move {
            if receive.await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
