//! Attribute map of spec/04 3.3 and plugin codes.

use super::SchemaConfig;
use super::definition::plugin_of;
use crate::codec::{self, base62};
use crate::value::{Object, Value};
use indexmap::{IndexMap, IndexSet};

/// `name -> code` in code order.
pub(crate) type CodeMap = IndexMap<String, String, ahash::RandomState>;

/// Maps of a schema.
#[derive(Debug, Clone, Default)]
pub(crate) struct Maps {
    pub map: CodeMap,
    pub plugin_map: CodeMap,
    /// Owner of each plugin attribute.
    pub owners: CodeMap,
}

/// Leaf paths of the definitions, depth first; rule objects contribute their own keys.
fn leaves(object: &Object, prefix: &str, out: &mut IndexSet<String>) {
    for (key, value) in object {
        let path = join(prefix, key);
        if path.contains("$$") {
            continue;
        }
        match value {
            Value::Object(inner) if !inner.is_empty() => leaves(inner, &path, out),
            _ => {
                out.insert(path);
            }
        }
    }
}

/// Paths of object attributes; inner ones only under `$$type: 'object'`.
fn object_paths(object: &Object, prefix: &str, out: &mut Vec<String>) {
    for (key, value) in object {
        if key.starts_with("$$") {
            continue;
        }
        if let Value::Object(inner) = value {
            let path = join(prefix, key);
            out.push(path.clone());
            if inner.get("$$type").and_then(Value::as_str) == Some("object") {
                object_paths(inner, &path, out);
            }
        }
    }
}

/// `extractObjectKeys(obj, prefix)`.
pub fn extract_object_keys(object: &Object, prefix: &str) -> Vec<String> {
    let mut out = Vec::new();
    object_paths(object, prefix, &mut out);
    out
}

pub(crate) fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}

/// Definition at a dotted path.
pub(crate) fn definition_at<'a>(attributes: &'a Object, path: &str) -> Option<&'a Value> {
    if let Some(found) = attributes.get(path) {
        return Some(found);
    }
    let mut at = attributes;
    let mut segments = path.split('.').peekable();
    while let Some(segment) = segments.next() {
        let value = at.get(segment)?;
        if segments.peek().is_none() {
            return Some(value);
        }
        at = value.as_object()?;
    }
    None
}

fn text_map(object: Option<&Object>) -> Option<CodeMap> {
    let object = object.filter(|o| !o.is_empty())?;
    Some(
        object
            .iter()
            .filter_map(|(k, v)| v.as_str().map(|c| (k.clone(), c.to_owned())))
            .collect(),
    )
}

/// Owner of the plugin attribute at `path`, if it is one.
fn owner(config: &SchemaConfig, path: &str) -> Option<String> {
    if let Some(name) = config.plugin_attributes.get(path).and_then(Value::as_str) {
        return Some(name.to_owned());
    }
    match definition_at(&config.attributes, path)? {
        Value::Object(definition) => plugin_of(definition).map(str::to_owned),
        Value::String(_) => {
            let metadata = config.plugin_attribute_metadata.get(path)?.as_object()?;
            plugin_of(metadata).map(str::to_owned)
        }
        _ => None,
    }
}

/// Builds the maps of a configuration.
pub(crate) fn build(config: &SchemaConfig) -> Maps {
    let mut keys = IndexSet::new();
    leaves(&config.attributes, "", &mut keys);
    for path in extract_object_keys(&config.attributes, "") {
        keys.insert(path);
    }
    let mut user = Vec::with_capacity(keys.len());
    let mut plugin = Vec::new();
    for key in keys {
        match owner(config, &key) {
            Some(name) => plugin.push((key, name)),
            None if !config.plugin_subkeys && under_plugin(config, &key) => {}
            None => user.push(key),
        }
    }
    let explicit = text_map(config.map.as_ref());
    let has_explicit = explicit.is_some();
    let map = explicit.unwrap_or_else(|| registry_map(config, &user).unwrap_or_else(|| positions(user)));
    let owners: CodeMap = plugin.iter().cloned().collect();
    let plugin_map = match text_map(config.plugin_map.as_ref()) {
        Some(given) => given,
        // A bare schema with a given map has no plugin map; a resource always needs its plugin codes.
        None if has_explicit && config.plugin_subkeys => CodeMap::default(),
        None => plugin_codes(config, &plugin),
    };
    Maps { map, plugin_map, owners }
}

fn under_plugin(config: &SchemaConfig, path: &str) -> bool {
    path.match_indices('.').any(|(i, _)| owner(config, &path[..i]).is_some())
}

fn positions(keys: Vec<String>) -> CodeMap {
    keys.into_iter()
        .zip(0u32..)
        .map(|(key, i)| (key, base62::encode(f64::from(i))))
        .collect()
}

fn plugin_codes(config: &SchemaConfig, attributes: &[(String, String)]) -> CodeMap {
    let registry = config
        .registry
        .as_ref()
        .and_then(|r| r.as_object()?.get("pluginSchemaRegistry")?.as_object());
    let registered = |plugin: &str, attribute: &str| -> Option<String> {
        let mapping = registry?.get(plugin)?.as_object()?.get("mapping")?.as_object()?;
        mapping.get(attribute)?.as_str().map(str::to_owned)
    };
    codec::plugin_codes(attributes.iter().map(|(attribute, plugin)| (plugin.as_str(), attribute.as_str())))
        .into_iter()
        .zip(attributes)
        .map(|((attribute, code), (_, plugin))| {
            let code = registered(plugin, &attribute).unwrap_or(code);
            (attribute, code)
        })
        .collect()
}

/// Codes of a resource that carries the registry of s3db.js 21: base36 of the registry index.
fn registry_map(config: &SchemaConfig, keys: &[String]) -> Option<CodeMap> {
    let registry = config.registry.as_ref()?.as_object()?.get("schemaRegistry")?.as_object()?;
    let mapping = registry.get("mapping")?.as_object()?;
    let index = |v: &Value| match v {
        Value::Number(n) if n.fract() == 0.0 && *n >= 0.0 && *n < 4_294_967_296.0 => Some(*n),
        _ => None,
    };
    let mut next = mapping.values().filter_map(index).fold(0.0f64, |a, b| a.max(b + 1.0));
    if let Some(n) = registry.get("nextIndex").and_then(index) {
        next = next.max(n);
    }
    let mut map = CodeMap::default();
    for (path, value) in mapping {
        if let Some(n) = index(value) {
            map.insert(path.clone(), base36(n));
        }
    }
    for key in keys {
        if !map.contains_key(key) {
            map.insert(key.clone(), base36(next));
            next += 1.0;
        }
    }
    Some(map)
}

fn base36(mut n: f64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = n % 36.0;
        digits.push(char::from_digit(digit as u32, 36).unwrap_or('0'));
        n = (n / 36.0).floor();
        if n < 1.0 {
            break;
        }
    }
    digits.iter().rev().collect()
}
