//! IP addresses as packed base64 (spec/04 5.4, defect 15.31 fixed by a real parser).

use super::base64;
use crate::error::{Error, Result};
use crate::value::number::js_round;
use crate::value::{Object, Value};
use std::net::Ipv6Addr;

fn invalid(message: &str) -> Error {
    Error::validation("ip", message).with_status(400)
}

fn parse_v4(text: &str) -> Option<[u8; 4]> {
    let mut out = [0; 4];
    let mut parts = text.split('.');
    for slot in &mut out {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse::<u16>().ok().and_then(|n| u8::try_from(n).ok())?;
    }
    parts.next().is_none().then_some(out)
}

/// Address and zone of an IPv6 text; leading zeros in an embedded IPv4 part are accepted as for IPv4.
fn parse_v6(text: &str) -> Option<(Ipv6Addr, Option<&str>)> {
    let (address, zone) = match text.split_once('%') {
        Some((a, z)) if !z.is_empty() && z.chars().all(|c| c.is_ascii_alphanumeric()) && a.to_ascii_lowercase().starts_with("fe80:") => {
            (a, Some(z))
        }
        Some(_) => return None,
        None => (text, None),
    };
    let normal = match address.rfind(':') {
        Some(at) if address[at..].contains('.') => {
            let v4 = parse_v4(&address[at + 1..])?;
            format!("{}:{}.{}.{}.{}", &address[..at], v4[0], v4[1], v4[2], v4[3])
        }
        _ => address.to_owned(),
    };
    normal.parse().ok().map(|a| (a, zone))
}

/// Four groups of 1 to 3 digits, each at most 255.
pub fn is_valid_v4(text: &str) -> bool {
    parse_v4(text).is_some()
}

/// Textual IPv6, embedded IPv4 and link-local zones included.
pub fn is_valid_v6(text: &str) -> bool {
    parse_v6(text).is_some()
}

/// 8 characters of base64.
pub fn encode_v4(text: &str) -> Result<String> {
    parse_v4(text)
        .map(|b| base64::encode(&b))
        .ok_or_else(|| invalid("Invalid IPv4 address"))
}

/// Dotted text.
pub fn decode_v4(text: &str) -> Result<String> {
    let bytes = base64::decode(text);
    match bytes.as_slice() {
        [a, b, c, d] => Ok(format!("{a}.{b}.{c}.{d}")),
        _ => Err(invalid("Invalid encoded IPv4 length")),
    }
}

/// 24 characters of base64; an address with a zone stays text, for the zone has no packed form.
pub fn encode_v6(text: &str) -> Result<String> {
    match parse_v6(text) {
        Some((address, None)) => Ok(base64::encode(&address.octets())),
        Some((_, Some(_))) => Ok(text.to_owned()),
        None => Err(invalid("Invalid IPv6 address")),
    }
}

/// Text of a packed address, compressed or with all digits; an address that was stored as text comes back as it is.
pub fn decode_v6(text: &str, compress: bool) -> Result<String> {
    // Packed text has 24 characters and never a zone.
    if (text.len() != 24 || text.contains('%')) && is_valid_v6(text) {
        return Ok(text.to_owned());
    }
    let bytes = base64::decode(text);
    let octets: [u8; 16] = bytes.as_slice().try_into().map_err(|_| invalid("Invalid encoded IPv6 length"))?;
    let address = Ipv6Addr::from(octets);
    Ok(if compress { compressed(&address) } else { expanded(&address) })
}

/// All eight groups with four digits, letters in the case they came in; a zone stays.
pub fn expand(text: &str) -> Result<String> {
    let (address, zone) = parse_v6(text).ok_or_else(|| invalid("Invalid IPv6 address"))?;
    let full = expanded(&address);
    // Digits typed in upper case stay so, group by group; `::` and an embedded IPv4 address have none.
    let typed = text.split('%').next().unwrap_or(text);
    let (head, tail) = typed.split_once("::").unwrap_or((typed, ""));
    let mut groups: Vec<String> = full.split(':').map(str::to_owned).collect();
    let head_groups = head.split(':').filter(|g| !g.is_empty());
    for (slot, group) in groups.iter_mut().zip(head_groups) {
        restore_case(slot, group);
    }
    let tail_groups = tail.rsplit(':').filter(|g| !g.is_empty());
    if !tail.contains('.') {
        for (slot, group) in groups.iter_mut().rev().zip(tail_groups) {
            restore_case(slot, group);
        }
    }
    Ok(with_zone(groups.join(":"), zone))
}

fn restore_case(slot: &mut String, typed: &str) {
    if typed.bytes().any(|b| b.is_ascii_uppercase()) {
        *slot = format!("{typed:0>4}");
    }
}

fn with_zone(address: String, zone: Option<&str>) -> String {
    match zone {
        Some(zone) => format!("{address}%{zone}"),
        None => address,
    }
}

/// Shortest form: first longest run of two or more zero groups becomes `::`; a zone stays.
pub fn compress(text: &str) -> Result<String> {
    parse_v6(text)
        .map(|(a, zone)| with_zone(compressed(&a), zone))
        .ok_or_else(|| invalid("Invalid IPv6 address"))
}

fn expanded(address: &Ipv6Addr) -> String {
    address.segments().iter().map(|s| format!("{s:04x}")).collect::<Vec<_>>().join(":")
}

/// Groups in hex only; unlike `Ipv6Addr`'s own text it never shows an embedded IPv4 address.
fn compressed(address: &Ipv6Addr) -> String {
    let groups = address.segments();
    let (mut best, mut best_len, mut i) = (0, 0, 0);
    while i < 8 {
        let start = i;
        while i < 8 && groups[i] == 0 {
            i += 1;
        }
        if i - start > best_len {
            (best, best_len) = (start, i - start);
        }
        i += 1;
    }
    let join = |part: &[u16]| part.iter().map(|g| format!("{g:x}")).collect::<Vec<_>>().join(":");
    if best_len < 2 {
        return join(&groups);
    }
    format!("{}::{}", join(&groups[..best]), join(&groups[best + best_len..]))
}

/// `calculateIPSavings`: `{ version, originalSize, encodedSize, savings, savingsPercent? }`.
pub fn savings(text: &str) -> Value {
    let (version, encoded) = match () {
        () if is_valid_v4(text) => (Some("ipv4"), 8),
        () => match encode_v6(text) {
            Ok(packed) => (Some("ipv6"), packed.len()),
            Err(_) => (None, 0),
        },
    };
    let original = if version.is_some() { text.len() } else { 0 };
    let percent = if original == 0 {
        0.0
    } else {
        (original as f64 - encoded as f64) / original as f64 * 100.0
    };
    let mut out = Object::default();
    out.insert("version".into(), version.map_or(Value::Null, Value::from));
    out.insert("originalSize".into(), Value::Number(original as f64));
    out.insert("encodedSize".into(), Value::Number(encoded as f64));
    out.insert("savings".into(), Value::Number(js_round(percent * 100.0) / 100.0));
    if version.is_some() {
        out.insert("savingsPercent".into(), Value::String(format!("{}%", js_round(percent))));
    }
    Value::Object(out)
}
