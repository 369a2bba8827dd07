//! The store contract over `S3Store`: against the strict server always, against
//! other servers when the environment names them.

#![allow(missing_docs, clippy::unwrap_used)]

use s3db::store::contract::{Expect, failures, run};
use s3db::store::layers::{RetryPolicy, StackOptions, stack};
use s3db::store::s3::{S3Config, S3Store};
use s3db::store::{Capabilities, Store};
use s3db::testkit::s3_strict::{Faults, Handle, Options, spawn};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

fn config(server: &Handle) -> S3Config {
    let options = Options::default();
    S3Config {
        bucket: "bucket".to_owned(),
        endpoint: Some(server.endpoint()),
        access_key_id: Some(options.access_key),
        secret_access_key: Some(options.secret_key),
        force_path_style: true,
        ..S3Config::default()
    }
}

const STRICT: Expect = Expect {
    capabilities: Capabilities::ALL,
    metadata_lowercased: true,
    races: true,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_store_keeps_the_contract_on_the_strict_server() {
    let server = spawn(Options::default()).await.unwrap();
    run(Arc::new(S3Store::new(config(&server)).unwrap()), STRICT).await;
    let left = server.snapshot();
    assert_eq!(left.objects, 0, "the suite and the probe clean up");
    assert!(left.counters.total > 1000, "the requests went through the server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_store_under_all_layers_keeps_the_contract_below_a_prefix() {
    let server = spawn(Options::default()).await.unwrap();
    let backend = Arc::new(S3Store::new(config(&server)).unwrap());
    let stacked = stack(backend, "app/data", &StackOptions::default()).unwrap();
    run(stacked.store, STRICT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_store_under_retry_keeps_the_contract_while_answers_are_lost() {
    for seed in [1, 20_261_125] {
        let faults = Faults {
            seed,
            fault_rate: 0.08,
            lost_response_rate: 0.08,
            ..Faults::default()
        };
        let server = spawn(Options {
            faults,
            ..Options::default()
        })
        .await
        .unwrap();
        let backend = Arc::new(S3Store::new(config(&server)).unwrap());
        let options = StackOptions {
            retry: RetryPolicy {
                attempts: 12,
                base: Duration::from_millis(1),
                cap: Duration::from_millis(10),
            },
            ..StackOptions::default()
        };
        let stacked = stack(backend, "", &options).unwrap();
        let expect = Expect { races: false, ..STRICT };
        let failed = failures(stacked.store, expect).await;
        let counters = server.counters();
        assert!(counters.lost > 50 && counters.refused > 50, "faults were injected: {counters:?}");
        let list: Vec<String> = failed.iter().map(ToString::to_string).collect();
        assert!(list.is_empty(), "seed {seed}:\n  {}", list.join("\n  "));
    }
}

/// Store of a URL `http://key:secret@host:port/bucket` in `variable`; says why when there is none.
fn external(variable: &str) -> Option<Arc<dyn Store>> {
    let Ok(text) = std::env::var(variable) else {
        eprintln!("SKIPPED: {variable} is not set; give http://key:secret@host:port/bucket to run the contract there");
        return None;
    };
    let url = Url::parse(&text).unwrap_or_else(|error| panic!("{variable} is not a URL: {error}"));
    let config = S3Config {
        bucket: url.path().trim_matches('/').to_owned(),
        endpoint: Some(format!(
            "{}://{}:{}",
            url.scheme(),
            url.host_str().unwrap(),
            url.port_or_known_default().unwrap()
        )),
        access_key_id: Some(url.username().to_owned()),
        secret_access_key: url.password().map(str::to_owned),
        force_path_style: true,
        ..S3Config::default()
    };
    Some(Arc::new(S3Store::new(config).unwrap()))
}

/// Runs the suite where some checks are known not to hold because of the server.
async fn run_except(store: Arc<dyn Store>, expect: Expect, known: &[&str]) {
    let failed = failures(store, expect).await;
    for failure in &failed {
        eprintln!("{failure}");
    }
    let unknown: Vec<&str> = failed.iter().map(|f| f.check).filter(|check| !known.contains(check)).collect();
    assert!(unknown.is_empty(), "broken promises that are not the server's: {unknown:?}");
    let healed: Vec<&&str> = known.iter().filter(|check| !failed.iter().any(|f| f.check == **check)).collect();
    assert!(healed.is_empty(), "checks listed as the server's fault hold now: {healed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_store_keeps_the_contract_on_s3s_fs() {
    let Some(store) = external("S3DB_TEST_S3S_FS") else { return };
    let expect = Expect {
        capabilities: Capabilities {
            put_if_absent: true,
            put_if_match: true,
            delete_if_match: false,
        },
        metadata_lowercased: true,
        races: false,
    };
    // Keys are paths of the file system there: `a` and `a/b`, or `a/` with a body, exclude each
    // other. Tokens are plain keys, and listings have no ETags.
    let known = [
        "odd_keys_are_kept_apart",
        "keys_that_are_prefixes_of_keys_coexist",
        "keys_come_in_byte_order",
        "prefix_narrows",
        "start_after_is_exclusive",
        "invalid_tokens_are_refused",
        "entries_describe_objects",
    ];
    run_except(store, expect, &known).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_store_keeps_the_contract_on_moto() {
    let Some(store) = external("S3DB_TEST_MOTO") else { return };
    let expect = Expect {
        capabilities: Capabilities::ALL,
        metadata_lowercased: true,
        races: false,
    };
    // Moto ignores x-amz-copy-source-if-match and takes unknown tokens for an empty rest.
    let known = ["copy_honours_source_if_match", "invalid_tokens_are_refused"];
    run_except(store, expect, &known).await;
}
