//! Attribute definitions, their map to stored codes and value actions.

use crate::error::Result;
use crate::value::Object;

/// What a schema is built from.
#[derive(Debug, Clone)]
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
    /// Cost of password hashes.
    pub bcrypt_rounds: u32,
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
    pub registry: Option<crate::value::Value>,
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

/// Compiled schema.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    config: SchemaConfig,
}

impl Schema {
    /// Compiles a schema.
    pub fn new(config: SchemaConfig) -> Result<Self> {
        Ok(Self { config })
    }

    /// What it was built from.
    pub fn config(&self) -> &SchemaConfig {
        &self.config
    }
}
