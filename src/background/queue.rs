//! Queues in memory: bounded length, bounded concurrency, retries, order per key, dead letters.

use super::life::{Life, Phase, StopOptions};
use super::millis;
use super::options::{Attempts, count};
use super::run::{Ended, Failure, FailureKind, Run, RunFuture, Shared, Try, attempt};
use super::stats::Stats;
use crate::ambient::random_unit;
use crate::error::{Error, Kind, Result};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot, watch};

/// What `push` does on a full queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// Waits for a place, in order.
    #[default]
    Wait,
    /// Fails.
    Reject,
}

/// Options of a queue.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// Items in work at once. Default 1.
    pub concurrency: usize,
    /// Accepted and unfinished items, those in work and those that wait for a retry included. Default 10000.
    pub max_length: usize,
    /// Further items.
    pub overflow: Overflow,
    /// Attempts of an item.
    pub attempts: Attempts,
    /// `stop` goes on with the items within its grace; otherwise it drops those not in work and reports how many.
    pub drain_on_stop: bool,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            concurrency: 1,
            max_length: 10_000,
            overflow: Overflow::default(),
            attempts: Attempts::default(),
            drain_on_stop: false,
        }
    }
}

/// One attempt at an item.
#[derive(Debug, Clone)]
pub struct Job<T> {
    /// The item.
    pub item: Arc<T>,
    /// Its key, when order matters.
    pub key: Option<Arc<str>>,
    /// The attempt.
    pub run: Run,
}

/// An item that failed for good.
#[derive(Debug, Clone)]
pub struct DeadLetter<T> {
    /// The item.
    pub item: Arc<T>,
    /// Its key.
    pub key: Option<Arc<str>>,
    /// Why the last attempt failed.
    pub error: Error,
    /// Attempts made.
    pub attempts: u32,
    /// Run of the last attempt.
    pub run: u64,
}

/// Work of a queue. Async closures `|job| async move { Ok(()) }` are handlers; [`WithDeadLetter`] adds a second closure.
pub trait QueueHandler<T>: Send + Sync + 'static {
    /// Starts one attempt.
    fn run(&self, job: Job<T>) -> RunFuture;
    /// Takes an item whose attempts have all failed. By default it is only reported.
    fn dead_letter(&self, _letter: DeadLetter<T>) {}
}

impl<T, F, Fut> QueueHandler<T> for F
where
    F: Fn(Job<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    fn run(&self, job: Job<T>) -> RunFuture {
        Box::pin(self(job))
    }
}

/// A handler and what takes its dead letters.
pub struct WithDeadLetter<F, D>(pub F, pub D);

impl<T, F, Fut, D> QueueHandler<T> for WithDeadLetter<F, D>
where
    F: Fn(Job<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
    D: Fn(DeadLetter<T>) + Send + Sync + 'static,
{
    fn run(&self, job: Job<T>) -> RunFuture {
        Box::pin(self.0(job))
    }

    fn dead_letter(&self, letter: DeadLetter<T>) {
        self.1(letter);
    }
}

/// Counters of a queue since it was created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Counters in common with tasks: a run is an item that was worked on to its end; `queued` are items that wait for
    /// their turn, a retry, or an earlier item of their key.
    pub tasks: Stats,
    /// Items that failed for good.
    pub dead_letters: u64,
    /// Items that were refused because the queue was full.
    pub rejected: u64,
    /// Items unfinished when the queue was stopped.
    pub dropped: u64,
    /// Pushes that wait for a place.
    pub waiting: usize,
}

/// What became of an offered item.
#[derive(Debug)]
pub enum Offer {
    /// It has its place.
    Accepted,
    /// It gets one when an item is done; the channel tells.
    Waiting(oneshot::Receiver<Result<()>>),
}

/// A queue in memory.
pub struct Queue<T>(pub(super) Arc<QueueInner<T>>);

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

pub(super) struct QueueInner<T> {
    shared: Arc<Shared>,
    name: Arc<str>,
    options: QueueOptions,
    handler: Arc<dyn QueueHandler<T>>,
    life: Arc<Life>,
    retry_now: Notify,
    /// Items accepted and unfinished, and pushes that wait.
    open: watch::Sender<usize>,
    state: Mutex<State<T>>,
}

