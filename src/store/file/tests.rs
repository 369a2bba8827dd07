use super::*;
use bytes::Bytes;
use std::fs;
use tempfile::TempDir;

fn store(durability: &str) -> (TempDir, FileStore) {
    let directory = TempDir::new().expect("temporary directory");
    let store = FileStore::new(directory.path(), "bucket", Some(durability)).expect("valid");
    (directory, store)
}

fn put(key: &str, body: &'static str) -> PutRequest {
    PutRequest {
        key: key.into(),
        body: Bytes::from_static(body.as_bytes()),
        ..PutRequest::default()
    }
}

fn listing(prefix: &str) -> ListRequest {
    ListRequest {
        prefix: prefix.into(),
        ..ListRequest::default()
    }
}

async fn keys(store: &FileStore, prefix: &str) -> Vec<String> {
    let page = store.list(listing(prefix)).await.expect("list");
    page.entries.into_iter().map(|entry| entry.key).collect()
}

fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn configuration_errors_name_field_and_remedy() {
    for (result, field, remedy) in [
        (FileStore::new("", "b", None), "basePath", "requires a path"),
        (FileStore::new("/x", "", None), "bucket", "bucket name"),
        (FileStore::new("/x", "b", Some("fast")), "durability", "'full' (default) or 'none'"),
    ] {
        let error = result.expect_err(field);
        assert_eq!((error.kind(), &error.fields()["field"]), (Kind::Validation, &field.into()));
        assert!(error.message().contains(remedy), "{error}");
    }
}

#[tokio::test]
async fn spec05_4_4_one_file_holds_header_and_body() {
    let (directory, store) = store("full");
    let mut request = put("resource=users/data/id=A1", "the body");
    request.metadata = vec![("name".into(), "Ann".into())];
    request.content_type = Some("application/json".into());
    store.put(request).await.expect("put");
    let path = directory.path().join("bucket/objects/resource=users/data/id=%411~o");
    let text = fs::read_to_string(path).expect("the file");
    let (first, rest) = text.split_once('\n').expect("first line");
    let (header, body) = rest.split_once('\n').expect("header");
    assert_eq!(first, format!("s3db-object 1 {}", header.len()));
    assert_eq!(body, "the body");
    let header: serde_json::Value = serde_json::from_str(header).expect("JSON");
    assert_eq!(header["metadata"], serde_json::json!([["name", "Ann"]]));
    assert_eq!((&header["size"], &header["contentType"]), (&8.into(), &"application/json".into()));
    assert_eq!(files(directory.path()).len(), 1, "no temporary and no lock file is left");
}

#[tokio::test]
async fn nothing_outside_the_bucket_directory_is_reached() {
    let (directory, store) = store("none");
    for key in ["../../escape", "/etc/escape", "a/../../../escape", "..", "C:\\escape", "\u{0}"] {
        store.put(put(key, "x")).await.expect(key);
        assert_eq!(store.get(key).await.expect(key).body, "x");
    }
    let inside = files(&directory.path().join("bucket/objects")).len();
    assert_eq!((inside, files(directory.path()).len()), (6, 6));
    let error = store.put(put("", "x")).await.expect_err("empty key");
    assert_eq!(error.kind(), Kind::Validation);
}

#[tokio::test]
async fn empty_directories_go_with_their_last_object() {
    let (directory, store) = store("full");
    for key in ["a/b/c/one", "a/two"] {
        store.put(put(key, "x")).await.expect("put");
    }
    store.delete("a/b/c/one", None).await.expect("delete");
    assert!(!directory.path().join("bucket/objects/a/b").exists());
    let outcome = store.delete_many(vec!["a/two".into(), "missing/x".into()]).await.expect("delete");
    assert_eq!((outcome.deleted.len(), outcome.errors.len()), (2, 0));
    assert!(!directory.path().join("bucket/objects/a").exists());
    store.put(put("a/b/c/one", "again")).await.expect("put after removal");
    assert_eq!(keys(&store, "").await, ["a/b/c/one"]);
}

