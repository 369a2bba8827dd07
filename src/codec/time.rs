//! Packed times of s3db.js 21 (spec/04 section 18).
//!
//! | Type | Packed form |
//! |---|---|
//! | `datetime` | epoch milliseconds in base62, negative before 1970 |
//! | `dateonly` | days since the epoch in base62, negative before 1970 |
//! | `timeonly` | milliseconds of the day in base62 |
//! | `duration` | milliseconds in base62 |

use super::packed::{digits, number};
use super::{base62, date};
use crate::value::text::iso_date;

const DAY: u64 = 86_400_000;

/// Whole number with a sign.
fn signed(text: &str) -> Option<f64> {
    match text.strip_prefix('-') {
        Some(rest) => number(rest).filter(|n| *n > 0).map(|n| -(n as f64)),
        None => number(text).map(|n| n as f64),
    }
}

pub(super) fn pack_datetime(text: &str) -> Option<String> {
    date::parse(text).map(base62::encode)
}

pub(super) fn unpack_datetime(packed: &str) -> Option<String> {
    signed(packed).and_then(iso_date)
}

/// The calendar date of a text that starts with one.
pub(super) fn pack_date(text: &str) -> Option<String> {
    let day = text.split('T').next().unwrap_or(text);
    date::parse(day).map(|ms| base62::encode(ms / DAY as f64))
}

pub(super) fn unpack_date(packed: &str) -> Option<String> {
    let iso = iso_date(signed(packed)? * DAY as f64)?;
    iso.split('T').next().map(str::to_owned)
}

/// `HH:mm`, `HH:mm:ss` or with up to three decimals.
pub(super) fn pack_time(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let two = |at: usize| -> Option<u64> {
        let (a, b) = (bytes.get(at)?, bytes.get(at + 1)?);
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| u64::from(a - b'0') * 10 + u64::from(b - b'0'))
    };
    let colon = |at: usize| bytes.get(at) == Some(&b':');
    let (hour, minute) = (two(0)?, two(3)?);
    let second = match bytes.len() {
        5 => 0,
        8 | 10..=12 if colon(5) => two(6)?,
        _ => return None,
    };
    let fraction = match text.get(8..).unwrap_or("") {
        "" => 0,
        rest => {
            let decimals = rest.strip_prefix('.').filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
            format!("{decimals:0<3}").parse().ok()?
        }
    };
    if !colon(2) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(digits(((hour * 60 + minute) * 60 + second) * 1000 + fraction))
}

pub(super) fn unpack_time(packed: &str) -> Option<String> {
    let ms = number(packed).filter(|ms| *ms < DAY)?;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    Some(format!("{hour:02}:{minute:02}:{second:02}.{:03}", ms % 1000))
}

/// ISO 8601 durations of weeks, days, hours, minutes and seconds. Years and months are no fixed time.
pub(super) fn pack_duration(text: &str) -> Option<String> {
    let rest = text.strip_prefix('P')?;
    let (days, time) = match rest.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (rest, None),
    };
    if time.map_or(days.is_empty(), str::is_empty) {
        return None;
    }
    let ms = parts(days, &[('W', 7 * DAY), ('D', DAY)])? + parts(time.unwrap_or(""), &[('H', 3_600_000), ('M', 60_000), ('S', 1000)])?;
    let ms = ms.round();
    (ms < 9_007_199_254_740_992.0).then(|| digits(ms as u64))
}

/// Milliseconds of numbers with units, each at most once and in the order given.
fn parts(text: &str, units: &[(char, u64)]) -> Option<f64> {
    let mut rest = text;
    let mut total = 0.0;
    let mut left = units.iter();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit = rest[end..].chars().next()?;
        let (_, length) = left.find(|(name, _)| *name == unit)?;
        let (number, tail) = (&rest[..end], &rest[end + 1..]);
        let plain = number.starts_with(|c: char| c.is_ascii_digit()) && number.ends_with(|c: char| c.is_ascii_digit());
        total += number.parse::<f64>().ok().filter(|_| plain)? * *length as f64;
        rest = tail;
    }
    Some(total)
}

pub(super) fn unpack_duration(packed: &str) -> Option<String> {
    let ms = number(packed)?;
    let (days, hours, minutes, seconds) = (ms / DAY, ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1000 % 60);
    let mut time = String::new();
    for (n, unit) in [(hours, 'H'), (minutes, 'M')] {
        if n > 0 {
            time.push_str(&format!("{n}{unit}"));
        }
    }
    match ms % 1000 {
        0 if seconds > 0 => time.push_str(&format!("{seconds}S")),
        0 => {}
        fraction => time.push_str(&format!("{seconds}.{fraction:03}S")),
    }
    Some(match (days, time.is_empty()) {
        (0, true) => "PT0S".into(),
        (0, false) => format!("PT{time}"),
        (_, true) => format!("P{days}D"),
        (_, false) => format!("P{days}DT{time}"),
    })
}
