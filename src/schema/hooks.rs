//! Automatic and user hooks: the observable lists of spec/04 3.4 and their steps.

use super::SchemaConfig;
use super::action::{Action, Params};
use super::codec::{Codec, Param};
use super::definition::{automatic, bare, base, rule_array, shorthand};
use super::map::join;
use crate::error::Result;
use crate::value::{Object, Value};

/// The four hook names.
pub const HOOK_NAMES: [&str; 4] = ["beforeMap", "afterMap", "beforeUnmap", "afterUnmap"];

/// One step of a hook list; unknown actions are ignored.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    action: Action,
    params: Option<Object>,
}

/// Applies steps in order.
pub(crate) fn run(steps: &[Step], mut value: Value, params: &Params) -> Result<Value> {
    for step in steps {
        value = match &step.params {
            Some(own) => step.action.apply(&value, &params.with(own))?,
            None => step.action.apply(&value, params)?,
        };
    }
    Ok(value)
}

/// Steps of a list as configured: names or `{ action, params }`.
pub(crate) fn steps(list: Option<&Value>) -> Vec<Step> {
    let Some(Value::Array(items)) = list else { return Vec::new() };
    items
        .iter()
        .filter_map(|item| match item {
            Value::String(name) => Some(Step {
                action: Action::parse(name)?,
                params: None,
            }),
            Value::Object(o) => Some(Step {
                action: Action::parse(o.get("action")?.as_str()?)?,
                params: o.get("params").and_then(Value::as_object).cloned(),
            }),
            _ => None,
        })
        .collect()
}

impl Step {
    /// Derives keys or hashes.
    pub fn is_heavy(&self) -> bool {
        self.action.is_heavy()
    }
}

/// `(beforeMap, afterUnmap)` entries of a codec.
pub(crate) fn entries(codec: Codec, config: &SchemaConfig) -> (Option<Value>, Option<Value>) {
    let Some((write, read, params)) = codec.actions() else {
        return (None, None);
    };
    let entry = |action: Action| match params {
        None => Value::from(action.name()),
        Some((name, param)) => {
            let mut own = Object::default();
            let value = match param {
                Param::Number(n) => Value::Number(f64::from(n)),
                Param::Text(text) => text.into(),
                Param::Null => Value::Null,
            };
            own.insert(name.into(), value);
            let mut entry = Object::default();
            entry.insert("action".into(), action.name().into());
            entry.insert("params".into(), Value::Object(own));
            Value::Object(entry)
        }
    };
    let write_on = !codec.is_protected() || config.auto_encrypt;
    let read_on = match codec {
        Codec::Secret(_) => config.auto_decrypt,
        Codec::Password(_) => false,
        _ => true,
    };
    (
        write_on.then(|| Value::Array(vec![entry(write)])),
        read_on.then(|| Value::Array(vec![entry(read)])),
    )
}

/// All hook lists: the user's, and the automatic ones of attributes that have none.
pub(crate) fn all(config: &SchemaConfig) -> Object {
    let mut hooks = Object::default();
    for name in HOOK_NAMES {
        let own = config.hooks.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        hooks.insert(name.to_owned(), Value::Object(own));
    }
    if config.generate_auto_hooks {
        rule_arrays(&config.attributes, "", config, &mut hooks);
        leaves(&config.attributes, "", config, &mut hooks);
    }
    hooks
}

fn has(hooks: &Object, path: &str) -> bool {
    ["beforeMap", "afterUnmap"]
        .iter()
        .any(|h| hooks.get(*h).and_then(Value::as_object).is_some_and(|o| o.contains_key(path)))
}

fn register(hooks: &mut Object, path: &str, codec: Codec, config: &SchemaConfig) {
    let (write, read) = entries(codec, config);
    for (hook, list) in [("beforeMap", write), ("afterUnmap", read)] {
        if let (Some(Value::Object(target)), Some(list)) = (hooks.get_mut(hook), list) {
            target.insert(path.to_owned(), list);
        }
    }
}

fn rule_arrays(attributes: &Object, prefix: &str, config: &SchemaConfig, hooks: &mut Object) {
    for (key, value) in attributes {
        let Value::Object(definition) = value else { continue };
        if key.starts_with("$$") {
            continue;
        }
        let path = join(prefix, key);
        match definition.get("type") {
            Some(Value::String(kind)) if kind == "array" => {
                if let Some(codec) = rule_array(definition)
                    && !has(hooks, &path)
                {
                    register(hooks, &path, codec, config);
                }
            }
            None | Some(Value::Undefined) => rule_arrays(definition, &path, config, hooks),
            Some(_) => {}
        }
    }
}

fn leaves(attributes: &Object, prefix: &str, config: &SchemaConfig, hooks: &mut Object) {
    for (key, value) in attributes {
        let path = join(prefix, key);
        if path.contains("$$") {
            continue;
        }
        match value {
            Value::Object(inner) => leaves(inner, &path, config, hooks),
            Value::String(text) if !has(hooks, &path) => {
                // Spellings that 13.6 does not know have only the right action.
                let codec = automatic(text, text).or_else(|| {
                    let later = matches!(bare(base(text)), "geoLat" | "geoLon" | "geoPoint" | "bool" | "buffer" | "bits");
                    later.then(|| shorthand(text).0)
                });
                if let Some(codec) = codec {
                    register(hooks, &path, codec, config);
                }
            }
            _ => {}
        }
    }
}
