//! Filters: parsing and evaluation.

mod parse;
#[cfg(test)]
mod tests;

use super::{Subject, path};
use crate::codec::date;
use crate::value::Value;
use std::cmp::Ordering;
use std::sync::Arc;

/// A parsed filter; the default matches every record.
#[derive(Debug, Clone, Default)]
pub struct Filter(Vec<Node>);

#[derive(Debug, Clone)]
enum Node {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Nor(Vec<Filter>),
    Not(Filter),
    /// Strict equality of 13.6.
    Equals(String, Value),
    Field(String, Vec<Test>),
}

#[derive(Debug, Clone)]
enum Test {
    Eq(Value),
    Ne(Value),
    Order(Comparison, Value),
    In(Vec<Item>),
    Nin(Vec<Item>),
    Exists(bool),
    Regex(Pattern),
    Not(Vec<Test>),
    All(Vec<Value>),
    /// Substring of a text, or element of an array.
    Contains(Value),
    Size(usize),
    ElementIs(Vec<Test>),
    ElementHas(Filter),
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Member of an `$in` list.
#[derive(Debug, Clone)]
enum Item {
    Value(Value),
    Pattern(Pattern),
}

/// A regular expression with the semantics of JavaScript.
#[derive(Debug, Clone)]
struct Pattern(Arc<regress::Regex>);

impl Filter {
    /// True when every record matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a record matches.
    pub fn matches(&self, subject: Subject<'_>) -> bool {
        self.0.iter().all(|node| node.matches(subject))
    }

    /// Names of the attributes that the filter reads, as written.
    pub fn fields(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect_fields(&mut out);
        out
    }

