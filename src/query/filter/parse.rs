//! Filters from objects: every mistake is found before anything is requested.

use super::{Comparison, Filter, Item, Node, Pattern, Test};
use crate::error::{Error, Result};
use crate::value::{Object, Value};
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
}
