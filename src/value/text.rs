//! Text forms of values.
//!
//! *Tagged text* crosses the boundary: JSON in which an object whose first key
//! is [`TAG`] stands for a value that JSON lacks:
//! `{"\u0000":"undefined"}`, `{"\u0000":"number","v":"NaN"}` (also `Infinity`,
//! `-Infinity`, `-0`), `{"\u0000":"bigint","v":"10"}`, `{"\u0000":"date","v":ms
//! or null}`, `{"\u0000":"bytes","v":base64}`, `{"\u0000":"regexp","v":source,
//! "f":flags}`. *Plain text* is what `JSON.stringify` would print.

use super::{Object, Value, number};
use crate::error::{Error, Kind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// First key of a tagged object; no user key may be this one.
pub const TAG: &str = "\u{0}";

/// Reads tagged text.
pub fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|e| Error::new(Kind::Validation, format!("invalid JSON text: {e}")))
}

/// Reads plain JSON as a JavaScript `JSON.parse` would: no tags, last duplicate wins,
/// members in JavaScript order. `None` when it is not JSON.
pub fn parse_plain(text: &str) -> Option<Value> {
    let json: PlainValue = serde_json::from_str(text).ok()?;
    Some(json.0)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor { tagged: true })
    }
}

struct PlainValue(Value);

impl<'de> Deserialize<'de> for PlainValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor { tagged: false }).map(PlainValue)
    }
}

#[derive(Clone, Copy)]
struct ValueVisitor {
    tagged: bool,
}

struct Seed(ValueVisitor);

impl<'de> de::DeserializeSeed<'de> for Seed {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self.0)
    }
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> std::result::Result<Value, E> {
        Ok(Value::Number(n as f64))
    }

    fn visit_u64<E>(self, n: u64) -> std::result::Result<Value, E> {
        Ok(Value::Number(n as f64))
    }

    fn visit_f64<E>(self, n: f64) -> std::result::Result<Value, E> {
        Ok(Value::Number(n))
    }

    fn visit_str<E>(self, s: &str) -> std::result::Result<Value, E> {
        Ok(Value::String(s.to_owned()))
    }

    fn visit_string<E>(self, s: String) -> std::result::Result<Value, E> {
        Ok(Value::String(s))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(4096));
        while let Some(item) = seq.next_element_seed(Seed(self))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value, A::Error> {
        let mut object = Object::default();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Seed(self))?;
            object.insert(key, value);
        }
        if self.tagged
            && let Some((first, Value::String(tag))) = object.get_index(0)
            && first == TAG
        {
            return untag(tag, &object).ok_or_else(|| de::Error::custom("unknown value tag"));
        }
        super::js_order(&mut object);
        Ok(Value::Object(object))
    }
}

fn untag(tag: &str, object: &Object) -> Option<Value> {
    let v = object.get("v");
    let text = || v.and_then(Value::as_str);
    Some(match tag {
        "undefined" => Value::Undefined,
        "number" => Value::Number(match text()? {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            "-0" => -0.0,
            _ => return None,
        }),
        "bigint" => Value::BigInt(text()?.to_owned()),
        "date" => match v? {
            Value::Number(ms) => Value::Date(*ms),
            Value::Null => Value::Date(f64::NAN),
            _ => return None,
        },
        "bytes" => Value::Bytes(STANDARD.decode(text()?).ok()?),
        "regexp" => Value::RegExp(text()?.to_owned(), object.get("f").and_then(Value::as_str).unwrap_or("").to_owned()),
        _ => return None,
    })
}

/// Tagged text of a value.
pub fn to_tagged(value: &Value) -> String {
    let mut out = String::with_capacity(128);
    write_tagged(value, &mut out);
    out
}

/// Appends tagged text.
pub fn write_tagged(value: &Value, out: &mut String) {
    match value {
        Value::Undefined => out.push_str("{\"\\u0000\":\"undefined\"}"),
        Value::Number(n) if !n.is_finite() || (*n == 0.0 && n.is_sign_negative()) => {
            out.push_str("{\"\\u0000\":\"number\",\"v\":\"");
            out.push_str(if *n == 0.0 {
                "-0"
            } else if n.is_nan() {
                "NaN"
            } else if *n > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            });
            out.push_str("\"}");
        }
        Value::BigInt(s) => tag_text("bigint", s, out),
        Value::Date(ms) => {
            out.push_str("{\"\\u0000\":\"date\",\"v\":");
            if ms.is_nan() {
                out.push_str("null")
            } else {
                out.push_str(&number::to_text(*ms))
            }
            out.push('}');
        }
        Value::Bytes(b) => tag_text("bytes", &STANDARD.encode(b), out),
        Value::RegExp(source, flags) => {
            out.push_str("{\"\\u0000\":\"regexp\",\"v\":");
            write_string(source, out);
            out.push_str(",\"f\":");
            write_string(flags, out);
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_tagged(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (i, (key, item)) in object.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write_tagged(item, out);
            }
            out.push('}');
        }
        scalar => write_scalar(scalar, out),
    }
}

