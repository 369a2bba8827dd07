use super::*;

fn with_hash(hash: &str, attributes: Json) -> Json {
    json!({ "hash": hash, "attributes": attributes, "createdAt": hash })
}

fn entry(current: &str, versions: &[(&str, Json)]) -> Json {
    let versions: Map<String, Json> = versions
        .iter()
        .map(|(name, version)| ((*name).to_owned(), version.clone()))
        .collect();
    json!({ "currentVersion": current, "partitions": {}, "createdBy": "user", "versions": versions })
}

fn stored(store: &Arc<MemoryStore>) -> Json {
    serde_json::from_str(&text(store.as_ref())).expect("JSON")
}

#[test]
fn spec01_12_3_writers_that_know_nothing_of_each_other_lose_nothing() {
    let store = memory();
    let (one, two) = (catalog(&store), catalog(&store));
    now(one.load()).expect("loads");
    now(two.load()).expect("loads");
    now(one.save_whole(metadata(json!({ "a": resource(json!({ "x": "string" })) })), &[])).expect("saves");
    let merged = now(two.save_whole(metadata(json!({ "b": resource(json!({})) })), &[])).expect("saves");
    let names: Vec<&String> = merged["resources"].as_object().expect("resources").keys().collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(stored(&store), merged);
}

#[test]
fn spec01_12_3_every_write_has_its_own_revision_and_etag() {
    let store = memory();
    let catalog = catalog(&store);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..5 {
        now(catalog.save_whole(metadata(json!({})), &[])).expect("saves");
        assert!(seen.insert(stored(&store)["revision"].to_string()));
        assert!(seen.insert(format!("{:?}", now(store.head(CATALOG_KEY)).expect("head").etag)));
    }
}

#[test]
fn spec01_12_4_saving_without_loading_keeps_what_is_stored() {
    let store = memory();
    write(
        store.as_ref(),
        metadata(json!({ "a": resource(json!({ "x": "string" })) })).to_string(),
    );
    now(catalog(&store).save_whole(metadata(json!({ "b": resource(json!({})) })), &[])).expect("saves");
    assert!(stored(&store)["resources"]["a"].is_object() && stored(&store)["resources"]["b"].is_object());
    let empty = memory();
    now(catalog(&empty).save_whole(metadata(json!({ "b": resource(json!({})) })), &[])).expect("saves");
    assert_eq!(stored(&empty)["resources"].as_object().map(Map::len), Some(1));
}

