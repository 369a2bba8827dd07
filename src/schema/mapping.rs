//! Records to mapped objects and back: the walk over the attribute tree.

use super::attribute::{Attribute, Decoding, Encoding, Node, UNDECLARED_SECRET};
use super::codec::{plain, revive, sniff};
use super::hooks;
use super::map::{CodeMap, join};
use super::{Codec, Schema};
use crate::codec::password::Scheme;
use crate::error::{Error, Result};
use crate::record::{Carried, CarriedValue};
use crate::value::{Object, Value, js_order, text};

/// Names that would reach a prototype in JavaScript.
pub(crate) fn is_prototype_name(name: &str) -> bool {
    matches!(name, "__proto__" | "constructor" | "prototype")
}

/// Something that has no code of its own.
pub(crate) enum Uncoded {
    /// Value of an undeclared name.
    Undeclared(Value),
    /// Mapped value of a declared attribute without code.
    Declared(Value),
    /// Typed copy of a value stored as text under its code.
    Hint(Value),
}

/// A record by codes.
#[derive(Default)]
pub(crate) struct Mapped {
    /// `code -> mapped value` in record order.
    pub entries: Object,
    /// Everything else, by path.
    pub uncoded: Vec<(Vec<String>, Uncoded)>,
    /// Stored forms of the protected values.
    pub fresh: Carried,
    /// A value was stored under another action than that of 13.6.
    pub sniffed: bool,
    /// Passwords of more than 72 bytes, which bcrypt cuts.
    pub long_passwords: Vec<String>,
}

impl Schema {
    /// Maps a record. Names for which `skip` is true are left out at the top level.
    pub(crate) fn map_record(&self, record: &Object, carried: Option<&Carried>, skip: &dyn Fn(&str) -> bool) -> Result<Mapped> {
        let mut mapped = Mapped::default();
        let mut context = Encoding {
            env: &self.env,
            carried,
            fresh: Carried::default(),
        };
        for (name, value) in record {
            if skip(name) {
                continue;
            }
            self.map_member(&self.root, name, value, &mut Vec::new(), &mut context, &mut mapped)?;
        }
        mapped.fresh = context.fresh;
        Ok(mapped)
    }

    fn map_member(
        &self,
        node: &Node,
        name: &str,
        value: &Value,
        segments: &mut Vec<String>,
        context: &mut Encoding<'_>,
        mapped: &mut Mapped,
    ) -> Result<()> {
        let top = segments.is_empty();
        let child = node.children.get(name);
        if child.is_none() && is_prototype_name(name) {
            return Err(Error::validation(
                name,
                format!("attribute name '{name}' is not allowed; rename it"),
            ));
        }
        segments.push(name.to_owned());
        match child {
            Some(child) if !child.children.is_empty() && matches!(value, Value::Object(o) if !o.is_empty()) => {
                if let Value::Object(members) = value {
                    for (key, member) in members {
                        self.map_member(child, key, member, segments, context, mapped)?;
                    }
                }
            }
            Some(Node { attribute: Some(i), .. }) => self.map_leaf(&self.attributes[*i], value, segments, context, mapped)?,
            _ => match self.attribute_of_path(name).filter(|_| top) {
                Some(i) => self.map_leaf(&self.attributes[i], value, segments, context, mapped)?,
                None => {
                    let value = keep_secret(&segments.join("."), value, context)?;
                    mapped.uncoded.push((segments.clone(), Uncoded::Undeclared(value)));
                }
            },
        }
        segments.pop();
        Ok(())
    }

