//! What callers of `S3Store` see when things go wrong.

#![allow(missing_docs, clippy::unwrap_used)]

use bytes::Bytes;
use s3db::error::{Error, Kind, Retry};
use s3db::store::layers::{RetryPolicy, StackOptions, Stacked, stack};
use s3db::store::s3::{HttpConfig, S3Config, S3Store};
use s3db::store::{Condition, PutRequest, Store};
use s3db::testkit::s3_strict::{FailNext, Faults, Handle, Options, spawn};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const SECRET: &str = "very-secret-secret";

async fn server() -> Handle {
    spawn(Options {
        secret_key: SECRET.to_owned(),
        ..Options::default()
    })
    .await
    .unwrap()
}

fn config(endpoint: String) -> S3Config {
    S3Config {
        bucket: "bucket".to_owned(),
        endpoint: Some(endpoint),
        access_key_id: Some("strict-access".to_owned()),
        secret_access_key: Some(SECRET.to_owned()),
        force_path_style: true,
        ..S3Config::default()
    }
}

fn store(server: &Handle) -> S3Store {
    S3Store::new(config(server.endpoint())).unwrap()
}

fn stacked(config: S3Config, attempts: u32) -> Stacked {
    let options = StackOptions {
        retry: RetryPolicy {
            attempts,
            base: Duration::from_millis(1),
            cap: Duration::from_millis(5),
        },
        ..StackOptions::default()
    };
    stack(Arc::new(S3Store::new(config).unwrap()), "", &options).unwrap()
}

fn put(key: &str, body: &str, condition: Condition) -> PutRequest {
    PutRequest {
        key: key.to_owned(),
        body: Bytes::from(body.to_owned()),
        condition,
        ..PutRequest::default()
    }
}

fn fail(operation: &str, status: u16, code: &str) -> Faults {
    Faults {
        fail_next: vec![FailNext {
            operation: Some(operation.to_owned()),
            status,
            code: code.to_owned(),
            lost: false,
            times: 1,
            delay_ms: 0,
        }],
        ..Faults::default()
    }
}

fn view(error: &Error) -> (Kind, Option<&str>, Option<u16>, Retry) {
    (error.kind(), error.code(), error.status(), error.retry())
}

/// Answers every connection with `reply` and then keeps it open.
async fn canned(reply: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0u8; 16 * 1024];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(reply.as_bytes()).await;
                tokio::time::sleep(Duration::from_secs(60)).await;
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn an_insert_whose_answer_is_lost_is_not_reported_as_a_duplicate() {
    let server = server().await;
    let stacked = stacked(config(server.endpoint()), 12);
    // The probe must not meet faults that would only slow the test down.
    stacked.store.capabilities().await.unwrap();
    for seed in 1..=5 {
        server.reset_store();
        server.set_faults(Faults {
            seed,
            fault_rate: 0.15,
            lost_response_rate: 0.35,
            ..Faults::default()
        });
        for i in 0..60 {
            let key = format!("id={i}");
            let outcome = stacked.store.put(put(&key, &format!("body {seed} {i}"), Condition::IfAbsent)).await;
            assert!(outcome.is_ok(), "seed {seed}, insert {i}: {}", outcome.unwrap_err());
        }
        for i in 0..60 {
            let error = stacked
                .store
                .put(put(&format!("id={i}"), "another body", Condition::IfAbsent))
                .await
                .unwrap_err();
            assert!(error.is_precondition(), "seed {seed}: a true duplicate is one: {error}");
        }
    }
    assert!(server.counters().lost > 100, "answers were lost");
}

