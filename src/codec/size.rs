//! Size accounting of mapped values (spec/04 section 10).

use crate::value::{Object, Value, number, text};

/// Bytes of user metadata that S3 accepts, names and values.
pub const S3_METADATA_LIMIT_BYTES: usize = 2047;

/// UTF-8 bytes of `String(value)`.
pub fn utf8_bytes(value: &Value) -> usize {
    match value {
        Value::String(s) => s.len(),
        other => number::js_string(other).len(),
    }
}

/// The text whose bytes count for a value.
pub fn transform_value(value: &Value) -> String {
    match value {
        Value::Undefined | Value::Null => String::new(),
        Value::Bool(b) => if *b { "1" } else { "0" }.to_owned(),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => items.iter().map(number::js_string).collect::<Vec<_>>().join("|"),
        Value::Object(_) | Value::Date(_) | Value::Bytes(_) | Value::RegExp(..) => text::stringify(value).unwrap_or_default(),
        other => number::js_string(other),
    }
}

/// Bytes of one value.
pub fn value_size(value: &Value) -> usize {
    match value {
        Value::String(s) => s.len(),
        other => transform_value(other).len(),
    }
}

/// Bytes of every value.
pub fn attribute_sizes(object: &Object) -> Vec<(&str, usize)> {
    object.iter().map(|(k, v)| (k.as_str(), value_size(v))).collect()
}

/// Bytes of all names.
pub fn names_size(object: &Object) -> usize {
    object.keys().map(String::len).sum()
}

/// Names and values.
pub fn total_size(object: &Object) -> usize {
    object.iter().map(|(k, v)| k.len() + value_size(v)).sum()
}

/// `getSizeBreakdown`: totals and shares, largest first.
pub fn breakdown(object: &Object) -> Value {
    let sizes = attribute_sizes(object);
    let values: usize = sizes.iter().map(|(_, s)| s).sum();
    let names = names_size(object);
    let total = values + names;
    let count = |n: usize| Value::Number(n as f64);
    let mut by_size = sizes.clone();
    by_size.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let rows = by_size
        .iter()
        .map(|(name, size)| {
            let mut row = Object::default();
            row.insert("attribute".into(), Value::from(*name));
            row.insert("size".into(), count(*size));
            let share = *size as f64 / total as f64 * 100.0;
            row.insert(
                "percentage".into(),
                Value::from(if share.is_nan() {
                    "NaN%".to_owned()
                } else {
                    format!("{share:.2}%")
                }),
            );
            Value::Object(row)
        })
        .collect();
    let mut detailed = Object::default();
    detailed.insert("values".into(), count(values));
    detailed.insert("names".into(), count(names));
    detailed.insert("total".into(), count(total));
    let mut out = Object::default();
    out.insert("total".into(), count(total));
    out.insert(
        "valueSizes".into(),
        Value::Object(sizes.iter().map(|(k, s)| ((*k).to_owned(), count(*s))).collect()),
    );
    out.insert("namesSize".into(), count(names));
    out.insert("valueTotal".into(), count(values));
    out.insert("breakdown".into(), Value::Array(rows));
    out.insert("detailedBreakdown".into(), Value::Object(detailed));
    Value::Object(out)
}

/// Bytes that every record of a resource carries: `_v`, timestamps, and the id when it is given.
pub fn system_overhead(version: &str, timestamps: bool, id: &str) -> usize {
    const TIMESTAMP: usize = 24;
    let stamps = if timestamps {
        "createdAt".len() + "updatedAt".len() + 2 * TIMESTAMP
    } else {
        0
    };
    let id = if id.is_empty() { 0 } else { "id".len() + id.len() };
    "_v".len() + version.len() + stamps + id
}

/// Bytes left for attributes; negative when the overhead alone is too much.
pub fn effective_limit(limit: i64, version: &str, timestamps: bool, id: &str) -> i64 {
    limit - i64::try_from(system_overhead(version, timestamps, id)).unwrap_or(i64::MAX)
}
