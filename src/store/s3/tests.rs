use super::errors::Redactor;
use super::list::decode;
use super::write::copy_source;
use super::*;

fn config() -> S3Config {
    S3Config {
        bucket: "bucket".to_owned(),
        access_key_id: Some("AKIDEXAMPLE".to_owned()),
        secret_access_key: Some("wJalrXUtnFEMI".to_owned()),
        session_token: Some("token-of-session".to_owned()),
        ..S3Config::default()
    }
}

#[test]
fn spec05_2_4_copy_sources_are_encoded_per_segment() {
    assert_eq!(
        copy_source("my-bucket", "a b/c+d/50%/\u{e9}/x=y"),
        "my-bucket/a%20b/c%2Bd/50%25/%C3%A9/x%3Dy"
    );
}

#[test]
fn encoded_listings_are_decoded_and_plain_ones_are_not() {
    assert_eq!(decode("a%20b+c%2Bd%C3%A9".to_owned(), true), "a b c+d\u{e9}");
    assert_eq!(decode("a%20b+c".to_owned(), false), "a%20b+c");
    assert_eq!(decode("%ff".to_owned(), true), "%ff");
}

#[test]
fn texts_are_cut_and_lose_credentials() {
    let redactor = Redactor::new(&config());
    assert_eq!(
        redactor.clean("AKIDEXAMPLE wJalrXUtnFEMI token-of-session\nfine"),
        "*** *** *** fine"
    );
    assert_eq!(redactor.clean(&"\u{e9}".repeat(400)).chars().count(), 303);
}

#[test]
fn debug_output_of_a_configuration_has_no_credentials() {
    let mut config = config();
    config.endpoint = Some("https://user:password@host/".to_owned());
    let text = format!("{config:?}");
    for secret in ["AKIDEXAMPLE", "wJalrXUtnFEMI", "token-of-session", "password"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("host"));
}

#[test]
fn configurations_are_read_in_camel_case_with_defaults() {
    let config: S3Config = serde_json::from_str(
        r#"{ "bucket": "b", "prefix": "ignored here", "accessKeyId": "A", "forcePathStyle": true, "http": { "maxSockets": 7, "keepAliveMsecs": 5 } }"#,
    )
    .unwrap();
    assert_eq!((config.region.as_str(), config.parallelism, config.attempts), ("us-east-1", 10, 3));
    assert!(config.force_path_style);
    assert_eq!(
        (config.http.max_sockets, config.http.keep_alive_msecs, config.http.timeout),
        (7, 5, 60_000)
    );
    assert_eq!(config.credentials(), None, "a key without a secret is no credential");
}

#[tokio::test]
async fn spec05_2_8_amazon_is_known_without_a_probe() {
    for endpoint in [
        None,
        Some("https://s3.eu-west-1.amazonaws.com"),
        Some("https://s3.cn-north-1.amazonaws.com.cn"),
    ] {
        let mut config = config();
        config.endpoint = endpoint.map(str::to_owned);
        assert!(config.is_aws(), "{endpoint:?}");
        // Any request would fail: there is no network in tests and the credentials are made up.
        assert_eq!(S3Store::new(config).unwrap().capabilities().await.unwrap(), Capabilities::ALL);
    }
    for endpoint in [
        "http://localhost:9000",
        "https://amazonaws.com.evil.example",
        "https://s3.amazonaws.com.example",
    ] {
        let mut config = config();
        config.endpoint = Some(endpoint.to_owned());
        assert!(!config.is_aws(), "{endpoint}");
    }
}

#[cfg(feature = "testkit")]
#[tokio::test]
async fn a_wrong_clock_is_set_by_the_first_refusal() {
    use crate::error::Retry;
    use crate::testkit::s3_strict::{Options, spawn};
    let options = Options::default();
    let server = spawn(options.clone()).await.unwrap();
    let config = S3Config {
        endpoint: Some(server.endpoint()),
        access_key_id: Some(options.access_key),
        secret_access_key: Some(options.secret_key),
        session_token: None,
        force_path_style: true,
        ..config()
    };
    for head in [false, true] {
        let store = S3Store::new(config.clone()).unwrap();
        let hour = 3_600_000;
        assert!(store.connection().await.unwrap().clock.follow(crate::ambient::now_ms() - hour));
        let ask = || async {
            if head {
                store.head("k").await.map(drop)
            } else {
                store.get("k").await.map(drop)
            }
        };
        let error = ask().await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (Kind::Permission, Retry::Temporary), "{error}");
        let error = ask().await.unwrap_err();
        assert_eq!(error.kind(), Kind::NoSuchKey, "signed with the right time now: {error}");
    }
}