    fn map_leaf(
        &self,
        attribute: &Attribute,
        value: &Value,
        segments: &[String],
        context: &mut Encoding<'_>,
        mapped: &mut Mapped,
    ) -> Result<()> {
        // bcrypt takes 72 bytes, the pepper among them.
        if matches!(attribute.codec, Codec::Password(scheme) if scheme != Scheme::Argon2id)
            && let Value::String(s) = value
            && s.len() + context.env.params.pepper.len() > 72
        {
            mapped.long_passwords.push(attribute.path.clone());
        }
        let stored = attribute.encode(value, context)?;
        if attribute.original.is_some() && !value.is_nullish() {
            mapped.sniffed = true;
        }
        match &attribute.code {
            Some(code) => {
                if attribute.needs_hint(value) {
                    mapped.uncoded.push((segments.to_vec(), Uncoded::Hint(value.clone())));
                }
                mapped.entries.insert(code.clone(), stored);
            }
            None => mapped.uncoded.push((attribute.segments.clone(), Uncoded::Declared(stored))),
        }
        Ok(())
    }

    /// `mapper` of the public class: undeclared names stay as they are, flattened with dots.
    pub fn mapper(&self, record: &Object) -> Result<Object> {
        let mapped = self.map_record(record, None, &|name| name.starts_with('$'))?;
        let mut out = Object::default();
        out.insert("_v".into(), Value::from(self.config().version.as_str()));
        if mapped.sniffed {
            out.insert("_e".into(), "2".into());
        }
        out.extend(mapped.entries);
        for (segments, uncoded) in mapped.uncoded {
            let path = segments.join(".");
            match uncoded {
                Uncoded::Declared(value) => {
                    out.insert(path, value);
                }
                Uncoded::Undeclared(value) => flatten(&path, &value, &mut out)?,
                Uncoded::Hint(_) => {}
            }
        }
        for (name, value) in record.iter().filter(|(name, _)| name.starts_with('$')) {
            out.insert(name.clone(), value.clone());
        }
        js_order(&mut out);
        Ok(out)
    }

    /// `unmapper` of the public class; the maps override the schema's own.
    pub fn unmapper(&self, mapped: &Object, map: Option<&Object>, plugin_map: Option<&Object>) -> Result<Object> {
        let map = map.map(inverted);
        let plugin_map = plugin_map.map(inverted);
        let mut reading = Reading::new(self, None);
        reading.context.right_types = mapped.get("_e").and_then(Value::as_str) == Some("2");
        for (code, value) in mapped {
            if code == "_v" || code == "_e" || code.starts_with('$') {
                continue;
            }
            if code == "_x"
                && let Value::String(s) = value
                && let Some(Value::Object(extra)) = text::parse_plain(s)
            {
                reading.extra(extra);
                continue;
            }
            let named = plugin_map
                .as_ref()
                .and_then(|m| m.get(code))
                .or_else(|| map.as_ref().and_then(|m| m.get(code)));
            let index = match named {
                Some(path) => self.attribute_of_path(path),
                None if map.is_some() => None,
                None => self.attribute_of_code(code),
            };
            match (index, named) {
                (Some(i), _) => reading.put(i, value.clone()),
                (None, Some(path)) => reading.undeclared(path, value.clone()),
                (None, None) => match self.attribute_of_path(code) {
                    Some(i) => reading.put(i, value.clone()),
                    None => reading.undeclared(code, value.clone()),
                },
            }
        }
        let mut out = reading.finish().0;
        for (name, value) in mapped.iter().filter(|(name, _)| name.starts_with('$')) {
            out.insert(name.clone(), value.clone());
        }
        Ok(out)
    }

    /// `applyHooksActions`: the lists of one hook over the attributes that have a value.
    pub fn apply_hooks(&self, record: &Object, hook: &str) -> Result<Object> {
        let mut out = record.clone();
        let Some(lists) = self.hooks.get(hook).and_then(Value::as_object) else {
            return Ok(out);
        };
        for (path, list) in lists {
            let segments: Vec<String> = match self.attribute_of_path(path) {
                Some(i) => self.attributes[i].segments.clone(),
                None => path.split('.').map(str::to_owned).collect(),
            };
            if let Some(slot) = slot_mut(&mut out, &segments)
                && !matches!(slot, Value::Undefined)
            {
                let steps = hooks::steps(Some(list));
                *slot = hooks::run(&steps, slot.clone(), &self.env.params)?;
            }
        }
        Ok(out)
    }
}

