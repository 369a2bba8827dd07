//! Schema handle, and record codecs from configuration text.

use super::error::to_napi;
use super::runtime::{Settled, blocking, promise, settle};
use crate::codec::argon::Cost;
use crate::error::{Error, Kind, Result};
use crate::record::{RecordCodec, RecordConfig, VersionConfig};
use crate::schema::{Schema, SchemaConfig};
use crate::value::{Object, Value, text};
use crate::{behavior, codec, schema, store};
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;
use std::sync::Arc;

fn object(value: Option<&Value>) -> Object {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

fn string(value: Option<&Value>, default: &str) -> String {
    match value {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => crate::value::number::to_text(*n),
        _ => default.to_owned(),
    }
}

fn flag(value: Option<&Value>, default: bool) -> bool {
    match value {
        Some(Value::Bool(b)) => *b,
        _ => default,
    }
}

fn rounds(value: Option<&Value>) -> u32 {
    match value {
        Some(Value::Number(n)) if *n >= 1.0 && *n <= 99.0 => n.floor() as u32,
        _ => 10,
    }
}

/// `{ memoryCost, timeCost, parallelism }`; the engine refuses a cost that is out of range when it hashes.
pub(super) fn argon_cost(value: Option<&Value>) -> Cost {
    let default = Cost::default();
    let Some(o) = value.and_then(Value::as_object) else {
        return default;
    };
    let int = |name: &str, default: u32| match o.get(name) {
        None => default,
        Some(Value::Number(n)) if n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n) => *n as u32,
        // Out of every range.
        Some(_) => 0,
    };
    Cost {
        memory: int("memoryCost", default.memory),
        time: int("timeCost", default.time),
        parallelism: int("parallelism", default.parallelism),
    }
}

fn registry(o: &Object) -> Option<Value> {
    if let Some(value) = o.get("registry").filter(|v| !v.is_nullish()) {
        return Some(value.clone());
    }
    let mut found = Object::default();
    for name in ["schemaRegistry", "pluginSchemaRegistry"] {
        if let Some(value) = o.get(name).filter(|v| !v.is_nullish()) {
            found.insert(name.into(), value.clone());
        }
    }
    (!found.is_empty()).then_some(Value::Object(found))
}

fn schema_config(o: &Object) -> SchemaConfig {
    let options = object(o.get("options"));
    let map = |name: &str| o.get(name).and_then(Value::as_object).filter(|m| !m.is_empty()).cloned();
    SchemaConfig {
        name: string(o.get("name"), ""),
        attributes: object(o.get("attributes")),
        map: map("map"),
        plugin_map: map("pluginMap"),
        passphrase: string(o.get("passphrase"), "secret"),
        bcrypt_rounds: rounds(o.get("bcryptRounds")),
        argon2: argon_cost(o.get("argon2")),
        pepper: string(o.get("pepper"), ""),
        version: string(o.get("version"), "1"),
        auto_encrypt: flag(options.get("autoEncrypt"), true),
        auto_decrypt: flag(options.get("autoDecrypt").or(o.get("autoDecrypt")), true),
        separator: options
            .get("arraySeparator")
            .and_then(Value::as_str)
            .and_then(|s| s.chars().next())
            .unwrap_or('|'),
        generate_auto_hooks: flag(options.get("generateAutoHooks"), true),
        hooks: object(options.get("hooks")),
        plugin_attribute_metadata: object(o.get("pluginAttributeMetadata")),
        plugin_attributes: object(o.get("pluginAttributes")),
        plugin_subkeys: flag(options.get("pluginSubkeys"), false),
        registry: registry(o),
    }
}

fn parse_object(config: &str) -> Result<Object> {
    match text::parse(config)? {
        Value::Object(o) => Ok(o),
        _ => Err(Error::new(Kind::Schema, "a configuration must be an object")),
    }
}

