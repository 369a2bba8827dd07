//! Connection strings: `s3:`, `http(s):` and other schemes as s3db.js 13.6 reads
//! them, `memory:` and `file:` for the embedded stores. Parsing is WHATWG URL.

use crate::error::{Error, Kind, Result};
use crate::value::{Object, Value, js_order};
use std::path::{Component, Path, PathBuf};
use url::Url;

/// Region of a string that names none.
pub const DEFAULT_REGION: &str = "us-east-1";
/// `endpoint` of an `s3:` string that names none; see [`effective_endpoint`].
pub const DEFAULT_ENDPOINT: &str = "https://s3.us-east-1.amazonaws.com";
/// Bucket of a string that names none.
const DEFAULT_BUCKET: &str = "s3db";
/// Parameters that would change how the object itself works.
const UNSAFE_NAMES: [&str; 3] = ["__proto__", "constructor", "prototype"];
/// Words in names of parameters whose values are not repeated in errors.
const SECRET_WORDS: [&str; 6] = ["secret", "token", "password", "passphrase", "accesskey", "credential"];

/// Properties of a connection, in the order of s3db.js.
pub fn parse(text: &str) -> Result<Object> {
    let url = Url::parse(text).map_err(|_| invalid(text, format!("Invalid connection string: {}", redact(text)), "ERR_INVALID_URL"))?;
    let mut connection = match url.scheme() {
        "s3" => s3(&url, text)?,
        "memory" => memory(&url),
        "file" => file(&url, text)?,
        _ => endpoint(&url, text)?,
    };
    for (name, value) in url.query_pairs() {
        if !UNSAFE_NAMES.contains(&name.as_ref()) {
            connection.insert(name.into_owned(), Value::String(value.into_owned()));
        }
    }
    js_order(&mut connection);
    Ok(connection)
}

/// Query parameters as options: dots nest, `true`, `false` and decimal numbers are converted.
pub fn client_options(text: &str) -> Result<Object> {
    let url = Url::parse(text).map_err(|_| invalid(text, format!("Invalid connection string: {}", redact(text)), "ERR_INVALID_URL"))?;
    Ok(options(&url))
}

/// Endpoint to connect to; `None` for the one that belongs to the region.
///
/// An `s3:` string carries the us-east-1 endpoint whatever its region, since callers
/// read that property; only an endpoint given on purpose is used.
pub fn effective_endpoint(connection: &Object) -> Option<&str> {
    let endpoint = connection.get("endpoint").and_then(Value::as_str).filter(|e| !e.is_empty())?;
    // Strings with an endpoint of their own have the boolean; a parameter is a string.
    let own = connection.get("forcePathStyle") == Some(&Value::Bool(true));
    (own || endpoint != DEFAULT_ENDPOINT).then_some(endpoint)
}

fn s3(url: &Url, text: &str) -> Result<Object> {
    let bucket = bucket(url.host_str().unwrap_or_default(), text)?;
    let (key, secret) = credentials(url, text)?;
    Ok(object([
        ("region", DEFAULT_REGION.into()),
        ("bucket", bucket.into()),
        ("accessKeyId", key.into()),
        ("secretAccessKey", secret.into()),
        ("endpoint", DEFAULT_ENDPOINT.into()),
        ("keyPrefix", after_first_slash(url.path()).into()),
    ]))
}

fn endpoint(url: &Url, text: &str) -> Result<Object> {
    let (key, secret) = credentials(url, text)?;
    let path = after_first_slash(url.path());
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    Ok(object([
        ("region", DEFAULT_REGION.into()),
        ("forcePathStyle", true.into()),
        ("endpoint", url.origin().ascii_serialization().into()),
        ("accessKeyId", key.into()),
        ("secretAccessKey", secret.into()),
        ("bucket", bucket(first, text)?.into()),
        ("keyPrefix", rest.into()),
    ]))
}

fn memory(url: &Url) -> Object {
    let host = url.host_str().unwrap_or_default();
    let prefix = after_first_slash(url.path()).trim_end_matches('/');
    // Nothing leaves the process, so a stray `%` is kept as it is.
    let plain = |text: &str| decode(text).unwrap_or_else(|| text.to_owned());
    embedded(
        DEFAULT_REGION,
        if host.is_empty() { DEFAULT_BUCKET.to_owned() } else { plain(host) },
        "memory://localhost".to_owned(),
        plain(prefix),
        "memory",
        Value::Undefined,
        options(url),
    )
}

fn file(url: &Url, text: &str) -> Result<Object> {
    let written = written_path(text);
    let path = decode(&written).ok_or_else(|| invalid(text, "Invalid path in file:// connection string", "URIError"))?;
    let needs_path = || {
        Error::new(Kind::ConnectionString, "file:// connection string requires a path")
            .with_code("ERR_INVALID_URL")
            .with("input", redact(text))
    };
    if path.trim_matches('/').is_empty() {
        return Err(needs_path());
    }
    let base = absolute(&path).ok_or_else(needs_path)?;
    Ok(embedded(
        "local",
        DEFAULT_BUCKET.to_owned(),
        format!("file://{base}"),
        String::new(),
        "filesystem",
        base.into(),
        options(url),
    ))
}