/// A value that was a declared secret in an older version stays encrypted.
fn keep_secret(path: &str, value: &Value, context: &mut Encoding<'_>) -> Result<Value> {
    let Some(kept) = context.carried.and_then(|c| c.get(path)).filter(|c| !c.password) else {
        return Ok(value.clone());
    };
    let stored = if kept.decoded == *value {
        kept.stored.clone()
    } else {
        match UNDECLARED_SECRET.encode(path, value, false, context.env)? {
            Value::String(stored) => stored,
            other => return Ok(other),
        }
    };
    context.fresh.0.push(CarriedValue {
        path: path.to_owned(),
        stored: stored.clone(),
        decoded: value.clone(),
        password: false,
    });
    let mut wrapped = Object::default();
    wrapped.insert(SECRET_MEMBER.into(), Value::String(stored));
    Ok(Value::Object(wrapped))
}

/// Marks ciphertext among undeclared values.
const SECRET_MEMBER: &str = "_secret";

/// Undeclared values as the mapper of 13.6 leaves them: dotted paths, arrays as JSON text.
pub(crate) fn flatten(path: &str, value: &Value, out: &mut Object) -> Result<()> {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                flatten(&join(path, key), member, out)?;
            }
        }
        other => {
            out.insert(path.to_owned(), plain(path, other, true)?);
        }
    }
    Ok(())
}

fn inverted(map: &Object) -> CodeMap {
    map.iter()
        .filter_map(|(path, code)| Some((code.as_str()?.to_owned(), path.clone())))
        .collect()
}

fn slot_mut<'a>(object: &'a mut Object, segments: &[String]) -> Option<&'a mut Value> {
    let (last, parents) = segments.split_last()?;
    let mut at = object;
    for segment in parents {
        match at.get_mut(segment)? {
            Value::Object(inner) => at = inner,
            _ => return None,
        }
    }
    at.get_mut(last)
}

/// Puts a value at a path unless something is there; objects are merged.
pub(crate) fn set_path(object: &mut Object, segments: &[String], value: Value) {
    let Some((last, parents)) = segments.split_last() else { return };
    let mut at = object;
    for segment in parents {
        match at.entry(segment.clone()).or_insert_with(|| Value::Object(Object::default())) {
            Value::Object(inner) => at = inner,
            _ => return,
        }
    }
    match (at.get_mut(last), value) {
        (None, value) => {
            at.insert(last.clone(), value);
        }
        (Some(Value::Object(existing)), Value::Object(members)) => {
            for (key, member) in members {
                set_path(existing, &[key], member);
            }
        }
        (Some(_), _) => {}
    }
}

/// A record under construction: one slot per attribute, and what has none.
pub(crate) struct Reading<'a> {
    pub schema: &'a Schema,
    pub context: Decoding<'a>,
    slots: Vec<Option<Value>>,
    rest: Vec<(Vec<String>, Value)>,
    hints: Vec<(usize, Value)>,
    /// Stored texts of slots that may have a typed copy.
    texts: Vec<(usize, String)>,
}

impl<'a> Reading<'a> {
    pub fn new(schema: &'a Schema, known: Option<&'a Carried>) -> Self {
        Self {
            schema,
            context: Decoding {
                env: &schema.env,
                known,
                carried: Carried::default(),
                right_types: false,
            },
            slots: vec![None; schema.attributes.len()],
            rest: Vec::new(),
            hints: Vec::new(),
            texts: Vec::new(),
        }
    }

    /// Stored value of an attribute; the first one wins.
    pub fn put(&mut self, index: usize, value: Value) {
        if self.slots[index].is_some() {
            return;
        }
        let attribute = &self.schema.attributes[index];
        if attribute.codec == Codec::Any
            && let Value::String(s) = &value
        {
            self.texts.push((index, s.clone()));
        }
        self.slots[index] = Some(attribute.decode(value, &mut self.context));
    }