#[tokio::test]
async fn spec05_4_4_leftovers_of_a_crash_are_ignored_and_removed() {
    let (directory, mut store) = store("none");
    Arc::get_mut(&mut store.inner).expect("not shared yet").leftover_age = Duration::ZERO;
    store.put(put("k", "x")).await.expect("put");
    let objects = directory.path().join("bucket/objects");
    let (dead, alive) = (objects.join("00ff~t"), objects.join("11ff~t"));
    fs::write(&dead, "s3db-object 1 9").expect("half a file");
    let owner = File::create(&alive).expect("a file being written");
    owner.lock().expect("its owner's lock");
    assert_eq!(keys(&store, "").await, ["k"]);
    assert!(!dead.exists(), "the dead writer's file is removed");
    assert!(alive.exists(), "a living writer's file stays");

    let locks = directory.path().join("bucket/locks");
    fs::create_dir_all(&locks).expect("locks");
    fs::write(locks.join("dead"), "").expect("lock of a dead owner");
    let held = File::create(locks.join("alive")).expect("lock file");
    held.lock().expect("lock");
    FileStore::new(directory.path(), "bucket", None).expect("opens");
    assert_eq!(files(&locks), ["alive"]);
}

#[tokio::test]
async fn damaged_files_are_reported_and_can_be_replaced() {
    let (directory, store) = store("none");
    store.put(put("k", "a longer body")).await.expect("put");
    let path = directory.path().join("bucket/objects/k~o");
    let whole = fs::read(&path).expect("read");
    for damaged in [
        &whole[..whole.len() - 1],
        &whole[..20],
        &whole[..3],
        b"other",
        b"",
        b"s3db-object 1 99999999999999999999\n",
    ] {
        fs::write(&path, damaged).expect("damage");
        for result in [store.get("k").await.map(drop), store.head("k").await.map(drop)] {
            assert_eq!(result.expect_err("damaged").kind(), Kind::Corrupted);
        }
        let mut conditional = put("k", "x");
        conditional.condition = Condition::IfAbsent;
        assert_eq!(store.put(conditional).await.expect_err("not guessed").kind(), Kind::Corrupted);
        assert_eq!(keys(&store, "").await, ["k"], "it can be found");
    }
    store.put(put("k", "new")).await.expect("replace");
    assert_eq!(store.get("k").await.expect("get").body, "new");
}

#[tokio::test]
async fn large_headers_are_read_whole() {
    let (_directory, store) = store("none");
    let mut request = put("k", "body");
    request.metadata = (0..200).map(|i| (format!("n{i}"), "v".repeat(100))).collect();
    let metadata = request.metadata.clone();
    store.put(request).await.expect("put");
    assert_eq!(store.head("k").await.expect("head").metadata, metadata);
    assert_eq!(store.get("k").await.expect("get").body, "body");
}

#[tokio::test]
async fn spec05_4_4_a_prefix_keeps_other_directories_closed() {
    let (directory, store) = store("none");
    for key in ["r=a/data/1", "r=a/data/2", "r=b/1"] {
        store.put(put(key, "x")).await.expect("put");
    }
    // A file where a directory is expected fails when it is opened.
    fs::write(directory.path().join("bucket/objects/r=c"), "").expect("trap");
    fs::write(directory.path().join("bucket/objects/r=a/before"), "").expect("trap");
    assert!(store.list(listing("")).await.is_err(), "the trap works");
    assert_eq!(keys(&store, "r=a/data/").await, ["r=a/data/1", "r=a/data/2"]);
    assert_eq!(keys(&store, "r=b").await, ["r=b/1"]);
}

#[tokio::test]
async fn a_cached_directory_is_dropped_when_it_changes() {
    let (directory, store) = store("none");
    for i in 0..1200 {
        store.put(put(&format!("k{i:04}"), "")).await.expect("put");
    }
    let objects = directory.path().join("bucket/objects");
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    File::open(&objects).and_then(|d| d.set_modified(long_ago)).expect("time stamp");
    let mut request = listing("");
    request.start_after = Some("k1197".into());
    assert_eq!(store.list(request.clone()).await.expect("list").entries.len(), 2);
    assert_eq!(store.inner.cache.lock().len(), 1, "the directory is kept");
    store.put(put("k1200", "")).await.expect("put");
    store.delete("k1198", None).await.expect("delete");
    let page = store.list(request).await.expect("list");
    let keys: Vec<&str> = page.entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["k1199", "k1200"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_and_removers_of_one_directory_do_not_disturb_each_other() {
    let (_directory, store) = store("none");
    let tasks = (0..8).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0..40 {
                let key = format!("deep/er/{task}");
                store.put(put(&key, "x")).await.unwrap_or_else(|e| panic!("round {round}: {e}"));
                assert_eq!(store.get(&key).await.expect("get").body, "x");
                store.delete(&key, None).await.expect("delete");
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.expect("joins");
    }
    assert!(keys(&store, "").await.is_empty());
}
