//! The AWS default credential chain. Each case runs in a process of its own,
//! since the chain reads the environment.

#![allow(missing_docs, clippy::unwrap_used)]

use s3db::store::Store as _;
use s3db::store::s3::{S3Config, S3Store};
use s3db::testkit::s3_strict::{Options, spawn};
use std::process::{Command, Output};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const CHILD: &str = "S3DB_TEST_CREDENTIALS_CHILD";

/// In the parent nothing; in a child one HEAD without static credentials, told on standard output.
#[tokio::test]
async fn child() {
    let Ok(endpoint) = std::env::var(CHILD) else { return };
    let store = S3Store::new(S3Config {
        bucket: "bucket".to_owned(),
        endpoint: Some(endpoint),
        force_path_style: true,
        ..S3Config::default()
    })
    .unwrap();
    let error = store.head("nothing").await.unwrap_err();
    println!("seen: {:?} {:?}", error.kind(), error.code().unwrap_or_default());
}

async fn run_child(endpoint: &str, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--nocapture"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env(CHILD, endpoint)
        .envs(environment.iter().copied());
    let Output { stdout, stderr, .. } = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned();
    match text.lines().find_map(|line| line.split("seen: ").nth(1)) {
        Some(seen) => seen.to_owned(),
        None => panic!("{text}{}", String::from_utf8_lossy(&stderr)),
    }
}

/// With the right credentials the server says that the object is missing.
const SIGNED_IN: &str = "NoSuchKey \"NotFound\"";

#[tokio::test]
async fn credentials_come_from_the_environment() {
    let server = spawn(Options::default()).await.unwrap();
    let environment = [("AWS_ACCESS_KEY_ID", "strict-access"), ("AWS_SECRET_ACCESS_KEY", "strict-secret")];
    assert_eq!(run_child(&server.endpoint(), &environment).await, SIGNED_IN);
    let wrong = [("AWS_ACCESS_KEY_ID", "strict-access"), ("AWS_SECRET_ACCESS_KEY", "wrong")];
    assert_eq!(run_child(&server.endpoint(), &wrong).await, "Permission \"Forbidden\"");
}

#[tokio::test]
async fn credentials_come_from_a_profile() {
    let server = spawn(Options::default()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("credentials");
    std::fs::write(
        &path,
        "[default]\naws_access_key_id = other\naws_secret_access_key = other\n\
         [work]\naws_access_key_id = strict-access\naws_secret_access_key = strict-secret\n",
    )
    .unwrap();
    let environment = [("AWS_SHARED_CREDENTIALS_FILE", path.to_str().unwrap()), ("AWS_PROFILE", "work")];
    assert_eq!(run_child(&server.endpoint(), &environment).await, SIGNED_IN);
}

#[tokio::test]
async fn credentials_come_from_the_container_endpoint() {
    let server = spawn(Options::default()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/credentials", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0u8; 4096];
        let _ = stream.read(&mut request).await;
        let body = r#"{"AccessKeyId":"strict-access","SecretAccessKey":"strict-secret","Token":"t","Expiration":"2099-01-01T00:00:00Z"}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        let _ = stream.read(&mut request).await;
    });
    let environment = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str())];
    assert_eq!(run_child(&server.endpoint(), &environment).await, SIGNED_IN);
}

#[tokio::test]
async fn no_credentials_anywhere_is_a_permission_error_that_says_so() {
    let server = spawn(Options::default()).await.unwrap();
    assert_eq!(run_child(&server.endpoint(), &[]).await, "Permission \"CredentialsProviderError\"");
    assert_eq!(server.counters().total, 0);
}
