//! Partition references: key order, rules, prefixes, parsing (spec/03 section 11).

use super::{check_segment_text, normalise};
use crate::error::{Error, Kind, Result};
use crate::value::{Object, Value, number, text};

/// `YYYY-MM-DD` by text, as a rule has cut it, for date texts that only JavaScript's parser understands.
pub type DateHints = serde_json::Map<String, serde_json::Value>;

/// A partition with its fields in key order (JavaScript `localeCompare`, computed there).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Partition name.
    pub name: String,
    /// `(field path, rule)` in key order.
    pub fields: Vec<(String, String)>,
}

impl Partition {
    /// `resource=R/partition=P/`
    pub fn root(&self, resource: &str) -> String {
        normalise(&format!("resource={resource}/partition={}/", self.name))
    }

    /// Reference key of a record, or `None` when a field has no value.
    pub fn key(&self, resource: &str, id: &str, record: &Object, hints: Option<&DateHints>) -> Result<Option<String>> {
        if self.fields.is_empty() || id.is_empty() {
            return Ok(None);
        }
        let mut key = self.root(resource);
        for (field, rule) in &self.fields {
            let Some(segment) = self.value_text(field, rule, field_value(record, field), hints)? else {
                return Ok(None);
            };
            key.push_str(field);
            key.push('=');
            key.push_str(&segment);
            key.push('/');
        }
        check_segment_text("id", id)?;
        key.push_str("id=");
        key.push_str(id);
        Ok(Some(normalise(&key)))
    }

    /// Prefix for the requested values and the filter for fields that are not leading.
    /// The prefix ends with `/`, so `view` never matches `viewer`.
    pub fn prefix(&self, resource: &str, values: &Object, hints: Option<&DateHints>) -> Result<(String, Vec<(usize, String)>)> {
        let mut prefix = self.root(resource);
        let mut leading = true;
        let mut filter = Vec::new();
        for (index, (field, rule)) in self.fields.iter().enumerate() {
            match self.value_text(field, rule, values.get(field), hints)? {
                Some(segment) if leading => {
                    prefix.push_str(field);
                    prefix.push('=');
                    prefix.push_str(&segment);
                    prefix.push('/');
                }
                Some(segment) => filter.push((index, normalise(&segment))),
                None => leading = false,
            }
        }
        Ok((normalise(&prefix), filter))
    }

    /// Field values and id of a reference key.
    pub fn parse<'a>(&self, resource: &str, key: &'a str) -> Option<(Vec<&'a str>, &'a str)> {
        let mut rest = key.strip_prefix(self.root(resource).as_str())?;
        let mut values = Vec::with_capacity(self.fields.len());
        for (index, (field, _)) in self.fields.iter().enumerate() {
            rest = rest.strip_prefix(field.as_str())?.strip_prefix('=')?;
            let end = match self.fields.get(index + 1) {
                Some((next, _)) => format!("/{next}="),
                None => "/id=".to_owned(),
            };
            let at = rest.find(&end)?;
            values.push(&rest[..at]);
            rest = &rest[at + 1..];
        }
        Some((values, rest.strip_prefix("id=")?))
    }

    fn value_text(&self, field: &str, rule: &str, value: Option<&Value>, hints: Option<&DateHints>) -> Result<Option<String>> {
        let Some(value) = value.filter(|v| !v.is_nullish()) else {
            return Ok(None);
        };
        let cut = cut_text(value, rule);
        let hint = match (&cut, hints) {
            (Value::String(text), Some(hints)) if rule.contains("date") => hints.get(text).and_then(|day| day.as_str()),
            _ => None,
        };
        let text = match hint {
            Some(day) => day.to_owned(),
            None => number::js_string(&in_days(cut, rule)),
        };
        check_segment_text(field, &text).map_err(|e| {
            Error::new(Kind::Validation, e.message().to_owned())
                .with_status(400)
                .with("field", field)
                .with("partition", self.name.clone())
        })?;
        Ok(Some(text))
    }
}

