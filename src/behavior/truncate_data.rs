//! `truncate-data`: every key stays, the largest values are cut.

use super::size::{METADATA_LIMIT, wire_size, wire_total};
use super::{Context, Stored, is_fixed, number};
use crate::codec::size::{total_size, value_size};
use crate::error::Result;
use crate::record::Event;
use crate::value::number::js_string;
use crate::value::{Object, Value, text};

/// Name and value of the marker.
const MARKER: (&str, &str) = ("$truncated", "true");

pub(super) fn plan(context: &Context<'_>, mapped: Object) -> Result<Stored> {
    let limit = context.effective_limit(context.data_id);
    let original_size = total_size(&mapped);
    if original_size <= limit && wire_total(&mapped, context) <= METADATA_LIMIT {
        return Ok(Stored {
            metadata: mapped,
            ..Stored::default()
        });
    }
    let mut out = mapped.clone();
    out.insert(MARKER.0.into(), MARKER.1.into());
    let names: usize = out.keys().map(String::len).sum();
    let fixed: usize = out
        .iter()
        .filter(|(k, _)| is_fixed(k) || *k == MARKER.0)
        .map(|(_, v)| value_size(v))
        .sum();
    // Small values first, so that the largest ones are cut.
    let mut order: Vec<usize> = (0..mapped.len())
        .filter(|i| mapped.get_index(*i).is_some_and(|(k, _)| !is_fixed(k)))
        .collect();
    order.sort_by_key(|i| mapped.get_index(*i).map_or(0, |(_, v)| value_size(v)));
    let mut room = limit.saturating_sub(names + fixed);
    for index in order {
        let Some((key, value)) = out.get_index_mut(index) else { continue };
        let size = value_size(value);
        if size > room {
            *value = cut(key, value, room, context);
        }
        room -= value_size(value).min(room);
    }
    fit_wire(&mut out, context)?;
    let changed: Vec<&String> = mapped.iter().filter(|(k, v)| out.get(*k) != Some(*v)).map(|(k, _)| k).collect();
    let largest = changed.iter().max_by_key(|k| mapped.get(**k).map_or(0, value_size));
    let length = |object: &Object, key: &str| object.get(key).map_or(0, value_size);
    let mut payload = context.payload();
    if let Some(key) = largest {
        payload.insert("fieldName".into(), (context.name_of)(key).into());
        payload.insert("originalLength".into(), number(length(&mapped, key)));
        payload.insert("truncatedLength".into(), number(length(&out, key)));
    }
    let names = changed.iter().map(|k| Value::from((context.name_of)(k))).collect();
    payload.insert("truncatedFields".into(), Value::Array(names));
    payload.insert("originalSize".into(), number(original_size));
    payload.insert("finalSize".into(), number(total_size(&out)));
    payload.insert("data".into(), (context.data)());
    Ok(Stored {
        metadata: out,
        body: None,
        events: vec![Event {
            name: "truncate",
            payload: Value::Object(payload),
        }],
        overflow: false,
        truncated: true,
    })
}

/// Cuts further until names and values fit the header limit; an error when the names alone do not.
fn fit_wire(out: &mut Object, context: &Context<'_>) -> Result<()> {
    loop {
        let total = wire_total(out, context);
        if total <= METADATA_LIMIT {
            return Ok(());
        }
        let largest = out
            .iter()
            .filter(|(k, v)| !is_fixed(k) && *k != MARKER.0 && value_size(v) > 0)
            .max_by_key(|(_, v)| wire_size(v))
            .map(|(k, v)| (k.clone(), v.clone()));
        let Some((key, value)) = largest else {
            return Err(context.exceeds(total, METADATA_LIMIT));
        };
        let (wire, bytes) = (wire_size(&value), value_size(&value));
        let target = wire.saturating_sub(total - METADATA_LIMIT);
        // Proportional first guess; each round removes at least one byte.
        let keep = (bytes * target / wire.max(1)).min(bytes - 1);
        let shorter = cut(&key, &value, keep, context);
        out.insert(key, shorter);
    }
}

/// At most `room` bytes of a value, cut on a character boundary.
fn cut(key: &str, value: &Value, room: usize, context: &Context<'_>) -> Value {
    if key == "_x" {
        return Value::String(cut_undeclared(value, room));
    }
    if !(context.may_truncate)(key) {
        return Value::String(String::new());
    }
    let mut text = match value {
        Value::String(s) => s.clone(),
        Value::Null | Value::Undefined => String::new(),
        Value::Array(_) | Value::Object(_) => text::stringify(value).unwrap_or_default(),
        other => js_string(other),
    };
    truncate_text(&mut text, room);
    Value::String(text)
}

fn truncate_text(text: &mut String, room: usize) {
    let mut end = room.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// `_x` stays JSON: its largest texts are cut, then its largest members go.
fn cut_undeclared(value: &Value, room: usize) -> String {
    let Some(Value::Object(mut members)) = value.as_str().and_then(text::parse_plain) else {
        return String::new();
    };
    loop {
        let current = text::stringify(&Value::Object(members.clone())).unwrap_or_default();
        if members.is_empty() {
            return String::new();
        }
        if current.len() <= room {
            return current;
        }
        let size = |v: &Value| text::stringify(v).map_or(0, |s| s.len());
        let Some(largest) = (0..members.len()).max_by_key(|i| members.get_index(*i).map_or(0, |(_, v)| size(v))) else {
            return String::new();
        };
        let excess = current.len() - room;
        match members.get_index_mut(largest) {
            Some((_, Value::String(s))) if !s.is_empty() => {
                let keep = s.len().saturating_sub(excess.max(1));
                truncate_text(s, keep);
            }
            _ => {
                members.shift_remove_index(largest);
            }
        }
    }
}