fn tag_text(tag: &str, text: &str, out: &mut String) {
    out.push_str("{\"\\u0000\":\"");
    out.push_str(tag);
    out.push_str("\",\"v\":");
    write_string(text, out);
    out.push('}');
}

fn write_scalar(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(n) if n.is_finite() => {
            // JSON.stringify prints -0 as 0, and so does ryu-js.
            out.push_str(ryu_js::Buffer::new().format(*n));
        }
        Value::Number(_) => out.push_str("null"),
        Value::String(s) => write_string(s, out),
        other => write_string(&number::js_string(other), out),
    }
}

/// `JSON.stringify(value)`; `None` for `undefined`. A BigInt is printed as its digits
/// in quotes (JavaScript would throw), bytes in the `{"type":"Buffer"}` form.
pub fn stringify(value: &Value) -> Option<String> {
    if matches!(value, Value::Undefined) {
        return None;
    }
    let mut out = String::with_capacity(64);
    write_plain(value, &mut out);
    Some(out)
}

/// Appends plain JSON; `undefined` inside arrays is `null`, in objects omitted.
pub fn write_plain(value: &Value, out: &mut String) {
    match value {
        Value::Undefined => out.push_str("null"),
        Value::Date(ms) => match iso_date(*ms) {
            Some(text) => write_string(&text, out),
            None => out.push_str("null"),
        },
        Value::Bytes(b) => {
            out.push_str("{\"type\":\"Buffer\",\"data\":[");
            for (i, byte) in b.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&byte.to_string());
            }
            out.push_str("]}");
        }
        Value::RegExp(..) => out.push_str("{}"),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_plain(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            let mut first = true;
            for (key, item) in object {
                if matches!(item, Value::Undefined) {
                    continue;
                }
                if !first {
                    out.push(',');
                }
                first = false;
                write_string(key, out);
                out.push(':');
                write_plain(item, out);
            }
            out.push('}');
        }
        scalar => write_scalar(scalar, out),
    }
}

/// Appends a JSON string as `JSON.stringify` escapes it.
pub fn write_string(s: &str, out: &mut String) {
    out.push('"');
    let bytes = s.as_bytes();
    let mut start = 0;
    for (i, &b) in bytes.iter().enumerate() {
        let escape: &str = match b {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            8 => "\\b",
            12 => "\\f",
            0..=0x1f => {
                out.push_str(&s[start..i]);
                out.push_str("\\u00");
                out.push(char::from(b"0123456789abcdef"[usize::from(b >> 4)]));
                out.push(char::from(b"0123456789abcdef"[usize::from(b & 15)]));
                start = i + 1;
                continue;
            }
            _ => continue,
        };
        out.push_str(&s[start..i]);
        out.push_str(escape);
        start = i + 1;
    }
    out.push_str(&s[start..]);
    out.push('"');
}

/// `Date.toISOString()`; `None` for an invalid date.
pub fn iso_date(ms: f64) -> Option<String> {
    if !ms.is_finite() || ms.abs() > 8.64e15 {
        return None;
    }
    let ms = ms.trunc() as i64;
    let days = ms.div_euclid(86_400_000);
    let rest = ms.rem_euclid(86_400_000);
    let (year, month, day) = civil(days);
    let year_text = match year {
        0..=9999 => format!("{year:04}"),
        y if y < 0 => format!("-{:06}", -y),
        y => format!("+{y:06}"),
    };
    Some(format!(
        "{year_text}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1000 % 60,
        rest % 1000
    ))
}

/// Days since the epoch to year, month, day (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tagged_text_round_trips() {
        let text = r#"{"10":{"\u0000":"undefined"},"b":{"\u0000":"number","v":"-0"},"a":[{"\u0000":"date","v":0},{"\u0000":"bigint","v":"7"},null,1.5,"x"]}"#;
        assert_eq!(to_tagged(&parse(text).expect("parses")), text);
    }

    #[test]
    fn members_come_in_javascript_order() {
        let value = parse(r#"{"b":1,"10":2,"2":3,"a":4}"#).expect("parses");
        assert_eq!(stringify(&value).as_deref(), Some(r#"{"2":3,"10":2,"b":1,"a":4}"#));
    }

    #[test]
    fn iso_dates_match_javascript() {
        assert_eq!(iso_date(0.0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(iso_date(1_714_979_289_123.0).as_deref(), Some("2024-05-06T07:08:09.123Z"));
        assert_eq!(iso_date(-62_198_755_200_000.0).as_deref(), Some("-000001-01-01T00:00:00.000Z"));
        assert_eq!(iso_date(f64::NAN), None);
    }
}