/// Value at a dotted path; a path without dots is an own member.
pub fn field_value<'a>(record: &'a Object, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let mut current = record.get(parts.next()?)?;
    for part in parts {
        current = current.as_object()?.get(part)?;
    }
    Some(current)
}

/// Rule of a partition field: `maxlength:N` cuts strings, `date` turns dates into `YYYY-MM-DD` (UTC).
pub fn apply_rule(value: &Value, rule: &str) -> Value {
    if value.is_nullish() {
        return value.clone();
    }
    in_days(cut_text(value, rule), rule)
}

/// Text of a date, as the rule cuts it, that perhaps JavaScript's date parser reads: one that stays as it is here.
pub fn foreign_date(value: &Value, rule: &str) -> Option<String> {
    if !rule.contains("date") {
        return None;
    }
    match cut_text(value, rule) {
        Value::String(s) if s.len() != 10 && in_days(Value::String(s.clone()), rule) == Value::String(s.clone()) => Some(s),
        _ => None,
    }
}

/// The value, as `maxlength:N` cuts it.
fn cut_text(value: &Value, rule: &str) -> Value {
    match (max_length(rule), value) {
        (Some(max), Value::String(s)) if s.encode_utf16().count() > max => {
            let units: Vec<u16> = s.encode_utf16().take(max).collect();
            Value::String(String::from_utf16_lossy(&units))
        }
        _ => value.clone(),
    }
}

/// The value as its UTC day, when the rule says `date` and it has one.
fn in_days(value: Value, rule: &str) -> Value {
    if !rule.contains("date") {
        return value;
    }
    let day = match &value {
        Value::Date(ms) => text::iso_date(*ms).map(|iso| iso.split('T').next().unwrap_or_default().to_owned()),
        Value::String(s) => match s.find('T') {
            Some(t) if s.contains('Z') => Some(s[..t].to_owned()),
            _ => iso_day(s),
        },
        _ => None,
    };
    day.map_or(value, Value::String)
}

