//! Packed texts of the types that s3db.js 21 stores short (spec/04 section 18): whole numbers in base62, some padded.
//!
//! | Type | Packed form |
//! |---|---|
//! | `uuid` | four groups of 8 hexadecimal digits, each padded to 6: 24 characters |
//! | `mac` | the 48-bit value, padded to 9 |
//! | `cidr` | the address padded to 6, then the prefix length |
//! | `semver` | `major * 10^6 + minor * 10^3 + patch` |
//! | `phone` | the digits after `+` |
//! | `color` | the 24-bit value, padded to 5 |
//! | `ean` | one digit for the length (0: 8, 1: 13, 2: 12, 3: 14), then the number |
//! | `datetime`, `dateonly`, `timeonly`, `duration` | see [`super::time`] |

use super::{base62, ip, time};

/// Largest whole number that a double holds exactly with all below it.
const EXACT: u64 = 1 << 53;

/// A type with a packed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    /// 36 characters in lower case.
    Uuid,
    /// Six pairs with colons, lower case.
    Mac,
    /// IPv4 network, `10.0.0.0/8`.
    Cidr,
    /// `major.minor.patch`.
    Semver,
    /// E.164, `+5511999999999`.
    Phone,
    /// `#rrggbb`.
    Color,
    /// 8, 12, 13 or 14 digits.
    Ean,
    /// ISO 8601 in UTC with milliseconds.
    DateTime,
    /// `YYYY-MM-DD`.
    DateOnly,
    /// `HH:mm:ss.SSS`.
    TimeOnly,
    /// ISO 8601 of days and less, `P1DT2H3M4.500S`.
    Duration,
}

impl Packed {
    /// Every type.
    pub const ALL: &'static [Packed] = &[
        Packed::Uuid,
        Packed::Mac,
        Packed::Cidr,
        Packed::Semver,
        Packed::Phone,
        Packed::Color,
        Packed::Ean,
        Packed::DateTime,
        Packed::DateOnly,
        Packed::TimeOnly,
        Packed::Duration,
    ];

    /// Name in definitions.
    pub fn name(self) -> &'static str {
        match self {
            Packed::Uuid => "uuid",
            Packed::Mac => "mac",
            Packed::Cidr => "cidr",
            Packed::Semver => "semver",
            Packed::Phone => "phone",
            Packed::Color => "color",
            Packed::Ean => "ean",
            Packed::DateTime => "datetime",
            Packed::DateOnly => "dateonly",
            Packed::TimeOnly => "timeonly",
            Packed::Duration => "duration",
        }
    }

    /// Type of that name.
    pub fn parse(name: &str) -> Option<Packed> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Packed form of a text; `None` for a text that is no value of the type, or one that the form has no room for.
    pub fn pack(self, text: &str) -> Option<String> {
        match self {
            Packed::Uuid => pack_uuid(text),
            Packed::Mac => pack_mac(text),
            Packed::Cidr => pack_cidr(text),
            Packed::Semver => pack_semver(text),
            Packed::Phone => pack_phone(text),
            Packed::Color => pack_color(text),
            Packed::Ean => pack_ean(text),
            Packed::DateTime => time::pack_datetime(text),
            Packed::DateOnly => time::pack_date(text),
            Packed::TimeOnly => time::pack_time(text),
            Packed::Duration => time::pack_duration(text),
        }
    }

    /// Text of a packed form; `None` for what is none, such as the text itself.
    pub fn unpack(self, packed: &str) -> Option<String> {
        match self {
            Packed::Uuid => unpack_uuid(packed),
            Packed::Mac => unpack_mac(packed),
            Packed::Cidr => unpack_cidr(packed),
            Packed::Semver => unpack_semver(packed),
            Packed::Phone => unpack_phone(packed),
            Packed::Color => unpack_color(packed),
            Packed::Ean => unpack_ean(packed),
            Packed::DateTime => time::unpack_datetime(packed),
            Packed::DateOnly => time::unpack_date(packed),
            Packed::TimeOnly => time::unpack_time(packed),
            Packed::Duration => time::unpack_duration(packed),
        }
    }
}

/// Base62 of a whole number up to 2^53.
pub(super) fn digits(n: u64) -> String {
    base62::encode(n as f64)
}

/// Whole number of a base62 text without sign, up to 2^53.
pub(super) fn number(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 9 || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let n = text.bytes().fold(0u64, |n, b| {
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'a'..=b'z' => b - b'a' + 10,
            _ => b - b'A' + 36,
        };
        n * 62 + u64::from(digit)
    });
    (n <= EXACT).then_some(n)
}

