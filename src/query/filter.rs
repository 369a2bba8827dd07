//! Filters: parsing and evaluation.

use super::{Subject, path};
use crate::error::{Error, Result};
use crate::schema::parse_iso_date;
use crate::value::{Object, Value};
use std::cmp::Ordering;
use std::sync::Arc;

const FIELD_OPERATORS: &[&str] = &[
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$exists",
    "$regex",
    "$options",
    "$not",
    "$all",
    "$size",
    "$elemMatch",
    "$contains",
];
const LOGICAL_OPERATORS: &[&str] = &["$and", "$or", "$nor", "$not"];

/// Deepest nesting of a filter.
const DEEPEST: usize = 32;

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
    /// Parses a filter; nullish means no condition.
    pub fn parse(filter: &Value) -> Result<Self> {
        match filter {
            Value::Undefined | Value::Null => Ok(Self::default()),
            Value::Object(members) => Self::parse_members(members, 0),
            _ => Err(bad(
                "filter",
                None,
                "A query filter must be an object",
                "Pass { attribute: value }.",
            )),
        }
    }

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

    fn parse_members(members: &Object, depth: usize) -> Result<Self> {
        if depth > DEEPEST {
            return Err(bad(
                "filter",
                None,
                format!("A query filter nests at most {DEEPEST} deep"),
                "Write the filter with fewer levels.",
            ));
        }
        members
            .iter()
            .map(|(key, value)| node(key, value, depth + 1))
            .collect::<Result<Vec<_>>>()
            .map(Self)
    }
}

fn bad(field: &str, operator: Option<&str>, message: impl Into<String>, suggestion: impl Into<String>) -> Error {
    let error = Error::validation(field, message)
        .with_status(400)
        .with("suggestion", suggestion.into())
        .with("operation", "query");
    match operator {
        Some(operator) => error.with("operator", operator).with("validOperators", valid(operator)),
        None => error,
    }
}

/// Operators that may stand where the given one does not.
fn valid(operator: &str) -> Vec<&'static str> {
    if LOGICAL_OPERATORS.contains(&operator) && operator != "$not" {
        LOGICAL_OPERATORS.to_vec()
    } else {
        FIELD_OPERATORS.to_vec()
    }
}

fn node(key: &str, value: &Value, depth: usize) -> Result<Node> {
    if !key.starts_with('$') {
        return condition(key, value, depth);
    }
    match key {
        "$and" => parts(key, value, depth).map(Node::And),
        "$or" => parts(key, value, depth).map(Node::Or),
        "$nor" => parts(key, value, depth).map(Node::Nor),
        "$not" => match value {
            Value::Object(members) => Filter::parse_members(members, depth).map(Node::Not),
            _ => Err(bad(
                key,
                Some(key),
                "$not needs a filter object",
                "Write { $not: { attribute: value } }.",
            )),
        },
        _ => Err(bad(
            "filter",
            Some(key),
            format!("Unknown query operator '{key}'"),
            format!(
                "At this place use one of: {}, or the name of an attribute.",
                LOGICAL_OPERATORS.join(", ")
            ),
        )
        .with("validOperators", LOGICAL_OPERATORS.to_vec())),
    }
}

fn parts(key: &str, value: &Value, depth: usize) -> Result<Vec<Filter>> {
    let wrong = || {
        bad(
            key,
            Some(key),
            format!("{key} needs an array of filters, at least one"),
            format!("Write {{ {key}: [{{ ... }}, {{ ... }}] }}."),
        )
    };
    let Value::Array(items) = value else { return Err(wrong()) };
    if items.is_empty() {
        return Err(wrong());
    }
    items
        .iter()
        .map(|item| match item {
            Value::Object(members) => Filter::parse_members(members, depth),
            _ => Err(wrong()),
        })
        .collect()
}

