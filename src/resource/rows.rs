//! Bulk inserts whose records come as rows of scalars.
//!
//! Most batches hold plain flat records of one shape. Where the store answers
//! at once and nothing but the record's own object is written, such a row goes
//! from its text straight to stored metadata, and all of them to the store in
//! one call. Every other record takes the way of [`Resource::insert`].

use super::bulk::InsertItem;
use super::write::{WriteOptions, Written, written_at};
use super::{Core, Resource};
use crate::error::{Error, Kind, Result};
use crate::record::RowShape;
use crate::store::PlainPut;
use crate::value::Object;
use crate::value::rows::{Rows, Scalar};
use std::borrow::Cow;

/// What the rows of one shape have in common.
#[derive(Debug, Clone, Default)]
pub struct RowNames {
    /// Attribute of each value.
    pub names: Vec<String>,
    /// The ids were given by the caller: create only if no record exists.
    pub explicit: bool,
}

/// Records to insert.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Shapes that `rows` refers to by index.
    pub shapes: Vec<RowNames>,
    /// Flat array text: for each record either shape, id and values, or -1 for the next of `items`. Empty: `items` alone.
    pub rows: String,
    /// Records that are no rows.
    pub items: Vec<InsertItem>,
    /// Options of the rows.
    pub options: WriteOptions,
}

/// A batch in the form it is written: objects at once, items one by one, each with its place in the batch.
#[derive(Default)]
struct Sorted<'a> {
    puts: Vec<PlainPut>,
    put_ids: Vec<(usize, Cow<'a, str>)>,
    items: Vec<InsertItem>,
    item_places: Vec<usize>,
}

impl Resource {
    /// Inserts all records; each result stands for the record at its place. Rejects when the rows are malformed.
    pub async fn insert_batch(&self, batch: Batch) -> Result<Vec<Result<Written>>> {
        let Batch {
            shapes,
            rows,
            items,
            options,
        } = batch;
        if rows.is_empty() {
            return Ok(self.insert_many(items).await);
        }
        let Sorted {
            puts,
            put_ids,
            items,
            item_places,
        } = self.0.sort(&shapes, &rows, items, &options)?;
        let outcomes = if puts.is_empty() {
            Vec::new()
        } else {
            self.0.store.put_many(puts).await?
        };
        let written = outcomes.into_iter().zip(&put_ids).map(|(outcome, (_, id))| match outcome {
            Ok(outcome) => Ok(Written {
                record: String::new(),
                as_given: Some(written_at(&outcome)),
                etag: outcome.etag.map(|e| self.0.etag(&e)),
                events: Vec::new(),
            }),
            Err(e) => Err(self.0.located(e, id).with_default("operation", "insert")),
        });
        if items.is_empty() {
            return Ok(written.collect());
        }
        let places = put_ids.iter().map(|(place, _)| *place);
        let mut results: Vec<_> = places
            .zip(written)
            .chain(item_places.into_iter().zip(self.insert_many(items).await))
            .collect();
        results.sort_by_key(|(place, _)| *place);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }
}

impl Core {
    fn sort<'a>(&self, shapes: &[RowNames], rows: &'a str, items: Vec<InsertItem>, options: &WriteOptions) -> Result<Sorted<'a>> {
        let direct = options.compact && self.immediate && !self.codec.is_heavy() && self.config.partitions.is_empty();
        let plans: Vec<Option<RowShape>> = shapes
            .iter()
            .map(|shape| (direct && !shape.explicit).then(|| self.codec.row_shape(&shape.names)).flatten())
            .collect();
        let malformed = || {
            Error::new(
                Kind::Validation,
                "invalid rows: a row is a shape, an id and its values, or -1 for a record",
            )
        };
        let mut sorted = Sorted::default();
        let mut items = items.into_iter();
        let mut reader = Rows::new(rows);
        let mut values = Vec::new();
        let mut place = 0;
        while let Some(kind) = reader.read()? {
            let shape = match kind {
                Scalar::Number(-1.0) => {
                    sorted.items.push(items.next().ok_or_else(malformed)?);
                    sorted.item_places.push(place);
                    place += 1;
                    continue;
                }
                Scalar::Number(n) if n >= 0.0 => n as usize,
                _ => return Err(malformed()),
            };
            let (Some(RowNames { names, explicit }), Some(Scalar::Text(id))) = (shapes.get(shape), reader.read()?) else {
                return Err(malformed());
            };
            values.clear();
            for _ in names {
                values.push(reader.read()?.ok_or_else(malformed)?);
            }
            let metadata = plans[shape].as_ref().and_then(|plan| self.codec.encode_row(plan, &values));
            if let (Some(metadata), Ok(key)) = (metadata, self.keys.record(&id)) {
                sorted.puts.push(PlainPut { key, metadata });
                sorted.put_ids.push((place, id));
            } else {
                let record: Object = names.iter().cloned().zip(values.drain(..).map(Scalar::into_value)).collect();
                let options = WriteOptions {
                    explicit: *explicit,
                    ..options.clone()
                };
                let id = id.into_owned();
                sorted.items.push(InsertItem { id, record, options });
                sorted.item_places.push(place);
            }
            place += 1;
        }
        if items.next().is_some() {
            return Err(malformed());
        }
        Ok(sorted)
    }
}
