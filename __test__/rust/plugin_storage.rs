//! Locks, counters and versions of plugin storage under lost answers, repeated requests and missing conditions. A handle
//! over a `FaultyStore` with a name of its own stands for a process of its own.

#![allow(missing_docs, clippy::unwrap_used)]

use s3db::plugin::{IncrementOptions, LockOptions, PluginStorage, SequenceOptions, SetOptions};
use s3db::store::layers::{Meter, RetryLayer, RetryPolicy};
use s3db::store::memory::{MemoryLimits, MemoryStore};
use s3db::store::{PutRequest, Store};
use s3db::testkit::faulty_store::{Faults, FaultyStore};
use s3db::value::{Object, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const KEY: &str = "plugin=demo/calls";

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new("bucket", MemoryLimits::default()))
}

const FAULTS: Faults = Faults {
    seed: 0,
    refused: 0.05,
    lost: 0.15,
    delayed: 0.5,
    delay: Duration::from_millis(2),
};

const QUIET: Faults = Faults {
    seed: 0,
    refused: 0.0,
    lost: 0.0,
    delayed: 0.5,
    delay: Duration::from_millis(2),
};

fn process(shared: &Arc<dyn Store>, number: u64, faults: Faults, echoed: f64) -> PluginStorage {
    let faulty = FaultyStore::new(
        shared.clone(),
        Faults {
            seed: number + 1,
            ..faults
        },
    )
    .echoing(echoed)
    .named(&format!("process-{number}"));
    let policy = RetryPolicy {
        attempts: 20,
        base: Duration::from_micros(50),
        cap: Duration::from_millis(1),
    };
    let store = RetryLayer::new(Arc::new(faulty), policy, Arc::new(Meter::default()));
    PluginStorage::new(Arc::new(store), "demo").unwrap()
}

