//! Ordering of records, and the bounded buffer that keeps the first of them.

use super::filter::compare;
use super::{Subject, path};
use crate::error::{Error, Result};
use crate::value::{Object, Value};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Sort keys in order of weight.
#[derive(Debug, Clone, Default)]
pub struct Sort(Arc<Vec<Key>>);

#[derive(Debug)]
struct Key {
    field: String,
    descending: bool,
}

fn wrong(what: &str) -> Error {
    Error::validation("sort", format!("sort {what}"))
        .with_status(400)
        .with("operation", "query")
        .with(
            "suggestion",
            "Use { attribute: 1 } or { attribute: -1 }, 'attribute', '-attribute', or an array of these.",
        )
}

impl Sort {
    /// Parses `{ field: 1 | -1 | 'asc' | 'desc' }`, `'field'`, `'-field'`, or an array of these.
    pub fn parse(sort: &Value) -> Result<Self> {
        let mut keys = Vec::new();
        collect(sort, &mut keys)?;
        Ok(Self(Arc::new(keys)))
    }

    /// True when key order is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names of the attributes, as written.
    pub fn fields(&self) -> Vec<String> {
        self.0.iter().map(|key| key.field.clone()).collect()
    }

    /// The values that a record is ordered by.
    pub fn keys_of(&self, subject: Subject<'_>) -> Vec<Value> {
        self.0
            .iter()
            .map(|key| path::strict(subject, &key.field).cloned().unwrap_or(Value::Undefined))
            .collect()
    }

    fn compare(&self, a: &[Value], b: &[Value]) -> Ordering {
        for (key, (x, y)) in self.0.iter().zip(a.iter().zip(b)) {
            let order = total_order(x, y);
            let order = if key.descending { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

fn collect(sort: &Value, keys: &mut Vec<Key>) -> Result<()> {
    match sort {
        Value::Undefined | Value::Null => Ok(()),
        Value::String(text) => {
            let (field, descending) = match text.strip_prefix('-') {
                Some(rest) => (rest, true),
                None => (text.strip_prefix('+').unwrap_or(text), false),
            };
            push(field, descending, keys)
        }
        Value::Object(members) => members
            .iter()
            .try_for_each(|(field, direction)| push(field, is_descending(field, direction)?, keys)),
        Value::Array(items) => match items.as_slice() {
            // A pair as MongoDB drivers take it.
            [Value::String(field), direction @ (Value::Number(_) | Value::String(_))] if is_direction(direction) => {
                push(field, is_descending(field, direction)?, keys)
            }
            items => items.iter().try_for_each(|item| collect(item, keys)),
        },
        _ => Err(wrong("must be an object, text or an array")),
    }
}

fn push(field: &str, descending: bool, keys: &mut Vec<Key>) -> Result<()> {
    if field.is_empty() {
        return Err(wrong("names an empty attribute"));
    }
    keys.push(Key {
        field: field.into(),
        descending,
    });
    Ok(())
}

fn is_direction(value: &Value) -> bool {
    match value {
        Value::Number(n) => *n == 1.0 || *n == -1.0,
        Value::String(s) => matches!(s.to_ascii_lowercase().as_str(), "asc" | "desc" | "ascending" | "descending"),
        _ => false,
    }
}

fn is_descending(field: &str, direction: &Value) -> Result<bool> {
    if !is_direction(direction) {
        return Err(wrong(&format!("of '{field}' must be 1, -1, 'asc' or 'desc'")));
    }
    Ok(match direction {
        Value::Number(n) => *n < 0.0,
        Value::String(s) => s.to_ascii_lowercase().starts_with("desc"),
        _ => false,
    })
}

/// Missing first, then null, numbers, text, booleans, dates, everything else.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Undefined => 0,
        Value::Null => 1,
        Value::Number(_) | Value::BigInt(_) => 2,
        Value::String(_) => 3,
        Value::Bool(_) => 4,
        Value::Date(_) => 5,
        _ => 6,
    }
}

fn total_order(a: &Value, b: &Value) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| compare(a, b).unwrap_or(Ordering::Equal))
}

struct Row<T> {
    keys: Vec<Value>,
    position: usize,
    sort: Sort,
    row: T,
}

impl<T> Row<T> {
    fn order(&self, other: &Self) -> Ordering {
        self.sort.compare(&self.keys, &other.keys).then(self.position.cmp(&other.position))
    }
}

