//! Grammar of definitions (spec/04 15.27).
//!
//! The validator compiles definitions into source text. Definitions read from
//! `s3db.json` are checked here first, so that nothing in the bucket reaches
//! the compiler as code: known types, known options, numbers and booleans where
//! they are expected, and texts that cannot leave a string literal.

use super::definition::{RULE_OPTIONS, bare, base, is_known, is_rule};
use super::map::join;
use crate::error::{Error, Kind, Result};
use crate::value::number::from_text;
use crate::value::{Object, Value};

const NUMBERS: &[&str] = &[
    "min",
    "max",
    "length",
    "minProps",
    "maxProps",
    "notEqual",
    "version",
    "padStart",
    "padEnd",
    "precision",
];
const DEFINITIONS: &[&str] = &["items", "key"];
const MEMBERS: &[&str] = &["properties", "props"];
const FUNCTIONS: &[&str] = &["check", "custom", "instanceOf", "ObjectID"];
const LISTS: &[&str] = &["enum", "values"];
const TEXTS: &[&str] = &[
    "contains",
    "label",
    "mode",
    "patternFlags",
    "currencySymbol",
    "thousandSeparator",
    "decimalSeparator",
    "field",
    "padChar",
];

/// Checks definitions read from the bucket. `SchemaError` names the attribute.
pub fn check(attributes: &Object) -> Result<()> {
    Checker { stored: true }.members(attributes, "", 0)
}

/// Checks the option types of definitions passed in code; unknown types and
/// options are left to the validator.
pub fn check_options(attributes: &Object) -> Result<()> {
    Checker { stored: false }.members(attributes, "", 0)
}

struct Checker {
    stored: bool,
}

fn refuse(path: &str, message: impl Into<String>) -> Error {
    Error::new(Kind::Schema, format!("attribute '{path}': {}", message.into()))
        .with_status(400)
        .with("attribute", path)
}

impl Checker {
    fn members(&self, definitions: &Object, prefix: &str, depth: usize) -> Result<()> {
        for (name, definition) in definitions {
            let path = join(prefix, name);
            if super::is_prototype_name(name) {
                return Err(refuse(&path, "this name is not allowed; choose another"));
            }
            if name.starts_with("$$") {
                if self.stored && name == "$$type" {
                    self.nested_type(&path, definition)?;
                }
                continue;
            }
            self.definition(definition, &path, depth)?;
        }
        Ok(())
    }

    fn nested_type(&self, path: &str, definition: &Value) -> Result<()> {
        let known = [
            "object",
            "object|optional",
            "object|required",
            "object|optional:true",
            "object|nullable",
        ];
        match definition.as_str() {
            Some(text) if known.contains(&text) => Ok(()),
            _ => Err(refuse(path, format!("must be one of {}", known.join(", ")))),
        }
    }

    fn definition(&self, definition: &Value, path: &str, depth: usize) -> Result<()> {
        if depth > 64 {
            return Err(refuse(path, "definitions are nested too deeply (64 levels)"));
        }
        match definition {
            Value::String(text) => self.shorthand(text, path),
            Value::Object(object) if is_rule(object) => self.rule(object, path, depth),
            Value::Object(object) => self.members(object, path, depth + 1),
            Value::Array(alternatives) => alternatives.iter().try_for_each(|d| self.definition(d, path, depth + 1)),
            // Functions do not survive the bucket.
            _ => Err(refuse(
                path,
                "must be a type text, a rule object, nested attributes or a list of them",
            )),
        }
    }

    fn known_type(&self, text: &str, path: &str) -> Result<()> {
        let name = text.strip_suffix("[]").unwrap_or(text);
        let kind = bare(name);
        let parameter = name.get(kind.len()..).unwrap_or("").trim_start_matches(':');
        let parameter_fits = match kind {
            "password" => matches!(parameter, "" | "bcrypt" | "argon2id"),
            _ => parameter.bytes().all(|b| b.is_ascii_digit()),
        };
        if self.stored && (!is_known(kind) || !parameter_fits) {
            return Err(refuse(path, format!("'{}' is not a known type", printable(text))));
        }
        Ok(())
    }

