use super::*;
use bytes::Bytes;
use futures::FutureExt as _;

fn now<T>(future: StoreFuture<'_, T>) -> Result<T> {
    future.now_or_never().expect("memory futures are ready at the first poll")
}

fn put(key: &str, body: &'static [u8]) -> PutRequest {
    PutRequest {
        key: key.into(),
        body: Bytes::from_static(body),
        ..PutRequest::default()
    }
}

fn store() -> MemoryStore {
    MemoryStore::new("s3db", MemoryLimits::default())
}

#[test]
fn bodies_are_shared_and_not_copied() {
    let store = store();
    let body = Bytes::from(vec![7u8; 1000]);
    now(store.put(PutRequest {
        key: "k".into(),
        body: body.clone(),
        ..PutRequest::default()
    }))
    .expect("put");
    assert_eq!(now(store.get("k")).expect("get").body.as_ptr(), body.as_ptr());
}

#[test]
fn etag_is_the_md5_of_the_body() {
    let store = store();
    let empty = now(store.put(put("e", b""))).expect("put").etag;
    assert_eq!(empty.as_deref(), Some("d41d8cd98f00b204e9800998ecf8427e"));
    let hello = now(store.put(put("h", b"hello"))).expect("put").etag;
    assert_eq!(hello.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
}

#[test]
fn spec05_4_1_quoted_weak_and_listed_etags_are_accepted() {
    let store = store();
    for (tag, fits) in [
        ("\"5d41402abc4b2a76b9719d911017c592\"", true),
        ("W/\"5d41402abc4b2a76b9719d911017c592\"", true),
        ("\"x\", \"5d41402abc4b2a76b9719d911017c592\"", true),
        ("\"x\"", false),
    ] {
        now(store.put(put("k", b"hello"))).expect("put");
        let mut request = put("k", b"other");
        request.condition = Condition::IfMatch(tag.into());
        let result = now(store.put(request));
        assert_eq!(result.is_ok(), fits, "{tag}");
        if let Err(error) = result {
            assert_eq!((error.code(), error.status()), (Some("PreconditionFailed"), Some(412)));
        }
    }
}

#[test]
fn spec05_4_2_limits_apply_only_when_enforced() {
    let mut limits = MemoryLimits {
        enforce_limits: true,
        metadata_limit: 10,
        max_object_size: 4,
    };
    let strict = MemoryStore::new("b", limits);
    let mut request = put("k", b"");
    request.metadata = vec![("name".into(), "1234567".into())];
    let error = now(strict.put(request.clone())).expect_err("11 bytes");
    assert_eq!(error.kind(), Kind::MetadataLimit);
    assert!(error.message().contains("Metadata limit exceeded in memory storage"));
    assert!(error.message().contains("Metadata size (11 bytes) exceeds limit of 10 bytes"));
    assert_eq!(
        (&error.fields()["totalSize"], &error.fields()["effectiveLimit"]),
        (&11.into(), &10.into())
    );
    let error = now(strict.put(put("k", b"12345"))).expect_err("5 bytes");
    assert_eq!((error.kind(), error.status()), (Kind::Resource, Some(413)));
    assert!(error.message().contains("Object size exceeds in-memory limit"));
    now(strict.put(put("k", b"1234"))).expect("fits");
    limits.enforce_limits = false;
    now(MemoryStore::new("b", limits).put(request)).expect("not enforced");
}

#[test]
fn buckets_are_shared_by_name_and_private_otherwise() {
    let one = MemoryStore::shared("tests-shared-one", MemoryLimits::default());
    let two = MemoryStore::shared("tests-shared-one", MemoryLimits::default());
    let other = MemoryStore::shared("tests-shared-two", MemoryLimits::default());
    let private = MemoryStore::new("tests-shared-one", MemoryLimits::default());
    now(one.put(put("k", b"v"))).expect("put");
    assert_eq!(
        two.stats(),
        MemoryStats {
            object_count: 1,
            total_size: 1
        }
    );
    assert_eq!(other.stats().object_count + private.stats().object_count, 0);
    two.clear();
    assert!(now(one.head("k")).expect_err("cleared").is_not_found());
}

#[test]
fn spec05_4_3_snapshot_round_trips() {
    let store = store();
    let mut request = put("a b/é", b"\x00\xffbody");
    request.metadata = vec![("b".into(), "2".into()), ("A".into(), "x\"y".into())];
    request.content_type = Some("application/json".into());
    request.content_encoding = Some("gzip".into());
    now(store.put(request)).expect("put");
    now(store.put(put("empty", b""))).expect("put");
    let text = store.snapshot();
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let names: Vec<&String> = json.as_object().expect("object").keys().collect();
    assert_eq!(names, ["timestamp", "bucket", "objectCount", "objects"]);
    assert_eq!(json["objectCount"], 2);
    let entry = json["objects"]["a b/é"].as_object().expect("entry");
    let fields: Vec<&String> = entry.keys().collect();
    assert_eq!(
        fields,
        [
            "body",
            "metadata",
            "contentType",
            "etag",
            "lastModified",
            "size",
            "contentEncoding",
            "contentLength"
        ]
    );
    assert_eq!(entry["body"], "AP9ib2R5");
    let copy = self::store();
    copy.restore(&text).expect("restore");
    assert_eq!(now(copy.get("a b/é")).expect("get"), now(store.get("a b/é")).expect("get"));
    let without_time = |text: &str| text.split_once("\"bucket\"").expect("has a bucket").1.to_owned();
    assert_eq!(without_time(&copy.snapshot()), without_time(&text));
}

#[test]
fn spec05_4_3_restore_keeps_stored_facts_and_refuses_other_shapes() {
    let store = store();
    let text =
        r#"{"objects":{"k":{"body":"aGk","metadata":{"n":1},"etag":"\"v-1\"","lastModified":"2024-05-06T07:08:09.123Z","size":99}}}"#;
    store.restore(text).expect("restore");
    let object = now(store.get("k")).expect("get");
    assert_eq!(object.body, "hi");
    assert_eq!(object.meta.etag.as_deref(), Some("v-1"));
    assert_eq!((object.meta.size, object.meta.last_modified), (99, 1_714_979_289_123));
    assert_eq!(object.meta.metadata, [("n".to_owned(), "1".to_owned())]);
    for bad in [
        "{}",
        "{",
        "[]",
        r#"{"objects":[]}"#,
        r#"{"objects":{"k":1}}"#,
        r#"{"objects":{"k":{"body":"*"}}}"#,
        r#"{"objects":{"k":{"lastModified":"yesterday"}}}"#,
    ] {
        let error = store.restore(bad).expect_err(bad);
        assert_eq!(error.kind(), Kind::Validation, "{bad}");
        assert!(error.message().contains("Invalid snapshot format"));
    }
    assert_eq!(store.stats().object_count, 1, "a refused snapshot changes nothing");
}

#[test]
fn spec05_16_11_decimal_tokens_of_older_versions_skip_entries() {
    let store = store();
    for key in ["a", "b", "c", "d"] {
        now(store.put(put(key, b""))).expect("put");
    }
    let page = now(store.list(ListRequest {
        token: Some("2".into()),
        ..ListRequest::default()
    }))
    .expect("list");
    let keys: Vec<&str> = page.entries.iter().map(|e| e.key.as_str()).collect();
    assert_eq!(keys, ["c", "d"]);
}

#[test]
fn a_small_record_costs_less_than_a_kilobyte() {
    // Everything an entry holds: node share (B-trees are at least half full), key and metadata texts.
    let entry = std::mem::size_of::<Box<str>>() + std::mem::size_of::<Object>();
    let key = "resource=users/data/id=0123456789012345678901".len();
    let metadata = PackedMetadata::pack(&(0..10).map(|i| (i.to_string(), "twelve chars".to_owned())).collect::<Vec<_>>());
    let texts: usize = metadata.iter().map(|(k, v)| k.len() + v.len() + 8).sum();
    let allocator_slack = 3 * 16;
    assert!(2 * entry + key + texts + allocator_slack < 1024);
}