#[tokio::test]
async fn spec01_12_34_wrong_credentials_are_permission_errors_that_keep_the_code() {
    let server = server().await;
    let mut wrong = config(server.endpoint());
    wrong.secret_access_key = Some("another-secret".to_owned());
    let error = S3Store::new(wrong).unwrap().get("k").await.unwrap_err();
    assert_eq!(
        view(&error),
        (Kind::Permission, Some("SignatureDoesNotMatch"), Some(403), Retry::Permanent)
    );
    assert!(!error.to_string().contains("another-secret"));

    let mut wrong = config(server.endpoint());
    wrong.access_key_id = Some("nobody".to_owned());
    let error = S3Store::new(wrong).unwrap().get("k").await.unwrap_err();
    assert_eq!(
        view(&error),
        (Kind::Permission, Some("InvalidAccessKeyId"), Some(403), Retry::Permanent)
    );

    server.set_faults(fail("GetObject", 400, "ExpiredToken"));
    let error = store(&server).get("k").await.unwrap_err();
    assert_eq!(view(&error), (Kind::Permission, Some("ExpiredToken"), Some(400), Retry::Permanent));

    server.set_faults(fail("HeadObject", 403, ""));
    let error = store(&server).head("k").await.unwrap_err();
    assert_eq!(view(&error), (Kind::Permission, Some("Forbidden"), Some(403), Retry::Permanent));
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let server = server().await;
    let mut wrong = config(server.endpoint());
    wrong.bucket = "nowhere".to_owned();
    let store = S3Store::new(wrong).unwrap();
    for error in [
        store.get("k").await.unwrap_err(),
        store.put(put("k", "", Condition::None)).await.unwrap_err(),
        store.list(Default::default()).await.unwrap_err(),
        store.delete_many(vec!["k".to_owned()]).await.unwrap_err(),
        store.delete("k", None).await.unwrap_err(),
    ] {
        assert_eq!(
            view(&error),
            (Kind::NoSuchBucket, Some("NoSuchBucket"), Some(404), Retry::Permanent)
        );
        assert_eq!(error.fields()["bucket"], "nowhere");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_retried_and_given_up() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let stacked = stacked(config(format!("http://{address}")), 4);
    let start = Instant::now();
    let error = stacked.store.get("k").await.unwrap_err();
    assert_eq!(view(&error), (Kind::Network, Some("ECONNREFUSED"), None, Retry::Exhausted));
    assert_eq!(error.fields()["attempts"], 4);
    assert!(start.elapsed() < Duration::from_secs(5), "bounded: {:?}", start.elapsed());
}

#[tokio::test]
async fn an_unknown_host_is_a_network_error() {
    let store = S3Store::new(config("http://no-such-host.invalid".to_owned())).unwrap();
    let error = store.get("k").await.unwrap_err();
    assert_eq!(view(&error), (Kind::Network, Some("ENOTFOUND"), None, Retry::Temporary));
    assert!(error.message().ends_with("(host no-such-host.invalid)"), "{}", error.message());
}

#[tokio::test]
async fn buckets_of_aws_are_asked_by_their_own_host_names() {
    let aws = |path_style| S3Config {
        bucket: "my-bucket".into(),
        endpoint: None,
        region: "xx-nowhere-1".into(),
        force_path_style: path_style,
        ..config("http://unused.invalid".to_owned())
    };
    for (path_style, host) in [
        (false, "my-bucket.s3.xx-nowhere-1.amazonaws.com"),
        (true, "s3.xx-nowhere-1.amazonaws.com"),
    ] {
        let error = S3Store::new(aws(path_style)).unwrap().get("k").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Network, "{error:?}");
        assert!(error.message().contains(&format!("(host {host})")), "{}", error.message());
    }
}

#[tokio::test]
async fn spec05_16_20_a_silent_server_runs_into_the_timeout() {
    let server = server().await;
    let mut config = config(server.endpoint());
    config.http = HttpConfig {
        timeout: 150,
        ..HttpConfig::default()
    };
    let store = S3Store::new(config).unwrap();
    server.set_faults(Faults {
        delay_ms: 5000,
        ..Faults::default()
    });
    let start = Instant::now();
    let error = store.get("k").await.unwrap_err();
    assert_eq!(view(&error), (Kind::Network, Some("ETIMEDOUT"), None, Retry::Temporary));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn spec05_16_20_a_body_that_stops_runs_into_the_timeout() {
    let endpoint = canned("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nETag: \"x\"\r\n\r\nonly this").await;
    let mut config = config(endpoint);
    config.http.timeout = 150;
    let store = S3Store::new(config).unwrap();
    let start = Instant::now();
    let error = store.get("k").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code(), error.retry()),
        (Kind::Network, Some("ETIMEDOUT"), Retry::Temporary)
    );
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_closed_connection_is_temporary() {
    let server = server().await;
    server.set_faults(fail("PutObject", 0, ""));
    let error = store(&server).put(put("k", "x", Condition::None)).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (Kind::Network, Retry::Temporary));
    assert_eq!(error.code(), Some("ECONNRESET"));
}

