use super::*;
use crate::error::{Error, Kind, Result, Retry};
use crate::store::memory::{MemoryLimits, MemoryStore};
use crate::store::*;
use bytes::Bytes;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

/// Memory that answers as told: a kind that gets every layer, failures, ignored conditions.
struct Scripted {
    memory: MemoryStore,
    /// Failures left before calls succeed; the write happens first when `lose` is set.
    failures: AtomicU32,
    lose: bool,
    error: Error,
    ignore_conditions: bool,
    in_flight: AtomicU32,
    peak: AtomicU32,
}

impl Scripted {
    fn new(failures: u32, lose: bool) -> Self {
        Self {
            memory: MemoryStore::new("b", MemoryLimits::default()),
            failures: failures.into(),
            lose,
            error: Error::new(Kind::Network, "reset").with_retry(Retry::Temporary),
            ignore_conditions: false,
            in_flight: 0.into(),
            peak: 0.into(),
        }
    }

    async fn answer<T>(&self, call: StoreFuture<'_, T>) -> Result<T> {
        let now = self.in_flight.fetch_add(1, SeqCst) + 1;
        self.peak.fetch_max(now, SeqCst);
        tokio::task::yield_now().await;
        let fail = self.failures.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok();
        let result = if fail && !self.lose { None } else { Some(call.await) };
        self.in_flight.fetch_sub(1, SeqCst);
        match result {
            Some(result) if !fail => result,
            _ => Err(self.error.clone()),
        }
    }
}

impl Store for Scripted {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            kind: "s3",
            bucket: "b".into(),
            immediate: false,
        }
    }
    fn put(&self, mut request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        if self.ignore_conditions {
            request.condition = Condition::None;
        }
        Box::pin(self.answer(self.memory.put(request)))
    }
    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(put_each(self, puts))
    }
    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        Box::pin(self.answer(self.memory.get(key)))
    }
    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        Box::pin(self.answer(self.memory.head(key)))
    }
    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(self.answer(self.memory.copy(request)))
    }
    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        let if_match = if_match.filter(|_| !self.ignore_conditions);
        Box::pin(self.answer(self.memory.delete(key, if_match)))
    }
    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        assert!(keys.len() <= 1000, "at most 1000 keys per request");
        Box::pin(self.answer(self.memory.delete_many(keys)))
    }
    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        Box::pin(self.answer(self.memory.list(request)))
    }
    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        panic!("a stack probes unknown stores")
    }
}

fn quick() -> StackOptions {
    StackOptions {
        parallelism: 3,
        retry: RetryPolicy {
            attempts: 3,
            base: Duration::from_millis(1),
            cap: Duration::from_millis(2),
        },
        probe: true,
    }
}

fn put(key: &str, body: &'static str, condition: Condition) -> PutRequest {
    PutRequest {
        key: key.into(),
        metadata: vec![("Name".into(), "value".into())],
        body: Bytes::from_static(body.as_bytes()),
        condition,
        ..PutRequest::default()
    }
}

fn retrying(backend: &Arc<Scripted>) -> (RetryLayer, Arc<Meter>) {
    let meter = Arc::new(Meter::default());
    let metered = Arc::new(MeterLayer::new(backend.clone(), meter.clone()));
    (RetryLayer::new(metered, quick().retry, meter.clone()), meter)
}

#[tokio::test]
async fn temporary_failures_are_retried_and_counted() {
    let (store, meter) = retrying(&Arc::new(Scripted::new(2, false)));
    store.put(put("k", "v", Condition::None)).await.expect("third attempt");
    assert_eq!((meter.retries(), meter.count(Command::Put), meter.total()), (2, 3, 3));
    let snapshot = meter.snapshot();
    assert_eq!(snapshot["byCommand"]["PutObjectCommand"], 3);
    assert_eq!(snapshot["bytesOut"], 3);
}

