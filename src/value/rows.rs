//! Rows of scalars in one flat JSON array, the form in which many records of few shapes cross the boundary.

use super::Value;
use crate::error::{Error, Kind, Result};
use std::borrow::Cow;

/// A text, number or boolean.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// String.
    Text(Cow<'a, str>),
    /// Number.
    Number(f64),
    /// Boolean.
    Bool(bool),
}

impl<'a> Scalar<'a> {
    /// The scalar of a value, if it is one.
    pub fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::String(s) => Some(Self::Text(Cow::Borrowed(s))),
            Value::Number(n) => Some(Self::Number(*n)),
            Value::Bool(b) => Some(Self::Bool(*b)),
            _ => None,
        }
    }

    /// The value.
    pub fn into_value(self) -> Value {
        match self {
            Self::Text(s) => Value::String(s.into_owned()),
            Self::Number(n) => Value::Number(n),
            Self::Bool(b) => Value::Bool(b),
        }
    }
}

/// Reads the scalars of an array text as `JSON.stringify` prints it: without blanks.
#[derive(Debug)]
pub struct Rows<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rows<'a> {
    /// Reader of `text`; the empty text has no items.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next scalar; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Scalar<'a>>> {
        let bytes = self.text.as_bytes();
        match (self.at, bytes.get(self.at)) {
            (0, None) => return Ok(None),
            (0, Some(b'[')) if bytes.get(1) == Some(&b']') => self.at = 1,
            (0, Some(b'[')) => {}
            (1.., Some(b',')) => {}
            (1.., Some(b']')) if self.at + 1 == bytes.len() => return Ok(None),
            _ => return Err(self.invalid()),
        }
        if bytes.get(self.at) == Some(&b']') {
            return self.read();
        }
        self.at += 1;
        match bytes.get(self.at) {
            Some(b'"') => self.text().map(|text| Some(Scalar::Text(text))),
            Some(b't') => self.word("true", true),
            Some(b'f') => self.word("false", false),
            Some(b'-' | b'0'..=b'9') => self.number().map(|n| Some(Scalar::Number(n))),
            _ => Err(self.invalid()),
        }
    }

    fn text(&mut self) -> Result<Cow<'a, str>> {
        let from = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut end = from;
        let mut escaped = false;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                Some(_) => end += 1,
                None => return Err(self.invalid()),
            }
        }
        let raw = self.text.get(from..end).ok_or_else(|| self.invalid())?;
        let text = if escaped {
            Cow::Owned(serde_json::from_str(&self.text[self.at..=end]).map_err(|_| self.invalid())?)
        } else {
            Cow::Borrowed(raw)
        };
        self.at = end + 1;
        Ok(text)
    }

    fn word(&mut self, word: &str, value: bool) -> Result<Option<Scalar<'a>>> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.invalid());
        }
        self.at += word.len();
        Ok(Some(Scalar::Bool(value)))
    }

    fn number(&mut self) -> Result<f64> {
        let bytes = &self.text.as_bytes()[self.at..];
        let length = bytes
            .iter()
            .position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .unwrap_or(bytes.len());
        // Whole numbers of up to 15 digits are exact.
        let number = if length <= 15 && bytes[..length].iter().all(u8::is_ascii_digit) {
            bytes[..length].iter().fold(0_u64, |n, digit| n * 10 + u64::from(digit - b'0')) as f64
        } else {
            self.text[self.at..self.at + length].parse().map_err(|_| self.invalid())?
        };
        self.at += length;
        Ok(number)
    }

    fn invalid(&self) -> Error {
        Error::new(Kind::Validation, format!("invalid rows at byte {}", self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Value>> {
        let mut rows = Rows::new(text);
        std::iter::from_fn(|| rows.read().transpose())
            .map(|scalar| scalar.map(Scalar::into_value))
            .collect()
    }

    #[test]
    fn scalars_are_read_as_json_is() {
        for text in [
            "[]",
            r#"["a","",true,false,0,-1,1.5,1e21,-2.5e-7,123456789012345,1234567890123456789,0.1]"#,
            r#"["q\"uote","back\\","\\","\u0001\n","ü","\\\"",90,"\ud83d\ude00"]"#,
        ] {
            let Value::Array(expected) = crate::value::text::parse(text).expect("JSON") else {
                unreachable!()
            };
            assert_eq!(all(text).expect(text), expected);
        }
        assert_eq!(all("").expect("nothing"), []);
    }

    #[test]
    fn malformed_rows_are_refused() {
        for text in [
            "x", "[", "[1", "[1,", "[1,]", "[\"a]", "[\"a\\", "[tru]", "[null]", "[1]2", "[[1]]", "[1 ,2]", "[-]", "[,1]",
        ] {
            assert!(all(text).is_err(), "{text}");
        }
    }
}
