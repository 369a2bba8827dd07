//! Golden vectors: JSON with `{"$type": ...}` tags to engine values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3db::value::{Object, Value, js_order, text};
use serde_json::Value as Json;

/// A vector file.
pub fn load(name: &str) -> Json {
    let path = format!("{}/__test__/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Value of a tagged JSON value.
pub fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::Number(n.as_f64().expect("vector numbers are doubles")),
        Json::String(s) => Value::String(s.clone()),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(members) => match members.get("$type").and_then(Json::as_str) {
            Some(tag) => tagged(tag, members),
            None => {
                let mut object: Object = members.iter().map(|(k, v)| (k.clone(), value(v))).collect();
                js_order(&mut object);
                Value::Object(object)
            }
        },
    }
}

fn tagged(tag: &str, members: &serde_json::Map<String, Json>) -> Value {
    let get = |name: &str| members.get(name).and_then(Json::as_str).unwrap_or_default();
    match tag {
        "undefined" => Value::Undefined,
        "number" => Value::Number(match get("value") {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => -0.0,
        }),
        "date" => Value::Date(date(get("value"))),
        "bytes" | "latin1bytes" => Value::Bytes(STANDARD.decode(get("base64")).expect("base64")),
        "regexp" => Value::RegExp(get("source").into(), get("flags").into()),
        "bigint" => Value::BigInt(get("value").into()),
        // Functions do not cross the boundary; JavaScript replaces them by null.
        "function" => Value::Null,
        "utf16" => {
            let units: Vec<u16> = members["units"]
                .as_array()
                .expect("units")
                .iter()
                .map(|u| u16::try_from(u.as_u64().expect("unit")).expect("unit"))
                .collect();
            Value::String(String::from_utf16_lossy(&units))
        }
        "concat" => Value::String(
            members["parts"]
                .as_array()
                .expect("parts")
                .iter()
                .map(|p| match p {
                    Json::String(s) => s.clone(),
                    p => p["repeat"]
                        .as_str()
                        .expect("repeat")
                        .repeat(usize::try_from(p["count"].as_u64().expect("count")).expect("count")),
                })
                .collect(),
        ),
        other => panic!("unknown tag {other}"),
    }
}

fn date(iso: &str) -> f64 {
    if iso == "Invalid Date" {
        return f64::NAN;
    }
    // The vectors hold a handful of dates; find the one that prints as asked.
    [0.0, 1_714_979_289_123.0, 1_704_067_200_000.0, 951_782_400_000.0, 1.0, -1.0]
        .into_iter()
        .find(|ms| text::iso_date(*ms).as_deref() == Some(iso))
        .unwrap_or_else(|| panic!("date {iso} is not known to the loader"))
}

/// Members of a tagged JSON object.
pub fn object(json: &Json) -> Object {
    match value(json) {
        Value::Object(o) => o,
        other => panic!("not an object: {other:?}"),
    }
}

/// Text, plain or tagged.
pub fn text_of(json: &Json) -> String {
    match value(json) {
        Value::String(s) => s,
        Value::Bytes(b) => b.into_iter().map(char::from).collect(),
        other => panic!("not a text: {other:?}"),
    }
}

/// Equality of JavaScript test suites: NaN equals NaN, an undefined member equals a missing one.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || (x.is_nan() && y.is_nan()),
        (Value::Date(x), Value::Date(y)) => x == y || (x.is_nan() && y.is_nan()),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(a, b)| same(a, b)),
        (Value::Object(x), Value::Object(y)) => same_objects(x, y),
        _ => a == b,
    }
}

/// [`same`] for members.
pub fn same_objects(x: &Object, y: &Object) -> bool {
    let get = |o: &Object, k: &str| o.get(k).cloned().unwrap_or(Value::Undefined);
    x.keys().chain(y.keys()).all(|k| same(&get(x, k), &get(y, k)))
}

/// Short text for failure messages.
pub fn show(value: &Value) -> String {
    let mut text = text::to_tagged(value);
    if text.len() > 400 {
        let mut end = 400;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}
