//! `schemas.json`: maps, plugin maps and hook lists.

use crate::golden::{load, object, same, show, value};
use s3db::schema::{Schema, SchemaConfig};
use s3db::value::{Object, Value};
use serde_json::Value as Json;

/// Configuration of a constructor argument, as the bare public class builds it.
pub fn config(args: &Json) -> SchemaConfig {
    let optional = |name: &str| args.get(name).map(object);
    let options = args.get("options").map(object).unwrap_or_default();
    let flag = |name: &str| !matches!(options.get(name), Some(Value::Bool(false)));
    SchemaConfig {
        name: args["name"].as_str().unwrap_or_default().into(),
        attributes: object(&args["attributes"]),
        map: optional("map"),
        plugin_map: optional("pluginMap"),
        passphrase: args["passphrase"].as_str().unwrap_or("secret").into(),
        bcrypt_rounds: 4,
        version: args["version"].as_str().unwrap_or("1").into(),
        auto_encrypt: flag("autoEncrypt"),
        auto_decrypt: flag("autoDecrypt"),
        separator: options
            .get("arraySeparator")
            .and_then(Value::as_str)
            .and_then(|s| s.chars().next())
            .unwrap_or('|'),
        generate_auto_hooks: flag("generateAutoHooks"),
        hooks: options.get("hooks").and_then(Value::as_object).cloned().unwrap_or_default(),
        plugin_attribute_metadata: optional("_pluginAttributeMetadata").unwrap_or_default(),
        plugin_attributes: Object::default(),
        plugin_subkeys: true,
        registry: None,
        ..SchemaConfig::default()
    }
}

#[test]
fn maps_and_hooks_match_the_vectors() {
    let mut failures = Vec::new();
    for case in load("schemas").as_array().unwrap() {
        let name = case["args"]["name"].as_str().unwrap();
        if case.get("error").is_some() {
            continue;
        }
        let schema = Schema::new(config(&case["args"])).unwrap_or_else(|e| panic!("{name}: {e}"));
        let Value::Object(description) = schema.describe() else {
            panic!("an object")
        };
        for part in ["map", "pluginMap", "hooks"] {
            let expected = value(&case[part]);
            if !same(&description[part], &expected) {
                failures.push(format!(
                    "{name} {part}: {} instead of {}",
                    show(&description[part]),
                    show(&expected)
                ));
            }
            if part == "map" {
                let keys = |v: &Value| v.as_object().unwrap().values().cloned().collect::<Vec<_>>();
                assert_eq!(keys(&description[part]), keys(&expected), "{name}: code order");
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn definitions_that_are_no_definition_are_refused() {
    for name in ["null-def", "number-def"] {
        let vectors = load("schemas");
        let case = vectors.as_array().unwrap().iter().find(|c| c["args"]["name"] == name).unwrap();
        let error = Schema::new(config(&case["args"])).unwrap_err();
        assert_eq!(error.kind(), s3db::error::Kind::Schema);
        assert_eq!(error.fields()["attribute"], "a");
    }
}
