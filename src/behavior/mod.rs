//! Storage behaviours: which mapped values go to metadata and which to the body.
//!
//! Pure: a mapped object (codes to values) becomes a [`Stored`] plan. Sizes are
//! judged twice, first by the rule of 13.6 on mapped values, so that the same
//! records stay in metadata, then on the wire form, which S3 limits.

mod body_overflow;
mod call;
mod size;
mod truncate_data;

pub use size::METADATA_LIMIT;

pub use call::{get_call, plan_call};

use crate::codec::size::{effective_limit, total_size};
use crate::error::{Error, Kind, Result};
use crate::record::{Event, Operation};
use crate::value::{Object, Value, js_order, text};
use size::wire_total;

/// The five behaviours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behavior {
    /// Metadata, or everything in the body when it does not fit.
    #[default]
    UserManaged,
    /// Metadata, or an error.
    EnforceLimits,
    /// Metadata, cut to fit.
    TruncateData,
    /// Metadata, largest values in the body.
    BodyOverflow,
    /// Body.
    BodyOnly,
}

impl Behavior {
    /// All, in published order.
    pub const ALL: [Behavior; 5] = [
        Behavior::UserManaged,
        Behavior::EnforceLimits,
        Behavior::TruncateData,
        Behavior::BodyOverflow,
        Behavior::BodyOnly,
    ];

    /// Published name.
    pub fn name(self) -> &'static str {
        match self {
            Behavior::UserManaged => "user-managed",
            Behavior::EnforceLimits => "enforce-limits",
            Behavior::TruncateData => "truncate-data",
            Behavior::BodyOverflow => "body-overflow",
            Behavior::BodyOnly => "body-only",
        }
    }

    /// Behaviour of that name.
    pub fn parse(name: &str) -> Result<Behavior> {
        Self::ALL.into_iter().find(|b| b.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|b| b.name()).collect();
            Error::new(Kind::Behavior, format!("Unknown behavior: {name}"))
                .with_status(400)
                .with("behavior", name)
                .with("availableBehaviors", names.clone())
                .with("description", format!("Available behaviors: {}", names.join(", ")))
        })
    }

    /// Records live in metadata, so that a HEAD reads them whole.
    pub fn is_metadata_only(self) -> bool {
        matches!(self, Behavior::EnforceLimits | Behavior::TruncateData)
    }
}

/// What a behaviour knows about the write.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Resource name, for errors.
    pub resource: &'a str,
    /// Version text of the resource.
    pub version: &'a str,
    /// Whether the resource keeps timestamps (counts into the limit).
    pub timestamps: bool,
    /// `schema.map`.
    pub map: &'a Object,
    /// `schema.pluginMap`.
    pub plugin_map: &'a Object,
    /// Kind of write.
    pub operation: Operation,
    /// Id of an update or upsert.
    pub id: Option<&'a str>,
    /// `id` member of the data, when the caller left it there.
    pub data_id: Option<&'a str>,
    /// Original input without protected values, for events.
    pub data: &'a dyn Fn() -> Value,
    /// Names of codes, for events.
    pub name_of: &'a dyn Fn(&str) -> String,
    /// Wire name of a metadata key.
    pub wire_key: &'a dyn Fn(&str) -> String,
    /// Whether the text of a key may be cut and still mean something.
    pub may_truncate: &'a dyn Fn(&str) -> bool,
}

/// Plan of a write, before wire encoding.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stored {
    /// Metadata by logical key (`$overflow` and `$truncated` included).
    pub metadata: Object,
    /// Members of the JSON body, when there is one.
    pub body: Option<Object>,
    /// Events to emit.
    pub events: Vec<Event>,
    /// Record data went to the body for want of room.
    pub overflow: bool,
    /// Values were cut.
    pub truncated: bool,
}

impl Context<'_> {
    /// 2047 less the fixed overhead of 13.6.
    fn effective_limit(&self, id: Option<&str>) -> usize {
        // Negative when the overhead alone is too much: nothing fits then.
        let limit = i64::try_from(METADATA_LIMIT).unwrap_or(i64::MAX);
        usize::try_from(effective_limit(limit, self.version, self.timestamps, id.unwrap_or(""))).unwrap_or(0)
    }

    /// Id that counts for behaviours that look at the id of an update.
    fn limit_id(&self) -> Option<&str> {
        match self.operation {
            Operation::Insert | Operation::Replace => self.data_id,
            Operation::Update | Operation::Upsert => self.id,
        }
    }

    fn payload(&self) -> Object {
        let mut payload = Object::default();
        payload.insert("operation".into(), self.operation.label().into());
        if let (Operation::Update | Operation::Upsert, Some(id)) = (self.operation, self.id) {
            payload.insert("id".into(), id.into());
        }
        payload
    }

    fn plugin_map_text(&self) -> Option<String> {
        (!self.plugin_map.is_empty()).then(|| text::stringify(&Value::Object(self.plugin_map.clone())).unwrap_or_default())
    }

    fn exceeds(&self, size: usize, limit: usize) -> Error {
        let operation = self.operation.label();
        let mut error = Error::new(Kind::MetadataLimit, format!("Metadata size exceeds 2KB limit on {operation}"))
            .with_status(413)
            .with("totalSize", size)
            .with("effectiveLimit", limit)
            .with("absoluteLimit", METADATA_LIMIT)
            .with("excess", size.saturating_sub(limit))
            .with("resourceName", self.resource)
            .with("operation", operation);
        if let (Operation::Update | Operation::Upsert, Some(id)) = (self.operation, self.id) {
            error = error.with("id", id);
        }
        error
    }
}