    fn collect_fields(&self, out: &mut Vec<String>) {
        for node in &self.0 {
            match node {
                Node::And(parts) | Node::Or(parts) | Node::Nor(parts) => parts.iter().for_each(|part| part.collect_fields(out)),
                Node::Not(part) => part.collect_fields(out),
                Node::Equals(field, _) | Node::Field(field, _) => out.push(field.clone()),
            }
        }
    }
}

impl Pattern {
    fn matches(&self, value: &Value) -> bool {
        matches!(value, Value::String(text) if self.0.find(text).is_some())
    }
}

impl Node {
    fn matches(&self, subject: Subject<'_>) -> bool {
        match self {
            Node::And(parts) => parts.iter().all(|part| part.matches(subject)),
            Node::Or(parts) => parts.iter().any(|part| part.matches(subject)),
            Node::Nor(parts) => !parts.iter().any(|part| part.matches(subject)),
            Node::Not(part) => !part.matches(subject),
            Node::Equals(field, wanted) => strictly_equal(path::strict(subject, field), wanted),
            Node::Field(field, tests) => {
                let mut values = Vec::with_capacity(1);
                path::all(subject, field, &mut values);
                tests.iter().all(|test| test.matches(&values))
            }
        }
    }
}

/// `===` of JavaScript: objects, arrays and dates are equal by identity, which no stored value has.
fn strictly_equal(actual: Option<&Value>, wanted: &Value) -> bool {
    match (actual, wanted) {
        (None, Value::Undefined) => true,
        (None, _) => false,
        (Some(Value::Number(a)), Value::Number(b)) => a == b,
        (Some(Value::Array(_) | Value::Object(_) | Value::Date(_) | Value::Bytes(_)), _) => false,
        (Some(a), b) => a == b,
    }
}

/// True when the test holds for a value or, for an array, for one of its elements.
fn any(values: &[&Value], test: impl Fn(&Value) -> bool) -> bool {
    values.iter().any(|value| {
        test(value)
            || match value {
                Value::Array(items) => items.iter().any(&test),
                _ => false,
            }
    })
}

impl Test {
    fn matches(&self, values: &[&Value]) -> bool {
        match self {
            Test::Eq(wanted) => equals(values, wanted),
            Test::Ne(wanted) => !equals(values, wanted),
            Test::Order(comparison, wanted) => any(values, |value| comparison.holds(compare(value, wanted))),
            Test::In(items) => items.iter().any(|item| item.matches(values)),
            Test::Nin(items) => !items.iter().any(|item| item.matches(values)),
            Test::Exists(wanted) => *wanted == values.iter().any(|value| !matches!(value, Value::Undefined)),
            Test::Regex(pattern) => any(values, |value| pattern.matches(value)),
            Test::Not(tests) => !tests.iter().all(|test| test.matches(values)),
            Test::All(wanted) => wanted.iter().all(|each| equals(values, each)),
            Test::Contains(wanted) => values.iter().any(|value| match (value, wanted) {
                (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
                (Value::Array(items), wanted) => items.iter().any(|item| same(item, wanted) || item == wanted),
                _ => false,
            }),
            Test::Size(size) => values
                .iter()
                .any(|value| matches!(value, Value::Array(items) if items.len() == *size)),
            Test::ElementIs(tests) => elements(values).any(|element| tests.iter().all(|test| test.matches(&[element]))),
            Test::ElementHas(filter) => {
                elements(values).any(|element| matches!(element, Value::Object(members) if filter.matches(Subject::of(members))))
            }
        }
    }
}

fn elements<'a>(values: &'a [&'a Value]) -> impl Iterator<Item = &'a Value> {
    values
        .iter()
        .filter_map(|value| match value {
            Value::Array(items) => Some(items.iter()),
            _ => None,
        })
        .flatten()
}

impl Item {
    fn matches(&self, values: &[&Value]) -> bool {
        match self {
            Item::Value(wanted) => equals(values, wanted),
            Item::Pattern(pattern) => any(values, |value| pattern.matches(value)),
        }
    }
}

/// `$eq`: null also stands for a missing attribute.
fn equals(values: &[&Value], wanted: &Value) -> bool {
    if wanted.is_nullish() {
        return values.is_empty() || any(values, Value::is_nullish);
    }
    any(values, |value| same(value, wanted))
}

fn same(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Array(_) | Value::Object(_), Value::Array(_) | Value::Object(_)) => value == wanted,
        _ => compare(value, wanted) == Some(Ordering::Equal),
    }
}

impl Comparison {
    fn holds(self, ordering: Option<Ordering>) -> bool {
        match (self, ordering) {
            (_, None) => false,
            (Comparison::Greater, Some(o)) => o == Ordering::Greater,
            (Comparison::GreaterOrEqual, Some(o)) => o != Ordering::Less,
            (Comparison::Less, Some(o)) => o == Ordering::Less,
            (Comparison::LessOrEqual, Some(o)) => o != Ordering::Greater,
        }
    }
}

fn date_of(value: &Value) -> Option<f64> {
    match value {
        Value::Date(ms) => Some(*ms),
        Value::String(text) => date::parse(text),
        _ => None,
    }
}

/// Order of two values of one type; a date compares with the ISO text that records store. `None` across types.
pub(super) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x.partial_cmp(y),
        (Value::String(x), Value::String(y)) => Some(compare_text(x, y)),
        (Value::Bool(x), Value::Bool(y)) => Some(x.cmp(y)),
        (Value::Date(_), _) | (_, Value::Date(_)) => date_of(a)?.partial_cmp(&date_of(b)?),
        (Value::BigInt(x), Value::BigInt(y)) => x.parse::<i128>().ok()?.partial_cmp(&y.parse::<i128>().ok()?),
        (Value::BigInt(x), Value::Number(y)) => x.parse::<f64>().ok()?.partial_cmp(y),
        (Value::Number(x), Value::BigInt(y)) => x.partial_cmp(&y.parse::<f64>().ok()?),
        (Value::Bytes(x), Value::Bytes(y)) => Some(x.cmp(y)),
        _ => None,
    }
}

/// `<` of JavaScript strings: by UTF-16 code units.
fn compare_text(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        return a.cmp(b);
    }
    a.encode_utf16().cmp(b.encode_utf16())
}
