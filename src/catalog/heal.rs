//! Self-healing of the metadata file.

use super::recover::{Recovered, recover};
use crate::value::number;
use serde_json::{Map, Value as Json, json};

/// What healing found and did.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Healing {
    /// Lines for the event and the logger.
    pub log: Vec<String>,
    /// The file must be rewritten.
    pub changed: bool,
    /// Something that was stored is not in the result.
    pub removed: bool,
    /// The text was completed by guessing its end.
    pub lossy: bool,
    /// Nothing could be read from the text.
    pub unreadable: bool,
}

impl Healing {
    /// Whether the original text must be kept before it is replaced.
    pub fn needs_backup(&self) -> bool {
        self.removed || self.lossy || self.unreadable
    }

    fn note(&mut self, line: impl Into<String>) {
        self.changed = true;
        self.log.push(line.into());
    }
}

/// Metadata of an empty database.
pub(super) fn blank(s3db_version: &str) -> Json {
    json!({ "version": "1", "s3dbVersion": s3db_version, "lastUpdated": super::now_text(), "resources": {} })
}

/// Parses and heals the content of the file.
pub(super) fn read(body: &[u8], s3db_version: &str, now: &str) -> (Json, Healing) {
    let mut healing = Healing::default();
    let text = String::from_utf8_lossy(body);
    // Bytes that are not UTF-8 would not survive a rewrite.
    healing.removed = matches!(text, std::borrow::Cow::Owned(_));
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut json = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(_) => parse_damaged(text, s3db_version, &mut healing),
    };
    structure(&mut json, s3db_version, now, &mut healing);
    (json, healing)
}

fn parse_damaged(text: &str, s3db_version: &str, healing: &mut Healing) -> Json {
    healing.note("JSON parsing failed - attempting recovery");
    if text.is_empty() {
        healing.note("Content is empty or not a string");
    } else {
        match recover(text) {
            Recovered::Fix(number, json) => {
                healing.note(format!("JSON recovery successful using fix #{number}"));
                healing.lossy = number == 3;
                return json;
            }
            Recovered::No => healing.note("All JSON recovery attempts failed"),
        }
    }
    healing.unreadable = true;
    healing.lossy = true;
    blank(s3db_version)
}

fn structure(json: &mut Json, s3db_version: &str, now: &str, healing: &mut Healing) {
    let Json::Object(metadata) = json else {
        healing.note("Metadata is not an object - using blank structure");
        healing.removed |= !json.is_null();
        *json = blank(s3db_version);
        return;
    };
    match metadata.get("version") {
        Some(Json::String(text)) if !text.is_empty() => {}
        Some(Json::Number(number)) => {
            let text = number_text(number);
            metadata.insert("version".into(), text.into());
            healing.note("Converted version from number to string");
        }
        _ => {
            metadata.insert("version".into(), "1".into());
            healing.note("Added missing or invalid version field");
        }
    }
    match metadata.get("s3dbVersion") {
        Some(Json::String(text)) if !text.is_empty() => {}
        Some(value) if truthy(value) => {
            let text = js_text(value);
            metadata.insert("s3dbVersion".into(), text.into());
            healing.note("Converted s3dbVersion to string");
        }
        _ => {
            metadata.insert("s3dbVersion".into(), s3db_version.into());
            healing.note("Added missing s3dbVersion field");
        }
    }
    if !metadata.get("resources").is_some_and(Json::is_object) {
        healing.removed |= metadata.get("resources").is_some_and(holds_something);
        metadata.insert("resources".into(), json!({}));
        healing.note("Fixed invalid resources field");
    }
    if !metadata.get("lastUpdated").is_some_and(truthy) {
        metadata.insert("lastUpdated".into(), now.into());
        healing.note("Added missing lastUpdated field");
    }
    if let Some(Json::Object(resources)) = metadata.get_mut("resources") {
        resources.retain(|name, entry| {
            let keep = resource(name, entry, healing);
            if !keep {
                healing.removed = true;
                healing.note(format!("Removed invalid resource: {name}"));
            }
            keep
        });
    }
    if healing.changed {
        metadata.insert("lastUpdated".into(), now.into());
    }
}