/// Properties of the embedded stores, in the order of later versions of s3db.js.
fn embedded(region: &str, bucket: String, endpoint: String, prefix: String, kind: &str, base_path: Value, options: Object) -> Object {
    object([
        ("region", region.into()),
        ("bucket", bucket.into()),
        ("accessKeyId", Value::Undefined),
        ("secretAccessKey", Value::Undefined),
        ("sessionToken", Value::Undefined),
        ("endpoint", endpoint.into()),
        ("keyPrefix", prefix.into()),
        ("forcePathStyle", true.into()),
        ("clientType", kind.into()),
        ("basePath", base_path),
        ("clientOptions", Value::Object(options)),
    ])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Path of a `file:` string as written: the URL parser would take `.` for a host.
fn written_path(text: &str) -> String {
    let text: String = text
        .trim_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .collect();
    let path = text.get("file:".len()..).unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.strip_prefix("//") {
        Some(rest) => {
            let local = rest.strip_prefix("localhost").filter(|rest| rest.starts_with('/'));
            let rest = local.unwrap_or(rest);
            let relative = rest == "." || rest == ".." || rest.starts_with("./") || rest.starts_with("../");
            if rest.is_empty() || rest.starts_with('/') || relative {
                rest.to_owned()
            } else {
                format!("/{rest}")
            }
        }
        None if path.is_empty() || path.starts_with('/') => path.to_owned(),
        None => format!("/{path}"),
    }
}

/// Absolute form without `.`, `..` and trailing slashes; a drive letter loses the slash before it.
fn absolute(path: &str) -> Option<String> {
    let drive = path.strip_prefix('/').filter(|rest| {
        let bytes = rest.as_bytes();
        cfg!(windows) && bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
    });
    let path = Path::new(drive.unwrap_or(path));
    let full = if path.is_absolute() {
        path.to_owned()
    } else {
        std::env::current_dir().ok()?.join(path)
    };
    let mut clean = PathBuf::new();
    for part in full.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean.parent()?;
    clean.to_str().map(str::to_owned)
}

fn credentials(url: &Url, text: &str) -> Result<(String, String)> {
    let part = |value: &str, name: &str| {
        decode(value).ok_or_else(|| invalid(text, format!("Invalid {name} in connection string"), "URIError").with("field", name))
    };
    Ok((
        part(url.username(), "accessKeyId")?,
        part(url.password().unwrap_or_default(), "secretAccessKey")?,
    ))
}

fn bucket(encoded: &str, text: &str) -> Result<String> {
    if encoded.is_empty() {
        return Ok(DEFAULT_BUCKET.to_owned());
    }
    decode(encoded).ok_or_else(|| invalid(text, "Invalid bucket in connection string", "URIError").with("field", "bucket"))
}

fn after_first_slash(path: &str) -> &str {
    path.split_once('/').map(|(_, rest)| rest).unwrap_or_default()
}

fn options(url: &Url) -> Object {
    let mut options = Object::default();
    for (name, value) in url.query_pairs() {
        let path: Vec<&str> = name.split('.').collect();
        if path.iter().any(|part| UNSAFE_NAMES.contains(part)) {
            continue;
        }
        insert(&mut options, &path, coerce(&value));
    }
    options
}

fn insert(target: &mut Object, path: &[&str], value: Value) {
    match path {
        [] => {}
        [name] => {
            target.insert((*name).to_owned(), value);
        }
        [name, rest @ ..] => {
            let slot = target.entry((*name).to_owned()).or_insert(Value::Null);
            if slot.as_object().is_none() {
                *slot = Value::Object(Object::default());
            }
            if let Value::Object(inner) = slot {
                insert(inner, rest, value);
            }
        }
    }
    js_order(target);
}

fn coerce(text: &str) -> Value {
    match text {
        "true" => return true.into(),
        "false" => return false.into(),
        _ => {}
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let decimal = match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    };
    match text.parse::<f64>() {
        Ok(number) if decimal => number.into(),
        _ => text.into(),
    }
}

/// `decodeURIComponent`: `None` where JavaScript throws.
fn decode(text: &str) -> Option<String> {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' && !(rest.next()?.is_ascii_hexdigit() && rest.next()?.is_ascii_hexdigit()) {
            return None;
        }
    }
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

fn invalid(text: &str, message: impl Into<String>, code: &str) -> Error {
    Error::new(Kind::ConnectionString, message)
        .with_code(code)
        .with("input", redact(text))
}

/// The string without user info and without the values of secret parameters.
pub fn redact(text: &str) -> String {
    let (scheme, rest) = match text.find("://") {
        Some(at) => text.split_at(at + 3),
        None => match text.rfind('@') {
            Some(at) => return format!("***{}", redact_query(&text[at..])),
            None => ("", text),
        },
    };
    // A slash, `?` or `#` in an unescaped secret would end the authority early: everything before
    // the last `@` goes, except one that can only belong to the query of a sound authority.
    let query = rest.find('?').filter(|at| !rest[..*at].contains(':') || rest[..*at].contains('@'));
    let (place, query) = rest.split_at(query.unwrap_or(rest.len()));
    let shown = match place.rfind('@') {
        Some(at) => format!("***{}", &place[at..]),
        None => {
            let authority = place.split('/').next().unwrap_or_default();
            let port = authority.rsplit_once(':').map(|(_, port)| port);
            let bracketed = authority.starts_with('[') && authority.contains(']');
            // `KEY:SECRET` without a host behind it.
            match port {
                Some(port) if !bracketed && !port.bytes().all(|b| b.is_ascii_digit()) => "***".to_owned(),
                _ => place.to_owned(),
            }
        }
    };
    format!("{scheme}{shown}{}", redact_query(query))
}

fn redact_query(text: &str) -> String {
    text.split_inclusive('&')
        .map(|part| {
            let Some((name, value)) = part.split_once('=') else {
                return part.to_owned();
            };
            let lower = name.to_ascii_lowercase();
            if SECRET_WORDS.iter().any(|word| lower.contains(word)) {
                format!("{name}=***{}", if value.ends_with('&') { "&" } else { "" })
            } else {
                part.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