#[tokio::test]
async fn giving_up_is_marked_and_permanent_failures_are_not_repeated() {
    let (store, meter) = retrying(&Arc::new(Scripted::new(9, false)));
    let error = store.get("k").await.expect_err("three failures");
    assert_eq!((error.retry(), error.kind(), meter.total()), (Retry::Exhausted, Kind::Network, 3));

    let mut backend = Scripted::new(9, false);
    backend.error = Error::new(Kind::Permission, "denied").with_status(403);
    let (store, meter) = retrying(&Arc::new(backend));
    let error = store.get("k").await.expect_err("denied");
    assert_eq!((error.retry(), meter.total()), (Retry::Permanent, 1));
}

#[tokio::test]
async fn a_lost_answer_to_a_conditional_put_is_resolved() {
    for (body, read) in [("v", Command::Get), ("", Command::Head)] {
        let (store, meter) = retrying(&Arc::new(Scripted::new(1, true)));
        let outcome = store.put(put("k", body, Condition::IfAbsent)).await.expect("it was our own write");
        assert_eq!(outcome.etag, store.head("k").await.expect("head").etag);
        assert!(meter.count(read) >= 1, "the stored object is compared");
    }
}

#[tokio::test]
async fn a_lost_race_after_a_retry_stays_a_precondition_failure() {
    for other in [put("k", "other", Condition::None), {
        let mut same_body = put("k", "v", Condition::None);
        same_body.metadata = vec![("Name".into(), "other".into())];
        same_body
    }] {
        let backend = Arc::new(Scripted::new(1, false));
        backend.memory.put(other).await.expect("somebody else");
        let (store, _) = retrying(&backend);
        let error = store.put(put("k", "v", Condition::IfAbsent)).await.expect_err("taken");
        assert!(error.is_precondition());
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_conditional_delete_is_resolved() {
    let backend = Arc::new(Scripted::new(1, true));
    let etag = backend
        .memory
        .put(put("k", "v", Condition::None))
        .await
        .expect("put")
        .etag
        .expect("etag");
    let (store, _) = retrying(&backend);
    store.delete("k", Some(&etag)).await.expect("it was our own delete");
}

#[tokio::test]
async fn delete_many_goes_out_in_thousands() {
    let (store, meter) = retrying(&Arc::new(Scripted::new(1, false)));
    let keys: Vec<String> = (0..2500).map(|i| i.to_string()).collect();
    let outcome = store.delete_many(keys.clone()).await.expect("deleted");
    assert_eq!(outcome.deleted, keys);
    assert_eq!(meter.count(Command::DeleteMany), 4, "three chunks, one repeated");
}

#[tokio::test]
async fn requests_in_flight_are_bounded() {
    let backend = Arc::new(Scripted::new(0, false));
    let stacked = stack(backend.clone(), "p", &quick()).expect("stack");
    let calls = (0..40).map(|i| {
        let store = stacked.store.clone();
        tokio::spawn(async move { store.put(put(&format!("k{i}"), "v", Condition::None)).await })
    });
    for result in futures::future::join_all(calls).await {
        result.expect("joins").expect("put");
    }
    assert_eq!(backend.peak.load(SeqCst), 3);
}

#[tokio::test]
async fn spec05_2_8_honest_stores_are_probed_once_and_cleaned() {
    let backend = Arc::new(Scripted::new(0, false));
    let stacked = stack(backend.clone(), "db", &quick()).expect("stack");
    let asks = (0..8).map(|_| stacked.store.capabilities());
    for found in futures::future::join_all(asks).await {
        assert_eq!(found.expect("probe"), Capabilities::ALL);
    }
    let requests = stacked.meter.total();
    assert!(requests <= 9, "{requests} requests for one shared probe");
    assert_eq!(backend.memory.stats().object_count, 0, "the probe object is removed");
    stacked.store.put(put("k", "v", Condition::IfAbsent)).await.expect("allowed");
    assert_eq!(stacked.meter.total(), requests + 1, "the answer is kept");
}

#[tokio::test]
async fn spec05_2_8_ignored_conditions_are_found_and_refused() {
    let mut backend = Scripted::new(0, false);
    backend.ignore_conditions = true;
    let backend = Arc::new(backend);
    let stacked = stack(backend.clone(), "", &quick()).expect("stack");
    assert_eq!(stacked.store.capabilities().await.expect("probe"), Capabilities::default());
    let error = stacked.store.put(put("k", "v", Condition::IfAbsent)).await.expect_err("refused");
    assert_eq!(
        (error.kind(), &error.fields()["missing"]),
        (Kind::Unsupported, &"if-none-match".into())
    );
    let error = stacked
        .store
        .put(put("k", "v", Condition::IfMatch("e".into())))
        .await
        .expect_err("refused");
    assert_eq!(error.kind(), Kind::Unsupported);
    let error = stacked.store.delete("k", Some("e")).await.expect_err("refused");
    assert_eq!(error.kind(), Kind::Unsupported);
    assert_eq!(backend.memory.stats().object_count, 0);
    stacked.store.put(put("k", "v", Condition::None)).await.expect("unconditional");
}

#[tokio::test]
async fn spec05_2_8_network_and_permission_errors_decide_nothing() {
    for error in [
        Error::new(Kind::Network, "reset").with_retry(Retry::Temporary),
        Error::new(Kind::Permission, "denied").with_status(403),
    ] {
        let mut backend = Scripted::new(6, false);
        backend.error = error.clone();
        let store = crate::store::probe::ProbedStore::new(Arc::new(backend));
        for _ in 0..3 {
            assert_eq!(store.capabilities().await.expect_err("undecided").kind(), error.kind());
        }
        assert_eq!(store.capabilities().await.expect("asked again"), Capabilities::ALL);
    }
}

#[test]
fn immediate_stores_stay_immediate_under_the_stack() {
    use futures::FutureExt as _;
    let memory = Arc::new(MemoryStore::new("b", MemoryLimits::default()));
    let stacked = stack(memory, "p/q", &StackOptions::default()).expect("stack");
    let store = &stacked.store;
    assert!(store.info().immediate);
    let now = store.put(put("k", "body", Condition::IfAbsent)).now_or_never();
    now.expect("ready").expect("put");
    let object = store.get("k").now_or_never().expect("ready").expect("get");
    assert_eq!(object.body, "body");
    let error = store.get("nothing").now_or_never().expect("ready").expect_err("missing");
    assert_eq!(error.message(), "No such key: nothing", "keys in errors are the caller's");
    let page = store.list(ListRequest::default()).now_or_never().expect("ready").expect("list");
    assert_eq!(page.entries[0].key, "k");
    let snapshot = stacked.meter.snapshot();
    assert_eq!(snapshot["total"], 4);
    assert_eq!((&snapshot["bytesIn"], &snapshot["bytesOut"]), (&4.into(), &4.into()));
}

#[tokio::test]
async fn put_many_counts_every_object_and_its_owner() {
    let puts = |from: usize| {
        (from..from + 3)
            .map(|n| PlainPut {
                key: format!("resource=r/data/id={n}"),
                metadata: PackedMetadata::pack(&[("0".into(), "value".into())]),
            })
            .collect()
    };
    let meter = Arc::new(Meter::default());
    let store = MeterLayer::new(Arc::new(MemoryStore::new("b", MemoryLimits::default())), meter.clone());
    assert_eq!(store.put_many(puts(0)).await.expect("put").len(), 3);
    assert_eq!(meter.count(Command::Put), 3);
    meter.usage().snapshot();
    assert_eq!(store.put_many(puts(3)).await.expect("put").len(), 3);
    assert_eq!(meter.count(Command::Put), 6);
    let row = &meter.usage().snapshot()["rows"][0];
    assert_eq!(row["resource"], "r");
    assert_eq!(row["byCommand"]["PutObjectCommand"], 3);
}
