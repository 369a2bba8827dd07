//! Attribute definitions, their map to stored codes and value actions.
//!
//! A [`Schema`] is compiled once: every attribute gets its code, codec and
//! place in a tree, so that a record is mapped without looking at definition
//! texts. Validation is not done here. Above: `behavior` and `record`; below:
//! `codec` and `value`.

mod action;
mod attribute;
mod codec;
mod definition;
pub mod grammar;
mod hooks;
mod later;
mod map;
mod mapping;

pub use action::{Action, Params};
pub use hooks::HOOK_NAMES;
pub use map::extract_object_keys;

pub(crate) use attribute::{Attribute, Node};
pub(crate) use codec::{Codec, Env, corrupted};
pub(crate) use map::{CodeMap, join};
pub(crate) use mapping::{Mapped, Reading, Uncoded, flatten, is_prototype_name, set_path};

use crate::codec::argon;
use crate::error::{Error, Kind, Result};
use crate::value::{Object, Value};
use attribute::Custom;
use std::collections::HashMap;
use std::fmt;

/// What a schema is built from.
#[derive(Clone)]
pub struct SchemaConfig {
    /// Schema name.
    pub name: String,
    /// Definitions in order.
    pub attributes: Object,
    /// `name -> code`, used as given when not empty.
    pub map: Option<Object>,
    /// `plugin attribute -> code`, used as given when not empty.
    pub plugin_map: Option<Object>,
    /// Encryption passphrase.
    pub passphrase: String,
    /// Cost of bcrypt hashes.
    pub bcrypt_rounds: u32,
    /// Cost of Argon2id hashes.
    pub argon2: argon::Cost,
    /// Appended to passwords before they are hashed; empty for none.
    pub pepper: String,
    /// Version text written as `_v`.
    pub version: String,
    /// Encrypt and hash on write.
    pub auto_encrypt: bool,
    /// Decrypt on read.
    pub auto_decrypt: bool,
    /// Separator of array texts.
    pub separator: char,
    /// Register actions by type.
    pub generate_auto_hooks: bool,
    /// User hooks `{ beforeMap, afterMap, beforeUnmap, afterUnmap }`.
    pub hooks: Object,
    /// `name -> { __plugin__, __pluginCreated__ }` of plugin attributes in string notation.
    pub plugin_attribute_metadata: Object,
    /// `attribute -> plugin name`, both notations (`pluginAttributes` of the version entry).
    pub plugin_attributes: Object,
    /// Whether rule keys of plugin attributes take user codes, as in a schema of 13.6 after a
    /// reconnect. Off for resources: plugin attributes never take user codes.
    pub plugin_subkeys: bool,
    /// `{ schemaRegistry?, pluginSchemaRegistry? }` of s3db.js 21.
    pub registry: Option<Value>,
}

impl Default for SchemaConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            attributes: Object::default(),
            map: None,
            plugin_map: None,
            passphrase: "secret".into(),
            bcrypt_rounds: 10,
            argon2: argon::Cost::default(),
            pepper: String::new(),
            version: "1".into(),
            auto_encrypt: true,
            auto_decrypt: true,
            separator: '|',
            generate_auto_hooks: true,
            hooks: Object::default(),
            plugin_attribute_metadata: Object::default(),
            plugin_attributes: Object::default(),
            plugin_subkeys: false,
            registry: None,
        }
    }
}

impl fmt::Debug for SchemaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchemaConfig")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("attributes", &self.attributes.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Compiled schema.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    config: SchemaConfig,
    pub(crate) maps: map::Maps,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) root: Node,
    /// Attribute indices in map order.
    pub(crate) order: Vec<usize>,
    by_code: HashMap<String, usize, ahash::RandomState>,
    by_path: HashMap<String, usize, ahash::RandomState>,
    by_alias: HashMap<String, usize, ahash::RandomState>,
    hooks: Object,
    pub(crate) env: Env,
}

impl Schema {
    /// Compiles a schema.
    pub fn new(config: SchemaConfig) -> Result<Self> {
        check_names(&config.attributes, "")?;
        let maps = map::build(&config);
        let mut plan = attribute::compile(
            &config.attributes,
            &|path| maps.plugin_map.get(path).or_else(|| maps.map.get(path)).cloned(),
            &|path| maps.owners.contains_key(path),
        );
        let hooks = hooks::all(&config);
        attach_hooks(&config, &hooks, &mut plan.attributes);
        let mut schema = Self {
            env: Env {
                params: Params {
                    passphrase: config.passphrase.clone(),
                    bcrypt_rounds: config.bcrypt_rounds,
                    argon2: config.argon2,
                    pepper: config.pepper.clone(),
                    separator: config.separator,
                    ..Params::default()
                },
                auto_encrypt: config.auto_encrypt,
                auto_decrypt: config.auto_decrypt,
            },
            attributes: plan.attributes,
            root: plan.root,
            maps,
            hooks,
            config,
            ..Self::default()
        };
        schema.index();
        Ok(schema)
    }

