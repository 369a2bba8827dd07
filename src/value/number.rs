//! Numbers exactly as JavaScript converts and prints them.

use super::Value;

/// `String(n)` of JavaScript.
pub fn to_text(n: f64) -> String {
    if n.is_nan() {
        return "NaN".into();
    }
    if n.is_infinite() {
        return if n > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    ryu_js::Buffer::new().format(n).to_owned()
}

/// `Math.round`: nearest integer, ties toward positive infinity.
pub fn js_round(n: f64) -> f64 {
    if !n.is_finite() || n.fract() == 0.0 {
        return n;
    }
    let floor = n.floor();
    if n - floor < 0.5 { floor } else { floor + 1.0 }
}

/// `Number(text)` of JavaScript.
pub fn from_text(text: &str) -> f64 {
    let t = text.trim_matches(is_js_space);
    if t.is_empty() {
        return 0.0;
    }
    let radix = |digits: &str, radix: u32| -> f64 {
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            return f64::NAN;
        }
        digits
            .chars()
            .fold(0.0, |acc, c| acc * f64::from(radix) + f64::from(c.to_digit(radix).unwrap_or(0)))
    };
    if let Some(rest) = t.strip_prefix("0x").or_else(|| t.strip_prefix("0X")) {
        return radix(rest, 16);
    }
    if let Some(rest) = t.strip_prefix("0o").or_else(|| t.strip_prefix("0O")) {
        return radix(rest, 8);
    }
    if let Some(rest) = t.strip_prefix("0b").or_else(|| t.strip_prefix("0B")) {
        return radix(rest, 2);
    }
    match t {
        "Infinity" | "+Infinity" => return f64::INFINITY,
        "-Infinity" => return f64::NEG_INFINITY,
        _ => {}
    }
    // Rust also accepts "inf" and "nan" words; JavaScript does not.
    if !t
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'))
    {
        return f64::NAN;
    }
    t.parse().unwrap_or(f64::NAN)
}

/// White space and line ends that `Number()` and `trim()` of JavaScript strip.
pub fn is_js_space(c: char) -> bool {
    matches!(c, '\u{9}'..='\u{d}' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}')
}

/// `String(value)` of JavaScript.
pub fn js_string(value: &Value) -> String {
    match value {
        Value::Undefined => "undefined".into(),
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => to_text(*n),
        Value::BigInt(s) | Value::String(s) => s.clone(),
        Value::Date(ms) => super::text::iso_date(*ms).unwrap_or_else(|| "Invalid Date".into()),
        Value::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
        Value::RegExp(source, flags) => format!("/{source}/{flags}"),
        Value::Array(items) => items
            .iter()
            .map(|v| if v.is_nullish() { String::new() } else { js_string(v) })
            .collect::<Vec<_>>()
            .join(","),
        Value::Object(_) => "[object Object]".into(),
    }
}

/// `Number(value)` of JavaScript.
pub fn js_number(value: &Value) -> f64 {
    match value {
        Value::Undefined => f64::NAN,
        Value::Null => 0.0,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::Number(n) | Value::Date(n) => *n,
        Value::Object(_) | Value::RegExp(..) | Value::Bytes(_) => f64::NAN,
        other => from_text(&js_string(other)),
    }
}