fn condition(field: &str, value: &Value, depth: usize) -> Result<Node> {
    match value {
        Value::RegExp(source, flags) => Ok(Node::Field(field.into(), vec![Test::Regex(Pattern::new(field, source, flags)?)])),
        Value::Object(members) if members.keys().any(|key| key.starts_with('$')) => {
            Ok(Node::Field(field.into(), tests(field, members, depth)?))
        }
        other => Ok(Node::Equals(field.into(), other.clone())),
    }
}

fn tests(field: &str, members: &Object, depth: usize) -> Result<Vec<Test>> {
    if depth > DEEPEST {
        return Err(bad(
            field,
            None,
            format!("The condition on '{field}' nests more than {DEEPEST} deep"),
            "Write it with fewer levels.",
        ));
    }
    let mut out = Vec::with_capacity(members.len());
    for (operator, operand) in members {
        if !operator.starts_with('$') {
            return Err(bad(
                field,
                Some(operator),
                format!("The condition on '{field}' mixes operators with the plain key '{operator}'"),
                "Give either operators or a plain value.",
            ));
        }
        if let Some(test) = test(field, operator, operand, members, depth)? {
            out.push(test);
        }
    }
    Ok(out)
}

fn test(field: &str, operator: &str, operand: &Value, siblings: &Object, depth: usize) -> Result<Option<Test>> {
    let wrong = |needs: &str| {
        bad(
            field,
            Some(operator),
            format!("{operator} on '{field}' needs {needs}"),
            format!("Correct the operand of {operator}."),
        )
    };
    let order = |comparison| match operand {
        Value::Number(n) if n.is_nan() => Err(wrong("a number, text, boolean or date")),
        Value::Number(_) | Value::String(_) | Value::Bool(_) | Value::Date(_) | Value::BigInt(_) => {
            Ok(Some(Test::Order(comparison, operand.clone())))
        }
        _ => Err(wrong("a number, text, boolean or date")),
    };
    let list = || match operand {
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::RegExp(source, flags) => Pattern::new(field, source, flags).map(Item::Pattern),
                other => Ok(Item::Value(other.clone())),
            })
            .collect::<Result<Vec<_>>>(),
        _ => Err(wrong("an array")),
    };
    Ok(Some(match operator {
        "$eq" => Test::Eq(operand.clone()),
        "$ne" => Test::Ne(operand.clone()),
        "$gt" => return order(Comparison::Greater),
        "$gte" => return order(Comparison::GreaterOrEqual),
        "$lt" => return order(Comparison::Less),
        "$lte" => return order(Comparison::LessOrEqual),
        "$in" => Test::In(list()?),
        "$nin" => Test::Nin(list()?),
        "$exists" => match operand {
            Value::Bool(wanted) => Test::Exists(*wanted),
            _ => return Err(wrong("true or false")),
        },
        "$regex" => Test::Regex(pattern(field, operand, siblings.get("$options"))?),
        "$options" if siblings.contains_key("$regex") => return Ok(None),
        "$options" => return Err(wrong("a $regex beside it")),
        "$not" => match operand {
            Value::RegExp(source, flags) => Test::Not(vec![Test::Regex(Pattern::new(field, source, flags)?)]),
            Value::Object(members) if !members.is_empty() => Test::Not(tests(field, members, depth + 1)?),
            _ => return Err(wrong("an object of operators or a regular expression")),
        },
        "$contains" => match operand {
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => Test::Contains(operand.clone()),
            _ => return Err(wrong("a text, number, boolean or null")),
        },
        "$all" => match operand {
            Value::Array(items) => Test::All(items.clone()),
            _ => return Err(wrong("an array")),
        },
        "$size" => match operand {
            Value::Number(n) if *n >= 0.0 && n.fract() == 0.0 => Test::Size(*n as usize),
            _ => return Err(wrong("a whole number, 0 or more")),
        },
        "$elemMatch" => match operand {
            Value::Object(members) if members.keys().all(|key| FIELD_OPERATORS.contains(&key.as_str())) && !members.is_empty() => {
                Test::ElementIs(tests(field, members, depth + 1)?)
            }
            Value::Object(members) => Test::ElementHas(Filter::parse_members(members, depth)?),
            _ => return Err(wrong("an object")),
        },
        _ => {
            return Err(bad(
                field,
                Some(operator),
                format!("Unknown query operator '{operator}' on '{field}'"),
                format!("Use one of: {}.", FIELD_OPERATORS.join(", ")),
            ));
        }
    }))
}

