//! Schemas by version, compiled when a record needs them.

use super::names::bare_version;
use super::{RecordConfig, VersionConfig};
use crate::error::Result;
use crate::schema::{Schema, SchemaConfig};
use crate::value::Object;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Schema of one version, and the one with the codes that 13.6 gives to rule keys
/// of plugin attributes after a reconnect, when that differs (spec/04 16.1).
#[derive(Debug)]
pub(super) struct VersionSchema {
    pub main: Schema,
    pub alternate: Option<Schema>,
}

#[derive(Debug)]
struct Older {
    config: VersionConfig,
    compiled: OnceLock<Result<VersionSchema>>,
}

#[derive(Debug)]
pub(super) struct Versions {
    version: String,
    current: VersionSchema,
    older: HashMap<String, Older>,
    timestamps: bool,
}

impl Versions {
    pub fn new(config: RecordConfig) -> Result<Self> {
        let alternate = alternate(&config.schema)?;
        let older = config
            .versions
            .into_iter()
            .filter(|(version, _)| bare_version(version) != bare_version(&config.version))
            .map(|(version, config)| {
                let older = Older {
                    config,
                    compiled: OnceLock::new(),
                };
                (bare_version(&version).to_owned(), older)
            })
            .collect();
        Ok(Self {
            version: bare_version(&config.version).to_owned(),
            current: VersionSchema {
                main: config.schema,
                alternate,
            },
            older,
            timestamps: config.timestamps,
        })
    }

    pub fn current(&self) -> &Schema {
        &self.current.main
    }

    /// True when `version` (without `v`) is the current one.
    pub fn is_current(&self, version: &str) -> bool {
        version == self.version
    }

    /// Whether the definition of `version` (without `v`) is known.
    pub fn defines(&self, version: &str) -> bool {
        self.is_current(version) || self.older.contains_key(version)
    }

    /// Schema of a version; the current one when it is unknown.
    pub fn get(&self, version: Option<&str>) -> Result<&VersionSchema> {
        let Some(older) = version.filter(|v| !self.is_current(v)).and_then(|v| self.older.get(v)) else {
            return Ok(&self.current);
        };
        let compiled = older.compiled.get_or_init(|| self.compile(&older.config));
        match compiled {
            Ok(schema) => Ok(schema),
            Err(error) => Err(error.clone()),
        }
    }

    /// True when an older version has a plugin attribute with this code.
    pub fn knew_plugin_code(&self, code: &str) -> bool {
        self.older.values().any(|older| {
            let compiled = older.compiled.get_or_init(|| self.compile(&older.config));
            compiled
                .as_ref()
                .is_ok_and(|schema| schema.main.maps.plugin_map.values().any(|c| c == code))
        })
    }

    fn compile(&self, version: &VersionConfig) -> Result<VersionSchema> {
        let mut attributes = version.attributes.clone();
        if self.timestamps {
            for name in ["createdAt", "updatedAt"] {
                attributes.entry(name.into()).or_insert_with(|| "string|optional".into());
            }
        }
        let current = self.current.main.config();
        let known = version.plugin_attributes.is_some();
        let main = Schema::new(SchemaConfig {
            attributes,
            map: version.map.clone(),
            plugin_map: None,
            plugin_attributes: version.plugin_attributes.clone().unwrap_or_default(),
            plugin_attribute_metadata: if known {
                Object::default()
            } else {
                current.plugin_attribute_metadata.clone()
            },
            plugin_subkeys: false,
            hooks: Object::default(),
            ..current.clone()
        })?;
        let alternate = alternate(&main)?;
        Ok(VersionSchema { main, alternate })
    }
}

fn alternate(schema: &Schema) -> Result<Option<Schema>> {
    let config = schema.config();
    if config.plugin_subkeys || config.map.is_some() || config.registry.is_some() || schema.maps.owners.is_empty() {
        return Ok(None);
    }
    let other = Schema::new(SchemaConfig {
        plugin_subkeys: true,
        plugin_attributes: Object::default(),
        plugin_attribute_metadata: Object::default(),
        ..config.clone()
    })?;
    Ok((other.maps.map != schema.maps.map).then_some(other))
}

impl VersionSchema {
    /// The schema under which every stored code can carry data; the main one when both do.
    pub fn fitting<'a>(&self, codes: impl Iterator<Item = &'a str>) -> &Schema {
        let Some(alternate) = &self.alternate else { return &self.main };
        let mut alternate_fits = true;
        let mut main_fits = true;
        for code in codes {
            let known = |s: &Schema| s.maps.map.values().any(|c| c == code);
            if !known(&self.main) && !known(alternate) {
                continue;
            }
            main_fits &= self.main.attribute_of_code(code).is_some();
            alternate_fits &= alternate.attribute_of_code(code).is_some();
        }
        if !main_fits && alternate_fits { alternate } else { &self.main }
    }
}
