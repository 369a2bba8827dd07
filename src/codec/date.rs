//! ISO 8601 dates as `Date.parse` reads them.

/// Epoch milliseconds of `YYYY-MM-DD` or `YYYY-MM-DDTHH:mm[:ss[.s+]](Z|+hh:mm|-hh:mm)`.
/// Times without an offset are refused: their meaning depends on the machine.
pub fn parse(text: &str) -> Option<f64> {
    if !text.is_ascii() {
        return None;
    }
    let (year, rest) = match text.as_bytes().first()? {
        b'+' | b'-' => (text.get(..7)?.parse::<i64>().ok()?, text.get(7..)?),
        _ => (digits(text, 0, 4)?, text.get(4..)?),
    };
    let (month, day) = (part(rest, 0, '-')?, part(rest, 3, '-')?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let days = days_from_civil(year, month, day) as f64;
    let time = &rest[6..];
    let ms = if time.is_empty() { 0.0 } else { time_of_day(time)? };
    let total = days * 86_400_000.0 + ms;
    (total.abs() <= 8.64e15).then_some(total)
}

fn digits(text: &str, from: usize, count: usize) -> Option<i64> {
    let part = text.get(from..from + count)?;
    part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten()
}

fn part(text: &str, at: usize, separator: char) -> Option<i64> {
    text.get(at..)?.strip_prefix(separator)?;
    digits(text, at + 1, 2)
}

fn time_of_day(text: &str) -> Option<f64> {
    let (hour, minute) = (part(text, 0, 'T')?, part(text, 3, ':')?);
    let mut rest = text.get(6..)?;
    let mut second = 0;
    let mut fraction = 0.0;
    if rest.starts_with(':') {
        second = part(rest, 0, ':')?;
        rest = rest.get(3..)?;
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
            fraction = (format!("0.{}", tail.get(..end.min(9))?).parse::<f64>().ok()? * 1000.0 + 1e-6).floor();
            rest = tail.get(end..)?;
        }
    }
    let offset = match rest {
        "Z" => 0,
        _ => {
            let sign = match rest.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            if rest.len() != 6 || rest.as_bytes()[3] != b':' {
                return None;
            }
            sign * (digits(rest, 1, 2)? * 60 + digits(rest, 4, 2)?)
        }
    };
    if minute > 59 || second > 59 || hour > 24 || (hour == 24 && (minute, second) != (0, 0)) {
        return None;
    }
    Some((((hour * 60 + minute - offset) * 60 + second) * 1000) as f64 + fraction)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::value::text::iso_date;

    #[test]
    fn dates_parse_and_print_the_same() {
        for iso in [
            "1970-01-01T00:00:00.000Z",
            "2024-02-29T23:59:59.999Z",
            "0001-01-01T00:00:00.000Z",
            "-000001-12-31T12:00:00.001Z",
        ] {
            assert_eq!(parse(iso).and_then(iso_date).as_deref(), Some(iso));
        }
        assert_eq!(parse("2024-05-06").and_then(iso_date).as_deref(), Some("2024-05-06T00:00:00.000Z"));
        assert_eq!(
            parse("2024-05-06T02:00:00+02:00").and_then(iso_date).as_deref(),
            Some("2024-05-06T00:00:00.000Z")
        );
        for bad in [
            "",
            "2024",
            "2023-02-29",
            "2024-05-06T10:00",
            "2024-05-06 10:00Z",
            "text",
            "2024-13-01",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