/// Record codec of a resource configuration text (`binding.d.ts`).
pub(super) fn record_codec(config: &str) -> Result<RecordCodec> {
    let o = parse_object(config)?;
    let versions = object(o.get("versions"))
        .iter()
        .filter_map(|(version, entry)| {
            let entry = entry.as_object()?;
            Some((
                version.clone(),
                VersionConfig {
                    attributes: object(entry.get("attributes")),
                    map: entry.get("map").and_then(Value::as_object).cloned(),
                    plugin_attributes: entry.get("pluginAttributes").and_then(Value::as_object).cloned(),
                },
            ))
        })
        .collect();
    RecordCodec::new(RecordConfig {
        name: string(o.get("name"), ""),
        version: string(o.get("version"), "1"),
        behavior: string(o.get("behavior"), "user-managed"),
        timestamps: flag(o.get("timestamps"), false),
        schema: Schema::new(schema_config(&o))?,
        versions,
        all_nested_optional: flag(o.get("allNestedObjectsOptional"), true),
        retired: match o.get("retiredPluginIds") {
            Some(Value::Array(codes)) => codes.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        },
        registry: registry(&o),
    })
}

/// Pure functions by name: schema, behaviours and connection strings here, codecs in `codec::pure`.
pub(super) fn pure(name: &str, args: &[Value]) -> Result<Value> {
    let arg = |i: usize| args.get(i).unwrap_or(&Value::Undefined);
    match name {
        "parseConnectionString" => store::connection::parse(arg(0).as_str().unwrap_or("undefined")).map(Value::Object),
        "checkDefinition" => schema::grammar::check(&object(args.first())).map(|()| Value::Bool(true)),
        "behaviorPlan" => behavior::plan_call(args),
        "behaviorGet" => behavior::get_call(args),
        "bareEtag" => Ok(Value::from(store::bare_etag(arg(0).as_str().unwrap_or("")))),
        other => codec::pure::call(other, args),
    }
}

#[napi]
pub struct NativeSchema {
    schema: Arc<Schema>,
}

#[napi]
impl NativeSchema {
    #[napi(constructor)]
    pub fn new(config: String) -> napi::Result<Self> {
        let schema = parse_object(&config)
            .and_then(|o| Schema::new(schema_config(&o)))
            .map_err(to_napi)?;
        Ok(Self { schema: Arc::new(schema) })
    }

    /// Description of a configuration, without a handle.
    #[napi]
    pub fn describe(config: String) -> napi::Result<String> {
        let schema = parse_object(&config)
            .and_then(|o| Schema::new(schema_config(&o)))
            .map_err(to_napi)?;
        Ok(text::to_tagged(&schema.describe()))
    }

    #[napi]
    pub fn mapper<'env>(&self, env: &'env Env, record: String) -> napi::Result<PromiseRaw<'env, String>> {
        let schema = self.schema.clone();
        blocking(env, move || {
            Ok(text::to_tagged(&Value::Object(schema.mapper(&parse_object(&record)?)?)))
        })
    }

    #[napi]
    pub fn unmapper<'env>(
        &self,
        env: &'env Env,
        mapped: String,
        map: Option<String>,
        plugin_map: Option<String>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let schema = self.schema.clone();
        blocking(env, move || {
            let read = |t: Option<String>| t.as_deref().map(parse_object).transpose();
            let (map, plugin_map) = (read(map)?, read(plugin_map)?);
            let record = schema.unmapper(&parse_object(&mapped)?, map.as_ref(), plugin_map.as_ref())?;
            Ok(text::to_tagged(&Value::Object(record)))
        })
    }

    #[napi]
    pub fn apply_hooks<'env>(&self, env: &'env Env, record: String, hook: String) -> napi::Result<PromiseRaw<'env, String>> {
        let schema = self.schema.clone();
        blocking(env, move || {
            Ok(text::to_tagged(&Value::Object(schema.apply_hooks(&parse_object(&record)?, &hook)?)))
        })
    }

    /// One action; those that derive keys or hash run on the blocking pool.
    #[napi]
    pub fn action<'env>(env: &'env Env, name: String, value: String, params: String) -> napi::Result<Settled<'env, String>> {
        let heavy = schema::Action::parse(&name).is_some_and(schema::Action::is_heavy);
        let work = move || -> Result<String> {
            let action = schema::Action::parse(&name).ok_or_else(|| Error::validation("action", format!("unknown action '{name}'")))?;
            let params = schema::Params::default().with(&parse_object(&params)?);
            Ok(text::to_tagged(&action.apply(&text::parse(&value)?, &params)?))
        };
        if heavy {
            return promise(env, async move {
                tokio::task::spawn_blocking(work)
                    .await
                    .unwrap_or_else(|e| Err(Error::new(Kind::Unknown, format!("worker failed: {e}"))))
            })
            .map(napi::bindgen_prelude::Either::B);
        }
        settle(env, true, async move { work() })
    }
}
