//! Base62 and the number codecs built on it, in the double arithmetic of JavaScript (spec/04 5.1 to 5.3).

use crate::value::{Value, number};

const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Base62 of a number, floored toward minus infinity; `undefined` for what is no finite number.
pub fn encode(n: f64) -> String {
    if !n.is_finite() {
        return "undefined".into();
    }
    if n == 0.0 {
        return "0".into();
    }
    if n < 0.0 {
        return format!("-{}", encode(-n.floor()));
    }
    let mut out = String::with_capacity(12);
    push_digits(n.floor(), &mut out);
    out
}

/// Digits of a whole number of 0 or more; nothing for 0.
fn push_digits(mut n: f64, out: &mut String) {
    // 62^172 exceeds the largest double.
    let mut buffer = [0u8; 176];
    let mut at = buffer.len();
    while n > 0.0 && at > 0 {
        let digit = n % 62.0;
        at -= 1;
        buffer[at] = DIGITS[digit as usize % 62];
        n = (n / 62.0).floor();
    }
    out.extend(buffer[at..].iter().map(|b| char::from(*b)));
}

/// Number of a base62 text; NaN for other characters, 0 for the empty text.
pub fn decode(text: &str) -> f64 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut n = 0.0;
    for b in digits.bytes() {
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'a'..=b'z' => b - b'a' + 10,
            b'A'..=b'Z' => b - b'A' + 36,
            _ => return f64::NAN,
        };
        n = n * 62.0 + f64::from(digit);
    }
    if negative { -n } else { n }
}

/// Base62 of the integer part, the decimal digits of the fraction verbatim, exactly as 13.6 writes them.
pub fn encode_decimal(n: f64) -> String {
    if !n.is_finite() {
        return "undefined".into();
    }
    let mut buffer = ryu_js::Buffer::new();
    let text = buffer.format(n.abs());
    let mut out = String::with_capacity(text.len() + 1);
    if n < 0.0 {
        out.push('-');
    }
    let (integer, fraction) = match text.split_once('.') {
        Some((i, f)) => (i, Some(f)),
        None => (text, None),
    };
    let integer = number::from_text(integer);
    if integer == 0.0 {
        out.push('0');
    } else {
        push_digits(integer.floor(), &mut out);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Number of a decimal base62 text.
pub fn decode_decimal(text: &str) -> f64 {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = rest.split('.');
    let integer = decode(parts.next().unwrap_or(""));
    if integer.is_nan() {
        return f64::NAN;
    }
    let n = match parts.next() {
        Some(fraction) => number::from_text(&format!("{}.{fraction}", number::to_text(integer))),
        None => integer,
    };
    if negative { -n } else { n }
}

/// A decimal text that both sides decode to exactly `n` (spec/04 15.24): the form of 13.6 where it is exact,
/// else one digit, a point, at least one digit and the exponent.
pub fn encode_number_exact(n: f64) -> String {
    if !n.is_finite() {
        return "undefined".into();
    }
    if !ryu_js::Buffer::new().format(n).contains('e') {
        let text = encode_decimal(n);
        if decode_decimal(&text) == n {
            return text;
        }
    }
    exponent_form(n)
}

fn exponent_form(n: f64) -> String {
    let text = format!("{n:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = if digits.contains('.') {
        digits.to_owned()
    } else {
        format!("{digits}.0")
    };
    match exponent.strip_prefix('-') {
        Some(rest) => format!("{digits}e-{rest}"),
        None => format!("{digits}e+{exponent}"),
    }
}

fn scale(precision: u32) -> f64 {
    10f64.powi(i32::try_from(precision).unwrap_or(i32::MAX))
}

fn push_scaled(scaled: f64, out: &mut String) {
    if scaled == 0.0 {
        out.push('0');
        return;
    }
    if scaled < 0.0 {
        out.push('-');
    }
    push_digits(scaled.abs(), out);
}

/// Fixed point: `^` and base62 of `n * 10^precision`, rounded as `Math.round`.
pub fn encode_fixed(n: f64, precision: u32) -> String {
    if !n.is_finite() {
        return "undefined".into();
    }
    let mut out = String::from("^");
    push_scaled(number::js_round(n * scale(precision)), &mut out);
    out
}

/// Number of a fixed-point text; NaN without `^`.
pub fn decode_fixed(text: &str, precision: u32) -> f64 {
    match text.strip_prefix('^') {
        Some(rest) => decode(rest) / scale(precision),
        None => f64::NAN,
    }
}

/// `^[a,b,...]`; an item that is no finite number is empty.
pub fn encode_fixed_batch(items: &[Value], precision: u32) -> String {
    let factor = scale(precision);
    let mut out = String::with_capacity(2 + items.len() * 6);
    out.push_str("^[");
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        if let Value::Number(n) = item
            && n.is_finite()
        {
            push_scaled(number::js_round(n * factor), &mut out);
        }
    }
    out.push(']');
    out
}

/// Numbers of a batch; an empty item is NaN, a text of another form gives none.
pub fn decode_fixed_batch(text: &str, precision: u32) -> Vec<f64> {
    let Some(rest) = text.strip_prefix("^[") else {
        return Vec::new();
    };
    let mut chars = rest.chars();
    chars.next_back();
    let rest = chars.as_str();
    if rest.is_empty() {
        return Vec::new();
    }
    let factor = scale(precision);
    rest.split(',')
        .map(|item| if item.is_empty() { f64::NAN } else { decode(item) / factor })
        .collect()
}