#[test]
fn spec01_12_5_resources_go_only_when_removed() {
    let store = memory();
    write(
        store.as_ref(),
        metadata(json!({ "a": resource(json!({})), "b": resource(json!({})) })).to_string(),
    );
    let catalog = catalog(&store);
    now(catalog.load()).expect("loads");
    now(catalog.save_whole(metadata(json!({})), &[])).expect("saves");
    assert_eq!(stored(&store)["resources"].as_object().map(Map::len), Some(2));
    let local = metadata(json!({ "a": resource(json!({})), "b": resource(json!({})) }));
    now(catalog.save_whole(local, &["a".into()])).expect("saves");
    let names: Vec<String> = stored(&store)["resources"].as_object().expect("map").keys().cloned().collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn spec01_12_3_same_version_name_with_other_hash_is_renumbered() {
    let store = memory();
    let base = metadata(json!({ "r": entry("v1", &[("v1", with_hash("h1", json!({ "a": "string" })))]) }));
    write(store.as_ref(), base.to_string());
    let (one, two) = (catalog(&store), catalog(&store));
    now(one.load()).expect("loads");
    now(two.load()).expect("loads");
    let v1 = with_hash("h1", json!({ "a": "string" }));
    let declare =
        |hash: &str| metadata(json!({ "r": entry("v2", &[("v1", v1.clone()), ("v2", with_hash(hash, json!({ hash: "string" })))]) }));
    now(one.save_whole(declare("one"), &[])).expect("saves");
    let merged = now(two.save_whole(declare("two"), &[])).expect("saves");
    let r = &merged["resources"]["r"];
    assert_eq!(r["versions"]["v1"]["hash"], "h1");
    assert_eq!(r["versions"]["v2"]["hash"], "one", "the stored version keeps its name");
    assert_eq!(r["versions"]["v3"]["hash"], "two");
    assert_eq!(r["currentVersion"], "v3");
    // Saved again as it was asked for: nothing is renumbered twice.
    let again = now(two.save_whole(declare("two"), &[])).expect("saves");
    assert_eq!(again["resources"], merged["resources"]);
}

#[test]
fn spec01_12_3_the_same_definition_from_two_writers_is_one_version() {
    let store = memory();
    let (one, two) = (catalog(&store), catalog(&store));
    let same = |created: &str| {
        let mut version = with_hash("h", json!({ "a": "string", "b": "number" }));
        version["createdAt"] = json!(created);
        metadata(json!({ "r": entry("v1", &[("v1", version)]) }))
    };
    now(one.save_whole(same("first"), &[])).expect("saves");
    let mut reordered = same("second");
    reordered["resources"]["r"]["versions"]["v1"]["attributes"] = json!({ "b": "number", "a": "string" });
    let merged = now(two.save_whole(reordered, &[])).expect("saves");
    let versions = merged["resources"]["r"]["versions"].as_object().expect("versions");
    assert_eq!(versions.len(), 1);
    assert_eq!(versions["v1"]["createdAt"], "first");
    let order: Vec<&String> = versions["v1"]["attributes"].as_object().expect("attributes").keys().collect();
    assert_eq!(order, ["a", "b"], "decision 56: the stored attribute order is never rewritten");
}

#[test]
fn an_unchanged_resource_does_not_turn_back_another_writer() {
    let store = memory();
    let v1 = with_hash("h1", json!({ "a": "string" }));
    let base = metadata(json!({ "r": entry("v1", &[("v1", v1.clone())]) }));
    write(store.as_ref(), base.to_string());
    let (one, two) = (catalog(&store), catalog(&store));
    now(one.load()).expect("loads");
    now(two.load()).expect("loads");
    let mut evolved = base.clone();
    evolved["resources"]["r"] = entry("v2", &[("v1", v1), ("v2", with_hash("h2", json!({ "b": "string" })))]);
    evolved["resources"]["r"]["partitions"] = json!({ "byB": { "fields": { "b": "string" } } });
    now(one.save_whole(evolved, &[])).expect("saves");
    let mut local = base;
    local["resources"]["other"] = resource(json!({}));
    for _ in 0..2 {
        let merged = now(two.save_whole(local.clone(), &[])).expect("saves");
        assert_eq!(merged["resources"]["r"]["currentVersion"], "v2");
        assert!(merged["resources"]["r"]["partitions"]["byB"].is_object());
        assert!(merged["resources"]["other"].is_object());
    }
}

#[test]
fn removed_partitions_stay_removed() {
    let store = memory();
    let catalog = catalog(&store);
    let mut local = metadata(json!({ "r": resource(json!({ "a": "string" })) }));
    local["resources"]["r"]["partitions"] = json!({ "byA": { "fields": { "a": "string" } }, "byB": { "fields": { "b": "string" } } });
    now(catalog.save_whole(local.clone(), &[])).expect("saves");
    local["resources"]["r"]["partitions"] = json!({ "byA": { "fields": { "a": "string" } } });
    now(catalog.save_whole(local, &[])).expect("saves");
    let partitions = stored(&store)["resources"]["r"]["partitions"].clone();
    assert_eq!(partitions, json!({ "byA": { "fields": { "a": "string" } } }));
}

#[test]
fn spec01_3_1_unknown_keys_survive_at_every_level() {
    let store = memory();
    let mut file = metadata(json!({ "r": resource(json!({ "a": "string" })) }));
    file["future"] = json!({ "deep": [1] });
    file["resources"]["r"]["schemaRegistry"] = json!({ "nextIndex": 3, "mapping": { "a": 0 }, "burned": [{ "index": 1 }] });
    file["resources"]["r"]["pluginSchemaRegistry"] = json!({ "ttl": { "mapping": { "x": "p1" } } });
    file["resources"]["r"]["versions"]["v1"]["note"] = json!("kept");
    write(store.as_ref(), file.to_string());
    let catalog = catalog(&store);
    let mut local = metadata(json!({ "r": resource(json!({ "a": "string" })) }));
    local["resources"]["r"]["schemaRegistry"] = json!({ "nextIndex": 2, "mapping": { "b": 3 } });
    local["resources"]["r"]["versions"]["v1"]["asyncPartitions"] = json!(false);
    now(catalog.save_whole(local, &[])).expect("saves");
    let written = stored(&store);
    assert_eq!(written["future"], file["future"]);
    let r = &written["resources"]["r"];
    assert_eq!(
        r["schemaRegistry"],
        json!({ "nextIndex": 3, "mapping": { "a": 0, "b": 3 }, "burned": [{ "index": 1 }] })
    );
    assert_eq!(r["pluginSchemaRegistry"], file["resources"]["r"]["pluginSchemaRegistry"]);
    assert_eq!(
        (&r["versions"]["v1"]["note"], &r["versions"]["v1"]["asyncPartitions"]),
        (&json!("kept"), &json!(false))
    );
}

#[test]
fn the_stored_owner_wins_and_bad_input_is_named() {
    let store = memory();
    write(store.as_ref(), metadata(json!({ "r": resource(json!({})) })).to_string());
    let mut local = metadata(json!({ "r": resource(json!({})) }));
    local["resources"]["r"]["createdBy"] = json!("TTLPlugin");
    now(catalog(&store).save_whole(local, &[])).expect("saves");
    assert_eq!(stored(&store)["resources"]["r"]["createdBy"], "user");
    for bad in [json!(null), json!({}), json!({ "resources": [] })] {
        let error = now(catalog(&store).save_whole(bad, &[])).expect_err("refused");
        assert_eq!((error.kind(), &error.fields()["field"]), (Kind::Validation, &json!("resources")));
    }
}

async fn sixteen_savers(store: impl Fn() -> Arc<dyn Store>) -> Json {
    let tasks = (0..16).map(|task| {
        let catalog = Catalog::new(store(), "13.6.1");
        tokio::spawn(async move {
            let mut known = catalog.load().await.expect("loads").metadata;
            for n in 0..50 {
                known["resources"][format!("r{task}-{n}")] = resource(json!({ "task": task, "n": n }));
                known = catalog.save_whole(known, &[]).await.expect("saves");
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.expect("joins");
    }
    Catalog::new(store(), "13.6.1").load().await.expect("loads").metadata
}

fn assert_complete(metadata: &Json) {
    let resources = metadata["resources"].as_object().expect("resources");
    let missing: Vec<String> = (0..16)
        .flat_map(|task| (0..50).map(move |n| format!("r{task}-{n}")))
        .filter(|name| !resources.contains_key(name))
        .collect();
    assert!(missing.is_empty(), "{} lost: {missing:?}", missing.len());
    assert_eq!(resources.len(), 800);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spec01_12_3_sixteen_savers_of_fifty_resources_lose_nothing() {
    let store = memory();
    assert_complete(&sixteen_savers(|| store.clone()).await);
}

/// Memory that accepts conditions and ignores them, as some servers do.
struct Careless(Arc<MemoryStore>);

impl Store for Careless {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            kind: "s3",
            bucket: "b".into(),
            immediate: false,
        }
    }
    fn put(&self, mut request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        request.condition = Condition::None;
        self.0.put(request)
    }
    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(put_each(self, puts))
    }
    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        self.0.get(key)
    }
    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        self.0.head(key)
    }
    fn copy(&self, request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        self.0.copy(request)
    }
    fn delete<'a>(&'a self, key: &'a str, _: Option<&'a str>) -> StoreFuture<'a, ()> {
        self.0.delete(key, None)
    }
    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        self.0.delete_many(keys)
    }
    fn list(&self, request: ListRequest) -> StoreFuture<'_, ListPage> {
        self.0.list(request)
    }
    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        Box::pin(async { Ok(Capabilities::default()) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spec01_12_3_without_conditions_the_read_back_merges_again() {
    let memory = memory();
    let stack_one = || {
        stack(Arc::new(Careless(memory.clone())), "", &StackOptions::default())
            .expect("stack")
            .store
    };
    assert_eq!(stack_one().capabilities().await.expect("probe"), Capabilities::default());
    let tasks = (0..4).map(|task| {
        let catalog = Catalog::new(stack_one(), "13.6.1");
        tokio::spawn(async move {
            for n in 0..3 {
                let local = metadata(json!({ format!("r{task}-{n}"): resource(json!({})) }));
                let merged = catalog.save_whole(local, &[]).await.expect("saves");
                assert!(merged["resources"].get(format!("r{task}-{n}")).is_some());
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.expect("joins");
    }
    assert_eq!(stored(&memory)["resources"].as_object().map(Map::len), Some(12));
}

#[test]
fn a_partial_save_writes_the_whole_file_and_tells_whether_others_wrote() {
    let store = memory();
    let (one, two) = (catalog(&store), catalog(&store));
    now(one.load()).expect("loads");
    let save = |catalog: &Catalog, resources: Json, remove: &[String]| now(catalog.save(metadata(resources), true, remove)).expect("saves");
    assert!(!save(&one, json!({ "a": resource(json!({ "x": "string" })) }), &[]).others);
    assert!(!save(&one, json!({ "b": resource(json!({})) }), &[]).others);
    now(two.load()).expect("loads");
    save(&two, json!({ "c": resource(json!({})) }), &["b".into()]);
    let saved = save(&one, json!({ "d": resource(json!({})) }), &[]);
    assert!(saved.others);
    let file: Json = serde_json::from_str(&text(&*store)).expect("JSON");
    assert_eq!(saved.metadata(|_| true), file);
    let names: Vec<_> = file["resources"].as_object().expect("object").keys().cloned().collect();
    assert_eq!(names, ["a", "c", "d"]);
    // The file disappears: what was last known of it comes back.
    save(&one, json!({}), &["a".into()]);
    now(store.delete(CATALOG_KEY, None)).expect("deletes");
    save(&one, json!({ "e": resource(json!({})) }), &[]);
    let file: Json = serde_json::from_str(&text(&*store)).expect("JSON");
    let names: Vec<_> = file["resources"].as_object().expect("object").keys().cloned().collect();
    assert_eq!(names, ["c", "d", "e"]);
}

#[test]
fn options_of_ids_that_this_process_dropped_go_unless_another_one_changed_them() {
    let with = |options: Option<Json>| {
        let mut version = with_hash("h", json!({}));
        if let Some(options) = options {
            version["idGeneratorOptions"] = options;
        }
        metadata(json!({ "a": entry("v1", &[("v1", version)]) }))
    };
    let at = |store: &Arc<MemoryStore>| stored(store)["resources"]["a"]["versions"]["v1"]["idGeneratorOptions"].clone();
    let store = memory();
    let (one, two) = (catalog(&store), catalog(&store));
    now(one.save_whole(with(Some(json!({ "start": 1 }))), &[])).expect("saves");
    now(two.load()).expect("loads");
    now(one.save_whole(with(None), &[])).expect("saves");
    assert_eq!(at(&store), Json::Null);
    // What another process stored meanwhile is not what was dropped.
    now(two.save_whole(with(Some(json!({ "start": 2 }))), &[])).expect("saves");
    now(one.save_whole(with(None), &[])).expect("saves");
    assert_eq!(at(&store), json!({ "start": 2 }));
}
