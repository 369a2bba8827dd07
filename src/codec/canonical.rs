//! Stable JSON and definition hashes (spec/01 section 3.3).

use super::crypto;
use crate::value::{Object, Value, text};

/// JSON without white space, members sorted by UTF-16 code units, `undefined` left out.
pub fn stable_json(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => {
            let mut members: Vec<(&String, &Value)> = object.iter().filter(|(_, v)| !matches!(v, Value::Undefined)).collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (i, (key, item)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                text::write_string(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        other => text::write_plain(other, out),
    }
}

/// `sha256:` and the hash of `{ attributes, behavior, partitions }`; timestamp attributes do not count when timestamps are on.
pub fn definition_hash(definition: &Value, behavior: Option<&str>) -> String {
    let empty = Object::default();
    let definition = definition.as_object().unwrap_or(&empty);
    let mut attributes = definition.get("attributes").and_then(Value::as_object).cloned().unwrap_or_default();
    let truthy = |v: &Value| match v {
        Value::Undefined | Value::Null | Value::Bool(false) => false,
        Value::Number(n) => *n != 0.0 && !n.is_nan(),
        Value::String(s) => !s.is_empty(),
        _ => true,
    };
    if definition.get("timestamps").is_some_and(truthy) {
        attributes.shift_remove("createdAt");
        attributes.shift_remove("updatedAt");
    }
    let behavior = behavior
        .filter(|b| !b.is_empty())
        .or_else(|| definition.get("behavior").and_then(Value::as_str).filter(|b| !b.is_empty()))
        .unwrap_or("user-managed");
    let partitions = definition
        .get("partitions")
        .filter(|p| truthy(p))
        .cloned()
        .unwrap_or_else(|| Value::Object(Object::default()));
    let mut hashed = Object::default();
    hashed.insert("attributes".into(), Value::Object(attributes));
    hashed.insert("behavior".into(), Value::from(behavior));
    hashed.insert("partitions".into(), partitions);
    stable_hash(&Value::Object(hashed))
}

/// `sha256:` and the hash of the stable JSON of a value.
pub fn stable_hash(value: &Value) -> String {
    format!("sha256:{}", crypto::sha256_hex(stable_json(value).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(json: &str) -> String {
        definition_hash(&text::parse(json).expect("valid"), None)
    }

    #[test]
    fn spec01_03_03_definition_hashes_match_13_6() {
        for (definition, expected) in [
            (
                "{\"attributes\":{}}",
                "7b72062a1a462ea2fc84e6b19d3074dcfd47313e5aa6c8f5c94c5f5ee7696f3b",
            ),
            (
                "{\"attributes\":{\"name\":\"string|required\"}}",
                "897a7c5ed1b5b5039d6d06161a3a42323acad50e17043d9aa9f9df42621febba",
            ),
            (
                "{\"attributes\":{\"b\":\"number\",\"a\":\"string|required\"},\"behavior\":\"body-overflow\",\"partitions\":{\"byB\":{\"fields\":{\"b\":\"number\"}}}}",
                "a6a0e1d5ae904b37b987453ae95ff25e425b5d3ac7ac824c38349a525c93cc03",
            ),
            (
                "{\"timestamps\":true,\"attributes\":{\"a\":\"string\",\"createdAt\":\"string|optional\",\"updatedAt\":\"string|optional\"},\"partitions\":{\"byUpdatedDate\":{\"fields\":{\"updatedAt\":\"date|maxlength:10\"}},\"byCreatedDate\":{\"fields\":{\"createdAt\":\"date|maxlength:10\"}}}}",
                "9350664f0cd7bd6028e6c56653cc1d70dd9fb5097da044104d3c028a81917235",
            ),
            (
                "{\"attributes\":{\"p\":{\"z\":\"string\",\"a\":{\"type\":\"number\",\"min\":1,\"optional\":{\"\\u0000\":\"undefined\"}}},\"é\":\"string\"}}",
                "ea10f8781674b8f248b8b2b587f34b4eea7970dab6b1d32304717b01169cd80f",
            ),
        ] {
            assert_eq!(hash(definition), format!("sha256:{expected}"), "{definition}");
        }
    }
}
