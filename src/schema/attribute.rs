//! The compiled plan: each attribute resolved once, and the tree that finds it.

use super::codec::{Codec, Env, SecretKind, plain, sniff, unhooked_number};
use super::definition::{bare, base, is_rule, rule, shorthand};
use super::hooks::{self, Step};
use super::map::join;
use crate::error::Result;
use crate::record::{Carried, CarriedValue};
use crate::value::{Object, Value};
use indexmap::IndexMap;

/// Attribute with everything that storage needs.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    /// Dotted path.
    pub path: String,
    /// Property names from the root; a name with dots is one segment.
    pub segments: Vec<String>,
    /// Stored code; `None` where 13.6 has none (rule objects below the first level).
    pub code: Option<String>,
    pub codec: Codec,
    /// Codec of 13.6 where its substring test picks another (spec/04 16.4).
    pub original: Option<Codec>,
    /// Object notation: values are stored as raw text.
    pub raw: bool,
    /// Nested attributes with children of their own.
    pub branch: bool,
    pub plugin: bool,
    /// Protected or dated members of an explicit object or of array items.
    pub inner: Option<Inner>,
    /// User hooks, when they differ from the automatic ones.
    pub custom: Option<Box<Custom>>,
}

/// User hook lists of an attribute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Custom {
    pub before_map: Vec<Step>,
    pub after_map: Vec<Step>,
    pub before_unmap: Vec<Step>,
    pub after_unmap: Vec<Step>,
    /// 13.6 converts numbers by definition text where no action does.
    pub number: bool,
}

/// Members inside a JSON-stored value that need more than JSON.
#[derive(Debug, Clone)]
pub(crate) enum Inner {
    Leaf(Codec),
    Members(Vec<(String, Inner)>),
    Items(Box<Inner>),
}

/// Node of the attribute tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub children: IndexMap<String, Node, ahash::RandomState>,
    pub attribute: Option<usize>,
}

/// What `walk` collects.
#[derive(Default)]
pub(crate) struct Plan {
    pub attributes: Vec<Attribute>,
    pub root: Node,
}

/// Resolves every definition.
pub(crate) fn compile(attributes: &Object, code: &dyn Fn(&str) -> Option<String>, plugin: &dyn Fn(&str) -> bool) -> Plan {
    let mut plan = Plan::default();
    let mut root = Node::default();
    walk(attributes, "", &mut Vec::new(), code, plugin, &mut plan.attributes, &mut root);
    plan.root = root;
    plan
}

fn walk(
    definitions: &Object,
    prefix: &str,
    segments: &mut Vec<String>,
    code: &dyn Fn(&str) -> Option<String>,
    plugin: &dyn Fn(&str) -> bool,
    out: &mut Vec<Attribute>,
    node: &mut Node,
) {
    for (name, definition) in definitions {
        if name.starts_with("$$") {
            continue;
        }
        let path = join(prefix, name);
        segments.push(name.clone());
        let (codec, original, raw, branch, inner) = match definition {
            Value::String(text) => {
                let (codec, original) = shorthand(text);
                (codec, original, false, false, None)
            }
            Value::Object(object) if is_rule(object) => {
                let (codec, raw) = rule(object);
                (codec, None, raw, false, inner(definition))
            }
            Value::Object(_) => (Codec::Text, None, true, true, None),
            _ => (Codec::Any, None, false, false, None),
        };
        let child = node.children.entry(name.clone()).or_default();
        child.attribute = Some(out.len());
        out.push(Attribute {
            code: code(&path),
            plugin: plugin(&path),
            segments: segments.clone(),
            path: path.clone(),
            codec,
            original,
            raw,
            branch,
            inner,
            custom: None,
        });
        if let Value::Object(object) = definition {
            if branch {
                walk(object, &path, segments, code, plugin, out, child);
            } else if let Some(Value::Object(members)) = object.get("properties").or_else(|| object.get("props")) {
                flattened_members(members, &path, segments, out);
            }
        }
        segments.pop();
    }
}

/// 13.6 stores the members of explicit objects under flattened paths; these
/// attributes are read under those names and never written.
fn flattened_members(definitions: &Object, prefix: &str, segments: &mut Vec<String>, out: &mut Vec<Attribute>) {
    for (name, definition) in definitions.iter().filter(|(name, _)| !name.starts_with("$$")) {
        let path = join(prefix, name);
        segments.push(name.clone());
        let codec = match definition {
            Value::String(text) => Some(shorthand(text).0),
            Value::Object(object) if is_rule(object) => Some(rule(object).0),
            Value::Object(object) => {
                flattened_members(object, &path, segments, out);
                None
            }
            _ => Some(Codec::Any),
        };
        if let Some(codec) = codec {
            out.push(Attribute {
                path,
                segments: segments.clone(),
                code: None,
                codec,
                original: None,
                raw: true,
                branch: false,
                plugin: false,
                inner: None,
                custom: None,
            });
        }
        segments.pop();
    }
}

