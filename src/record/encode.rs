//! Records to stored objects.

use super::names::{escape_code, is_kept, is_reserved, is_system, unescape_code};
use super::{Carried, Encoded, Event, Operation, RecordCodec};
use crate::behavior::{self, Behavior, Context, Stored};
use crate::codec::metadata;
use crate::error::{Error, Result};
use crate::schema::{Mapped, Schema, Uncoded, flatten, set_path, wire_name};
use crate::store::Metadata;
use crate::value::{Object, Value, array_index, js_order, text};
use bytes::Bytes;
use std::collections::HashSet;

/// Content type of JSON bodies.
pub(super) const JSON: &str = "application/json";

impl RecordCodec {
    /// Stored form of a record.
    ///
    /// `record` holds attributes; an `id` and system fields in it are dropped. `carried`
    /// (from the read before an update) keeps the bytes of unchanged secrets and
    /// passwords. `revision` is the token that every write after the insert puts into
    /// the body. Errors: `Validation` naming the attribute, `MetadataLimit`, `Crypto`.
    pub fn encode(
        &self,
        record: &Object,
        operation: Operation,
        id: Option<&str>,
        carried: Option<&Carried>,
        revision: Option<&str>,
    ) -> Result<Encoded> {
        let schema = self.schema();
        let mapped = schema.map_record(record, carried, &|name| self.is_dropped(name))?;
        let Mapped { fresh, long_passwords, .. } = &mapped;
        let (fresh, long_passwords) = (fresh.clone(), long_passwords.clone());
        let object = self.mapped_object(mapped)?;
        let context = Context {
            resource: &self.name,
            version: &self.version,
            timestamps: self.timestamps,
            map: &self.map,
            plugin_map: &self.plugin_map,
            operation,
            id,
            data_id: None,
            data: &|| self.event_data(record, id),
            name_of: &|code| self.name_of(code),
            wire_key: &|key| wire_key(schema, key),
            may_truncate: &|code| match schema.attribute_of_code(code) {
                Some(i) => schema.attributes[i].codec.may_truncate() && schema.attributes[i].inner.is_none(),
                None => true,
            },
        };
        let mut stored = behavior::plan(self.behavior, &context, object)?;
        stored.events.extend(long_passwords.into_iter().map(long_password));
        self.finish(stored, &fresh, revision)
    }

    /// [`RecordCodec::encode`] of a record that the caller gives away; plain flat records take a shorter path to the same bytes.
    pub fn encode_owned(
        &self,
        record: Object,
        operation: Operation,
        id: Option<&str>,
        carried: Option<&Carried>,
        revision: Option<&str>,
    ) -> Result<Encoded> {
        match self.encode_express(record, operation, id, revision) {
            Ok(encoded) => Ok(encoded),
            Err(record) => self.encode(&record, operation, id, carried, revision),
        }
    }

    /// `id`, system fields and undeclared names that reads filter are not stored.
    fn is_dropped(&self, name: &str) -> bool {
        if name == "id" {
            return true;
        }
        if self.schema().root.children.contains_key(name) {
            return false;
        }
        match name.as_bytes().first() {
            Some(b'_') => {
                let hidden = self.behavior != Behavior::BodyOnly && !is_kept(name);
                // Prototype names are not dropped in silence; the mapper refuses them.
                (hidden && name != "__proto__") || is_system(name) || is_reserved(name)
            }
            Some(b'$') => matches!(name, "$overflow" | "$truncated"),
            _ => false,
        }
    }

    /// `M` of spec/04 section 11: `_v`, marker, codes in record order, undeclared names, `_x`.
    fn mapped_object(&self, mapped: Mapped) -> Result<Object> {
        let mut object = Object::default();
        object.insert("_v".into(), Value::from(self.version.as_str()));
        if mapped.sniffed {
            object.insert("_e".into(), "2".into());
        }
        object.extend(mapped.entries);
        let mut extra = Object::default();
        let in_body = self.behavior == Behavior::BodyOnly;
        for (segments, uncoded) in mapped.uncoded {
            match uncoded {
                Uncoded::Undeclared(value) => {
                    if segments.len() == 1 && self.stays_plain(&segments[0], &value, in_body) {
                        flatten(&segments[0], &value, &mut object)?;
                    } else if !matches!(value, Value::Undefined) {
                        set_path(&mut extra, &segments, json_form(&segments.join("."), value)?);
                    }
                }
                Uncoded::Declared(value) => set_path(&mut extra, &segments, value),
                Uncoded::Hint(value) if !in_body => set_path(&mut extra, &segments, value),
                Uncoded::Hint(_) => {}
            }
        }
        if !extra.is_empty() {
            js_order(&mut extra);
            let text = text::stringify(&Value::Object(extra)).unwrap_or_default();
            object.insert("_x".into(), text.into());
        }
        js_order(&mut object);
        Ok(object)
    }