async fn count_together(shared: Arc<dyn Store>, make: impl Fn(u64) -> PluginStorage, processes: u64, rounds: u32) {
    let tasks: Vec<_> = (0..processes)
        .map(|number| {
            let storage = make(number);
            tokio::spawn(async move {
                let mut last = 0.0;
                for _ in 0..rounds {
                    let value = storage.increment(KEY, 1.0, &IncrementOptions::default()).await.unwrap();
                    assert!(value > last, "{value} after {last}");
                    last = value;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let reader = PluginStorage::new(shared, "demo").unwrap();
    let found = reader.get(KEY).await.unwrap().unwrap();
    assert_eq!(found.get("value"), Some(&Value::Number((processes * u64::from(rounds)) as f64)));
    assert_eq!(found.len(), 1, "revision and writers stay hidden: {found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spec05_10_8_counters_lose_and_double_nothing_when_answers_are_lost() {
    let shared = memory();
    count_together(shared.clone(), |n| process(&shared, n, FAULTS, 0.0), 8, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spec05_10_8_counters_recognise_their_own_write_behind_a_412() {
    let shared = memory();
    count_together(shared.clone(), |n| process(&shared, n, FAULTS, 0.3), 6, 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spec05_10_8_increments_that_meet_are_written_together() {
    let shared = memory();
    let storage = process(&shared, 0, QUIET, 0.0);
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let storage = storage.clone();
            tokio::spawn(async move { storage.increment(KEY, 1.0, &IncrementOptions::default()).await.unwrap() })
        })
        .collect();
    let mut values = Vec::new();
    for task in tasks {
        values.push(task.await.unwrap());
    }
    values.sort_by(f64::total_cmp);
    let expected: Vec<f64> = (1..=200).map(f64::from).collect();
    assert_eq!(values, expected, "each caller has a value of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spec05_10_8_without_conditions_one_process_still_loses_nothing() {
    let shared = memory();
    let faulty = FaultyStore::new(shared.clone(), QUIET).without_conditions();
    let storage = PluginStorage::new(Arc::new(faulty), "demo").unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    storage.set_event_sink(Arc::new(move |event, payload| {
        assert_eq!(event, "db:storage:degraded");
        let missing = payload.as_object().unwrap().get("missing").cloned();
        let names = ["if-none-match", "if-match", "delete-if-match"].map(Value::from);
        assert_eq!(missing, Some(Value::Array(names.to_vec())));
        count.fetch_add(1, SeqCst);
    }));
    let handle = storage.clone();
    count_together(shared, move |_| handle.clone(), 6, 30).await;
    assert_eq!(told.load(SeqCst), 1, "announced once");
}

/// Rounds of acquire, check, release by several processes: one holder at a time, growing fences, and nobody is locked out.
async fn contend(processes: Vec<PluginStorage>, rounds: u64, options: LockOptions) {
    let holders = Arc::new(AtomicI64::new(0));
    let fence = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = processes
        .into_iter()
        .map(|storage| {
            let (holders, fence, done, options) = (holders.clone(), fence.clone(), done.clone(), options.clone());
            tokio::spawn(async move {
                for _ in 0..rounds {
                    let lease = storage.acquire("hot", &options).await.unwrap().expect("within the timeout");
                    assert_eq!(holders.fetch_add(1, SeqCst), 0, "two holders at once");
                    let mine = lease.fence as u64;
                    // A lock that was deleted in between hands no fence on.
                    assert!(fence.swap(mine, SeqCst) < mine || options.discard, "fences grow");
                    assert!(storage.is_owner(&lease).await.unwrap());
                    holders.fetch_sub(1, SeqCst);
                    // A successor may be there before a lost answer is repeated, so the result says little.
                    storage.release(&lease).await.unwrap();
                    done.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    let expected = rounds * u64::try_from(tasks.len()).unwrap();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(done.load(SeqCst), expected);
}

fn patient(discard: bool) -> LockOptions {
    LockOptions {
        ttl: 60.0,
        timeout: 120_000.0,
        retry_delay: 1.0,
        max_retry_delay: 8.0,
        discard,
        ..LockOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spec05_10_7_locks_have_one_holder_while_answers_are_lost_and_requests_repeated() {
    for discard in [false, true] {
        let shared = memory();
        let processes = (0..6).map(|n| process(&shared, n, FAULTS, 0.2)).collect();
        contend(processes, 15, patient(discard)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spec05_10_7_locks_have_one_holder_in_read_back_mode() {
    let shared = memory();
    let processes = (0..4)
        .map(|n| {
            let faulty = FaultyStore::new(shared.clone(), Faults { seed: n, ..QUIET })
                .without_conditions()
                .named(&format!("process-{n}"));
            PluginStorage::new(Arc::new(faulty), "demo").unwrap()
        })
        .collect();
    let options = LockOptions {
        retry_delay: 40.0,
        max_retry_delay: 200.0,
        ..patient(false)
    };
    contend(processes, 4, options).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spec05_10_7_an_expired_lock_goes_to_one_of_the_racing_contenders() {
    for round in 0..20 {
        let shared = memory();
        let crashed = process(&shared, 99, QUIET, 0.0);
        let lost = crashed.acquire("job", &LockOptions::new(5.0, "crashed")).await.unwrap().unwrap();
        let later = s3db::ambient::now_ms() + 6000;
        let racers: Vec<_> = (0..8)
            .map(|n| {
                let storage = process(&shared, round * 10 + n, QUIET, 0.1).at(later);
                tokio::spawn(async move { (storage.acquire("job", &LockOptions::new(5.0, "racer")).await.unwrap(), storage) })
            })
            .collect();
        let mut won = Vec::new();
        for racer in racers {
            let (lease, storage) = racer.await.unwrap();
            won.extend(lease.map(|lease| (lease, storage)));
        }
        assert_eq!(won.len(), 1, "round {round}");
        let (lease, storage) = &won[0];
        assert!(lease.fence > lost.fence);
        assert!(!crashed.release(&lost).await.unwrap(), "the former holder releases nothing");
        assert!(crashed.renew(&lost, 5.0).await.unwrap().is_none());
        assert!(!crashed.is_owner(&lost).await.unwrap());
        assert!(storage.is_owner(lease).await.unwrap());
    }
}

#[tokio::test]
async fn spec05_10_7_acquire_and_release_take_three_requests() {
    let shared = memory();
    let counting = Arc::new(Meter::default());
    let store = s3db::store::layers::MeterLayer::new(shared, counting.clone());
    let storage = PluginStorage::new(Arc::new(store), "demo").unwrap();
    let total = || counting.snapshot()["total"].as_u64().unwrap();
    for round in 0..3 {
        let before = total();
        let lease = storage.acquire("job", &LockOptions::default()).await.unwrap().unwrap();
        storage.release(&lease).await.unwrap();
        assert_eq!(total() - before, 3, "round {round}");
    }
    let before = total();
    let options = LockOptions {
        discard: true,
        ..LockOptions::default()
    };
    let lease = storage.acquire("once", &options).await.unwrap().unwrap();
    storage.release(&lease).await.unwrap();
    assert_eq!(total() - before, 2, "names used once");
    let held = storage.acquire("held", &LockOptions::default()).await.unwrap().unwrap();
    let before = total();
    assert!(storage.acquire("held", &LockOptions::default()).await.unwrap().is_none());
    assert_eq!(total() - before, 1, "a held lock is found by one read");
    storage.renew(&held, 30.0).await.unwrap().unwrap();
    assert_eq!(total() - before, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spec05_18_versions_and_sequences_survive_lost_answers() {
    let shared = memory();
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let storage = process(&shared, n, FAULTS, 0.1);
            tokio::spawn(async move {
                let mut taken = Vec::new();
                for _ in 0..6 {
                    let options = SequenceOptions {
                        lock_timeout: 60_000.0,
                        ..SequenceOptions::default()
                    };
                    taken.push(storage.next_sequence("no", &options).await.unwrap());
                }
                taken
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all.sort_by(f64::total_cmp);
    assert_eq!(all, (1..=30).map(f64::from).collect::<Vec<_>>());

    let won = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (storage, won) = (process(&shared, 100 + n, FAULTS, 0.2), won.clone());
            tokio::spawn(async move {
                let data: Object = [("by".to_owned(), Value::Number(n as f64))].into_iter().collect();
                if storage
                    .set_if_absent("plugin=demo/one", data, &SetOptions::default())
                    .await
                    .unwrap()
                    .is_some()
                {
                    won.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(won.load(SeqCst), 1);
}

#[tokio::test]
async fn spec05_16_18_cleaning_up_never_removes_what_was_refreshed() {
    // The entry is refreshed between the read and the delete of another process.
    let shared = memory();
    let writer = PluginStorage::new(shared.clone(), "demo").unwrap();
    let expired: Object = [("n".to_owned(), Value::Number(1.0))].into_iter().collect();
    let options = SetOptions {
        ttl: Some(1.0),
        ..SetOptions::default()
    };
    for behavior in ["body-overflow", "body-only"] {
        let options = SetOptions {
            behavior: s3db::plugin::Behavior::parse(behavior).unwrap(),
            ..options.clone()
        };
        writer.set("plugin=demo/k", expired.clone(), &options).await.unwrap();
        let fresh = PutRequest {
            key: "plugin=demo/k".into(),
            body: "{\"n\":2}".into(),
            ..PutRequest::default()
        };
        let racing = Racing {
            inner: shared.clone(),
            fresh: parking_lot::Mutex::new(Some(fresh)),
        };
        let reader = PluginStorage::new(Arc::new(racing), "demo")
            .unwrap()
            .at(s3db::ambient::now_ms() + 5000);
        let found = reader.get("plugin=demo/k").await.unwrap().expect(behavior);
        assert_eq!(found.get("n"), Some(&Value::Number(2.0)), "{behavior}");
    }
}

/// Writes `fresh` right after the first read.
struct Racing {
    inner: Arc<dyn Store>,
    fresh: parking_lot::Mutex<Option<PutRequest>>,
}

impl Store for Racing {
    fn info(&self) -> s3db::store::StoreInfo {
        self.inner.info()
    }
    fn put(&self, request: PutRequest) -> s3db::store::StoreFuture<'_, s3db::store::PutOutcome> {
        self.inner.put(request)
    }
    fn put_many(
        &self,
        puts: Vec<s3db::store::PlainPut>,
    ) -> s3db::store::StoreFuture<'_, Vec<s3db::error::Result<s3db::store::PutOutcome>>> {
        self.inner.put_many(puts)
    }
    fn get<'a>(&'a self, key: &'a str) -> s3db::store::StoreFuture<'a, s3db::store::StoredObject> {
        Box::pin(async move {
            let found = self.inner.get(key).await;
            let fresh = self.fresh.lock().take();
            if let Some(request) = fresh {
                self.inner.put(request).await?;
            }
            found
        })
    }
    fn head<'a>(&'a self, key: &'a str) -> s3db::store::StoreFuture<'a, s3db::store::ObjectMeta> {
        self.inner.head(key)
    }
    fn copy(&self, request: s3db::store::CopyRequest) -> s3db::store::StoreFuture<'_, s3db::store::PutOutcome> {
        self.inner.copy(request)
    }
    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> s3db::store::StoreFuture<'a, ()> {
        self.inner.delete(key, if_match)
    }
    fn delete_many(&self, keys: Vec<String>) -> s3db::store::StoreFuture<'_, s3db::store::DeleteOutcome> {
        self.inner.delete_many(keys)
    }
    fn list(&self, request: s3db::store::ListRequest) -> s3db::store::StoreFuture<'_, s3db::store::ListPage> {
        self.inner.list(request)
    }
    fn capabilities(&self) -> s3db::store::StoreFuture<'_, s3db::store::Capabilities> {
        self.inner.capabilities()
    }
}