/// Members of a definition that JSON does not cover.
fn inner(definition: &Value) -> Option<Inner> {
    let object = definition.as_object()?;
    if let Some(items) = object.get("items") {
        return member(items).map(|i| Inner::Items(Box::new(i)));
    }
    let members = object.get("properties").or_else(|| object.get("props"))?.as_object()?;
    members_of(members)
}

fn members_of(definitions: &Object) -> Option<Inner> {
    let found: Vec<_> = definitions
        .iter()
        .filter(|(name, _)| !name.starts_with("$$"))
        .filter_map(|(name, d)| Some((name.clone(), member(d)?)))
        .collect();
    (!found.is_empty()).then_some(Inner::Members(found))
}

fn member(definition: &Value) -> Option<Inner> {
    let leaf = |codec: Codec| {
        matches!(
            codec,
            Codec::Secret(_) | Codec::Password(_) | Codec::Date | Codec::Bytes | Codec::Bits(_)
        )
        .then_some(Inner::Leaf(codec))
    };
    match definition {
        Value::String(text) => leaf(shorthand(text).0),
        Value::Object(object) if is_rule(object) => leaf(rule(object).0).or_else(|| inner(definition)),
        Value::Object(object) => members_of(object),
        _ => None,
    }
}

impl Inner {
    fn has_protected(&self) -> bool {
        match self {
            Inner::Leaf(codec) => codec.is_protected(),
            Inner::Members(members) => members.iter().any(|(_, m)| m.has_protected()),
            Inner::Items(item) => item.has_protected(),
        }
    }

    /// Replaces the members by their stored form.
    fn encode(&self, path: &str, value: &Value, context: &mut Encoding<'_>) -> Result<Value> {
        Ok(match (self, value) {
            (Inner::Leaf(codec), value) => context.leaf(*codec, path, value)?,
            (Inner::Members(members), Value::Object(object)) => {
                let mut out = object.clone();
                for (name, inner) in members {
                    if let Some(slot) = out.get_mut(name) {
                        *slot = inner.encode(&join(path, name), slot, context)?;
                    }
                }
                Value::Object(out)
            }
            (Inner::Items(item), Value::Array(items)) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(i, v)| item.encode(&format!("{path}.{i}"), v, context))
                    .collect::<Result<_>>()?,
            ),
            _ => value.clone(),
        })
    }

    fn decode(&self, path: &str, value: Value, context: &mut Decoding<'_>) -> Value {
        match (self, value) {
            (Inner::Leaf(codec), value) => context.leaf(*codec, path, value, true),
            (Inner::Members(members), Value::Object(mut object)) => {
                for (name, inner) in members {
                    if let Some(slot) = object.get_mut(name) {
                        let value = std::mem::replace(slot, Value::Undefined);
                        *slot = inner.decode(&join(path, name), value, context);
                    }
                }
                Value::Object(object)
            }
            (Inner::Items(item), Value::Array(items)) => Value::Array(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(i, v)| item.decode(&format!("{path}.{i}"), v, context))
                    .collect(),
            ),
            (_, value) => value,
        }
    }
}

/// State of one write.
pub(crate) struct Encoding<'a> {
    pub env: &'a Env,
    /// Stored forms of the record that is rewritten.
    pub carried: Option<&'a Carried>,
    /// Stored forms of this write.
    pub fresh: Carried,
}

impl Encoding<'_> {
    /// Stored form of a protected value, or any other codec without raw text.
    fn leaf(&mut self, codec: Codec, path: &str, value: &Value) -> Result<Value> {
        self.value(codec, false, path, value)
    }

    fn value(&mut self, codec: Codec, raw: bool, path: &str, value: &Value) -> Result<Value> {
        if !codec.is_protected() || value.is_nullish() {
            return codec.encode(path, value, raw, self.env);
        }
        let password = matches!(codec, Codec::Password(_));
        if let Some(kept) = self.carried.and_then(|c| c.get(path))
            && kept.password == password
            && kept.decoded == *value
        {
            self.fresh.0.push(kept.clone());
            return Ok(Value::String(kept.stored.clone()));
        }
        let mapped = codec.encode(path, value, raw, self.env)?;
        if let Value::String(stored) = &mapped
            && self.env.auto_encrypt
        {
            self.fresh.0.push(CarriedValue {
                path: path.to_owned(),
                stored: stored.clone(),
                decoded: codec.read_of(value, &mapped, self.env),
                password,
            });
        }
        Ok(mapped)
    }
}

