//! The behaviours as the public `behaviors` objects call them (spec/04 section 11).

use super::{Behavior, Context, body_text, plan};
use crate::error::{Error, Kind, Result};
use crate::record::Operation;
use crate::value::{Object, Value, text};

/// `handleInsert`, `handleUpdate`, `handleUpsert`: arguments `[behavior, operation, { name, version, timestamps, map,
/// pluginMap }, id, data, mappedData, originalData]`, result `{ mappedData, body, events }`.
pub fn plan_call(args: &[Value]) -> Result<Value> {
    let arg = |i: usize| args.get(i).unwrap_or(&Value::Undefined);
    let behavior = behavior(arg(0))?;
    let operation = match arg(1).as_str() {
        Some("insert") => Operation::Insert,
        Some("update") => Operation::Update,
        Some("upsert") => Operation::Upsert,
        _ => return Err(Error::validation("operation", "operation must be insert, update or upsert")),
    };
    let empty = Object::default();
    let resource = arg(2).as_object().unwrap_or(&empty);
    let object = |name: &str| resource.get(name).and_then(Value::as_object).unwrap_or(&empty);
    let string = |name: &str| resource.get(name).filter(|v| !v.is_nullish()).map(crate::value::number::js_string);
    let version = string("version").unwrap_or_else(|| "1".into());
    let name = string("name").unwrap_or_default();
    let mapped = arg(5)
        .as_object()
        .cloned()
        .ok_or_else(|| Error::validation("mappedData", "mappedData must be an object"))?;
    let original = if arg(6).is_nullish() { arg(4) } else { arg(6) };
    let map = object("map");
    let context = Context {
        resource: &name,
        version: &version,
        timestamps: resource.get("timestamps") == Some(&Value::Bool(true)),
        map,
        plugin_map: object("pluginMap"),
        operation,
        id: arg(3).as_str(),
        data_id: arg(4).as_object().and_then(|d| d.get("id")).and_then(Value::as_str),
        data: &|| original.clone(),
        name_of: &|code| {
            map.iter()
                .find(|(_, c)| c.as_str() == Some(code))
                .map_or_else(|| code.to_owned(), |(name, _)| name.clone())
        },
        wire_key: &str::to_owned,
        may_truncate: &|_| true,
    };
    let stored = plan(behavior, &context, mapped)?;
    let mut out = Object::default();
    out.insert("mappedData".into(), Value::Object(stored.metadata));
    out.insert("body".into(), Value::from(stored.body.as_ref().map(body_text).unwrap_or_default()));
    let events = stored.events.into_iter().map(|e| {
        Value::Object(
            [("event".to_owned(), Value::from(e.name)), ("payload".to_owned(), e.payload)]
                .into_iter()
                .collect(),
        )
    });
    out.insert("events".into(), Value::Array(events.collect()));
    Ok(Value::Object(out))
}

/// `handleGet`: arguments `[behavior, metadata, body]`, result `{ metadata, body }`.
pub fn get_call(args: &[Value]) -> Result<Value> {
    let arg = |i: usize| args.get(i).unwrap_or(&Value::Undefined);
    let behavior = behavior(arg(0))?;
    let metadata = arg(1).as_object().cloned().unwrap_or_default();
    let body = arg(2).as_str().unwrap_or("");
    let merged = if behavior.is_metadata_only() || body.is_empty() {
        metadata
    } else {
        let mut merged = match text::parse_plain(body) {
            Some(Value::Object(members)) => members,
            _ => Object::default(),
        };
        for (key, value) in metadata {
            merged.insert(key, value);
        }
        if behavior == Behavior::BodyOverflow {
            merged.shift_remove("$overflow");
        }
        merged
    };
    Ok(Value::Object(
        [("metadata".to_owned(), Value::Object(merged)), ("body".to_owned(), arg(2).clone())]
            .into_iter()
            .collect(),
    ))
}

fn behavior(name: &Value) -> Result<Behavior> {
    match name.as_str() {
        Some(name) => Behavior::parse(name),
        None => Err(Error::new(Kind::Behavior, "Unknown behavior: undefined").with_status(400)),
    }
}