#[tokio::test]
async fn temporary_answers_are_told_by_status_and_code() {
    let server = server().await;
    let store = store(&server);
    for (status, code) in [
        (503, "SlowDown"),
        (500, "InternalError"),
        (502, "BadGateway"),
        (504, "GatewayTimeout"),
        (429, "TooManyRequests"),
        (400, "RequestTimeout"),
        (409, "ConditionalRequestConflict"),
        (409, "OperationAborted"),
        (400, "ThrottlingException"),
    ] {
        server.set_faults(fail("PutObject", status, code));
        let error = store.put(put("k", "x", Condition::IfAbsent)).await.unwrap_err();
        assert_eq!(
            (error.code(), error.status(), error.retry()),
            (Some(code), Some(status), Retry::Temporary),
            "{error}"
        );
        assert!(error.request_id().is_some(), "{code} has a request id");
    }
    assert_eq!(server.snapshot().objects, 0);
}

#[tokio::test]
async fn refused_conditional_headers_are_unsupported_and_plain_bad_requests_are_not() {
    let server = server().await;
    let store = store(&server);
    for (status, code) in [(501, "NotImplemented"), (400, "InvalidArgument"), (400, "InvalidRequest")] {
        server.set_faults(fail("PutObject", status, code));
        let error = store.put(put("k", "x", Condition::IfAbsent)).await.unwrap_err();
        assert_eq!(view(&error), (Kind::Unsupported, Some(code), Some(status), Retry::Permanent));
    }
    server.set_faults(fail("PutObject", 400, "InvalidArgument"));
    let error = store.put(put("k", "x", Condition::None)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Validation);
    server.set_faults(fail("PutObject", 400, "EntityTooLarge"));
    let error = store.put(put("k", "x", Condition::IfAbsent)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Validation);
}

#[tokio::test]
async fn a_store_without_conditions_is_found_out_by_the_probe_and_asked_only_once() {
    let server = server().await;
    let store = store(&server);
    let mut faults = fail("PutObject", 501, "NotImplemented");
    faults.fail_next[0].times = 1;
    server.set_faults(faults);
    let found = store.capabilities().await.unwrap();
    assert!(!found.put_if_absent && found.put_if_match && found.delete_if_match, "{found:?}");
    let total = server.counters().total;
    assert_eq!(store.capabilities().await.unwrap(), found);
    assert_eq!(server.counters().total, total, "the answer is kept");
}

#[tokio::test]
async fn concurrent_callers_share_one_probe_and_a_failed_probe_is_repeated() {
    let server = server().await;
    let store = Arc::new(store(&server));
    server.set_faults(fail("PutObject", 403, "AccessDenied"));
    let error = store.capabilities().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Permission);
    server.reset_counters();
    let asked = (0..8).map(|_| {
        let store = store.clone();
        async move { store.capabilities().await.unwrap() }
    });
    let answers = futures::future::join_all(asked).await;
    assert!(answers.iter().all(|a| *a == s3db::store::Capabilities::ALL), "{answers:?}");
    assert!(server.counters().of("PutObject") <= 5, "{:?}", server.counters());
}

#[tokio::test]
async fn metadata_above_2_kb_is_refused_and_a_thousand_names_are_not() {
    let server = server().await;
    let store = store(&server);
    let mut request = put("k", "", Condition::None);
    request.metadata = vec![("a".to_owned(), "x".repeat(2048))];
    let error = store.put(request).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Validation, Some("MetadataTooLarge")));

    let mut request = put("k", "", Condition::None);
    request.metadata = (0..680).map(|i| (format!("{i:03}"), String::new())).collect();
    store.put(request.clone()).await.unwrap();
    let mut stored = store.head("k").await.unwrap().metadata;
    stored.sort();
    assert_eq!(stored, request.metadata);
}

#[tokio::test]
async fn one_call_is_one_request() {
    let server = server().await;
    let store = store(&server);
    store.put(put("k", "x", Condition::IfAbsent)).await.unwrap();
    store.get("k").await.unwrap();
    store.head("k").await.unwrap();
    store.list(Default::default()).await.unwrap();
    store.delete_many((0..1001).map(|i| format!("k{i}")).collect()).await.unwrap();
    let counters = server.counters();
    let by: Vec<(&str, u64)> = counters.by_operation.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    assert_eq!(
        by,
        [
            ("DeleteObjects", 2),
            ("GetObject", 1),
            ("HeadObject", 1),
            ("ListObjectsV2", 1),
            ("PutObject", 1)
        ]
    );
}