/// State of one read.
pub(crate) struct Decoding<'a> {
    pub env: &'a Env,
    /// Values whose plaintext is known (composing the result of a write).
    pub known: Option<&'a Carried>,
    pub carried: Carried,
    /// The record carries `_e=2`.
    pub right_types: bool,
}

impl Decoding<'_> {
    fn leaf(&mut self, codec: Codec, path: &str, value: Value, raw: bool) -> Value {
        if !codec.is_protected() {
            return codec.decode(value, raw, self.env);
        }
        let Value::String(stored) = &value else {
            return codec.decode(value, raw, self.env);
        };
        if let Some(known) = self.known.and_then(|k| k.get(path)).filter(|k| k.stored == *stored) {
            self.carried.0.push(known.clone());
            return known.decoded.clone();
        }
        if !codec.is_stored_form(stored) {
            return codec.decode(value, raw, self.env);
        }
        let stored = stored.clone();
        let decoded = codec.decode(value, raw, self.env);
        self.carried.0.push(CarriedValue {
            path: path.to_owned(),
            stored,
            decoded: decoded.clone(),
            password: matches!(codec, Codec::Password(_)),
        });
        decoded
    }
}

impl Attribute {
    /// Secrets or passwords anywhere in the value.
    pub fn is_protected(&self) -> bool {
        self.codec.is_protected()
            || self.original.is_some_and(Codec::is_protected)
            || self.inner.as_ref().is_some_and(Inner::has_protected)
            || self
                .custom
                .as_ref()
                .is_some_and(|c| c.before_map.iter().chain(&c.after_unmap).any(Step::is_heavy))
    }

    /// Mapped value.
    pub fn encode(&self, value: &Value, context: &mut Encoding<'_>) -> Result<Value> {
        if let Some(custom) = &self.custom {
            let mapped = hooks::run(&custom.before_map, value.clone(), &context.env.params)?;
            let mapped = if custom.number { unhooked_number(mapped) } else { mapped };
            let mapped = plain(&self.path, &mapped, true)?;
            return hooks::run(&custom.after_map, mapped, &context.env.params);
        }
        if let Some(inner) = &self.inner {
            let replaced = inner.encode(&self.path, value, context)?;
            return self.codec.encode(&self.path, &replaced, self.raw, context.env);
        }
        context.value(self.codec, self.raw, &self.path, value)
    }

    /// Value of a mapped one.
    pub fn decode(&self, value: Value, context: &mut Decoding<'_>) -> Value {
        if let Some(custom) = &self.custom {
            let env = context.env;
            let read = |steps: &[Step], v: Value| hooks::run(steps, v.clone(), &env.params).unwrap_or(v);
            let value = read(&custom.before_unmap, value);
            let value = if custom.after_unmap.is_empty() && custom.number {
                Codec::Integer.decode(value, false, env)
            } else {
                sniff(value)
            };
            return read(&custom.after_unmap, value);
        }
        let codec = match self.original {
            Some(original) if !context.right_types => original,
            _ => self.codec,
        };
        let decoded = if codec.is_protected() {
            context.leaf(codec, &self.path, value, self.raw)
        } else {
            codec.decode(value, self.raw, context.env)
        };
        match &self.inner {
            Some(inner) => inner.decode(&self.path, decoded, context),
            None => decoded,
        }
    }

    /// The stored text does not tell the type; a typed copy has to travel with it.
    pub fn needs_hint(&self, value: &Value) -> bool {
        self.codec == Codec::Any && self.custom.is_none() && matches!(value, Value::Number(_) | Value::Bool(_))
    }
}

/// Whether 13.6 treats the definition as a number when no action does.
pub(crate) fn is_number_text(definition: &Value) -> bool {
    definition
        .as_str()
        .is_some_and(|t| bare(base(t)) == "number" && !t.contains("array") && !t.contains("decimal"))
}

/// A secret that no longer has a declaration keeps its protection under this codec.
pub(crate) const UNDECLARED_SECRET: Codec = Codec::Secret(SecretKind::Any);