    /// Undeclared attributes that come back unharmed from the form of 13.6 (spec/04 16.5).
    fn stays_plain(&self, name: &str, value: &Value, in_body: bool) -> bool {
        let schema = self.schema();
        let taken = schema.attribute_of_code(name).is_some()
            || schema.attribute_of_path(name).is_some()
            || schema.attribute_of_alias(name).is_some()
            || unescape_code(name).is_some_and(|c| schema.attribute_of_code(&c).is_some())
            || name.starts_with('p') && name.len() > 3 && self.plugin_map.values().any(|c| c.as_str() == Some(name))
            || super::names::is_residue(name)
            || is_reserved(name);
        if taken {
            return false;
        }
        if in_body {
            return plain_member(name, value);
        }
        let plain_name = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
            && (!name.starts_with('_') || is_kept(name))
            && !name.is_empty();
        plain_name && matches!(value, Value::String(s) if !s.starts_with(['{', '[']))
    }

    fn name_of(&self, code: &str) -> String {
        match self.schema().attribute_of_code(code) {
            Some(i) => self.schema().attributes[i].path.clone(),
            None => code.to_owned(),
        }
    }

    /// Input of an event: the record with its id, protected values left out.
    fn event_data(&self, record: &Object, id: Option<&str>) -> Value {
        let mut data = record.clone();
        for attribute in self.schema().attributes.iter().filter(|a| a.is_protected()) {
            redact(&mut data, &attribute.segments);
        }
        if let Some(id) = id {
            data.insert("id".into(), id.into());
        }
        Value::Object(data)
    }

    fn finish(&self, stored: Stored, fresh: &Carried, revision: Option<&str>) -> Result<Encoded> {
        let schema = self.schema();
        let composed = self.compose(&stored, fresh)?;
        let mut metadata: Metadata = Vec::with_capacity(stored.metadata.len());
        let mut seen = HashSet::with_capacity(stored.metadata.len());
        for (key, value) in &stored.metadata {
            let name = wire_key(schema, key);
            if !seen.insert(name.to_ascii_lowercase()) {
                let message = format!("two attributes of this record share the metadata name '{name}'; rename one of them");
                return Err(Error::validation(&self.name_of(key), message));
            }
            metadata.push((name, metadata::encode_value(value)));
        }
        let mut body = stored.body;
        if let Some(token) = revision {
            body.get_or_insert_with(Object::default).insert("_rev".into(), token.into());
        }
        let body = body.map(|b| behavior::body_text(&b)).unwrap_or_default();
        Ok(Encoded {
            wire_size: metadata.iter().map(|(k, v)| k.len() + v.len()).sum(),
            metadata,
            content_type: (!body.is_empty()).then_some(JSON),
            body: Bytes::from(body),
            events: stored.events,
            composed,
            overflow: stored.overflow,
            truncated: stored.truncated,
            as_given: false,
        })
    }
}

/// Metadata key on the wire.
fn wire_key(schema: &Schema, key: &str) -> String {
    if key.bytes().any(|b| b.is_ascii_uppercase()) && schema.attribute_of_code(key).is_some() {
        return escape_code(key);
    }
    wire_name(key)
}

/// Values that a JSON body of 13.6 returns as they are, flattened with dots.
fn plain_member(name: &str, value: &Value) -> bool {
    if name.is_empty() || name.contains('.') || array_index(name).is_some() || name.starts_with('$') {
        return false;
    }
    match value {
        Value::String(s) => !s.starts_with(['{', '[']),
        Value::Bool(_) | Value::Null => true,
        Value::Number(n) => n.is_finite(),
        Value::Object(members) => {
            !members.is_empty() && !members.contains_key("_secret") && members.iter().all(|(k, v)| plain_member(k, v))
        }
        _ => false,
    }
}

/// Form of an undeclared value inside `_x`.
fn json_form(path: &str, value: Value) -> Result<Value> {
    Ok(match value {
        Value::Date(ms) => match text::iso_date(ms) {
            Some(iso) => Value::String(format!("\"{iso}\"")),
            None => return Err(Error::validation(path, format!("'{path}' is not a valid date"))),
        },
        Value::RegExp(..) => {
            let message = format!("'{path}' holds a RegExp, which cannot be stored; store its source text");
            return Err(Error::validation(path, message));
        }
        other => other,
    })
}

fn redact(object: &mut Object, segments: &[String]) {
    let Some((first, rest)) = segments.split_first() else { return };
    match object.get_mut(first) {
        Some(slot) if rest.is_empty() => *slot = "[redacted]".into(),
        Some(Value::Object(inner)) => redact(inner, rest),
        _ => {}
    }
}

fn long_password(field: String) -> Event {
    let mut payload = Object::default();
    payload.insert("code".into(), "PASSWORD_TRUNCATED".into());
    payload.insert("field".into(), field.into());
    payload.insert(
        "message".into(),
        "bcrypt uses the first 72 bytes of a password; the rest does not count".into(),
    );
    Event {
        name: "warning",
        payload: Value::Object(payload),
    }
}