fn padded(n: u64, width: usize) -> String {
    format!("{:0>width$}", digits(n))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The value of hexadecimal digits and nothing else.
fn hex(text: &str) -> Option<u64> {
    text.bytes()
        .all(|b| b.is_ascii_hexdigit())
        .then(|| u64::from_str_radix(text, 16).ok())
        .flatten()
}

fn pack_uuid(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    if parts.iter().map(|p| p.len()).ne([8, 4, 4, 4, 12]) {
        return None;
    }
    let all = parts.concat();
    if !all.is_ascii() {
        return None;
    }
    (0..4).map(|i| Some(padded(hex(&all[i * 8..i * 8 + 8])?, 6))).collect()
}

fn unpack_uuid(packed: &str) -> Option<String> {
    if packed.len() != 24 || !packed.is_ascii() {
        return None;
    }
    let mut all = String::with_capacity(32);
    for i in 0..4 {
        let group = u32::try_from(number(&packed[i * 6..i * 6 + 6])?).ok()?;
        all.push_str(&format!("{group:08x}"));
    }
    Some(format!(
        "{}-{}-{}-{}-{}",
        &all[..8],
        &all[8..12],
        &all[12..16],
        &all[16..20],
        &all[20..]
    ))
}

fn pack_mac(text: &str) -> Option<String> {
    let separator = text.chars().find(|c| matches!(c, ':' | '-' | '.'))?;
    let parts: Vec<&str> = text.split(separator).collect();
    let expected: &[usize] = if separator == '.' { &[4; 3] } else { &[2; 6] };
    if !parts.iter().map(|p| p.len()).eq(expected.iter().copied()) {
        return None;
    }
    Some(padded(hex(&parts.concat())?, 9))
}

fn unpack_mac(packed: &str) -> Option<String> {
    let n = number(packed).filter(|n| packed.len() == 9 && *n < 1 << 48)?;
    let pairs: Vec<String> = (0..6).rev().map(|i| format!("{:02x}", (n >> (i * 8)) & 0xff)).collect();
    Some(pairs.join(":"))
}

fn pack_cidr(text: &str) -> Option<String> {
    let (address, prefix) = text.split_once('/')?;
    if !ip::is_valid_v4(address) || !is_digits(prefix) || prefix.len() > 2 {
        return None;
    }
    let prefix: u64 = prefix.parse().ok().filter(|p| *p <= 32)?;
    let mut n = 0u64;
    for group in address.split('.') {
        n = n << 8 | group.parse::<u64>().ok()?;
    }
    Some(padded(n, 6) + &digits(prefix))
}

fn unpack_cidr(packed: &str) -> Option<String> {
    if packed.len() != 7 || !packed.is_ascii() {
        return None;
    }
    let n = u32::try_from(number(&packed[..6])?).ok()?;
    let prefix = number(&packed[6..]).filter(|p| *p <= 32)?;
    let [a, b, c, d] = n.to_be_bytes();
    Some(format!("{a}.{b}.{c}.{d}/{prefix}"))
}

fn pack_semver(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let [major, minor, patch] = parts.as_slice() else { return None };
    let part = |t: &str, below: u64| {
        let n = is_digits(t).then(|| t.parse::<u64>().ok()).flatten()?;
        (n < below).then_some(n)
    };
    // A minor or patch of four digits would run into its neighbour.
    let n = part(major, EXACT / 1_000_000)? * 1_000_000 + part(minor, 1000)? * 1000 + part(patch, 1000)?;
    Some(digits(n))
}

fn unpack_semver(packed: &str) -> Option<String> {
    let n = number(packed)?;
    Some(format!("{}.{}.{}", n / 1_000_000, n / 1000 % 1000, n % 1000))
}

fn pack_phone(text: &str) -> Option<String> {
    let number = text.strip_prefix('+')?;
    // No country code starts with 0, and a leading 0 would be lost.
    if !is_digits(number) || number.len() > 15 || number.starts_with('0') {
        return None;
    }
    number.parse().ok().map(digits)
}

fn unpack_phone(packed: &str) -> Option<String> {
    let n = number(packed).filter(|n| (1..1_000_000_000_000_000).contains(n))?;
    Some(format!("+{n}"))
}

fn pack_color(text: &str) -> Option<String> {
    let short = text.strip_prefix('#')?;
    let n = match short.len() {
        6 => hex(short)?,
        3 => hex(&short.chars().flat_map(|c| [c, c]).collect::<String>())?,
        _ => return None,
    };
    Some(padded(n, 5))
}

fn unpack_color(packed: &str) -> Option<String> {
    let n = number(packed).filter(|n| packed.len() == 5 && *n <= 0xff_ffff)?;
    Some(format!("#{n:06x}"))
}

/// Lengths of barcodes by their first digit.
const EAN_LENGTHS: [usize; 4] = [8, 13, 12, 14];

fn pack_ean(text: &str) -> Option<String> {
    let kind = EAN_LENGTHS.iter().position(|length| text.len() == *length)?;
    if !is_digits(text) {
        return None;
    }
    text.parse().ok().map(|n: u64| format!("{kind}{}", digits(n)))
}

fn unpack_ean(packed: &str) -> Option<String> {
    let kind = packed.bytes().next()?.checked_sub(b'0')?;
    let length = *EAN_LENGTHS.get(usize::from(kind))?;
    let n = number(packed.get(1..)?).filter(|n| *n < 10u64.pow(length as u32))?;
    let text = format!("{n:0length$}");
    // Eight decimal digits are also the look of a barcode stored as it is; the check digits tell them apart.
    if packed.len() == 8 && is_digits(packed) && has_check_digit(packed) && !has_check_digit(&text) {
        return None;
    }
    Some(text)
}

/// Whether the last digit is the check digit of the others (GS1: weights 3 and 1 from the right, modulo 10).
fn has_check_digit(text: &str) -> bool {
    let sum: u32 = text
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| u32::from(b - b'0') * if i % 2 == 1 { 3 } else { 1 })
        .sum();
    sum.is_multiple_of(10)
}