struct State<T> {
    ready: VecDeque<Entry<T>>,
    /// Keys in work, with the items behind the one in work.
    keys: HashMap<Arc<str>, VecDeque<Entry<T>>>,
    waiting: VecDeque<(Entry<T>, oneshot::Sender<Result<()>>)>,
    /// Failed items that wait for their next attempt.
    delayed: HashMap<u64, Entry<T>>,
    next_delay: u64,
    length: usize,
    in_work: usize,
    paused: bool,
    closed: bool,
    stats: QueueStats,
}

struct Entry<T> {
    item: Arc<T>,
    key: Option<Arc<str>>,
    accepted_at: i64,
    attempts: u32,
}

/// How an item left the queue.
enum End {
    Done,
    Failed,
    /// Its queue was stopped first.
    Dropped,
}

impl<T: Send + Sync + 'static> Queue<T> {
    pub(super) fn start(shared: Arc<Shared>, name: Arc<str>, options: QueueOptions, handler: Arc<dyn QueueHandler<T>>) -> Result<Self> {
        count("concurrency", options.concurrency)?;
        count("maxLength", options.max_length)?;
        options.attempts.check()?;
        Ok(Self(Arc::new(QueueInner {
            shared,
            name,
            options,
            handler,
            life: Arc::new(Life::new()),
            retry_now: Notify::new(),
            open: watch::Sender::new(0),
            state: Mutex::new(State {
                ready: VecDeque::new(),
                keys: HashMap::new(),
                waiting: VecDeque::new(),
                delayed: HashMap::new(),
                next_delay: 0,
                length: 0,
                in_work: 0,
                paused: false,
                closed: false,
                stats: QueueStats::default(),
            }),
        })))
    }

    /// Name of the queue.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Adds an item. Items with the same key are worked on one after the other, in the order of their pushes.
    ///
    /// # Errors
    /// `BACKGROUND_QUEUE_FULL` with [`Overflow::Reject`], `BACKGROUND_STOPPED` after `stop`.
    pub async fn push(&self, item: T, key: Option<&str>) -> Result<()> {
        match self.offer(item, key)? {
            Offer::Accepted => Ok(()),
            Offer::Waiting(place) => place.await.unwrap_or_else(|_| Err(stopped(&self.0.name))),
        }
    }

    /// As [`Queue::push`], without waiting.
    pub fn offer(&self, item: T, key: Option<&str>) -> Result<Offer> {
        let entry = Entry {
            item: Arc::new(item),
            key: key.map(Arc::from),
            accepted_at: self.0.shared.clock.wall(),
            attempts: 0,
        };
        let mut state = self.0.state.lock();
        if state.closed {
            return Err(stopped(&self.0.name));
        }
        if state.length < self.0.options.max_length && state.waiting.is_empty() {
            state.accept(entry);
            self.0.count_open(&state);
            self.0.pump(&mut state);
            return Ok(Offer::Accepted);
        }
        if self.0.options.overflow == Overflow::Reject {
            state.stats.rejected += 1;
            return Err(full(&self.0.name, self.0.options.max_length));
        }
        let (send, receive) = oneshot::channel();
        state.waiting.push_back((entry, send));
        self.0.count_open(&state);
        Ok(Offer::Waiting(receive))
    }

    /// Waits until every item accepted so far, and those pushed meanwhile, are finished.
    pub async fn drain(&self) {
        drop(self.0.open.subscribe().wait_for(|n| *n == 0).await);
    }

    /// Starts no further item until [`Queue::resume`].
    pub fn pause(&self) {
        self.0.state.lock().paused = true;
    }

    /// Goes on after [`Queue::pause`].
    pub fn resume(&self) {
        let mut state = self.0.state.lock();
        state.paused = false;
        self.0.pump(&mut state);
    }

    /// Makes the items that wait for a retry due now.
    pub fn trigger(&self) {
        self.0.retry_now.notify_waiters();
    }

    /// Counters so far.
    pub fn stats(&self) -> QueueStats {
        let state = self.0.state.lock();
        let mut stats = state.stats.clone();
        stats.waiting = state.waiting.len();
        stats.tasks.running = state.in_work;
        stats.tasks.queued = state.length - state.in_work;
        stats
    }

    /// The part of `stop` that takes effect at once: from here on nothing new starts.
    pub fn begin_stop(&self) {
        self.0.close();
        if !self.0.options.drain_on_stop {
            self.0.life.go(Phase::Stopping);
        }
    }

    /// Takes no further item; resolves when what was in work has ended or been given up. Gives the number of items that
    /// were left unfinished, which is also reported when it is not 0.
    pub async fn stop(&self, options: StopOptions) -> u64 {
        let queue = &self.0;
        self.begin_stop();
        let clock = &queue.shared.clock;
        let started = clock.monotonic();
        let mut left = options;
        if queue.options.drain_on_stop {
            tokio::select! {
                biased;
                () = self.drain() => {}
                () = clock.sleep_until(started.saturating_add(millis(options.grace))) => {}
            }
            left.grace = options
                .grace
                .saturating_sub(std::time::Duration::from_millis(clock.monotonic() - started));
        }
        queue.life.go(Phase::Stopping);
        queue.drop_waiting_items();
        queue.life.stop(&**clock, left).await;
        let dropped = queue.drop_waiting_items();
        if dropped > 0 {
            let text = format!("Background queue '{}' was stopped with {dropped} unfinished item(s)", queue.name);
            let error = Error::new(Kind::Unknown, text)
                .with_code("BACKGROUND_DROPPED")
                .with("dropped", dropped);
            queue.shared.fail(&queue.name, FailureKind::Dropped, error);
        }
        dropped
    }

    pub(super) fn ended(&self) -> bool {
        self.0.life.phase() == Phase::Detached
    }

    pub(super) fn shut_down(&self) {
        self.0.close();
        self.0.life.go(Phase::Detached);
        self.0.drop_waiting_items();
    }
}