/// Heals one resource; false when it cannot be kept.
fn resource(name: &str, entry: &mut Json, healing: &mut Healing) -> bool {
    let Json::Object(entry) = entry else {
        healing.note(format!("Resource {name}: invalid structure"));
        return false;
    };
    if !entry.get("currentVersion").is_some_and(truthy) {
        entry.insert("currentVersion".into(), "v1".into());
        healing.note(format!("Resource {name}: added missing currentVersion"));
    }
    for member in ["versions", "partitions"] {
        if !entry.get(member).is_some_and(Json::is_object) {
            healing.removed |= entry.get(member).is_some_and(holds_something);
            entry.insert(member.into(), json!({}));
            healing.note(format!("Resource {name}: fixed invalid {member} object"));
        }
    }
    let current = entry.get("currentVersion").map(js_text).unwrap_or_default();
    let versions = entry.get("versions").and_then(Json::as_object);
    let Some(first) = versions.and_then(|v| v.keys().next()).cloned() else {
        healing.note(format!("Resource {name}: no valid versions found - removing resource"));
        return false;
    };
    let known = versions.is_some_and(|v| v.contains_key(&current));
    let chosen = if known { current } else { first };
    if !known {
        let from = entry.get("currentVersion").map(js_text).unwrap_or_default();
        healing.note(format!("Resource {name}: changed currentVersion from {from} to {chosen}"));
        entry.insert("currentVersion".into(), chosen.clone().into());
    }
    let version = entry.get_mut("versions").and_then(|versions| versions.get_mut(&chosen));
    let Some(Json::Object(version)) = version else {
        healing.note(format!("Resource {name}: invalid version data - removing resource"));
        return false;
    };
    // An array passes here, as in 13.6; the resource then refuses it by name.
    if !version.get("attributes").is_some_and(|a| a.is_object() || a.is_array()) {
        healing.note(format!("Resource {name}: missing or invalid attributes - removing resource"));
        return false;
    }
    hooks(name, version, healing);
    true
}

fn hooks(name: &str, version: &mut Map<String, Json>, healing: &mut Healing) {
    let Some(hooks) = version.get_mut("hooks").filter(|hooks| truthy(hooks)) else {
        return;
    };
    let Json::Object(events) = hooks else {
        healing.removed = true;
        *hooks = json!({});
        healing.note(format!("Resource {name}: invalid hooks structure - using empty hooks"));
        return;
    };
    events.retain(|event, handlers| match handlers {
        Json::Array(list) => {
            let before = list.len();
            list.retain(|handler| !handler.is_null() && handler.as_str() != Some(""));
            if list.len() < before {
                healing.note(format!("Resource {name}: cleaned invalid hooks for event {event}"));
            }
            true
        }
        // Summaries of s3db.js 21: { count, handlers: [{ name, length, type }] }.
        Json::Object(summary) if summary.contains_key("count") || summary.contains_key("handlers") => true,
        _ => {
            healing.removed |= holds_something(handlers);
            healing.note(format!("Resource {name}: hooks for event {event} is not an array - removing"));
            false
        }
    });
}

fn holds_something(value: &Json) -> bool {
    match value {
        Json::Array(items) => !items.is_empty(),
        Json::Object(members) => !members.is_empty(),
        other => truthy(other),
    }
}

fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(b) => *b,
        Json::Number(n) => n.as_f64() != Some(0.0),
        Json::String(s) => !s.is_empty(),
        Json::Array(_) | Json::Object(_) => true,
    }
}

fn number_text(number: &serde_json::Number) -> String {
    number.as_f64().map_or_else(|| number.to_string(), number::to_text)
}

/// `String(value)` of JavaScript.
fn js_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number_text(number),
        Json::Array(items) => items
            .iter()
            .map(|item| if item.is_null() { String::new() } else { js_text(item) })
            .collect::<Vec<_>>()
            .join(","),
        Json::Object(_) => "[object Object]".into(),
        other => other.to_string(),
    }
}