#[tokio::test]
async fn keys_that_xml_cannot_carry_are_listed_and_deleted() {
    let server = server().await;
    let store = store(&server);
    let keys = ["a\u{1}b", "line\nbreak", "cr\rlf", "tab\t", "plus+ space%20", "\u{FFFE}"];
    for key in keys {
        store.put(put(key, key, Condition::None)).await.unwrap();
    }
    let listed: Vec<String> = store
        .list(Default::default())
        .await
        .unwrap()
        .entries
        .into_iter()
        .map(|e| e.key)
        .collect();
    let mut sorted = keys.to_vec();
    sorted.sort();
    assert_eq!(listed, sorted);
    let outcome = store.delete_many(listed).await.unwrap();
    assert_eq!((outcome.deleted.len(), outcome.errors.len()), (keys.len(), 0));
    assert_eq!(server.snapshot().objects, 0);
}

#[tokio::test]
async fn max_sockets_bounds_the_requests_on_the_wire() {
    let server = server().await;
    let mut config = config(server.endpoint());
    config.http.max_sockets = 2;
    let store = S3Store::new(config).unwrap();
    store.put(put("k", "x", Condition::None)).await.unwrap();
    server.set_faults(Faults {
        delay_ms: 60,
        ..Faults::default()
    });
    let start = Instant::now();
    futures::future::try_join_all((0..6).map(|_| store.get("k"))).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(175), "{:?}", start.elapsed());
}

#[tokio::test]
async fn texts_of_the_server_are_repeated_without_credentials() {
    let endpoint = canned(concat!(
        "HTTP/1.1 418 Teapot\r\nContent-Length: 123\r\nx-amz-request-id: ID1\r\n\r\n",
        "<Error><Code>Odd</Code><Message>key strict-access secret very-secret-secret and more of the same here: x</Message></Error>\n"
    ))
    .await;
    let error = S3Store::new(config(endpoint)).unwrap().get("k").await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains(SECRET) && !text.contains("strict-access"), "{text}");
    assert!(error.message().contains("key *** secret ***"), "{}", error.message());
    assert_eq!((error.code(), error.request_id()), (Some("Odd"), Some("ID1")));
}

#[tokio::test]
async fn spec05_16_50_a_bucket_in_another_region_is_named() {
    let endpoint = canned(concat!(
        "HTTP/1.1 301 Moved\r\nContent-Length: 83\r\nx-amz-bucket-region: eu-west-3\r\n\r\n",
        "<Error><Code>PermanentRedirect</Code><Message>use the other endpoint</Message></Error>"
    ))
    .await;
    let error = S3Store::new(config(endpoint)).unwrap().get("k").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Validation);
    assert_eq!(error.fields()["region"], "eu-west-3");
    assert!(error.message().contains("eu-west-3"));
}

#[tokio::test]
async fn a_closed_client_says_so() {
    let server = server().await;
    let store = store(&server);
    store.put(put("k", "x", Condition::None)).await.unwrap();
    store.close();
    let error = store.get("k").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Database);
    assert_eq!(server.counters().total, 1);
}

#[tokio::test]
async fn configurations_are_checked_before_any_request() {
    type Change = fn(&mut S3Config);
    let changes: [(&str, Change); 7] = [
        ("bucket", |c| c.bucket = String::new()),
        ("bucket", |c| c.bucket = "a/b".to_owned()),
        ("region", |c| c.region = "us east".to_owned()),
        ("endpoint", |c| c.endpoint = Some("host:9000".to_owned())),
        ("secretAccessKey", |c| c.secret_access_key = None),
        ("parallelism", |c| c.parallelism = 0),
        ("attempts", |c| c.attempts = 0),
    ];
    for (field, change) in changes {
        let mut config = config("http://127.0.0.1:1".to_owned());
        change(&mut config);
        let error = S3Store::new(config).err().unwrap();
        assert_eq!(
            (error.kind(), error.fields()["field"].as_str()),
            (Kind::Validation, Some(field)),
            "{error}"
        );
    }
}
