//! Queries over records that JavaScript has loaded: the same filter, order and projection as in the engine's scans.

use super::error::to_napi;
use crate::error::{Error, Result};
use crate::query::Query;
use crate::value::{Object, Value, text};
use napi_derive::napi;

/// Parts of a query from an options object.
pub(super) fn parse(options: &Object) -> Result<Option<Query>> {
    let part = |name: &str| options.get(name).unwrap_or(&Value::Undefined);
    let query = Query::parse(part("filter"), part("sort"), part("select"))?;
    let empty = query.filter.is_empty() && query.sort.is_empty() && query.select.is_none();
    Ok((!empty).then_some(query))
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
