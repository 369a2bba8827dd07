//! Stored objects to records.

use super::names::{bare_version, is_kept, is_reserved, is_residue, is_system, unescape_code};
use super::versions::VersionSchema;
use super::{Carried, Decoded, RecordCodec};
use crate::behavior::{Behavior, Stored};
use crate::codec::{crypto, metadata};
use crate::error::Result;
use crate::schema::{CodeMap, Reading, Schema, corrupted, wire_name};
use crate::value::number::js_string;
use crate::value::{Object, Value, text};
use std::collections::HashSet;

/// Metadata taken apart.
#[derive(Default)]
struct Head {
    version: Option<String>,
    /// The record's own `path -> code`, inverted.
    map: Option<CodeMap>,
    plugin_map: Option<CodeMap>,
    overflow: bool,
    right_types: bool,
    extra: Option<String>,
    truncated: bool,
    /// Attributes and undeclared names.
    entries: Vec<(String, Value)>,
    /// Nothing but `_v` and `_pluginMap`.
    bare: bool,
}

impl Head {
    fn new(entries: impl Iterator<Item = (String, Value)>) -> Self {
        let mut head = Head {
            bare: true,
            ..Head::default()
        };
        for (name, value) in entries {
            match name.as_str() {
                "_v" => head.version = text_of(&value).map(|v| bare_version(&v).to_owned()),
                "_map" => {
                    head.map = text_of(&value).and_then(|t| inverted(&t));
                    head.bare = false;
                }
                "_pluginMap" | "_pluginmap" => head.plugin_map = text_of(&value).and_then(|t| inverted(&t)),
                "_overflow" | "$overflow" => head.overflow = true,
                "_truncated" | "$truncated" => head.truncated = true,
                "_e" => head.right_types = text_of(&value).as_deref() == Some("2"),
                "_x" => {
                    head.extra = text_of(&value);
                    head.bare = false;
                }
                _ => {
                    head.bare = false;
                    head.entries.push((name, value));
                }
            }
        }
        head
    }
}

/// Bytes of a body that holds nothing but a revision token.
pub const TOKEN_BODY_LEN: u64 = 33;

/// True for a body that holds nothing but a revision token, as this library writes it.
pub fn is_token(body: &[u8]) -> bool {
    body.len() as u64 == TOKEN_BODY_LEN && body.starts_with(b"{\"_rev\":\"") && body.ends_with(b"\"}")
}

/// Version that wrote an object, without `v`.
fn version_of(head: &Head, members: Option<&Object>) -> Option<String> {
    head.version.clone().or_else(|| {
        let stored = members?.get("_v").and_then(text_of)?;
        Some(bare_version(&stored).to_owned())
    })
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(_) => Some(js_string(value)),
        _ => None,
    }
}

/// `code -> path` of a stored map; `None` when it is not a JSON object.
fn inverted(json: &str) -> Option<CodeMap> {
    match text::parse_plain(json)? {
        Value::Object(map) => Some(map.into_iter().filter_map(|(path, code)| Some((text_of(&code)?, path))).collect()),
        _ => None,
    }
}

/// What the body turned out to be.
enum Body {
    None,
    /// Members of a record body; `true`: by attribute names, values as returned to users.
    Record(Object, bool),
    Content,
}

impl RecordCodec {
    /// Record of a stored object. The record is read with the map of the version that
    /// wrote it (a body-only record with its own map); metadata wins over the body.
    pub fn decode(&self, metadata: &[(String, String)], body: &[u8], content_type: Option<&str>) -> Result<Decoded> {
        let head = Head::new(metadata.iter().map(|(k, v)| (k.clone(), metadata::decode(v))));
        let members = self.body_members(body, content_type);
        let version = version_of(&head, members.as_ref());
        let versions = self.versions.get(version.as_deref())?;
        let schema = fitting(versions, &head, members.as_ref());
        let body = self.classify(&head, schema, body, members);
        let mut decoded = Decoded {
            content: matches!(body, Body::Content),
            has_token_only_body: matches!(&body, Body::Record(o, _) if o.len() == 1 && o.contains_key("_rev")),
            version_differs: version.filter(|v| !self.versions.is_current(v)),
            ..Decoded::default()
        };
        let (record, carried) = self.read(schema, head, body, None)?;
        decoded.record = record;
        decoded.carried = carried;
        Ok(decoded)
    }

