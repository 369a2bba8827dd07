//! Queries over records that JavaScript has loaded: the same filter, order and projection as in the engine's scans.

use super::error::to_napi;
use crate::error::{Error, Result};
use crate::query::Query;
use crate::resource::{ScanKind, ScanOptions};
use crate::value::{Object, Value, text};
use napi_derive::napi;

/// Parts of a query from an options object.
pub(super) fn parse(options: &Object) -> Result<Option<Query>> {
    let part = |name: &str| options.get(name).unwrap_or(&Value::Undefined);
    let query = Query::parse(part("filter"), part("sort"), part("select"))?;
    let empty = query.filter.is_empty() && query.sort.is_empty() && query.select.is_none();
    Ok((!empty).then_some(query))
}

/// Options of a scan (`binding.d.ts`).
pub(super) fn scan_options(opts: &str) -> Result<ScanOptions> {
    let o = super::resource::object(opts)?;
    let size = |name: &str| match o.get(name) {
        Some(Value::Number(n)) if *n >= 0.0 && n.is_finite() => Ok(Some(n.floor() as usize)),
        None | Some(Value::Null | Value::Undefined) => Ok(None),
        _ => Err(Error::validation(name, format!("{name} must be a number of 0 or more"))),
    };
    let members = |name: &str| o.get(name).and_then(Value::as_object).cloned();
    Ok(ScanOptions {
        kind: if o.get("kind").and_then(Value::as_str) == Some("records") {
            ScanKind::Records
        } else {
            ScanKind::Ids
        },
        partition: o.get("partition").and_then(Value::as_str).map(str::to_owned),
        values: members("values").unwrap_or_default(),
        dates: members("dates").map(|d| super::resource::hints(&d)),
        query: parse(&o)?,
        start_after: o.get("startAfter").and_then(Value::as_str).map(str::to_owned),
        positions: o.get("positions") == Some(&Value::Bool(true)),
        limit: size("limit")?,
        offset: size("offset")?.unwrap_or(0),
        batch: size("batch")?.unwrap_or(0),
        undefined_versions: match o.get("undefinedVersions") {
            Some(Value::Array(names)) => Some(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()),
            _ => None,
        },
    })
}

fn records(records: &str) -> Result<Vec<Object>> {
    let Value::Array(items) = text::parse(records)? else {
        return Err(Error::validation("records", "records must be an array"));
    };
    Ok(items
        .into_iter()
        .map(|item| match item {
            Value::Object(members) => members,
            _ => Object::default(),
        })
        .collect())
}

#[napi]
pub struct NativeQuery {
    query: Query,
}

#[napi]
impl NativeQuery {
    #[napi(constructor)]
    pub fn new(options: String) -> napi::Result<Self> {
        let parsed = text::parse(&options).and_then(|value| match value {
            Value::Object(members) => parse(&members),
            _ => Ok(None),
        });
        Ok(Self {
            query: parsed.map_err(to_napi)?.unwrap_or_default(),
        })
    }

    #[napi]
    pub fn describe(&self) -> String {
        let names = |fields: &[String]| Value::Array(fields.iter().map(|field| Value::from(field.as_str())).collect());
        let mut out = Object::default();
        out.insert("filter".into(), names(&self.query.filter.fields()));
        out.insert("sort".into(), names(&self.query.sort.fields()));
        out.insert(
            "select".into(),
            names(self.query.select.as_ref().map_or(&[], |select| select.fields())),
        );
        out.insert(
            "excludes".into(),
            Value::Bool(self.query.select.as_ref().is_some_and(|select| select.excludes())),
        );
        text::to_tagged(&Value::Object(out))
    }

    #[napi]
    pub fn arrange(&self, given: String) -> napi::Result<Vec<u32>> {
        let given = records(&given).map_err(to_napi)?;
        Ok(self
            .query
            .arrange(&given)
            .into_iter()
            .map(|position| u32::try_from(position).unwrap_or(u32::MAX))
            .collect())
    }

    #[napi]
    pub fn project(&self, given: String) -> napi::Result<String> {
        let given = records(&given).map_err(to_napi)?;
        let projected = given
            .into_iter()
            .map(|record| {
                Value::Object(
                    self.query
                        .select
                        .as_ref()
                        .map_or_else(|| record.clone(), |select| select.apply(&record)),
                )
            })
            .collect();
        Ok(text::to_tagged(&Value::Array(projected)))
    }
}
