//! Loads the recorded vectors with their tagged values (`{"$type": ...}`).

#![allow(dead_code)]

use s3db::value::{Object, Value};
use serde_json::Value as Json;

/// A vector file of `__test__/golden/`.
pub fn load(file: &str) -> Json {
    let path = format!("{}/__test__/golden/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The cases under `key`.
pub fn cases<'a>(file: &'a Json, key: &str) -> &'a [Json] {
    file[key].as_array().unwrap_or_else(|| panic!("no cases under {key}"))
}

/// The value that a vector stands for. Lone surrogates become U+FFFD, as at the boundary.
pub fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::Number(n.as_f64().expect("a double")),
        Json::String(s) => Value::String(s.clone()),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(members) => match members.get("$type").and_then(Json::as_str) {
            Some(tag) => tagged(tag, json),
            None => {
                let mut object: Object = members.iter().map(|(k, v)| (k.clone(), value(v))).collect();
                s3db::value::js_order(&mut object);
                Value::Object(object)
            }
        },
    }
}

fn tagged(tag: &str, json: &Json) -> Value {
    let text = |name: &str| json[name].as_str().unwrap_or("");
    match tag {
        "undefined" => Value::Undefined,
        "number" => Value::Number(match text("value") {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            "-0" => -0.0,
            other => panic!("number {other}"),
        }),
        "date" => Value::Date(date_ms(text("value"))),
        "bytes" => Value::Bytes(s3db::codec::base64::decode(text("base64"))),
        "bigint" => Value::BigInt(text("value").to_owned()),
        "regexp" => Value::RegExp(text("source").to_owned(), text("flags").to_owned()),
        "utf16" => {
            let units: Vec<u16> = json["units"]
                .as_array()
                .expect("units")
                .iter()
                .map(|u| u16::try_from(u.as_u64().expect("unit")).expect("u16"))
                .collect();
            Value::String(String::from_utf16_lossy(&units))
        }
        "concat" => {
            let mut out = String::new();
            for part in json["parts"].as_array().expect("parts") {
                match part {
                    Json::String(s) => out.push_str(s),
                    part => {
                        let n = usize::try_from(part["count"].as_u64().expect("count")).expect("usize");
                        out.push_str(&part["repeat"].as_str().expect("repeat").repeat(n));
                    }
                }
            }
            Value::String(out)
        }
        "function" => Value::Undefined,
        other => panic!("unknown tag {other}"),
    }
}

fn date_ms(iso: &str) -> f64 {
    let digits = |a: usize, b: usize| iso.get(a..b).and_then(|s| s.parse::<i64>().ok());
    let (Some(y), Some(mo), Some(d), Some(h), Some(mi), Some(s), Some(ms)) = (
        digits(0, 4),
        digits(5, 7),
        digits(8, 10),
        digits(11, 13),
        digits(14, 16),
        digits(17, 19),
        digits(20, 23),
    ) else {
        return f64::NAN;
    };
    let y2 = if mo <= 2 { y - 1 } else { y };
    let era = y2.div_euclid(400);
    let doy = (153 * ((mo + 9) % 12) + 2) / 5 + d - 1;
    let yoe = y2.rem_euclid(400);
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    (((days * 24 + h) * 60 + mi) * 60 + s) as f64 * 1000.0 + ms as f64
}

/// Equality of `Object.is` for numbers, by structure for the rest.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => (x.is_nan() && y.is_nan()) || (x == y && x.is_sign_negative() == y.is_sign_negative()),
        (Value::Date(x), Value::Date(y)) => x == y || (x.is_nan() && y.is_nan()),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(a, b)| same(a, b)),
        (Value::Object(x), Value::Object(y)) => x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w))),
        _ => a == b,
    }
}
