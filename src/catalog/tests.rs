use super::*;
use crate::store::layers::{StackOptions, stack};
use crate::store::memory::{MemoryLimits, MemoryStore};
use crate::store::*;
use futures::FutureExt as _;
use serde_json::json;

mod failing;
mod saving;

pub(super) fn memory() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new("b", MemoryLimits::default()))
}

pub(super) fn catalog(store: &Arc<MemoryStore>) -> Catalog {
    Catalog::new(store.clone(), "13.6.1")
}

impl Catalog {
    async fn save_whole(&self, local: Json, remove: &[String]) -> Result<Json> {
        Ok(self.save(local, false, remove).await?.metadata(|_| true))
    }
}

/// Result of a call that an immediate store completes at once.
pub(super) fn now<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    future.now_or_never().expect("immediate stores complete at once")
}

pub(super) fn write(store: &dyn Store, text: impl Into<Bytes>) {
    let request = PutRequest {
        key: CATALOG_KEY.into(),
        body: text.into(),
        ..PutRequest::default()
    };
    now(store.put(request)).expect("put");
}

pub(super) fn text(store: &dyn Store) -> String {
    let object = now(store.get(CATALOG_KEY)).expect("get");
    String::from_utf8(object.body.to_vec()).expect("UTF-8")
}

fn backups(store: &dyn Store) -> Vec<String> {
    let request = ListRequest {
        prefix: format!("{CATALOG_KEY}."),
        ..ListRequest::default()
    };
    now(store.list(request))
        .expect("list")
        .entries
        .into_iter()
        .map(|entry| entry.key)
        .collect()
}

pub(super) fn resource(attributes: Json) -> Json {
    json!({
        "currentVersion": "v1", "partitions": {}, "createdBy": "user",
        "versions": { "v1": { "hash": format!("sha256:{attributes}"), "attributes": attributes, "hooks": {} } }
    })
}

pub(super) fn metadata(resources: Json) -> Json {
    json!({ "version": "1", "s3dbVersion": "13.6.1", "lastUpdated": "2026-01-01T00:00:00.000Z", "resources": resources })
}

fn load_text(content: &str) -> (Loaded, Arc<MemoryStore>) {
    let store = memory();
    write(store.as_ref(), content.to_owned());
    let loaded = now(catalog(&store).load()).expect("loads");
    (loaded, store)
}

#[test]
fn spec01_2_4_missing_file_is_created_blank_and_pretty() {
    let store = memory();
    let loaded = now(catalog(&store).load()).expect("loads");
    assert!(loaded.created && !loaded.healed && loaded.healing_log.is_empty());
    let written = text(store.as_ref());
    assert!(written.starts_with("{\n  \"version\": \"1\",\n  \"s3dbVersion\": \"13.6.1\",\n  \"lastUpdated\": \""));
    let json: Json = serde_json::from_str(&written).expect("JSON");
    assert_eq!(json, loaded.metadata);
    assert_eq!(json["revision"].as_str().map(str::len), Some(22));
    assert_eq!(json["resources"], json!({}));
    let head = now(store.head(CATALOG_KEY)).expect("head");
    assert_eq!(head.content_type.as_deref(), Some("application/json"));
    assert!(head.metadata.is_empty());
    assert_eq!(loaded.etag, head.etag);
    assert!(!now(catalog(&store).load()).expect("loads again").created);
}

#[test]
fn spec01_4_valid_metadata_causes_no_write() {
    let file = metadata(json!({ "users": resource(json!({ "name": "string" })) }));
    let content = serde_json::to_string(&file).expect("text");
    let (loaded, store) = load_text(&content);
    assert!(!loaded.healed && !loaded.created && loaded.healing_log.is_empty());
    assert_eq!(loaded.metadata, file);
    assert_eq!(text(store.as_ref()), content);
}

/// Loads a file whose parts are replaced and returns its log.
fn healed(change: impl FnOnce(&mut Json)) -> (Vec<String>, Loaded, Arc<MemoryStore>) {
    let mut file = metadata(json!({ "users": resource(json!({ "name": "string" })) }));
    change(&mut file);
    let (loaded, store) = load_text(&file.to_string());
    assert!(loaded.healed);
    let written: Json = serde_json::from_str(&text(store.as_ref())).expect("JSON");
    assert_eq!(written, loaded.metadata, "the healed file is written");
    assert_ne!(written["lastUpdated"], file["lastUpdated"]);
    assert_eq!(loaded.backup_key.iter().cloned().collect::<Vec<_>>(), backups(store.as_ref()));
    (loaded.healing_log.clone(), loaded, store)
}

