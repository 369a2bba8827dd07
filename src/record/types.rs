//! Arguments and results of the record codec.

use crate::schema::Schema;
use crate::store::Metadata;
use crate::value::{Object, Value};
use bytes::Bytes;

/// What a record codec is built from.
#[derive(Debug, Clone, Default)]
pub struct RecordConfig {
    /// Resource name, for errors.
    pub name: String,
    /// Definition version of the resource, for example `v1`.
    pub version: String,
    /// Behaviour name.
    pub behavior: String,
    /// Whether `createdAt` and `updatedAt` are maintained.
    pub timestamps: bool,
    /// Schema of the current version.
    pub schema: Schema,
    /// Saved definitions by version (`v1`, `v2`, ...).
    pub versions: Vec<(String, VersionConfig)>,
    /// Schema option of the same name, for older versions.
    pub all_nested_optional: bool,
    /// Codes of plugin attributes that have been removed: reads drop them.
    pub retired: Vec<String>,
    /// `{ schemaRegistry?, pluginSchemaRegistry? }` of s3db.js 21.
    pub registry: Option<Value>,
}

/// Saved definition of one version.
#[derive(Debug, Clone, Default)]
pub struct VersionConfig {
    /// Attributes in stored order.
    pub attributes: Object,
    /// Explicit map, when saved.
    pub map: Option<Object>,
    /// `attribute -> plugin name`.
    pub plugin_attributes: Option<Object>,
}

/// Kind of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// First write of a record.
    Insert,
    /// Rewrite of a record that was read.
    Update,
    /// Insert or update.
    Upsert,
    /// Rewrite of a record that was not read.
    Replace,
}

impl Operation {
    /// Name in events and errors; `replace` stores and reports as `insert`, as 13.6 does.
    pub fn label(self) -> &'static str {
        match self {
            Operation::Insert | Operation::Replace => "insert",
            Operation::Update => "update",
            Operation::Upsert => "upsert",
        }
    }
}

/// Event to be emitted on the resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Event name.
    pub name: &'static str,
    /// Payload.
    pub payload: Value,
}

/// A protected attribute as stored and as read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CarriedValue {
    /// Attribute path.
    pub path: String,
    /// Stored text.
    pub stored: String,
    /// Value handed to the caller.
    pub decoded: Value,
    /// Password hash rather than secret.
    pub password: bool,
}

/// Stored forms of secrets and passwords of a record that was read, so that a
/// later write keeps the bytes of those that did not change. Its `Debug` shows
/// paths only.
#[derive(Clone, Default, PartialEq)]
pub struct Carried(pub(crate) Vec<CarriedValue>);

impl Carried {
    /// True when the record holds no protected value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, path: &str) -> Option<&CarriedValue> {
        self.0.iter().find(|c| c.path == path)
    }
}

impl std::fmt::Debug for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|c| &c.path)).finish()
    }
}

/// A record ready to be stored.
#[derive(Debug, Clone, Default)]
pub struct Encoded {
    /// Metadata: wire names and wire values.
    pub metadata: Metadata,
    /// Body; empty for none.
    pub body: Bytes,
    /// Content type of a body that is not empty.
    pub content_type: Option<&'static str>,
    /// Events of the behaviour.
    pub events: Vec<Event>,
    /// Attributes as a later decode returns them.
    pub composed: Object,
    /// Record data went to the body because it did not fit the metadata.
    pub overflow: bool,
    /// Values were cut.
    pub truncated: bool,
    /// `composed` is the record exactly as it was given, members in the same order.
    pub as_given: bool,
    /// Bytes of metadata names and values on the wire.
    pub wire_size: usize,
}

/// A stored object as a record.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// Attributes in map order, undeclared ones after; no id, no system fields.
    pub record: Object,
    /// Version that wrote the record (without `v`) when it is not the current one.
    pub version_differs: Option<String>,
    /// The body is binary content, not record data.
    pub content: bool,
    /// The body holds nothing but a revision token.
    pub has_token_only_body: bool,
    /// Stored forms of protected attributes.
    pub carried: Carried,
}