fn pattern(field: &str, operand: &Value, options: Option<&Value>) -> Result<Pattern> {
    let flags = match options {
        None => None,
        Some(Value::String(flags)) => Some(flags.as_str()),
        Some(_) => {
            return Err(bad(
                field,
                Some("$options"),
                format!("$options on '{field}' needs text"),
                "Use letters of i, m, s, u.",
            ));
        }
    };
    match operand {
        Value::String(source) => Pattern::new(field, source, flags.unwrap_or("")),
        Value::RegExp(source, own) => Pattern::new(field, source, flags.unwrap_or(own)),
        _ => Err(bad(
            field,
            Some("$regex"),
            format!("$regex on '{field}' needs text or a regular expression"),
            "Pass /pattern/ or 'pattern'.",
        )),
    }
}

impl Pattern {
    fn new(field: &str, source: &str, flags: &str) -> Result<Self> {
        if let Some(flag) = flags.chars().find(|flag| !"dgimsuvy".contains(*flag)) {
            return Err(bad(
                field,
                Some("$regex"),
                format!("Unknown flag '{flag}' of the regular expression on '{field}'"),
                "Use letters of i, m, s, u.",
            ));
        }
        // `g` and `y` are about where the next search begins.
        let flags: String = flags.chars().filter(|flag| !"dgy".contains(*flag)).collect();
        regress::Regex::with_flags(source, flags.as_str())
            .map(|regex| Self(Arc::new(regex)))
            .map_err(|error| {
                bad(
                    field,
                    Some("$regex"),
                    format!("The regular expression on '{field}' is not valid: {error}"),
                    "Correct the pattern.",
                )
            })
    }

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
        Value::String(text) => parse_iso_date(text),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::text;

    fn parse(json: &str) -> Value {
        text::parse(json).unwrap()
    }

    fn is_match(filter: &str, record: &str) -> bool {
        let Value::Object(record) = parse(record) else {
            panic!("not an object")
        };
        Filter::parse(&parse(filter)).unwrap().matches(Subject::of(&record))
    }