fn number(n: usize) -> Value {
    // Sizes stay far below 2^53.
    Value::Number(n as f64)
}

/// Metadata keys that every behaviour keeps beside the record data.
fn is_fixed(key: &str) -> bool {
    key == "_v" || key == "_e"
}

/// Plans a write of `mapped` (codes, `_v`, and the reserved `_e` and `_x`).
pub fn plan(behavior: Behavior, context: &Context<'_>, mapped: Object) -> Result<Stored> {
    match behavior {
        Behavior::UserManaged => user_managed(context, mapped),
        Behavior::EnforceLimits => enforce_limits(context, mapped),
        Behavior::TruncateData => truncate_data::plan(context, mapped),
        Behavior::BodyOverflow => body_overflow::plan(context, mapped),
        Behavior::BodyOnly => Ok(body_only(context, mapped)),
    }
}

fn enforce_limits(context: &Context<'_>, mapped: Object) -> Result<Stored> {
    let limit = context.effective_limit(context.limit_id());
    let size = total_size(&mapped);
    if size > limit {
        return Err(context.exceeds(size, limit));
    }
    let wire = wire_total(&mapped, context);
    if wire > METADATA_LIMIT {
        return Err(context.exceeds(wire, METADATA_LIMIT));
    }
    Ok(Stored {
        metadata: mapped,
        ..Stored::default()
    })
}

fn user_managed(context: &Context<'_>, mapped: Object) -> Result<Stored> {
    let size = total_size(&mapped);
    let wire = wire_total(&mapped, context);
    let over = size > context.effective_limit(context.limit_id());
    if !over && wire <= METADATA_LIMIT {
        return Ok(Stored {
            metadata: mapped,
            ..Stored::default()
        });
    }
    let reported = if over { size } else { wire };
    let mut payload = context.payload();
    payload.insert("totalSize".into(), number(reported));
    payload.insert("limit".into(), number(METADATA_LIMIT));
    payload.insert("excess".into(), Value::Number(reported as f64 - METADATA_LIMIT as f64));
    payload.insert("data".into(), (context.data)());
    let mut metadata = Object::default();
    metadata.insert("_v".into(), mapped.get("_v").cloned().unwrap_or(Value::Undefined));
    move_marker(&mapped, &mut metadata);
    add_plugin_map(context, &mut metadata);
    Ok(Stored {
        metadata,
        body: Some(without_marker(mapped)),
        events: vec![Event {
            name: "exceedsLimit",
            payload: Value::Object(payload),
        }],
        overflow: true,
        truncated: false,
    })
}

fn body_only(context: &Context<'_>, mapped: Object) -> Stored {
    let mut metadata = Object::default();
    let version = mapped.get("_v").filter(|v| !v.is_nullish()).cloned();
    metadata.insert("_v".into(), version.unwrap_or_else(|| context.version.into()));
    move_marker(&mapped, &mut metadata);
    // The maps can be regenerated from the version, so they give way to the limit.
    let map = text::stringify(&Value::Object(context.map.clone())).unwrap_or_default();
    metadata.insert("_map".into(), map.into());
    if wire_total(&metadata, context) > METADATA_LIMIT {
        metadata.shift_remove("_map");
    }
    add_plugin_map(context, &mut metadata);
    Stored {
        metadata,
        body: Some(without_marker(mapped)),
        ..Stored::default()
    }
}

fn move_marker(mapped: &Object, metadata: &mut Object) {
    if let Some(marker) = mapped.get("_e") {
        metadata.insert("_e".into(), marker.clone());
    }
}

fn without_marker(mut mapped: Object) -> Object {
    mapped.shift_remove("_e");
    mapped
}

fn add_plugin_map(context: &Context<'_>, metadata: &mut Object) {
    if let Some(map) = context.plugin_map_text() {
        metadata.insert("_pluginMap".into(), map.into());
        if wire_total(metadata, context) > METADATA_LIMIT {
            metadata.shift_remove("_pluginMap");
        }
    }
}

/// Members of a body, in JavaScript order.
pub fn body_text(body: &Object) -> String {
    let mut ordered = body.clone();
    js_order(&mut ordered);
    text::stringify(&Value::Object(ordered)).unwrap_or_default()
}