    fn shorthand(&self, text: &str, path: &str) -> Result<()> {
        self.known_type(base(text), path)?;
        for modifier in text.split('|').skip(1).map(str::trim) {
            match modifier.split_once(':') {
                Some((name, value)) => self.modifier(name.trim(), value.trim(), path)?,
                None if is_flag(modifier) => {}
                None if self.stored || !modifier.is_empty() => {
                    return Err(refuse(path, format!("'{}' is not a modifier", printable(modifier))));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn modifier(&self, name: &str, value: &str, path: &str) -> Result<()> {
        if name == "pattern" || name == "default" {
            return Ok(());
        }
        if name == "items" {
            return self.known_type(value, path);
        }
        let typed = match value {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ if !from_text(value).is_nan() => Value::Number(from_text(value)),
            _ => Value::from(value),
        };
        self.option(name, &typed, path, 0)
    }

    fn rule(&self, rule: &Object, path: &str, depth: usize) -> Result<()> {
        let Some(Value::String(kind)) = rule.get("type") else {
            return Err(refuse(path, "type must be a text"));
        };
        self.known_type(kind, path)?;
        for (name, value) in rule {
            if name == "type" || name.starts_with("__plugin") && !matches!(value, Value::Object(_) | Value::Array(_)) {
                continue;
            }
            self.option(name, value, path, depth)?;
        }
        Ok(())
    }

    fn option(&self, name: &str, value: &Value, path: &str, depth: usize) -> Result<()> {
        if value.is_nullish() || name == "default" {
            return Ok(());
        }
        let expects = |what: &str| Err(refuse(path, format!("option '{}' must be {what}", printable(name))));
        if NUMBERS.contains(&name) {
            return if is_number(value) { Ok(()) } else { expects("a number") };
        }
        if name == "pattern" || name == "customRegex" {
            // 13.6 stores a RegExp as `{}`.
            let empty = value.as_object().is_some_and(Object::is_empty);
            return if empty || matches!(value, Value::String(_) | Value::RegExp(..)) {
                Ok(())
            } else {
                expects("a regular expression or its source")
            };
        }
        if DEFINITIONS.contains(&name) || name == "value" && matches!(value, Value::Object(_)) {
            return self.definition(value, path, depth + 1);
        }
        if name == "rules" {
            let Value::Array(rules) = value else {
                return expects("a list of definitions");
            };
            return rules.iter().try_for_each(|d| self.definition(d, path, depth + 1));
        }
        if MEMBERS.contains(&name) {
            let Value::Object(members) = value else {
                return expects("an object of definitions");
            };
            return self.members(members, path, depth + 1);
        }
        if FUNCTIONS.contains(&name) {
            return if self.stored {
                expects("left out; functions are not read from the bucket")
            } else {
                Ok(())
            };
        }
        if LISTS.contains(&name) {
            return match value {
                Value::Array(items) if items.iter().all(|i| is_plain_scalar(i, false)) => Ok(()),
                other if is_plain_scalar(other, false) => Ok(()),
                _ => expects("a list of plain texts, numbers or booleans"),
            };
        }
        if name == "messages" {
            let Value::Object(texts) = value else {
                return expects("an object of texts");
            };
            return if texts.values().all(|t| t.is_nullish() || is_plain_scalar(t, true)) {
                Ok(())
            } else {
                expects("an object of texts without quotes, backslashes and line ends")
            };
        }
        if TEXTS.contains(&name) || matches!(name, "equal" | "value") {
            return if is_plain_scalar(value, name == "label") {
                Ok(())
            } else {
                expects("a plain text or number without quotes, backslashes and line ends")
            };
        }
        if name == "strict" && value.as_str() == Some("remove") || matches!(value, Value::Bool(_)) && is_flag(name) {
            return Ok(());
        }
        if matches!(name, "unique" | "empty" | "convert" | "integer" | "optional" | "nullable") || RULE_OPTIONS.contains(&name) {
            return if matches!(value, Value::Number(n) if *n == 0.0 || *n == 1.0) {
                Ok(())
            } else {
                expects("true or false")
            };
        }
        if self.stored {
            Err(refuse(path, format!("'{}' is not a known option", printable(name))))
        } else {
            Ok(())
        }
    }
}

fn is_flag(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_number(value: &Value) -> bool {
    match value {
        Value::Number(n) => n.is_finite(),
        Value::String(s) => !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.')) && from_text(s).is_finite(),
        _ => false,
    }
}

/// Scalars that stay inside a string literal wherever the compiler puts them.
fn is_plain_scalar(value: &Value, apostrophe: bool) -> bool {
    match value {
        Value::Bool(_) | Value::Null => true,
        Value::Number(n) => n.is_finite(),
        Value::String(s) => {
            !s.chars()
                .any(|c| matches!(c, '"' | '\\' | '`' | '\u{2028}' | '\u{2029}') || c.is_control() || (c == '\'' && !apostrophe))
                && !s.contains("${")
        }
        _ => false,
    }
}

/// Start of a text for a message.
fn printable(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect()
}
