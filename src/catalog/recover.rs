//! Recovery of damaged JSON text. Every repair works outside of strings and
//! on the original text.

use serde_json::Value as Json;

/// Result of [`recover`].
pub(super) enum Recovered {
    /// The repair number that made it parse, 1 to 3.
    Fix(u8, Json),
    /// None did.
    No,
}

/// Tries the repairs in order.
pub(super) fn recover(text: &str) -> Recovered {
    let fixes = [without_trailing_commas(text), with_quoted_keys(text), with_closing_brackets(text)];
    for (number, fixed) in (1u8..).zip(fixes) {
        if let Ok(json) = serde_json::from_str(&fixed) {
            return Recovered::Fix(number, json);
        }
    }
    Recovered::No
}

/// Splits text into pieces outside strings (`false`) and whole string literals (`true`).
fn pieces(text: &str) -> Vec<(bool, &str)> {
    let (mut parts, mut start, mut inside, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => {
                let end = if inside { at + 1 } else { at };
                parts.push((inside, &text[start..end]));
                start = end;
                inside = !inside;
            }
            _ => {}
        }
    }
    parts.push((inside, &text[start..]));
    parts
}

/// Removes commas that directly precede `}` or `]`.
fn without_trailing_commas(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (string, piece) in pieces(text) {
        if string {
            out.push_str(piece);
            continue;
        }
        for (at, c) in piece.char_indices() {
            let closes = || piece[at + 1..].trim_start().starts_with(['}', ']']);
            if c != ',' || !closes() {
                out.push(c);
            }
        }
    }
    out
}

/// Quotes bare identifiers that follow `{` or `,` and precede `:`.
fn with_quoted_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for (string, piece) in pieces(text) {
        if string {
            out.push_str(piece);
            continue;
        }
        let mut rest = piece;
        while let Some(at) = rest.find(['{', ',']) {
            let (head, tail) = rest.split_at(at + 1);
            out.push_str(head);
            let name_at = tail.len() - tail.trim_start().len();
            let name_len = tail[name_at..]
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'))
                .unwrap_or(tail.len() - name_at);
            let name = &tail[name_at..name_at + name_len];
            let after = &tail[name_at + name_len..];
            if name.starts_with(|c: char| !c.is_ascii_digit()) && after.trim_start().starts_with(':') {
                out.push_str(&tail[..name_at]);
                out.push('"');
                out.push_str(name);
                out.push('"');
                rest = after;
            } else {
                rest = tail;
            }
        }
        out.push_str(rest);
    }
    out
}

/// Appends the missing `]`, then the missing `}`.
fn with_closing_brackets(text: &str) -> String {
    let outside: String = pieces(text)
        .into_iter()
        .filter(|(string, _)| !string)
        .map(|(_, piece)| piece)
        .collect();
    let missing = |open: char, close: char| outside.matches(open).count().saturating_sub(outside.matches(close).count());
    format!("{text}{}{}", "]".repeat(missing('[', ']')), "}".repeat(missing('{', '}')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(text: &str) -> Option<(u8, String)> {
        match recover(text) {
            Recovered::Fix(number, json) => Some((number, json.to_string())),
            Recovered::No => None,
        }
    }

    #[test]
    fn each_repair_does_its_part() {
        assert_eq!(fix(r#"{"a":[1,2,],}"#), Some((1, r#"{"a":[1,2]}"#.into())));
        assert_eq!(fix("{\"a\":1 ,\n }"), Some((1, r#"{"a":1}"#.into())));
        assert_eq!(fix(r#"{a:1, $b_2 : {c:"x"}}"#), Some((2, r#"{"a":1,"$b_2":{"c":"x"}}"#.into())));
        assert_eq!(fix(r#"{"a":{"b":[1"#), Some((3, r#"{"a":{"b":[1]}}"#.into())));
        assert_eq!(fix(r#"{"a":{"b":1"#), Some((3, r#"{"a":{"b":1}}"#.into())));
        assert_eq!(fix("nonsense"), None);
        assert_eq!(fix(r#"{"a":"cut"#), None);
        assert_eq!(fix(r#"{"a":1}}"#), None);
    }

    #[test]
    fn strings_are_left_alone() {
        assert_eq!(fix(r#"{"a":",}{b:","c":1,}"#), Some((1, r#"{"a":",}{b:","c":1}"#.into())));
        assert_eq!(fix(r#"{"a":"\",}",b:2}"#), Some((2, r#"{"a":"\",}","b":2}"#.into())));
        assert_eq!(fix(r#"{"a":"{[","b":1"#), Some((3, r#"{"a":"{[","b":1}"#.into())));
    }
}