    /// Whether a body is binary content rather than data of the record (spec/04 16.9). Derives no key.
    pub fn is_content(&self, metadata: &[(String, String)], body: &[u8], content_type: Option<&str>) -> Result<bool> {
        let head = Head::new(metadata.iter().map(|(k, v)| (k.clone(), metadata::decode(v))));
        let members = self.body_members(body, content_type);
        let versions = self.versions.get(version_of(&head, members.as_ref()).as_deref())?;
        let schema = fitting(versions, &head, members.as_ref());
        Ok(matches!(self.classify(&head, schema, body, members), Body::Content))
    }

    /// Record of a HEAD, for behaviours that keep records in metadata.
    pub fn decode_head(&self, metadata: &[(String, String)]) -> Result<Decoded> {
        self.decode(metadata, &[], None)
    }

    /// Whether reading this object has to derive a key.
    pub fn heavy_read(&self, metadata: &[(String, String)], body: &[u8]) -> bool {
        let version = metadata.iter().find(|(k, _)| k == "_v").map(|(_, v)| bare_version(v));
        let Ok(versions) = self.versions.get(version) else { return false };
        let schema = &versions.main;
        if !schema.is_heavy() || !schema.env.auto_decrypt {
            return metadata.iter().any(|(k, v)| k == "_x" && v.contains("_secret"));
        }
        let passphrase = &schema.env.params.passphrase;
        let needs_key = |v: &str| v.starts_with('{') || crypto::looks_encrypted(v) && !crypto::has_key(passphrase, v);
        (!self.behavior.is_metadata_only() && !body.is_empty())
            || metadata.iter().any(|(k, v)| {
                k == "_x"
                    || attribute_of_key(schema, k).is_some_and(|i| schema.attributes[i].is_protected() && needs_key(v))
                    || versions.alternate.is_some() && crypto::looks_encrypted(v)
            })
    }

    /// What [`RecordCodec::decode`] would return for a planned write; secrets are taken from `fresh`.
    pub(super) fn compose(&self, stored: &Stored, fresh: &Carried) -> Result<Object> {
        let head = Head::new(stored.metadata.iter().map(|(k, v)| (k.clone(), on_wire(v))));
        let body = match &stored.body {
            Some(members) => Body::Record(
                members
                    .iter()
                    .filter(|(_, v)| !matches!(v, Value::Undefined))
                    .map(|(k, v)| (k.clone(), in_json(v)))
                    .collect(),
                false,
            ),
            None => Body::None,
        };
        Ok(self.read(self.schema(), head, body, Some(fresh))?.0)
    }

