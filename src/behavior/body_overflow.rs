//! `body-overflow`: smallest values in metadata, the rest in the body.

use super::size::{METADATA_LIMIT, wire_size, wire_total};
use super::{Context, Stored, add_plugin_map, body_text, is_fixed, number};
use crate::codec::size::{total_size, value_size};
use crate::error::Result;
use crate::record::Event;
use crate::value::{Object, Value};

pub(super) fn plan(context: &Context<'_>, mapped: Object) -> Result<Stored> {
    let limit = context.effective_limit(context.data_id);
    let original_size = total_size(&mapped);
    let mut fixed = Object::default();
    for key in ["_v", "_e"] {
        if let Some(value) = mapped.get(key) {
            fixed.insert(key.into(), value.clone());
        }
    }
    let mut used: usize = fixed.get("_v").map_or(0, value_size);
    if let Some(text) = context.plugin_map_text() {
        used += "_pluginMap".len() + text.len();
        add_plugin_map(context, &mut fixed);
    }
    // The rule of 13.6: ascending by value size, names not counted, all after the first misfit overflow.
    let mut fields: Vec<(&String, &Value)> = mapped.iter().filter(|(k, _)| !is_fixed(k)).collect();
    fields.sort_by_key(|(_, v)| value_size(v));
    let mut kept = fields.len();
    for (i, (_, value)) in fields.iter().enumerate() {
        let size = value_size(value);
        if used + size > limit {
            kept = i;
            break;
        }
        used += size;
    }
    // The wire form may need more room than the mapped one.
    let mut flag = Object::default();
    flag.insert("$overflow".into(), "true".into());
    let (fixed_wire, flag_wire) = (wire_total(&fixed, context), wire_total(&flag, context));
    let mut inline: Vec<(&String, &Value)> = fields[..kept].to_vec();
    let mut spilled: Vec<(&String, &Value)> = fields[kept..].to_vec();
    let cost = |(k, v): &(&String, &Value)| (context.wire_key)(k).len() + wire_size(v);
    let mut wire: usize = fixed_wire + inline.iter().map(cost).sum::<usize>();
    while wire + if spilled.is_empty() { 0 } else { flag_wire } > METADATA_LIMIT {
        let Some(largest) = (0..inline.len()).max_by_key(|i| cost(&inline[*i])) else {
            break;
        };
        let field = inline.remove(largest);
        wire -= cost(&field);
        spilled.push(field);
    }
    if spilled.is_empty() {
        let mut metadata = fixed;
        metadata.extend(inline.iter().map(|(k, v)| ((*k).clone(), (*v).clone())));
        return Ok(Stored {
            metadata,
            ..Stored::default()
        });
    }
    let spilled_keys: Vec<&String> = spilled.iter().map(|(k, _)| *k).collect();
    let mut metadata = fixed;
    metadata.extend(inline.iter().map(|(k, v)| ((*k).clone(), (*v).clone())));
    metadata.extend(flag);
    let body: Object = mapped
        .iter()
        .filter(|(k, _)| spilled_keys.contains(k))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut payload = context.payload();
    payload.insert("strategy".into(), "split".into());
    payload.insert("originalSize".into(), number(original_size));
    payload.insert("maxSize".into(), number(limit));
    payload.insert("metadataSize".into(), number(total_size(&metadata)));
    payload.insert("bodySize".into(), number(body_text(&body).len()));
    payload.insert("data".into(), (context.data)());
    Ok(Stored {
        metadata,
        body: Some(body),
        events: vec![Event {
            name: "overflow",
            payload: Value::Object(payload),
        }],
        overflow: true,
        truncated: false,
    })
}