impl<T> PartialEq for Row<T> {
    fn eq(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }
}
impl<T> Eq for Row<T> {}
impl<T> PartialOrd for Row<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Row<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other)
    }
}

/// The first rows by a sort, at most `capacity` in memory; rows that compare equal keep the order they came in.
pub struct TopRows<T> {
    sort: Sort,
    capacity: usize,
    next: usize,
    heap: BinaryHeap<Row<T>>,
}

impl<T> TopRows<T> {
    /// A buffer that keeps `capacity` rows, all of them for `None`.
    pub fn new(sort: Sort, capacity: Option<usize>) -> Self {
        Self {
            sort,
            capacity: capacity.unwrap_or(usize::MAX),
            next: 0,
            heap: BinaryHeap::new(),
        }
    }

    /// Offers a row; `make` is called only when it is kept.
    pub fn offer(&mut self, subject: Subject<'_>, make: impl FnOnce() -> T) {
        let keys = self.sort.keys_of(subject);
        self.next += 1;
        if self.capacity == 0 {
            return;
        }
        if self.heap.len() >= self.capacity
            && let Some(last) = self.heap.peek()
            && self.sort.compare(&keys, &last.keys) != Ordering::Less
        {
            return;
        }
        self.heap.push(Row {
            keys,
            position: self.next,
            sort: self.sort.clone(),
            row: make(),
        });
        if self.heap.len() > self.capacity {
            self.heap.pop();
        }
    }

    /// The rows in order.
    pub fn into_rows(self) -> Vec<T> {
        self.heap.into_sorted_vec().into_iter().map(|row| row.row).collect()
    }
}

/// Positions of records in sorted order.
pub(super) fn positions(sort: &Sort, records: &[Object]) -> Vec<usize> {
    let mut rows = TopRows::new(sort.clone(), None);
    for (position, record) in records.iter().enumerate() {
        rows.offer(Subject::of(record), || position);
    }
    rows.into_rows()
}

impl super::Query {
    /// Positions of the records that match, in the order of the sort.
    pub fn arrange(&self, records: &[Object]) -> Vec<usize> {
        let order: Vec<usize> = if self.sort.is_empty() {
            (0..records.len()).collect()
        } else {
            positions(&self.sort, records)
        };
        order
            .into_iter()
            .filter(|position| self.filter.matches(Subject::of(&records[*position])))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::text;

    fn records(json: &str) -> Vec<Object> {
        let Value::Array(items) = text::parse(json).unwrap() else {
            panic!("not an array")
        };
        items.into_iter().map(|item| item.as_object().unwrap().clone()).collect()
    }

    fn sorted(sort: &str, json: &str) -> Vec<usize> {
        positions(&Sort::parse(&text::parse(sort).unwrap()).unwrap(), &records(json))
    }

    #[test]
    fn orders_by_keys_in_turn_and_keeps_ties() {
        let rows = r#"[{"a":2,"b":"x"},{"a":1,"b":"y"},{"a":2,"b":"w"},{"b":"z"},{"a":1,"b":"y"}]"#;
        assert_eq!(sorted(r#"{"a":1}"#, rows), [3, 1, 4, 0, 2]);
        assert_eq!(sorted(r#"{"a":-1,"b":1}"#, rows), [2, 0, 1, 4, 3]);
        assert_eq!(sorted(r#"["-a","b"]"#, rows), [2, 0, 1, 4, 3]);
        assert_eq!(sorted(r#"["a","desc"]"#, rows), [0, 2, 1, 4, 3]);
        assert_eq!(sorted(r#""b""#, rows), [2, 0, 1, 4, 3]);
    }

    #[test]
    fn the_buffer_keeps_the_first_rows_only() {
        let rows = records(r#"[{"a":5},{"a":1},{"a":4},{"a":1},{"a":3}]"#);
        let mut top = TopRows::new(Sort::parse(&Value::from("a")).unwrap(), Some(3));
        for (position, row) in rows.iter().enumerate() {
            top.offer(Subject::of(row), || position);
        }
        assert_eq!(top.heap.len(), 3);
        assert_eq!(top.into_rows(), [1, 3, 4]);
    }

    #[test]
    fn mistakes_are_refused() {
        for sort in ["5", r#"{"a":2}"#, r#"{"a":"up"}"#, r#"["-"]"#] {
            assert!(Sort::parse(&text::parse(sort).unwrap()).is_err(), "{sort}");
        }
    }
}
