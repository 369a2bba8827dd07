//! Queries over records: filters with operators, ordering, projection.
//!
//! A filter is parsed once and checked before anything is requested. Plain values mean strict equality as in
//! s3db.js 13.6 (spec/03 9.8); objects of `$` operators compare as MongoDB does, including that an operator matches an
//! array when it matches one of its elements.

mod filter;
mod path;
mod select;
mod sort;

pub use filter::Filter;
pub use select::Select;
pub use sort::{Sort, TopRows};

use crate::error::Result;
use crate::value::{Object, Value};

/// A parsed query.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Which records.
    pub filter: Filter,
    /// In which order; none keeps key order.
    pub sort: Sort,
    /// Which attributes; `None` for all.
    pub select: Option<Select>,
}

/// A record as queries see it: its attributes and its id.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Attributes.
    pub record: &'a Object,
    /// Id, for records that do not carry it themselves.
    pub id: Option<&'a Value>,
}

impl Query {
    /// Parses the parts of a query; `Undefined` and `Null` parts are absent.
    ///
    /// # Errors
    /// [`crate::error::Kind::Validation`] naming the field, the operator and what is valid.
    pub fn parse(filter: &Value, sort: &Value, select: &Value) -> Result<Self> {
        Ok(Self {
            filter: Filter::parse(filter)?,
            sort: Sort::parse(sort)?,
            select: Select::parse(select)?,
        })
    }
}

impl<'a> Subject<'a> {
    /// A record without a separate id.
    pub fn of(record: &'a Object) -> Self {
        Self { record, id: None }
    }

    /// Member of the record, or its id.
    pub(crate) fn member(&self, key: &str) -> Option<&'a Value> {
        self.record.get(key).or(if key == "id" { self.id } else { None })
    }
}