    /// Value that is already decoded (plain bodies of 13.6); the first one wins.
    pub fn put_plain(&mut self, index: usize, value: Value) {
        let attribute = &self.schema.attributes[index];
        let value = match attribute.codec {
            Codec::Date | Codec::Bytes | Codec::Bits(_) => attribute.codec.decode(value, false, self.context.env),
            _ => value,
        };
        self.slots[index].get_or_insert(value);
    }

    /// Member of a plain body: nested values go to the attributes below.
    pub fn plain_member(&mut self, node: &Node, segments: &mut Vec<String>, name: String, value: Value) {
        let child = node.children.get(&name);
        segments.push(name);
        match (child, value) {
            (Some(child), Value::Object(members)) if !child.children.is_empty() && !members.is_empty() => {
                for (key, member) in members {
                    self.plain_member(child, segments, key, member);
                }
            }
            (Some(Node { attribute: Some(i), .. }), value) => self.put_plain(*i, value),
            (_, value) => self.rest.push((segments.clone(), value)),
        }
        segments.pop();
    }

    /// Stored value of a name that is no attribute; dots are nesting, as 13.6 writes them.
    pub fn undeclared(&mut self, name: &str, value: Value) {
        let segments = name.split('.').map(str::to_owned).collect();
        self.rest.push((segments, sniff(value)));
    }

    /// Members of `_x`.
    pub fn extra(&mut self, members: Object) {
        let schema = self.schema;
        for (name, value) in members {
            self.extra_member(&schema.root, &mut Vec::new(), name, value);
        }
    }

    fn extra_member(&mut self, node: &Node, segments: &mut Vec<String>, name: String, value: Value) {
        let child = node.children.get(&name);
        segments.push(name);
        match (child, value) {
            (Some(child), Value::Object(members)) if !child.children.is_empty() && !members.is_empty() => {
                for (key, member) in members {
                    self.extra_member(child, segments, key, member);
                }
            }
            (Some(Node { attribute: Some(i), .. }), value) if self.schema.attributes[*i].code.is_some() => self.hints.push((*i, value)),
            (Some(Node { attribute: Some(i), .. }), value) => self.put(*i, value),
            (_, value) => {
                let value = self.open_secret(&segments.join("."), value);
                self.rest.push((segments.clone(), revive(value)));
            }
        }
        segments.pop();
    }

    fn open_secret(&mut self, path: &str, value: Value) -> Value {
        let Value::Object(members) = &value else { return value };
        let Some(Value::String(stored)) = members.get(SECRET_MEMBER).filter(|_| members.len() == 1) else {
            return value;
        };
        if !UNDECLARED_SECRET.is_stored_form(stored) {
            return value;
        }
        let decoded = match self.context.known.and_then(|k| k.get(path)).filter(|k| k.stored == *stored) {
            Some(known) => known.decoded.clone(),
            None => UNDECLARED_SECRET.decode(Value::String(stored.clone()), false, self.context.env),
        };
        self.context.carried.0.push(CarriedValue {
            path: path.to_owned(),
            stored: stored.clone(),
            decoded: decoded.clone(),
            password: false,
        });
        decoded
    }

    /// Value of an attribute that only another version declares.
    pub fn foreign(&mut self, attribute: &Attribute, value: Value) {
        let value = attribute.decode(value, &mut self.context);
        self.rest.push((attribute.segments.clone(), value));
    }

    /// The record in map order, and the stored forms of its protected values.
    pub fn finish(mut self) -> (Object, Carried) {
        for (index, hint) in std::mem::take(&mut self.hints) {
            let stored = self.texts.iter().find(|(i, _)| *i == index);
            if stored.is_some_and(|(_, text)| *text == crate::value::number::js_string(&hint)) {
                self.slots[index] = Some(hint);
            }
        }
        let mut out = Object::default();
        for &index in &self.schema.order {
            if let Some(value) = self.slots[index].take() {
                set_path(&mut out, &self.schema.attributes[index].segments, value);
            }
        }
        for (segments, value) in self.rest {
            set_path(&mut out, &segments, value);
        }
        (out, self.context.carried)
    }
}
