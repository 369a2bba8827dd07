//! Merge of what this process wants into what is stored.
//!
//! Resources and versions are united; keys that this library does not know
//! stay, at every level. A value that this process did not change since it
//! last read or wrote the file (it equals one of `bases`) gives way to the
//! stored one. A version name that both sides gave to different definitions
//! is renumbered on the local side. Options of ids that are stored as this
//! process last saw them, and that it dropped since, are dropped.

use super::document::{Document, Entry};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

type Object = Map<String, Json>;

/// Keys whose stored value always wins.
const STORED_WINS: [&str; 2] = ["version", "createdBy"];
/// Keys replaced as a whole by a changed local value; other objects are merged key by key.
const WHOLE: [&str; 5] = ["partitions", "attributes", "hooks", "map", "cache"];

/// Settings of a version that exist or not; others are written with their new value.
const DROPPABLE: [&str; 1] = ["idGeneratorOptions"];

/// Merged metadata. `bases`: earlier states of the file as this process knew it. Resources that `local` does not name stay as stored.
pub(super) fn merge(stored: &Document, local: &Document, bases: &[Arc<Document>], remove: &[String]) -> Document {
    let mut merged = stored.clone();
    let known: Vec<&Json> = bases.iter().map(|base| &base.members).collect();
    if let (Json::Object(target), Json::Object(local)) = (&mut merged.members, &local.members) {
        for (key, value) in local {
            match key.as_str() {
                "resources" | "revision" | "lastUpdated" => {}
                "s3dbVersion" => {
                    target.insert(key.clone(), value.clone());
                }
                _ => merge_member(target, key, value, &known),
            }
        }
    }
    for (name, entry) in &local.resources {
        let Json::Object(own) = &entry.json else { continue };
        let merged_entry = match stored.resources.get(name).map(|stored| &stored.json) {
            Some(Json::Object(stored)) if stored == own => continue,
            Some(Json::Object(stored)) => {
                let bases: Vec<&Json> = bases.iter().filter_map(|base| base.resources.get(name).map(|e| &e.json)).collect();
                Entry::new(Json::Object(merge_resource(stored, own, &bases)))
            }
            _ => entry.clone(),
        };
        merged.resources.insert(name.clone(), merged_entry);
    }
    for name in remove {
        merged.resources.shift_remove(name);
    }
    merged
}

/// Takes `value` over into `target` unless the stored value wins.
fn merge_member(target: &mut Object, key: &str, value: &Json, bases: &[&Json]) {
    let Some(stored) = target.get_mut(key) else {
        target.insert(key.to_owned(), value.clone());
        return;
    };
    let unchanged = || bases.iter().any(|base| base.get(key) == Some(value));
    if stored == value || STORED_WINS.contains(&key) || unchanged() {
        return;
    }
    match (stored, value) {
        (Json::Object(stored), Json::Object(local)) if !WHOLE.contains(&key) => {
            let bases: Vec<&Json> = bases.iter().filter_map(|base| base.get(key)).collect();
            for (key, value) in local {
                merge_member(stored, key, value, &bases);
            }
        }
        // An index counter never goes back.
        (Json::Number(stored), Json::Number(local)) if key == "nextIndex" => {
            if local.as_f64() > stored.as_f64() {
                *stored = local.clone();
            }
        }
        (stored, value) => *stored = value.clone(),
    }
}

fn merge_resource(stored: &Object, local: &Object, bases: &[&Json]) -> Object {
    let mut merged = stored.clone();
    let mut renamed: Option<(String, String)> = None;
    let local_current = local.get("currentVersion").and_then(Json::as_str);
    let mut versions = stored.get("versions").and_then(Json::as_object).cloned().unwrap_or_default();
    for (name, entry) in local.get("versions").and_then(Json::as_object).into_iter().flatten() {
        let Json::Object(entry) = entry else { continue };
        let Some(Json::Object(own)) = versions.get(name) else {
            versions.insert(name.clone(), Json::Object(entry.clone()));
            continue;
        };
        let bases: Vec<&Json> = bases.iter().filter_map(|base| base.get("versions")?.get(name)).collect();
        if same_definition(own, entry) {
            let united = merge_version(own, entry, &bases);
            versions.insert(name.clone(), Json::Object(united));
            continue;
        }
        // Known before and not changed here: the stored entry is the newer one.
        if bases.iter().any(|base| base.get("hash") == entry.get("hash")) {
            continue;
        }
        let target = twin(stored, &versions, entry).unwrap_or_else(|| next_version(&versions, local));
        if !versions.contains_key(&target) {
            versions.insert(target.clone(), Json::Object(entry.clone()));
        }
        if local_current == Some(name) {
            renamed = Some((name.clone(), target));
        }
    }
    let current_changed = local_current.is_some() && !bases.iter().any(|base| base.get("currentVersion") == local.get("currentVersion"));
    for (key, value) in local {
        match key.as_str() {
            "versions" => {}
            "currentVersion" => {
                if let Some((_, target)) = &renamed {
                    merged.insert(key.clone(), target.clone().into());
                } else if current_changed || !stored.contains_key(key) {
                    merged.insert(key.clone(), value.clone());
                }
            }
            _ => merge_member(&mut merged, key, value, bases),
        }
    }
    merged.insert("versions".into(), Json::Object(versions));
    merged
}

/// One version known to both sides. Its attributes keep the stored order, which maps fields of records.
fn merge_version(stored: &Object, local: &Object, bases: &[&Json]) -> Object {
    let mut merged = stored.clone();
    for (key, value) in local {
        match key.as_str() {
            "attributes" | "createdAt" if merged.contains_key(key) => {}
            _ => merge_member(&mut merged, key, value, bases),
        }
    }
    for key in DROPPABLE {
        let unchanged = |value: &Json| bases.iter().any(|base| base.get(key) == Some(value));
        if !local.contains_key(key) && merged.get(key).is_some_and(unchanged) {
            merged.shift_remove(key);
        }
    }
    merged
}

/// Equal hashes; an entry without one is taken as the same.
fn same_definition(stored: &Object, local: &Object) -> bool {
    match (stored.get("hash").and_then(Json::as_str), local.get("hash").and_then(Json::as_str)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

/// The stored current version, when another writer already gave a name to the same definition.
fn twin(stored: &Object, versions: &Object, entry: &Object) -> Option<String> {
    let current = stored.get("currentVersion")?.as_str()?;
    let hash = entry.get("hash")?.as_str()?;
    (versions.get(current)?.get("hash")?.as_str()? == hash).then(|| current.to_owned())
}

/// `v<n>` above every version that either side knows.
fn next_version(versions: &Object, local: &Object) -> String {
    let local = local.get("versions").and_then(Json::as_object);
    let highest = versions
        .keys()
        .chain(local.into_iter().flat_map(|versions| versions.keys()))
        .filter_map(|name| name.strip_prefix('v')?.parse::<u64>().ok())
        .max()
        .unwrap_or(0);
    format!("v{}", highest.saturating_add(1))
}
