//! `behaviors.json`: what each behaviour stores.

use crate::golden::{load, object, same, same_objects, show, text_of, value};
use s3db::behavior::{Behavior, Context, METADATA_LIMIT, body_text, plan};
use s3db::record::Operation;
use s3db::value::{Object, Value};
use serde_json::Value as Json;

fn name(key: &str) -> String {
    key.replace('$', "_")
}

/// Why a vector is not matched: the item of spec/04 section 15 or 16.
fn exception(behavior: Behavior, operation: Operation, case: &Json) -> Option<&'static str> {
    if case["hangs"] == true {
        return Some("spec04_15_01");
    }
    let has = |key: &str| case["result"]["mappedData"].get(key).is_some();
    match behavior {
        Behavior::UserManaged if operation != Operation::Insert => Some("spec04_15_09"),
        Behavior::EnforceLimits if operation == Operation::Update => Some("spec04_16_08"),
        Behavior::TruncateData if has("$truncated") => Some("spec04_15_01"),
        _ if case["label"] == "unicode over" || case["label"] == "unicode truncation point" || case["label"] == "unicode" => {
            Some("spec04_15_15")
        }
        Behavior::BodyOverflow if has("$overflow") || case["label"] == "many small long names" => Some("spec04_15_15"),
        _ => None,
    }
}

#[test]
fn behaviours_match_the_vectors() {
    let mut failures = Vec::new();
    let mut matched = 0;
    for case in load("behaviors")["write"].as_array().unwrap() {
        let behavior = Behavior::parse(case["behavior"].as_str().unwrap()).unwrap();
        let operation = match case["operation"].as_str().unwrap() {
            "insert" => Operation::Insert,
            "update" => Operation::Update,
            _ => Operation::Upsert,
        };
        let data = object(&case["data"]);
        let resource = &case["resource"];
        let version = value(&resource["version"]);
        let version = s3db::value::number::js_string(&version);
        let (map, plugin_map) = (object(&resource["schema"]["map"]), object(&resource["schema"]["pluginMap"]));
        let context = Context {
            resource: resource["name"].as_str().unwrap(),
            version: &version,
            timestamps: resource["config"]["timestamps"] == true,
            map: &map,
            plugin_map: &plugin_map,
            operation,
            id: case["id"].as_str(),
            data_id: data.get("id").and_then(Value::as_str),
            data: &|| Value::Object(data.clone()),
            name_of: &|code| code.to_owned(),
            wire_key: &name,
            may_truncate: &|_| true,
        };
        let mapped = object(&case["mappedData"]);
        let result = plan(behavior, &context, mapped.clone());
        let label = format!("{} {} {}", case["behavior"], case["operation"], case["label"]);
        if let Ok(stored) = &result {
            let wire: usize = stored
                .metadata
                .iter()
                .map(|(k, v)| name(k).len() + s3db::codec::metadata::encode_value(v).len())
                .sum();
            assert!(wire <= METADATA_LIMIT, "{label}: {wire} bytes on the wire");
            let lost: Vec<_> = mapped
                .keys()
                .filter(|k| !stored.metadata.contains_key(*k) && stored.body.as_ref().is_none_or(|b| !b.contains_key(*k)))
                .collect();
            assert!(lost.is_empty(), "{label}: {lost:?} lost");
        }
        let problem = compare(case, result);
        match (problem, exception(behavior, operation, case)) {
            (None, _) => matched += 1,
            (Some(_), Some(_)) => {}
            (Some(problem), None) => failures.push(format!("{label}: {problem}")),
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(matched > 800, "only {matched} cases match");
}

fn compare(case: &Json, result: s3db::error::Result<s3db::behavior::Stored>) -> Option<String> {
    if case["hangs"] == true {
        return Some("no expected output".into());
    }
    if let Some(error) = case.get("error") {
        let Err(got) = result else { return Some("must fail".into()) };
        for (field, expected) in object(&error["details"]) {
            let got = got.fields().get(&field).map_or(Value::Undefined, value);
            if !same(&got, &expected) {
                return Some(format!("error field {field} is {} instead of {}", show(&got), show(&expected)));
            }
        }
        assert_eq!(got.message(), error["message"].as_str().unwrap());
        assert_eq!(got.status(), Some(413));
        return None;
    }
    let stored = match result {
        Ok(stored) => stored,
        Err(error) => return Some(error.to_string()),
    };
    let expected: Object = object(&case["result"]["mappedData"]);
    if !same_objects(&stored.metadata, &expected) {
        return Some(format!(
            "metadata {} instead of {}",
            show(&Value::Object(stored.metadata)),
            show(&Value::Object(expected))
        ));
    }
    let body = stored.body.as_ref().map(body_text).unwrap_or_default();
    let expected = text_of(&case["result"]["body"]);
    if body != expected {
        return Some(format!("body {} instead of {}", show(&body.into()), show(&expected.into())));
    }
    let got: Vec<Value> = stored
        .events
        .iter()
        .filter(|e| e.name == "exceedsLimit")
        .map(|e| e.payload.clone())
        .collect();
    let expected: Vec<Value> = case["events"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|e| value(&e["payload"]))
        .collect();
    if !same(&Value::Array(got.clone()), &Value::Array(expected.clone())) {
        return Some(format!(
            "events {} instead of {}",
            show(&Value::Array(got)),
            show(&Value::Array(expected))
        ));
    }
    None
}
