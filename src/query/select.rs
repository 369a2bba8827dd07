//! Projection: which attributes of a record are returned.

use crate::error::{Error, Result};
use crate::value::{Object, Value};

/// Attributes to keep or to leave out. The id is always kept.
#[derive(Debug, Clone)]
pub struct Select {
    paths: Vec<String>,
    exclude: bool,
}

fn wrong(what: &str) -> Error {
    Error::validation("select", format!("select {what}"))
        .with_status(400)
        .with("operation", "query")
        .with(
            "suggestion",
            "Use ['a', 'b.c'], { a: 1, 'b.c': 1 } to keep, or { a: 0 } to leave out.",
        )
}

impl Select {
    /// Parses an array of paths, one path, or an object of paths with 1 or 0.
    pub fn parse(select: &Value) -> Result<Option<Self>> {
        match select {
            Value::Undefined | Value::Null => Ok(None),
            Value::String(path) => Ok(Some(Self {
                paths: vec![path.clone()],
                exclude: false,
            })),
            Value::Array(items) => {
                let paths = items
                    .iter()
                    .map(|item| {
                        item.as_str()
                            .map(str::to_owned)
                            .ok_or_else(|| wrong("must list names of attributes"))
                    })
                    .collect::<Result<Vec<_>>>()?;
                Ok(Some(Self { paths, exclude: false }))
            }
            Value::Object(members) => from_members(members).map(Some),
            _ => Err(wrong("must be an array or an object")),
        }
    }

    /// True when the paths are left out, and everything else, system fields included, stays.
    pub fn excludes(&self) -> bool {
        self.exclude
    }

    /// Names as written.
    pub fn fields(&self) -> &[String] {
        &self.paths
    }

    /// The record with the chosen attributes.
    pub fn apply(&self, record: &Object) -> Object {
        if self.exclude {
            let mut out = record.clone();
            for path in self.paths.iter().filter(|path| *path != "id") {
                remove(&mut out, path);
            }
            return out;
        }
        let mut out = Object::default();
        if let Some(id) = record.get("id") {
            out.insert("id".into(), id.clone());
        }
        for path in &self.paths {
            keep(record, path, &mut out);
        }
        out
    }
}

fn from_members(members: &Object) -> Result<Select> {
    let mut kept = Vec::new();
    let mut left = Vec::new();
    for (path, choice) in members {
        match choice {
            Value::Bool(true) => kept.push(path.clone()),
            Value::Bool(false) => left.push(path.clone()),
            Value::Number(n) if *n == 1.0 => kept.push(path.clone()),
            Value::Number(n) if *n == 0.0 => left.push(path.clone()),
            _ => return Err(wrong(&format!("of '{path}' must be 1 or 0"))),
        }
    }
    kept.retain(|path| path != "id" || left.is_empty());
    left.retain(|path| path != "id");
    match (kept.is_empty(), left.is_empty()) {
        (_, true) => Ok(Select {
            paths: kept,
            exclude: false,
        }),
        (true, false) => Ok(Select {
            paths: left,
            exclude: true,
        }),
        (false, false) => Err(wrong("cannot keep some attributes and leave out others")),
    }
}

fn keep(record: &Object, path: &str, out: &mut Object) {
    if let Some(value) = record.get(path) {
        out.insert(path.to_owned(), value.clone());
        return;
    }
    let Some((first, rest)) = path.split_once('.') else { return };
    let Some(Value::Object(inner)) = record.get(first) else { return };
    let mut part = match out.get(first) {
        Some(Value::Object(already)) => already.clone(),
        _ => Object::default(),
    };
    keep(inner, rest, &mut part);
    if !part.is_empty() {
        out.insert(first.to_owned(), Value::Object(part));
    }
}

fn remove(record: &mut Object, path: &str) {
    if record.shift_remove(path).is_some() {
        return;
    }
    if let Some((first, rest)) = path.split_once('.')
        && let Some(Value::Object(inner)) = record.get_mut(first)
    {
        remove(inner, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::text;

    fn apply(select: &str, record: &str) -> String {
        let Value::Object(record) = text::parse(record).unwrap() else {
            panic!("not an object")
        };
        let select = Select::parse(&text::parse(select).unwrap()).unwrap().unwrap();
        text::stringify(&Value::Object(select.apply(&record))).unwrap()
    }

    #[test]
    fn keeps_or_leaves_out() {
        let record = r#"{"id":"x","a":1,"b":{"c":2,"d":3},"e":[1]}"#;
        assert_eq!(apply(r#"["a","b.c"]"#, record), r#"{"id":"x","a":1,"b":{"c":2}}"#);
        assert_eq!(apply(r#"{"b.c":1,"b.d":1}"#, record), r#"{"id":"x","b":{"c":2,"d":3}}"#);
        assert_eq!(apply(r#"{"a":0,"b.d":0}"#, record), r#"{"id":"x","b":{"c":2},"e":[1]}"#);
        assert_eq!(apply(r#"{"a":1,"id":0}"#, record), r#"{"id":"x","a":1}"#);
        assert_eq!(apply(r#"["nope"]"#, record), r#"{"id":"x"}"#);
    }

    #[test]
    fn mistakes_are_refused() {
        for select in ["5", "[1]", r#"{"a":1,"b":0}"#, r#"{"a":"yes"}"#] {
            assert!(Select::parse(&text::parse(select).unwrap()).is_err(), "{select}");
        }
    }
}