    /// The body as a JSON object, when it may belong to the record.
    fn body_members(&self, body: &[u8], content_type: Option<&str>) -> Option<Object> {
        if body.is_empty() {
            return None;
        }
        // A COPY of 13.6 resets the content type, also that of a token.
        let json = is_token(body) || content_type.is_none_or(|t| t.starts_with("application/json"));
        if self.behavior != Behavior::BodyOnly && !json {
            return None;
        }
        match text::parse_plain(std::str::from_utf8(body).ok()?)? {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The record-body test of spec/04 16.9.
    fn classify(&self, head: &Head, schema: &Schema, body: &[u8], members: Option<Object>) -> Body {
        if body.is_empty() {
            return Body::None;
        }
        let Some(members) = members else {
            return Body::Content;
        };
        let marked = members.contains_key("_contentLength") && members.contains_key("_definitionHash");
        let is_code = |key: &str| {
            head.map.as_ref().is_some_and(|m| m.contains_key(key))
                || schema.maps.map.values().any(|c| c == key)
                || schema.maps.plugin_map.values().any(|c| c == key)
                || head.plugin_map.as_ref().is_some_and(|m| m.contains_key(key))
        };
        let is_name = |key: &str| schema.root.children.contains_key(key);
        let belongs = self.behavior == Behavior::BodyOnly
            || marked
            || head.overflow
            || head.bare
            || members.iter().all(|(key, value)| {
                is_code(key)
                    || is_name(key)
                    || matches!(key.as_str(), "id" | "_v" | "_rev" | "_map" | "_x")
                    || is_system(key)
                    || is_update_residue(key, value)
            });
        if !belongs {
            return Body::Content;
        }
        let mut named = false;
        let mut coded = false;
        for key in members.keys() {
            match (is_code(key), is_name(key)) {
                (true, false) => coded = true,
                (false, true) => named = true,
                _ => {}
            }
        }
        // Update bodies of 13.6 hold the record as users see it (user-managed only).
        let plain = self.behavior == Behavior::UserManaged && !head.overflow && !coded && (marked || named);
        Body::Record(members, plain)
    }

    fn read(&self, schema: &Schema, head: Head, body: Body, known: Option<&Carried>) -> Result<(Object, Carried)> {
        let mut reading = Reading::new(schema, known);
        reading.context.right_types = head.right_types;
        let named: HashSet<String> = match &body {
            Body::Record(members, true) => plain_names(schema, members),
            _ => HashSet::new(),
        };
        for (key, value) in head.entries {
            if let Some(index) = attribute_of_key(schema, &key) {
                reading.put(index, value);
            } else if let Some(index) = own(schema, head.plugin_map.as_ref(), &key) {
                reading.put(index, value);
            } else if let Some(attribute) = self.known_plugin(&key) {
                reading.foreign(attribute, value);
            } else if let Some(index) = schema.attribute_of_alias(&key.to_ascii_lowercase()) {
                reading.put(index, value);
            } else if !self.is_hidden(&key) && !named.contains(&key) {
                reading.undeclared(&key, value);
            }
        }
        if let Some(text) = &head.extra {
            self.read_extra(text, head.truncated, &mut reading)?;
        }
        let uses_body = !self.behavior.is_metadata_only();
        if let (Body::Record(members, plain), true) = (body, uses_body) {
            let own_map = head.map.as_ref().filter(|_| self.behavior == Behavior::BodyOnly);
            // 13.6 does not apply the record's plugin map to the overflow of body-overflow.
            let own_plugins = head.plugin_map.as_ref().filter(|_| self.behavior != Behavior::BodyOverflow);
            for (key, value) in members {
                if key == "_x" {
                    match &value {
                        Value::String(text) => self.read_extra(text, head.truncated, &mut reading)?,
                        Value::Object(extra) => reading.extra(extra.clone()),
                        _ => {}
                    }
                } else if plain && schema.root.children.contains_key(&key) {
                    reading.plain_member(&schema.root, &mut Vec::new(), key, value);
                } else {
                    self.body_member(schema, own_map, own_plugins, key, value, &mut reading);
                }
            }
        }
        Ok(reading.finish())
    }

    fn body_member(
        &self,
        schema: &Schema,
        own_map: Option<&CodeMap>,
        plugin_map: Option<&CodeMap>,
        key: String,
        value: Value,
        reading: &mut Reading<'_>,
    ) {
        if let Some(index) = own(schema, plugin_map, &key) {
            reading.put(index, value);
        } else if let Some(path) = own_map.and_then(|m| m.get(&key)) {
            let current = self.schema();
            match (schema.attribute_of_path(path), current.attribute_of_path(path)) {
                (Some(index), _) => reading.put(index, value),
                (None, Some(index)) => reading.foreign(&current.attributes[index], value),
                (None, None) => reading.undeclared(path, value),
            }
        } else if let Some(index) = schema
            .attribute_of_code(&key)
            .filter(|i| own_map.is_none() || schema.attributes[*i].plugin)
        {
            reading.put(index, value);
        } else if let Some(attribute) = self.known_plugin(&key) {
            reading.foreign(attribute, value);
        } else if let Some(index) = schema.attribute_of_path(&key) {
            reading.put(index, value);
        } else if !self.is_hidden(&key) && !is_update_residue(&key, &value) {
            reading.undeclared(&key, value);
        }
    }

    fn read_extra(&self, text: &str, truncated: bool, reading: &mut Reading<'_>) -> Result<()> {
        match text::parse_plain(text) {
            Some(Value::Object(members)) => reading.extra(members),
            // An undeclared attribute of 13.6 may have this name; only our own form is JSON.
            _ if !text.starts_with('{') || truncated => {}
            _ => return Err(corrupted(&self.name, "_x", "undeclared attributes are not JSON")),
        }
        Ok(())
    }

    /// Plugin attribute of the current version with this code.
    fn known_plugin(&self, code: &str) -> Option<&crate::schema::Attribute> {
        if !code.starts_with('p') || code.len() < 4 {
            return None;
        }
        let current = self.schema();
        current.attribute_of_code(code).map(|i| &current.attributes[i]).filter(|a| a.plugin)
    }

    /// Names that reads filter.
    fn is_hidden(&self, name: &str) -> bool {
        is_residue(name)
            || is_reserved(name)
            || is_system(name)
            || name.starts_with('_') && !is_kept(name) && self.behavior != Behavior::BodyOnly
            || matches!(name, "$overflow" | "$truncated")
            || self.is_retired(name)
    }

    /// Code of a plugin attribute that the resource no longer has (spec/05 section 9).
    fn is_retired(&self, name: &str) -> bool {
        if !name.starts_with('p') || name.len() < 4 {
            return false;
        }
        self.retired.iter().any(|code| code == name) || self.versions.knew_plugin_code(name)
    }
}

/// `metadata: { updatedAt }`, which updates of 13.6 add.
fn is_update_residue(key: &str, value: &Value) -> bool {
    key == "metadata.updatedAt" || key == "metadata" && matches!(value, Value::Object(o) if o.len() == 1 && o.contains_key("updatedAt"))
}

/// Attribute of a metadata key: its code, escaped or as the store kept it.
fn attribute_of_key(schema: &Schema, key: &str) -> Option<usize> {
    schema
        .attribute_of_code(key)
        .or_else(|| unescape_code(key).and_then(|code| schema.attribute_of_code(&code)))
}

/// Attribute by the record's own plugin map.
fn own(schema: &Schema, plugin_map: Option<&CodeMap>, key: &str) -> Option<usize> {
    plugin_map.and_then(|m| m.get(key)).and_then(|name| schema.attribute_of_path(name))
}

fn fitting<'a>(versions: &'a VersionSchema, head: &Head, members: Option<&Object>) -> &'a Schema {
    if versions.alternate.is_none() {
        return &versions.main;
    }
    let unescaped: Vec<String> = head
        .entries
        .iter()
        .map(|(k, _)| unescape_code(k).unwrap_or_else(|| k.clone()))
        .collect();
    let body = members.into_iter().flat_map(|m| m.keys().map(String::as_str));
    versions.fitting(unescaped.iter().map(String::as_str).chain(body))
}

/// Metadata names of the undeclared members of a plain body, which 13.6 stores lossily as well.
fn plain_names(schema: &Schema, members: &Object) -> HashSet<String> {
    fn add(path: &str, value: &Value, out: &mut HashSet<String>) {
        match value {
            Value::Object(inner) if !inner.is_empty() => inner.iter().for_each(|(k, v)| add(&format!("{path}.{k}"), v, out)),
            _ => {
                out.insert(wire_name(path).to_ascii_lowercase());
            }
        }
    }
    let mut out = HashSet::new();
    for (key, value) in members.iter().filter(|(k, _)| !schema.root.children.contains_key(*k)) {
        add(key, value, &mut out);
    }
    out
}

/// What a metadata value is after the wire.
fn on_wire(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::String(js_string(value)),
        other => other.clone(),
    }
}

/// What a value is after `JSON.stringify` and `JSON.parse`.
fn in_json(value: &Value) -> Value {
    match value {
        Value::Number(n) if !n.is_finite() => Value::Null,
        other => other.clone(),
    }
}