    fn index(&mut self) {
        for (i, attribute) in self.attributes.iter().enumerate() {
            if let Some(code) = &attribute.code {
                self.by_code.insert(code.clone(), i);
            } else {
                self.by_alias.insert(wire_name(&attribute.path).to_ascii_lowercase(), i);
            }
            self.by_path.insert(attribute.path.clone(), i);
        }
        let position = |a: &Attribute| {
            let user = self.maps.map.get_index_of(&a.path);
            let plugin = self.maps.plugin_map.get_index_of(&a.path);
            match (plugin, user) {
                (Some(n), _) => (1, n),
                (None, Some(n)) => (0, n),
                (None, None) => (2, 0),
            }
        };
        let mut order: Vec<usize> = (0..self.attributes.len()).collect();
        order.sort_by_key(|i| position(&self.attributes[*i]));
        self.order = order;
    }

    /// What it was built from.
    pub fn config(&self) -> &SchemaConfig {
        &self.config
    }

    /// `{ map, pluginMap, hooks, pluginAttributes }`.
    pub fn describe(&self) -> Value {
        let texts = |map: &CodeMap| Value::Object(map.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect());
        let mut owned = Object::default();
        for (attribute, plugin) in &self.maps.owners {
            match owned.entry(plugin.clone()).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(list) => list.push(Value::from(attribute.as_str())),
                _ => unreachable!("only arrays are inserted"),
            }
        }
        let mut out = Object::default();
        out.insert("map".into(), texts(&self.maps.map));
        out.insert("pluginMap".into(), texts(&self.maps.plugin_map));
        out.insert("hooks".into(), Value::Object(self.hooks.clone()));
        out.insert("pluginAttributes".into(), Value::Object(owned));
        Value::Object(out)
    }

    /// Whether mapping may derive keys or hash.
    pub fn is_heavy(&self) -> bool {
        self.attributes.iter().any(Attribute::is_protected)
    }

    /// Attribute of a stored code.
    pub(crate) fn attribute_of_code(&self, code: &str) -> Option<usize> {
        self.by_code.get(code).copied()
    }

    /// Attribute at a path.
    pub(crate) fn attribute_of_path(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Attribute without a code that 13.6 stores under its path (lower-cased, sanitised).
    pub(crate) fn attribute_of_alias(&self, name: &str) -> Option<usize> {
        self.by_alias.get(name).copied()
    }
}

/// Metadata key on the wire: characters outside `A-Z a-z 0-9 - _` become `_`.
pub(crate) fn wire_name(key: &str) -> String {
    key.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

fn check_names(attributes: &Object, prefix: &str) -> Result<()> {
    for (name, definition) in attributes {
        let path = join(prefix, name);
        if is_prototype_name(name) {
            return Err(
                Error::new(Kind::Schema, format!("attribute name '{path}' is not allowed; choose another name")).with("attribute", path),
            );
        }
        match definition {
            Value::String(_) | Value::Array(_) => {}
            Value::Object(inner) if !definition::is_rule(inner) => check_names(inner, &path)?,
            Value::Object(_) => {}
            _ if name.starts_with("$$") => {}
            _ => {
                let message =
                    format!("definition of attribute '{path}' must be a type text, a rule object, nested attributes or a list of them");
                return Err(Error::new(Kind::Schema, message).with("attribute", path));
            }
        }
    }
    Ok(())
}

/// Gives attributes whose hook lists are not the automatic ones their own steps.
fn attach_hooks(config: &SchemaConfig, hooks: &Object, attributes: &mut [Attribute]) {
    let list = |hook: &str, path: &str| hooks.get(hook).and_then(Value::as_object).and_then(|o| o.get(path));
    for attribute in attributes.iter_mut().filter(|a| !a.branch) {
        let path = attribute.path.clone();
        let definition = map::definition_at(&config.attributes, &path);
        let user = HOOK_NAMES.iter().any(|h| {
            config
                .hooks
                .get(*h)
                .and_then(Value::as_object)
                .is_some_and(|o| o.contains_key(&path))
        });
        if !user && config.generate_auto_hooks {
            continue;
        }
        if user && config.generate_auto_hooks && is_automatic(config, hooks, attribute, definition) {
            continue;
        }
        attribute.custom = Some(Box::new(Custom {
            before_map: hooks::steps(list("beforeMap", &path)),
            after_map: hooks::steps(list("afterMap", &path)),
            before_unmap: hooks::steps(list("beforeUnmap", &path)),
            after_unmap: hooks::steps(list("afterUnmap", &path)),
            number: definition.is_some_and(attribute::is_number_text),
        }));
    }
}

fn is_automatic(config: &SchemaConfig, hooks: &Object, attribute: &Attribute, definition: Option<&Value>) -> bool {
    let list = |hook: &str| {
        hooks
            .get(hook)
            .and_then(Value::as_object)
            .and_then(|o| o.get(&attribute.path))
            .filter(|v| !matches!(v, Value::Array(a) if a.is_empty()))
    };
    if list("afterMap").is_some() || list("beforeUnmap").is_some() {
        return false;
    }
    let codec = attribute.original.unwrap_or(attribute.codec);
    let (write, read) = match definition {
        Some(Value::String(_)) => hooks::entries(codec, config),
        _ if attribute.raw => (None, None),
        _ => hooks::entries(codec, config),
    };
    list("beforeMap") == write.as_ref() && list("afterUnmap") == read.as_ref()
}