    #[test]
    fn plain_values_are_strictly_equal() {
        assert!(is_match(r#"{"a":1,"b":"x"}"#, r#"{"a":1,"b":"x"}"#));
        assert!(!is_match(r#"{"a":"1"}"#, r#"{"a":1}"#));
        assert!(is_match(r#"{"a":null}"#, r#"{"a":null}"#));
        assert!(!is_match(r#"{"a":null}"#, r#"{}"#));
        assert!(!is_match(r#"{"a":[1]}"#, r#"{"a":[1]}"#));
        assert!(!is_match(r#"{"a":"x"}"#, r#"{"a":["x"]}"#));
        assert!(is_match(r#"{"a.b":1}"#, r#"{"a":{"b":1}}"#));
        assert!(is_match(r#"{"a.b":1}"#, r#"{"a.b":1,"a":{"b":2}}"#));
    }

    #[test]
    fn comparisons_stay_within_a_type() {
        assert!(is_match(r#"{"a":{"$gt":1,"$lte":3}}"#, r#"{"a":3}"#));
        assert!(!is_match(r#"{"a":{"$gt":1}}"#, r#"{"a":"2"}"#));
        assert!(is_match(r#"{"a":{"$gte":"b"}}"#, r#"{"a":"c"}"#));
        assert!(!is_match(r#"{"a":{"$lt":5}}"#, r#"{}"#));
        assert!(is_match(r#"{"a":{"$ne":5}}"#, r#"{}"#));
    }

    #[test]
    fn operators_look_into_arrays_and_objects() {
        let record = r#"{"tags":["a","b"],"items":[{"sku":"x","n":1},{"sku":"y","n":5}]}"#;
        assert!(is_match(r#"{"tags":{"$eq":"a"}}"#, record));
        assert!(is_match(r#"{"tags":{"$all":["a","b"]}}"#, record));
        assert!(!is_match(r#"{"tags":{"$all":["a","c"]}}"#, record));
        assert!(is_match(r#"{"tags":{"$size":2}}"#, record));
        assert!(is_match(r#"{"items.n":{"$gt":4}}"#, record));
        assert!(is_match(r#"{"items.1.sku":{"$eq":"y"}}"#, record));
        assert!(!is_match(r#"{"items":{"$elemMatch":{"sku":"x","n":5}}}"#, record));
        assert!(is_match(r#"{"items":{"$elemMatch":{"sku":"y","n":{"$gte":5}}}}"#, record));
        assert!(is_match(r#"{"tags":{"$nin":["c"]}}"#, record));
        assert!(is_match(r#"{"tags":{"$contains":"b"}}"#, record));
        assert!(is_match(r#"{"items.sku":{"$contains":"y"}}"#, record));
        assert!(!is_match(r#"{"tags":{"$ne":"a"}}"#, record));
    }

    #[test]
    fn logic() {
        assert!(is_match(r#"{"$or":[{"a":1},{"b":2}]}"#, r#"{"b":2}"#));
        assert!(is_match(r#"{"$nor":[{"a":1},{"b":3}]}"#, r#"{"b":2}"#));
        assert!(is_match(r#"{"$and":[{"a":{"$exists":false}},{"$not":{"b":3}}]}"#, r#"{"b":2}"#));
        assert!(is_match(r#"{"a":{"$not":{"$gt":5}}}"#, r#"{"a":3}"#));
        assert!(is_match(r#"{"a":{"$in":[null,2]}}"#, r#"{}"#));
    }

    #[test]
    fn patterns_are_those_of_javascript() {
        assert!(is_match(r#"{"a":{"$regex":"^b.d$","$options":"i"}}"#, r#"{"a":"BAD"}"#));
        assert!(is_match(r#"{"a":{"$regex":"(?<!x)y"}}"#, r#"{"a":"zy"}"#));
        assert!(!is_match(r#"{"a":{"$regex":"\\d"}}"#, r#"{"a":"٣"}"#));
    }

    #[test]
    fn mistakes_name_field_and_operator() {
        for (filter, field) in [
            (r#"{"a":{"$gtt":1}}"#, "a"),
            (r#"{"$xor":[]}"#, "filter"),
            (r#"{"$or":[]}"#, "$or"),
            (r#"{"a":{"$in":5}}"#, "a"),
            (r#"{"a":{"$gt":null}}"#, "a"),
            (r#"{"a":{"$gt":1,"b":2}}"#, "a"),
            (r#"{"a":{"$regex":"("}}"#, "a"),
            (r#"{"a":{"$options":"i"}}"#, "a"),
            (r#"{"a":{"$size":1.5}}"#, "a"),
        ] {
            let error = Filter::parse(&parse(filter)).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Validation, "{filter}");
            assert_eq!(error.fields()["field"], field, "{filter}");
            assert!(error.fields().contains_key("suggestion"), "{filter}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |levels: usize| format!("{}{{\"a\":1}}{}", "{\"$not\":".repeat(levels), "}".repeat(levels));
        assert!(Filter::parse(&parse(&deep(30))).is_ok());
        assert!(Filter::parse(&parse(&deep(40))).is_err());
    }

    #[test]
    fn fields_are_told() {
        let filter = Filter::parse(&parse(r#"{"a":1,"$or":[{"b.c":{"$gt":1}},{"$not":{"_v":"v1"}}]}"#)).unwrap();
        assert_eq!(filter.fields(), ["a", "b.c", "_v"]);
    }
}
