//! The file store shared by several processes. The test binary runs itself:
//! `worker` is ignored unless a test starts it in a process of its own.

use bytes::Bytes;
use s3db::error::Error;
use s3db::store::file::FileStore;
use s3db::store::{Condition, ListRequest, PutRequest, Store};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const JOB: &str = "S3DB_FILE_STORE_JOB";
const DIRECTORY: &str = "S3DB_FILE_STORE_DIRECTORY";
const WORKER: &str = "S3DB_FILE_STORE_WORKER";

fn start(directory: &Path, job: &str, worker: usize) -> Child {
    Command::new(std::env::current_exe().expect("the test binary"))
        .args(["worker", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(JOB, job)
        .env(DIRECTORY, directory)
        .env(WORKER, worker.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the worker starts")
}

/// Lines that workers print, after all have succeeded.
fn finish(workers: Vec<Child>) -> Vec<String> {
    let mut lines = Vec::new();
    for worker in workers {
        let output = worker.wait_with_output().expect("the worker ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "a worker failed:\n{text}");
        lines.extend(text.lines().filter_map(|line| line.strip_prefix("> ")).map(str::to_owned));
    }
    lines
}

fn open(directory: &Path, durability: &str) -> FileStore {
    FileStore::new(directory, "shared", Some(durability)).expect("valid")
}

fn put(key: &str, body: String, condition: Condition) -> PutRequest {
    PutRequest {
        key: key.into(),
        body: Bytes::from(body),
        condition,
        ..PutRequest::default()
    }
}

#[tokio::test]
#[ignore = "started by the other tests in processes of their own"]
async fn worker() {
    let directory = std::env::var(DIRECTORY).expect("the directory");
    let worker: usize = std::env::var(WORKER).expect("the number").parse().expect("a number");
    let directory = Path::new(&directory);
    match std::env::var(JOB).expect("the job").as_str() {
        "count" => count(&open(directory, "none"), worker).await.expect("counts"),
        "create" => create(&open(directory, "none"), worker).await.expect("creates"),
        "churn" => churn(&open(directory, "full"), worker).await.expect("writes"),
        "hold" => hold(directory),
        other => panic!("unknown job {other}"),
    }
}

async fn count(store: &FileStore, worker: usize) -> Result<(), Error> {
    for n in 0..50 {
        loop {
            let object = store.get("counter").await?;
            let text = String::from_utf8_lossy(&object.body).into_owned();
            let value: u32 = text.split(' ').next().and_then(|v| v.parse().ok()).expect("a counter");
            let etag = object.meta.etag.expect("an ETag");
            let next = put("counter", format!("{} {worker} {n}", value + 1), Condition::IfMatch(etag));
            match store.put(next).await {
                Ok(_) => break,
                Err(error) if error.is_precondition() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn create(store: &FileStore, worker: usize) -> Result<(), Error> {
    for n in 0..100 {
        match store.put(put(&format!("d{n}/k"), worker.to_string(), Condition::IfAbsent)).await {
            Ok(_) => println!("> {n} {worker}"),
            Err(error) if error.is_precondition() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes until killed; each body repeats one word, so that a mixture would show.
async fn churn(store: &FileStore, worker: usize) -> Result<(), Error> {
    for n in 0.. {
        let body = format!("{worker}-{n} ").repeat(5000);
        store.put(put(&format!("churn/{}", n % 5), body, Condition::None)).await?;
    }
    Ok(())
}

/// Takes one lock as a writer does, then waits to be killed.
fn hold(directory: &Path) {
    let locks = directory.join("shared/locks");
    std::fs::create_dir_all(&locks).expect("locks");
    // The name that the store gives to the lock of the key "held".
    let file = std::fs::File::create(locks.join("0eb29f5d6149e84750bcd6f6e741a7a1")).expect("lock file");
    file.lock().expect("the lock");
    std::fs::write(directory.join("ready"), "").expect("signal");
    std::thread::sleep(Duration::from_secs(60));
}

#[tokio::test]
async fn spec05_4_4_no_update_is_lost_between_processes() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = open(directory.path(), "none");
    store.put(put("counter", "0 - -".into(), Condition::None)).await.expect("put");
    finish((0..4).map(|worker| start(directory.path(), "count", worker)).collect());
    let body = store.get("counter").await.expect("get").body;
    assert!(body.starts_with(b"200 "), "{body:?}");
    let locks = directory.path().join("shared/locks");
    assert_eq!(std::fs::read_dir(locks).expect("locks").count(), 0, "no lock file is left");
}

#[tokio::test]
async fn spec05_4_4_each_object_is_created_by_one_process() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let lines = finish((0..6).map(|worker| start(directory.path(), "create", worker)).collect());
    let store = open(directory.path(), "none");
    let mut won = std::collections::HashMap::new();
    for line in lines {
        let (n, worker) = line.split_once(' ').expect("two words");
        assert!(won.insert(n.to_owned(), worker.to_owned()).is_none(), "object {n} has two creators");
    }
    assert_eq!(won.len(), 100);
    for (n, worker) in won {
        assert_eq!(store.get(&format!("d{n}/k")).await.expect("get").body, worker.as_bytes());
    }
}

#[tokio::test]
async fn spec05_4_4_a_killed_writer_leaves_whole_objects_and_free_locks() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = open(directory.path(), "none");
    for round in 0..5 {
        let mut writers: Vec<Child> = (0..2).map(|worker| start(directory.path(), "churn", worker)).collect();
        std::thread::sleep(Duration::from_millis(60 + round * 17));
        for writer in &mut writers {
            writer.kill().expect("kill");
            writer.wait().expect("ends");
        }
        let page = store
            .list(ListRequest {
                prefix: "churn/".into(),
                ..ListRequest::default()
            })
            .await
            .expect("list");
        for entry in page.entries {
            let body = store.get(&entry.key).await.expect("a whole object").body;
            let text = String::from_utf8(body.to_vec()).expect("text");
            let word = text.split_inclusive(' ').next().expect("a word");
            assert_eq!(text, word.repeat(5000), "{} is a mixture", entry.key);
        }
        let started = Instant::now();
        for n in 0..5 {
            let key = format!("churn/{n}");
            store
                .put(put(&key, "x ".repeat(5000), Condition::None))
                .await
                .expect("no lock is stuck");
        }
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn spec05_4_4_a_lock_holds_against_other_processes_until_its_owner_dies() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut holder = start(directory.path(), "hold", 0);
    while !directory.path().join("ready").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let store = open(directory.path(), "none");
    let writer = tokio::spawn(async move { store.put(put("held", "x".into(), Condition::None)).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!writer.is_finished(), "the write waits for the lock");
    holder.kill().expect("kill");
    holder.wait().expect("ends");
    tokio::time::timeout(Duration::from_secs(5), writer)
        .await
        .expect("the lock is free")
        .expect("joins")
        .expect("put");
}
