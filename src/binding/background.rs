//! Background work whose handlers are JavaScript functions.
//!
//! One weak threadsafe function per plugin carries every message to JavaScript, in order; `js/plugin/background.js`
//! answers by calls on this thread: `settle` for runs, `answer` for locks. A run that is given up is taken from the
//! table, so that a handler that never settles costs nothing here; a message that cannot be delivered (the environment
//! is gone) fails its run, and nothing is ever waited for without a limit or a way out.

use super::background_options::{LeaderText, QueueText, StopText, TaskText, duration, parse};
use super::error::{error_json, to_napi};
use crate::ambient::now_ms;
use crate::background::{
    Ambient, Background, Clock, Failure, Handler, Held, Job, Leader, LockFuture, Locks, ManualClock, Offer, Outcome, Queue, QueueHandler,
    QueueStats, Run, RunFuture, Signal, Stats, SystemClock, Task,
};
use crate::error::{Error, Kind, Result};
use napi::Status;
use napi::bindgen_prelude::{Function, within_runtime_if_available};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

type Channel = ThreadsafeFunction<String, (), String, Status, false, true>;
type Calls<T> = Mutex<HashMap<u64, oneshot::Sender<Result<T>>>>;

/// Clock of tests: stands still until it is moved.
#[napi]
pub struct NativeManualClock(Arc<ManualClock>);

#[napi]
impl NativeManualClock {
    #[napi(constructor)]
    pub fn new(wall: f64) -> Self {
        Self(Arc::new(ManualClock::new(wall as i64)))
    }

    /// Moves both clocks forward and wakes what is due.
    #[napi]
    pub fn step(&self, ms: f64) -> napi::Result<()> {
        self.0.step(duration("ms", ms).map_err(to_napi)?);
        Ok(())
    }

    /// Sets the wall clock alone.
    #[napi]
    pub fn set_wall(&self, wall: f64) {
        self.0.set_wall(wall as i64);
    }

    /// The wall clock, epoch milliseconds.
    #[napi]
    pub fn now(&self) -> f64 {
        self.0.wall() as f64
    }
}

/// The way to JavaScript and what is awaited from there.
struct Bridge {
    channel: Channel,
    runs: Calls<()>,
    locks: Calls<Option<String>>,
    next_call: AtomicU64,
}

impl Bridge {
    fn send(&self, message: &Json) -> bool {
        self.channel.call(message.to_string(), ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok
    }

    /// Starts a run in JavaScript and waits for its end.
    fn run(self: &Arc<Self>, run: &Run, message: &Json) -> RunFuture {
        let (send, receive) = oneshot::channel();
        self.runs.lock().insert(run.id, send);
        let pending = PendingRun {
            bridge: self.clone(),
            id: run.id,
            signal: run.signal.clone(),
            succeeded: false,
        };
        let (bridge, id, signal) = (self.clone(), run.id, run.signal.clone());
        let sent = self.send(message);
        let wait = async move {
            if !sent {
                return Err(gone());
            }
            let mut receive = receive;
            let result = tokio::select! {
                biased;
                result = &mut receive => result,
                reason = signal.wait() => {
                    bridge.send(&json!({ "t": "abort", "run": id, "reason": reason.as_str() }));
                    receive.await
                }
            };
            result.unwrap_or_else(|_| Err(gone()))
        };
        Box::pin(JsRun {
            wait: Box::pin(wait),
            pending,
        })
    }
}

/// A run in JavaScript. Its guard goes when the future is dropped, which is after its end was judged and reported.
struct JsRun {
    wait: RunFuture,
    pending: PendingRun,
}

impl Future for JsRun {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.wait.as_mut().poll(context);
        if let Poll::Ready(result) = &polled {
            self.pending.succeeded = result.is_ok();
        }
        polled
    }
}

/// Takes a run from the table when it ended or was given up; JavaScript forgets those that did not succeed only then,
/// after their failure was reported.
struct PendingRun {
    bridge: Arc<Bridge>,
    id: u64,
    signal: Signal,
    succeeded: bool,
}

impl Drop for PendingRun {
    fn drop(&mut self) {
        self.bridge.runs.lock().remove(&self.id);
        if !self.succeeded {
            let reason = self.signal.aborted().map(crate::background::AbortReason::as_str);
            self.bridge.send(&json!({ "t": "end", "run": self.id, "reason": reason }));
        }
    }
}

fn gone() -> Error {
    Error::new(Kind::Unknown, "the JavaScript environment has ended").with_code("BACKGROUND_GONE")
}

struct JsHandler {
    bridge: Arc<Bridge>,
    part: u32,
}