#[test]
fn spec01_4_structure_rows_heal_with_their_log_lines() {
    type Row = (fn(&mut Json), &'static str, fn(&Json) -> bool);
    let rows: [Row; 10] = [
        (
            |f| f["version"] = json!(1),
            "Converted version from number to string",
            |m| m["version"] == "1",
        ),
        (
            |f| f["version"] = json!(1.5),
            "Converted version from number to string",
            |m| m["version"] == "1.5",
        ),
        (
            |f| f["version"] = json!(null),
            "Added missing or invalid version field",
            |m| m["version"] == "1",
        ),
        (
            |f| f["version"] = json!([2]),
            "Added missing or invalid version field",
            |m| m["version"] == "1",
        ),
        (
            |f| f["s3dbVersion"] = json!(13),
            "Converted s3dbVersion to string",
            |m| m["s3dbVersion"] == "13",
        ),
        (
            |f| f["s3dbVersion"] = json!(""),
            "Added missing s3dbVersion field",
            |m| m["s3dbVersion"] == "13.6.1",
        ),
        (
            |f| f["resources"] = json!([]),
            "Fixed invalid resources field",
            |m| m["resources"] == json!({}),
        ),
        (
            |f| f["resources"] = json!(null),
            "Fixed invalid resources field",
            |m| m["resources"] == json!({}),
        ),
        (
            |f| f["resources"] = json!("x"),
            "Fixed invalid resources field",
            |m| m["resources"] == json!({}),
        ),
        (
            |f| f["lastUpdated"] = json!(""),
            "Added missing lastUpdated field",
            |m| m["lastUpdated"] != "",
        ),
    ];
    for (change, line, holds) in rows {
        let (log, loaded, _) = healed(change);
        assert_eq!(log, [line]);
        assert!(holds(&loaded.metadata), "{line}: {}", loaded.metadata);
    }
    for content in ["null", "7", "\"x\"", "[1]"] {
        let (loaded, store) = load_text(content);
        assert_eq!(loaded.healing_log, ["Metadata is not an object - using blank structure"]);
        assert_eq!(loaded.metadata["resources"], json!({}));
        assert_eq!(backups(store.as_ref()).len(), usize::from(content != "null"), "{content}");
    }
}

#[test]
fn spec01_4_resource_rows_heal_with_their_log_lines() {
    type Row = (fn(&mut Json), Vec<&'static str>, fn(&Json) -> bool);
    let removed = "Removed invalid resource: users";
    let rows: Vec<Row> = vec![
        (
            |r| *r = json!(null),
            vec!["Resource users: invalid structure", removed],
            Json::is_null,
        ),
        (
            |r| *r = json!("x"),
            vec!["Resource users: invalid structure", removed],
            Json::is_null,
        ),
        (
            |r| r["currentVersion"] = json!(""),
            vec!["Resource users: added missing currentVersion"],
            |r| r["currentVersion"] == "v1",
        ),
        (
            |r| r["versions"] = json!([]),
            vec![
                "Resource users: fixed invalid versions object",
                "Resource users: no valid versions found - removing resource",
                removed,
            ],
            Json::is_null,
        ),
        (
            |r| r["versions"] = json!({}),
            vec!["Resource users: no valid versions found - removing resource", removed],
            Json::is_null,
        ),
        (
            |r| r["partitions"] = json!(null),
            vec!["Resource users: fixed invalid partitions object"],
            |r| r["partitions"] == json!({}),
        ),
        (
            |r| r["partitions"] = json!([]),
            vec!["Resource users: fixed invalid partitions object"],
            |r| r["partitions"] == json!({}),
        ),
        (
            |r| r["currentVersion"] = json!("v9"),
            vec!["Resource users: changed currentVersion from v9 to v1"],
            |r| r["currentVersion"] == "v1",
        ),
        (
            |r| r["versions"]["v1"] = json!(5),
            vec!["Resource users: invalid version data - removing resource", removed],
            Json::is_null,
        ),
        (
            |r| r["versions"]["v1"]["attributes"] = json!(null),
            vec!["Resource users: missing or invalid attributes - removing resource", removed],
            Json::is_null,
        ),
        (
            |r| r["versions"]["v1"]["attributes"] = json!("x"),
            vec!["Resource users: missing or invalid attributes - removing resource", removed],
            Json::is_null,
        ),
        (
            |r| r["versions"]["v1"]["hooks"] = json!("x"),
            vec!["Resource users: invalid hooks structure - using empty hooks"],
            |r| r["versions"]["v1"]["hooks"] == json!({}),
        ),
        (
            |r| r["versions"]["v1"]["hooks"] = json!({ "beforeInsert": [null, "", 0, false, "keep"] }),
            vec!["Resource users: cleaned invalid hooks for event beforeInsert"],
            |r| r["versions"]["v1"]["hooks"]["beforeInsert"] == json!([0, false, "keep"]),
        ),
        (
            |r| r["versions"]["v1"]["hooks"] = json!({ "beforeInsert": "x", "afterInsert": [] }),
            vec!["Resource users: hooks for event beforeInsert is not an array - removing"],
            |r| r["versions"]["v1"]["hooks"] == json!({ "afterInsert": [] }),
        ),
    ];
    for (change, lines, holds) in rows {
        let (log, loaded, _) = healed(|file| change(&mut file["resources"]["users"]));
        assert_eq!(log, lines);
        assert!(holds(&loaded.metadata["resources"]["users"]), "{lines:?}: {}", loaded.metadata);
    }
}

#[test]
fn spec01_3_1_old_and_new_files_are_accepted_as_they_are() {
    let mut file = metadata(json!({ "users": resource(json!({ "name": "string" })) }));
    let users = &mut file["resources"]["users"];
    users["currentVersion"] = json!("v0");
    users["versions"] = json!({ "v0": { "attributes": { "name": "string" }, "options": { "timestamps": true } } });
    users["versions"]["v0"]["hooks"] = json!({ "beforeInsert": { "count": 1, "handlers": [{ "name": "f", "length": 1 }] } });
    users["schemaRegistry"] = json!({ "nextIndex": 1, "mapping": { "name": 0 }, "burned": [] });
    file["future"] = json!({ "x": 1 });
    let (loaded, _) = load_text(&file.to_string());
    assert!(!loaded.healed, "{:?}", loaded.healing_log);
    assert_eq!(loaded.metadata, file);
}

#[test]
fn spec01_4_damaged_text_is_recovered_with_its_log_lines() {
    let file = metadata(json!({ "users": resource(json!({ "name": "string" })) })).to_string();
    let commas = file.replace("}}}", "},}}");
    let bare = file.replace("\"resources\"", "resources");
    let cut = &file[..file.len() - 3];
    for (number, content, lossy) in [(1, commas.as_str(), false), (2, bare.as_str(), false), (3, cut, true)] {
        let (loaded, store) = load_text(content);
        let expected = [
            "JSON parsing failed - attempting recovery".to_owned(),
            format!("JSON recovery successful using fix #{number}"),
        ];
        assert_eq!(loaded.healing_log, expected);
        assert_eq!(loaded.lossy, lossy);
        assert_eq!(loaded.metadata["resources"]["users"]["currentVersion"], "v1");
        let kept = backups(store.as_ref());
        assert_eq!(kept.len(), usize::from(lossy), "spec01_12_7: a lossy recovery is backed up");
        if let Some(key) = kept.first() {
            assert_eq!(now(store.get(key)).expect("backup").body, content.as_bytes());
        }
    }
}

#[test]
fn spec01_4_unreadable_text_is_backed_up_and_replaced() {
    for (content, line) in [
        ("not json", "All JSON recovery attempts failed"),
        ("", "Content is empty or not a string"),
    ] {
        let (loaded, store) = load_text(content);
        assert_eq!(
            loaded.healing_log,
            [
                "JSON parsing failed - attempting recovery",
                line,
                "Created backup of corrupted file - starting with blank metadata"
            ]
        );
        assert!(loaded.healed && loaded.lossy && !loaded.created);
        let key = loaded.backup_key.expect("a backup");
        let stamp = key
            .strip_prefix("s3db.json.corrupted.")
            .and_then(|k| k.strip_suffix(".backup"))
            .expect("its name");
        assert_eq!(stamp.len(), "2026-01-02T03-04-05-678Z".len());
        assert!(!stamp.contains([':', '.']));
        assert_eq!(now(store.get(&key)).expect("backup").body, content.as_bytes());
        assert_eq!(
            serde_json::from_str::<Json>(&text(store.as_ref())).expect("JSON")["resources"],
            json!({})
        );
    }
}

#[test]
fn spec01_12_6_removals_are_backed_up_with_the_original_text() {
    let content = metadata(json!({ "good": resource(json!({ "a": "string" })), "bad": { "versions": {} } })).to_string();
    let (loaded, store) = load_text(&content);
    assert!(!loaded.lossy);
    let key = loaded.backup_key.expect("a backup");
    assert_eq!(now(store.get(&key)).expect("backup").body, content.as_bytes());
    assert!(loaded.metadata["resources"].get("bad").is_none());
    assert!(loaded.metadata["resources"].get("good").is_some());
    let (loaded, store) = load_text(
        &metadata(json!({ "r": {
        "currentVersion": "v1", "partitions": {}, "versions": { "v1": { "attributes": {}, "hooks": { "afterGet": [null] } } }
    } }))
        .to_string(),
    );
    assert!(
        loaded.healed && loaded.backup_key.is_none(),
        "nothing of value is lost with a null hook"
    );
    assert!(backups(store.as_ref()).is_empty());
}
