//! The store contract on every embedded store, bare, prefixed, and behind
//! faults under the retry layer.

use s3db::store::contract::{Expect, run};
use s3db::store::file::FileStore;
use s3db::store::layers::{Meter, RetryLayer, RetryPolicy, StackOptions, stack};
use s3db::store::memory::{MemoryLimits, MemoryStore};
use s3db::store::{Capabilities, Store};
use s3db::testkit::faulty_store::{Faults, FaultyStore};
use std::sync::Arc;
use std::time::Duration;

const EMBEDDED: Expect = Expect {
    capabilities: Capabilities::ALL,
    metadata_lowercased: false,
    races: true,
};

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new("contract", MemoryLimits::default()))
}

fn stacked(backend: Arc<dyn Store>, prefix: &str) -> Arc<dyn Store> {
    stack(backend, prefix, &StackOptions::default()).expect("the prefix is valid").store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_contract() {
    run(memory(), EMBEDDED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_under_a_prefix_keeps_the_contract() {
    let backend = memory();
    let store = stacked(backend.clone(), "app/x");
    let sibling = stacked(backend, "app/x2");
    run(sibling, EMBEDDED).await;
    run(store, EMBEDDED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_keep_the_contract() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = FileStore::new(directory.path(), "contract", Some("none")).expect("valid");
    run(Arc::new(store), EMBEDDED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn durable_files_under_a_prefix_keep_the_contract() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let backend: Arc<dyn Store> = Arc::new(FileStore::new(directory.path(), "contract", None).expect("valid"));
    run(stacked(backend.clone(), "app/x"), EMBEDDED).await;
    run(stacked(backend, "app/x2"), EMBEDDED).await;
}

fn behind_faults(faults: Faults) -> (Arc<FaultyStore>, Arc<dyn Store>) {
    let faulty = Arc::new(FaultyStore::new(memory(), faults));
    let policy = RetryPolicy {
        attempts: 20,
        base: Duration::from_micros(10),
        cap: Duration::from_micros(200),
    };
    let store = RetryLayer::new(faulty.clone(), policy, Arc::new(Meter::default()));
    (faulty, Arc::new(store))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refused_requests_are_invisible_above_the_retry_layer() {
    let (faulty, store) = behind_faults(Faults {
        seed: 1,
        refused: 0.2,
        lost: 0.0,
        delayed: 0.05,
        delay: Duration::from_millis(1),
    });
    run(store, EMBEDDED).await;
    assert!(faulty.injected() > 500, "{} faults", faulty.injected());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lost_answers_are_invisible_above_the_retry_layer() {
    for seed in 1..=5 {
        let (faulty, store) = behind_faults(Faults {
            seed,
            refused: 0.1,
            lost: 0.15,
            delayed: 0.0,
            delay: Duration::ZERO,
        });
        // A lost answer followed by somebody else's write cannot be told from a lost race.
        run(store, Expect { races: false, ..EMBEDDED }).await;
        assert!(faulty.injected() > 500, "{} faults", faulty.injected());
    }
}