impl<T: Send + Sync + 'static> QueueInner<T> {
    fn count_open(&self, state: &State<T>) {
        self.open.send_replace(state.length + state.waiting.len());
    }

    fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        for (_, waiter) in state.waiting.drain(..) {
            drop(waiter.send(Err(stopped(&self.name))));
        }
        self.count_open(&state);
    }

    /// Drops what is not in work; all that was dropped so far.
    fn drop_waiting_items(&self) -> u64 {
        let mut state = self.state.lock();
        let behind: usize = state.keys.values().map(VecDeque::len).sum();
        let dropped = state.ready.len() + behind + state.delayed.len();
        state.ready.clear();
        state.delayed.clear();
        state.keys.values_mut().for_each(VecDeque::clear);
        state.length -= dropped;
        state.stats.dropped += dropped as u64;
        self.count_open(&state);
        state.stats.dropped
    }

    /// Starts as many items as may be in work.
    fn pump(self: &Arc<Self>, state: &mut State<T>) {
        while !state.paused && state.in_work < self.options.concurrency && self.life.phase() == Phase::Running {
            let Some(entry) = state.ready.pop_front() else { return };
            state.in_work += 1;
            let queue = self.clone();
            let running = self.life.enter();
            self.shared.runtime.spawn(async move {
                queue.work(entry).await;
                drop(running);
            });
        }
    }

    async fn work(self: &Arc<Self>, mut entry: Entry<T>) {
        entry.attempts += 1;
        let number = entry.attempts;
        self.state.lock().stats.tasks.started(self.shared.clock.wall(), number > 1);
        let this = Try {
            name: self.name.clone(),
            scheduled_at: entry.accepted_at,
            attempt: number,
        };
        let (item, key) = (entry.item.clone(), entry.key.clone());
        let mut failed = None;
        let (mut done, mut failed_at) = (false, 0);
        attempt(
            &self.shared,
            &self.life,
            &self.options.attempts,
            this,
            None,
            |run| self.handler.run(Job { item, key, run }),
            |ended, run| {
                done = matches!(ended, Ended::Done);
                failed_at = self.shared.clock.monotonic();
                failed = self.decide(ended, run, number);
            },
        )
        .await;
        let Some((error, run, again)) = failed else {
            return self.finish(entry, if done { End::Done } else { End::Dropped });
        };
        if again {
            return self.retry_later(entry, failed_at);
        }
        let letter = DeadLetter {
            item: entry.item.clone(),
            key: entry.key.clone(),
            error,
            attempts: number,
            run,
        };
        self.state.lock().stats.dead_letters += 1;
        // A native handler that panics here must not leave the item counted as in work.
        let handler = self.handler.clone();
        let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || handler.dead_letter(letter)));
        if taken.is_err() {
            let error = Error::new(Kind::Unknown, "the dead letter handler panicked");
            self.shared.fail(&self.name, FailureKind::Failed, error);
        }
        self.finish(entry, End::Failed);
    }

    /// Reports a failed attempt: why, its run, and whether another one follows. None for one that did not fail, and for
    /// one that was given up, whose item is dropped.
    fn decide(&self, ended: &Ended, run: u64, number: u32) -> Option<(Error, u64, bool)> {
        let (kind, error) = match ended {
            Ended::Done | Ended::Aborted => return None,
            Ended::Failed(error) => (FailureKind::Failed, error),
            Ended::TimedOut(error) => (FailureKind::Timeout, error),
            Ended::LeaseLost(error) => (FailureKind::LeaseLost, error),
            Ended::Detached(error) => (FailureKind::Detached, error),
        };
        let detached = kind == FailureKind::Detached;
        let again = !detached && number <= self.options.attempts.retries && self.life.phase() == Phase::Running;
        self.state.lock().stats.tasks.failed_attempt(error, kind == FailureKind::Timeout);
        (self.shared.observer)(Failure {
            task: self.name.clone(),
            kind,
            error: error.clone(),
            attempt: number,
            will_retry: again,
            run: Some(run),
        });
        (!detached).then(|| (error.clone(), run, again))
    }

    /// Gives the item's place in work to the next one and brings the item back after its wait.
    fn retry_later(self: &Arc<Self>, entry: Entry<T>, failed_at: u64) {
        let wait = millis(self.options.attempts.backoff.delay(entry.attempts, random_unit()));
        let until = failed_at.saturating_add(wait);
        let queue = self.clone();
        let id = {
            let mut state = self.state.lock();
            let id = state.next_delay;
            state.next_delay += 1;
            state.delayed.insert(id, entry);
            state.in_work -= 1;
            self.pump(&mut state);
            id
        };
        self.shared.runtime.spawn(async move {
            tokio::select! {
                biased;
                () = queue.life.reached(Phase::Aborting) => return,
                () = queue.retry_now.notified() => {}
                () = queue.shared.clock.sleep_until(until) => {}
            }
            let mut state = queue.state.lock();
            // A stop may have dropped it.
            if let Some(entry) = state.delayed.remove(&id) {
                state.ready.push_front(entry);
                queue.pump(&mut state);
            }
        });
    }

    /// Books the end of an item and lets others in.
    fn finish(self: &Arc<Self>, entry: Entry<T>, end: End) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.in_work -= 1;
        state.length -= 1;
        match end {
            End::Done => {}
            End::Failed => state.stats.tasks.failures += 1,
            End::Dropped => state.stats.dropped += 1,
        }
        state.stats.tasks.runs += 1;
        state.stats.tasks.last_ended_at = Some(self.shared.clock.wall());
        if let Some(key) = entry.key {
            match state.keys.get_mut(&key).and_then(VecDeque::pop_front) {
                Some(next) => state.ready.push_back(next),
                None => {
                    state.keys.remove(&key);
                }
            }
        }
        while state.length < self.options.max_length
            && let Some((entry, waiter)) = state.waiting.pop_front()
        {
            // A push that was given up meanwhile (its future dropped) takes no place.
            if waiter.send(Ok(())).is_ok() {
                state.accept(entry);
            }
        }
        self.count_open(state);
        self.pump(state);
    }
}

impl<T> State<T> {
    fn accept(&mut self, entry: Entry<T>) {
        self.length += 1;
        if let Some(key) = &entry.key {
            if let Some(behind) = self.keys.get_mut(key) {
                behind.push_back(entry);
                return;
            }
            self.keys.insert(key.clone(), VecDeque::new());
        }
        self.ready.push_back(entry);
    }
}

fn full(name: &str, length: usize) -> Error {
    let text = format!("Background queue '{name}' is full ({length} items): wait for drain(), raise maxLength, or choose overflow 'wait'");
    Error::new(Kind::Unknown, text)
        .with_code("BACKGROUND_QUEUE_FULL")
        .with_retry(crate::error::Retry::Temporary)
}

fn stopped(name: &str) -> Error {
    Error::new(
        Kind::Unknown,
        format!("Background queue '{name}' was stopped and takes no further items"),
    )
    .with_code("BACKGROUND_STOPPED")
}