fn max_length(rule: &str) -> Option<usize> {
    let at = rule.find("maxlength:")? + "maxlength:".len();
    let digits: String = rule[at..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// UTC day of `YYYY`, `YYYY-MM`, `YYYY-MM-DD` (of which days that a month lacks run on into the next) or of an ISO text with
/// a numeric offset; other texts need JavaScript's parser.
fn iso_day(s: &str) -> Option<String> {
    let b = s.as_bytes();
    let digits = |range: std::ops::Range<usize>| -> Option<i64> {
        let part = b.get(range)?;
        if part.iter().all(u8::is_ascii_digit) {
            std::str::from_utf8(part).ok()?.parse().ok()
        } else {
            None
        }
    };
    let part = |at: usize| -> Option<i64> {
        if b.len() <= at {
            return Some(1);
        }
        if b[at] == b'-' { digits(at + 1..at + 3) } else { None }
    };
    let (year, month, day) = (digits(0..4)?, part(4)?, part(7)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let day_of = |minutes: i64| text::iso_date((minutes * 60_000) as f64).map(|iso| iso.split('T').next().unwrap_or_default().to_owned());
    if matches!(b.len(), 4 | 7 | 10) {
        return day_of(days_from_civil(year, month, day) * 1440);
    }
    // 2024-01-02T03:04[:05[.678]]+05:00
    let sign_at = s.rfind(['+', '-']).filter(|at| *at > 10)?;
    let (hour, minute) = (digits(11..13)?, digits(14..16)?);
    let (oh, om) = (digits(sign_at + 1..sign_at + 3)?, digits(sign_at + 4..sign_at + 6)?);
    let sign = if b[sign_at] == b'+' { 1 } else { -1 };
    let minutes = days_from_civil(year, month, day) * 1440 + hour * 60 + minute - sign * (oh * 60 + om);
    day_of(minutes)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(pairs: &[(&str, Value)]) -> Object {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
    }

    fn partition(fields: &[(&str, &str)]) -> Partition {
        Partition {
            name: "byRegion".into(),
            fields: fields.iter().map(|(f, r)| ((*f).into(), (*r).into())).collect(),
        }
    }

    #[test]
    fn reference_keys_match_13_6() {
        let p = partition(&[("country", "string"), ("since", "date|maxlength:10")]);
        let r = record(&[("country", "BR".into()), ("since", "2024-05-06T07:08:09.123Z".into())]);
        let key = p.key("users", "u/1", &r, None).expect("valid").expect("indexed");
        assert_eq!(key, "resource=users/partition=byRegion/country=BR/since=2024-05-06/id=u/1");
        assert_eq!(p.parse("users", &key), Some((vec!["BR", "2024-05-06"], "u/1")));
        assert_eq!(
            p.key("users", "u1", &record(&[("country", Value::Null)]), None).expect("valid"),
            None
        );
    }

    #[test]
    fn days_that_only_javascript_reads_are_those_of_the_cut_text() {
        let p = partition(&[("a", "date"), ("b", "date|maxlength:3"), ("c", "string")]);
        let text: Value = "January 15, 2024".into();
        let r = record(&[("a", text.clone()), ("b", text.clone()), ("c", text)]);
        let hints: DateHints = [
            ("January 15, 2024".to_owned(), "2024-01-15".into()),
            ("Jan".to_owned(), "2001-01-01".into()),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            p.key("users", "1", &r, Some(&hints)).expect("valid").expect("indexed"),
            "resource=users/partition=byRegion/a=2024-01-15/b=2001-01-01/c=January 15, 2024/id=1"
        );
    }

    #[test]
    fn spec03_25_11_prefixes_end_with_a_slash() {
        let p = partition(&[("type", "string"), ("zone", "string")]);
        let (prefix, filter) = p.prefix("e", &record(&[("type", "view".into())]), None).expect("valid");
        assert_eq!(prefix, "resource=e/partition=byRegion/type=view/");
        assert!(filter.is_empty());
        let (prefix, filter) = p.prefix("e", &record(&[("zone", "a".into())]), None).expect("valid");
        assert_eq!(prefix, "resource=e/partition=byRegion/");
        assert_eq!(filter, vec![(1, "a".to_owned())]);
    }

    #[test]
    fn spec03_25_02_partition_values_cannot_leave_their_partition() {
        let p = partition(&[("country", "string")]);
        let error = p
            .key("users", "1", &record(&[("country", "../../x".into())]), None)
            .expect_err("refused");
        assert_eq!(error.fields()["field"], "country");
    }

    #[test]
    fn date_rules_cut_to_the_utc_day() {
        assert_eq!(apply_rule(&"2024-01-02T03:04:05+05:00".into(), "date"), "2024-01-01".into());
        assert_eq!(apply_rule(&"2024-01-02T03:04:05.000Z".into(), "date"), "2024-01-02".into());
        for (text, day) in [
            ("2024-01-02", "2024-01-02"),
            ("2024", "2024-01-01"),
            ("2024-05", "2024-05-01"),
            ("2024-02-30", "2024-03-01"),
            ("2024-04-31", "2024-05-01"),
            ("0099-02-29", "0099-03-01"),
            ("2024-13-01", "2024-13-01"),
            ("2024-01-32", "2024-01-32"),
            ("2024-05-", "2024-05-"),
            ("20240501", "20240501"),
        ] {
            assert_eq!(apply_rule(&text.into(), "date"), day.into(), "{text}");
        }
        assert_eq!(apply_rule(&"2024-05-17".into(), "date|maxlength:7"), "2024-05-01".into());
        assert_eq!(apply_rule(&Value::Date(0.0), "date"), "1970-01-01".into());
        assert_eq!(apply_rule(&"abcdef".into(), "string|maxlength:3"), "abc".into());
        assert_eq!(apply_rule(&Value::Number(5.0), "date"), Value::Number(5.0));
    }
}
