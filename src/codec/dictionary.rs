//! The value dictionary of the metadata encoding (spec/04 6.4).

/// Content types and their codes; `font/woff2` is missing on purpose: its code `f` reads as `failed` (spec/04 15.20).
pub const CONTENT_TYPES: &[(&str, &str)] = &[
    ("application/json", "j"),
    ("application/xml", "X"),
    ("application/ld+json", "J"),
    ("text/html", "H"),
    ("text/plain", "T"),
    ("text/css", "C"),
    ("text/javascript", "V"),
    ("text/csv", "v"),
    ("image/png", "P"),
    ("image/jpeg", "I"),
    ("image/gif", "G"),
    ("image/svg+xml", "S"),
    ("image/webp", "W"),
    ("application/pdf", "Q"),
    ("application/zip", "z"),
    ("application/octet-stream", "o"),
    ("application/x-www-form-urlencoded", "u"),
    ("multipart/form-data", "F"),
    ("font/woff", "w"),
];

/// Status words and their codes.
pub const STATUS: &[(&str, &str)] = &[
    ("processing", "p"),
    ("completed", "c"),
    ("succeeded", "s"),
    ("failed", "f"),
    ("cancelled", "x"),
    ("timeout", "t"),
    ("retrying", "r"),
    ("authorized", "a"),
    ("captured", "K"),
    ("refunded", "R"),
    ("declined", "d"),
    ("shipped", "h"),
    ("delivered", "D"),
    ("returned", "e"),
    ("in_transit", "i"),
    ("initialized", "n"),
    ("terminated", "m"),
];

/// Prefixes and their codes, longest first.
pub const PREFIXES: &[(&str, &str)] = &[
    ("https://s3.amazonaws.com/", "@s"),
    ("https://api.example.com/", "@A"),
    ("http://localhost:", "@L"),
    ("http://localhost", "@l"),
    ("https://api.", "@H"),
    ("https://www.", "@W"),
    ("https://s3-", "@S"),
    ("/products/", "@p"),
    ("/api/v1/", "@1"),
    ("/api/v2/", "@2"),
    ("/api/v3/", "@3"),
    ("https://", "@h"),
    ("http://", "@t"),
    ("/users/", "@u"),
    ("/api/", "@a"),
    ("/v1/", "@v"),
];

/// A hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit<'a> {
    /// The whole value.
    Exact(&'static str),
    /// Code, prefix and remainder.
    Prefix(&'static str, &'static str, &'a str),
}

/// Looks a value up; prefix hits are returned even when they save nothing.
pub fn lookup(value: &str) -> Option<Hit<'_>> {
    let first = *value.as_bytes().first()?;
    // Every entry starts with a lower-case letter or a slash.
    if !(first.is_ascii_lowercase() || first == b'/') || value.len() < 4 {
        return None;
    }
    if first == b'/' || first == b'h' {
        for (prefix, code) in PREFIXES {
            if let Some(rest) = value.strip_prefix(prefix) {
                return Some(Hit::Prefix(code, prefix, rest));
            }
        }
        return None;
    }
    if value.len() > 33 {
        return None;
    }
    CONTENT_TYPES
        .iter()
        .chain(STATUS)
        .find(|(v, _)| v.len() == value.len() && *v == value)
        .map(|(_, code)| Hit::Exact(code))
}

/// Text after `d:`; `None` for an unknown code.
pub fn expand(payload: &str) -> Option<String> {
    if payload.starts_with('@') {
        let code = payload.get(..2)?;
        let (prefix, _) = PREFIXES.iter().find(|(_, c)| *c == code)?;
        return Some(format!("{prefix}{}", &payload[2..]));
    }
    CONTENT_TYPES
        .iter()
        .chain(STATUS)
        .find(|(_, c)| *c == payload)
        .map(|(v, _)| (*v).to_owned())
}
