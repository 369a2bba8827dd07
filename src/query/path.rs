//! Values at dotted paths.

use super::Subject;
use crate::keys::field_value;
use crate::value::{Value, array_index};

/// Value of a strict comparison: the literal key, else the path through objects (spec/03 9.8).
pub(super) fn strict<'a>(subject: Subject<'a>, path: &str) -> Option<&'a Value> {
    subject.member(path).or_else(|| field_value(subject.record, path))
}

/// Values that operators look at: as [`strict`], and through the elements of arrays on the way.
pub(super) fn all<'a>(subject: Subject<'a>, path: &str, out: &mut Vec<&'a Value>) {
    if let Some(value) = subject.member(path) {
        out.push(value);
        return;
    }
    let mut parts = path.split('.');
    let Some(first) = parts.next().and_then(|part| subject.member(part)) else {
        return;
    };
    let rest: Vec<&str> = parts.collect();
    if !rest.is_empty() {
        walk(first, &rest, out);
    }
}

fn walk<'a>(value: &'a Value, parts: &[&str], out: &mut Vec<&'a Value>) {
    let Some((part, rest)) = parts.split_first() else {
        out.push(value);
        return;
    };
    match value {
        Value::Object(members) => {
            if let Some(member) = members.get(*part) {
                walk(member, rest, out);
            }
        }
        Value::Array(items) => {
            if let Some(item) = array_index(part).and_then(|i| items.get(i as usize)) {
                walk(item, rest, out);
            }
            for item in items.iter().filter(|item| matches!(item, Value::Object(_))) {
                walk(item, parts, out);
            }
        }
        _ => {}
    }
}