fn run_message(part: u32, run: &Run) -> Json {
    json!({
        "t": "run", "part": part, "run": run.id, "attempt": run.attempt,
        "scheduledAt": run.scheduled_at, "startedAt": run.started_at,
    })
}

impl Handler for JsHandler {
    fn run(&self, run: Run) -> RunFuture {
        self.bridge.run(&run, &run_message(self.part, &run))
    }
}

impl QueueHandler<String> for JsHandler {
    fn run(&self, job: Job<String>) -> RunFuture {
        let mut message = run_message(self.part, &job.run);
        message["item"] = json!(*job.item);
        message["key"] = json!(job.key.as_deref());
        self.bridge.run(&job.run, &message)
    }
}

/// Locks of the plugin's storage.
struct JsLocks(Arc<Bridge>);

struct PendingCall<'a>(&'a Bridge, u64);

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        self.0.locks.lock().remove(&self.1);
    }
}

impl JsLocks {
    fn call(&self, mut message: Json) -> LockFuture<'_, Option<String>> {
        Box::pin(async move {
            let call = self.0.next_call.fetch_add(1, Ordering::Relaxed);
            let (send, receive) = oneshot::channel();
            self.0.locks.lock().insert(call, send);
            let _pending = PendingCall(&self.0, call);
            message["t"] = json!("lock");
            message["call"] = json!(call);
            if !self.0.send(&message) {
                return Err(gone());
            }
            receive.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

impl Locks for JsLocks {
    fn acquire<'a>(&'a self, name: &'a str, ttl: Duration) -> LockFuture<'a, Option<Held>> {
        let call = self.call(json!({ "op": "acquire", "name": name, "ttl": ttl.as_secs_f64() }));
        Box::pin(async move { Ok(call.await?.map(Held)) })
    }

    fn renew<'a>(&'a self, held: &'a Held, ttl: Duration) -> LockFuture<'a, Option<Held>> {
        let call = self.call(json!({ "op": "renew", "held": held.0, "ttl": ttl.as_secs_f64() }));
        Box::pin(async move { Ok(call.await?.map(Held)) })
    }

    fn release(&self, held: Held) -> LockFuture<'_, ()> {
        let call = self.call(json!({ "op": "release", "held": held.0 }));
        Box::pin(async move { call.await.map(drop) })
    }
}

#[derive(Clone)]
enum Part {
    Task(Task),
    Queue(Queue<String>),
    Leader(Leader),
}

/// Background work of one plugin.
#[napi]
pub struct NativeBackground {
    background: Arc<Background>,
    bridge: Arc<Bridge>,
    runtime: Handle,
    parts: Mutex<HashMap<u32, Part>>,
    next_part: AtomicU32,
}

#[napi]
impl NativeBackground {
    /// `dispatch` receives every message; `locks` says that it answers lock calls.
    #[napi(constructor)]
    pub fn new(dispatch: Function<'_, String, ()>, locks: bool, clock: Option<&NativeManualClock>) -> napi::Result<Self> {
        let channel: Channel = dispatch.build_threadsafe_function::<String>().weak::<true>().build()?;
        let bridge = Arc::new(Bridge {
            channel,
            runs: Mutex::default(),
            locks: Mutex::default(),
            next_call: AtomicU64::new(1),
        });
        let runtime = within_runtime_if_available(Handle::current);
        let ambient = Ambient {
            runtime: runtime.clone(),
            clock: match clock {
                Some(manual) => manual.0.clone(),
                None => Arc::new(SystemClock::default()),
            },
            locks: locks.then(|| Arc::new(JsLocks(bridge.clone())) as Arc<dyn Locks>),
        };
        let reports = bridge.clone();
        let background = Background::new(ambient, move |failure| {
            reports.send(&failure_message(&failure));
        });
        Ok(Self {
            background: Arc::new(background),
            bridge,
            runtime,
            parts: Mutex::default(),
            next_part: AtomicU32::new(1),
        })
    }

    fn part_id(&self) -> (u32, JsHandler) {
        let part = self.next_part.fetch_add(1, Ordering::Relaxed);
        let bridge = self.bridge.clone();
        (part, JsHandler { bridge, part })
    }

    fn part(&self, id: u32) -> napi::Result<Part> {
        let part = self.parts.lock().get(&id).cloned();
        part.ok_or_else(|| to_napi(Error::new(Kind::Unknown, "this background task was stopped").with_code("BACKGROUND_STOPPED")))
    }

    /// Starts a task; its id.
    #[napi]
    pub fn task(&self, config: String) -> napi::Result<u32> {
        let (id, handler) = self.part_id();
        let start = || {
            let text: TaskText = parse(&config)?;
            self.background.task(&text.name, text.options()?, handler)
        };
        self.parts.lock().insert(id, Part::Task(start().map_err(to_napi)?));
        Ok(id)
    }

    /// Opens a queue; its id.
    #[napi]
    pub fn queue(&self, config: String) -> napi::Result<u32> {
        let (id, handler) = self.part_id();
        let start = || {
            let text: QueueText = parse(&config)?;
            self.background.queue(&text.name, text.options()?, handler)
        };
        self.parts.lock().insert(id, Part::Queue(start().map_err(to_napi)?));
        Ok(id)
    }

    /// Takes part in an election; its id.
    #[napi]
    pub fn leader(&self, config: String) -> napi::Result<u32> {
        let (id, handler) = self.part_id();
        let bridge = self.bridge.clone();
        let start = || {
            let text: LeaderText = parse(&config)?;
            let changed = move |leader| {
                bridge.send(&json!({ "t": "leader", "part": id, "leader": leader }));
            };
            self.background.leader(&text.name, text.options()?, handler, changed)
        };
        self.parts.lock().insert(id, Part::Leader(start().map_err(to_napi)?));
        Ok(id)
    }

    /// Tells the end of a run; `code` is that of its error.
    #[napi]
    pub fn settle(&self, run: f64, ok: bool, message: Option<String>, code: Option<String>) {
        let Some(waiter) = self.bridge.runs.lock().remove(&(run as u64)) else {
            return;
        };
        let result = if ok {
            Ok(())
        } else {
            let error = Error::new(Kind::Unknown, message.unwrap_or_default());
            Err(match code {
                Some(code) => error.with_code(code),
                None => error,
            })
        };
        // A run that was given up in this moment waits no more.
        waiter.send(result).ok();
    }

    /// Answers a lock call: the lock's text, or null when it is not ours.
    #[napi]
    pub fn answer(&self, call: f64, ok: bool, text: Option<String>) {
        let Some(waiter) = self.bridge.locks.lock().remove(&(call as u64)) else {
            return;
        };
        let result = if ok {
            Ok(text)
        } else {
            Err(Error::new(Kind::Unknown, text.unwrap_or_default()).with_code("BACKGROUND_LOCK"))
        };
        waiter.send(result).ok();
    }

    /// Runs a task now and answers `request` with its outcome; makes waiting retries of a queue due; tries to lead.
    #[napi]
    pub fn trigger(&self, id: u32, request: f64) -> napi::Result<()> {
        match self.part(id)? {
            Part::Task(task) => {
                let outcome = task.trigger();
                self.reply(request, async move { outcome_json(&outcome.await) });
            }
            Part::Queue(queue) => {
                queue.trigger();
                self.reply(request, async { Json::Null });
            }
            Part::Leader(leader) => {
                leader.trigger();
                self.reply(request, async { Json::Null });
            }
        }
        Ok(())
    }

    /// Adds an item. True when it was accepted; false when `request` is answered once it has a place.
    #[napi]
    pub fn push(&self, id: u32, item: String, key: Option<String>, request: f64) -> napi::Result<bool> {
        let Part::Queue(queue) = self.part(id)? else {
            return Err(no_queue());
        };
        match queue.offer(item, key.as_deref()).map_err(to_napi)? {
            Offer::Accepted => Ok(true),
            Offer::Waiting(place) => {
                self.reply(request, async move {
                    match place.await {
                        Ok(Ok(())) => Json::Null,
                        Ok(Err(error)) => json!({ "error": error_json(&error) }),
                        Err(_) => json!({ "error": error_json(&gone()) }),
                    }
                });
                Ok(false)
            }
        }
    }

    /// Answers `request` when the queue is empty and nothing of it is in work.
    #[napi]
    pub fn drain(&self, id: u32, request: f64) -> napi::Result<()> {
        let Part::Queue(queue) = self.part(id)? else {
            return Err(no_queue());
        };
        self.reply(request, async move {
            queue.drain().await;
            Json::Null
        });
        Ok(())
    }

    /// Starts no further item until resumed.
    #[napi]
    pub fn pause(&self, id: u32, paused: bool) -> napi::Result<()> {
        let Part::Queue(queue) = self.part(id)? else {
            return Err(no_queue());
        };
        if paused {
            queue.pause()
        } else {
            queue.resume()
        }
        Ok(())
    }

    /// Counters.
    #[napi]
    pub fn stats(&self, id: u32) -> napi::Result<String> {
        let json = match self.part(id)? {
            Part::Task(task) => stats_json(&task.stats()),
            Part::Queue(queue) => queue_stats_json(&queue.stats()),
            Part::Leader(leader) => {
                let mut json = stats_json(&leader.stats());
                json["leader"] = json!(leader.is_leader());
                json
            }
        };
        Ok(json.to_string())
    }

    /// Stops one part, or everything; answers `request` when nothing of it runs any more.
    #[napi]
    pub fn stop(&self, id: Option<u32>, config: String, request: f64) -> napi::Result<()> {
        let options = parse::<StopText>(&config).and_then(|text| text.options()).map_err(to_napi)?;
        let Some(id) = id else {
            let background = self.background.clone();
            let bridge = self.bridge.clone();
            // Now, not when the runtime gets to it: a handler that ends meanwhile must not let the next one start.
            background.begin_stop();
            self.runtime.spawn(async move {
                background.stop(options).await;
                bridge.send(&json!({ "t": "reply", "request": request, "value": null }));
            });
            return Ok(());
        };
        let part = self.part(id)?;
        match &part {
            Part::Task(task) => task.begin_stop(),
            Part::Leader(leader) => leader.begin_stop(),
            Part::Queue(queue) => queue.begin_stop(),
        }
        self.reply(request, async move {
            match part {
                Part::Task(task) => task.stop(options).await,
                Part::Leader(leader) => leader.stop(options).await,
                Part::Queue(queue) => return json!({ "dropped": queue.stop(options).await }),
            }
            Json::Null
        });
        Ok(())
    }

    /// Forgets a stopped part.
    #[napi]
    pub fn forget(&self, id: u32) {
        self.parts.lock().remove(&id);
    }

    /// Ends everything without waiting.
    #[napi]
    pub fn shut_down(&self) {
        self.background.shut_down();
    }

    fn reply(&self, request: f64, answer: impl Future<Output = Json> + Send + 'static) {
        let bridge = self.bridge.clone();
        self.runtime.spawn(async move {
            let value = answer.await;
            bridge.send(&json!({ "t": "reply", "request": request, "value": value }));
        });
    }
}

/// Also when a worker is terminated: its tasks must not go on in the threads of the process.
impl Drop for NativeBackground {
    fn drop(&mut self) {
        self.background.shut_down();
    }
}

/// Next time of a cron expression after `from` (default now), or null; epoch milliseconds.
#[napi]
pub fn cron_next(expression: String, time_zone: String, from: Option<f64>) -> napi::Result<Option<f64>> {
    let cron = crate::background::CronSchedule::new(&expression, &time_zone).map_err(to_napi)?;
    let from = from.map_or_else(now_ms, |ms| ms as i64);
    Ok(cron.next_after(from).map(|at| at as f64))
}

fn no_queue() -> napi::Error {
    to_napi(Error::new(Kind::Validation, "this background task is no queue"))
}

fn failure_message(failure: &Failure) -> Json {
    json!({
        "t": "failure", "task": *failure.task, "kind": failure.kind.as_str(), "message": failure.error.message(),
        "code": failure.error.code(), "attempt": failure.attempt, "willRetry": failure.will_retry, "run": failure.run,
    })
}

fn outcome_json(outcome: &Outcome) -> Json {
    match outcome {
        Outcome::Done { attempts } => json!({ "status": "done", "attempts": attempts }),
        Outcome::Aborted { attempts } => json!({ "status": "aborted", "attempts": attempts }),
        Outcome::Skipped(reason) => json!({ "status": "skipped", "reason": reason.as_str(), "attempts": 0 }),
        Outcome::Failed {
            attempts,
            timed_out,
            error,
        } => json!({
            "status": if *timed_out { "timeout" } else { "failed" }, "attempts": attempts, "message": error.message(), "code": error.code(),
        }),
    }
}

fn stats_json(stats: &Stats) -> Json {
    json!({
        "runs": stats.runs, "failures": stats.failures, "timeouts": stats.timeouts, "retries": stats.retries,
        "skipped": stats.skipped, "missed": stats.missed, "running": stats.running, "queued": stats.queued,
        "lastError": stats.last_error, "lastStartedAt": stats.last_started_at, "lastEndedAt": stats.last_ended_at,
        "nextRunAt": stats.next_run_at,
    })
}

fn queue_stats_json(stats: &QueueStats) -> Json {
    let mut json = stats_json(&stats.tasks);
    json["deadLetters"] = json!(stats.dead_letters);
    json["rejected"] = json!(stats.rejected);
    json["dropped"] = json!(stats.dropped);
    json["waiting"] = json!(stats.waiting);
    json
}
