//! Building and parsing of object keys (spec/03 section 4.1, decisions 25 and 55).
//!
//! Keys are concatenated, then normalised as a POSIX path join would (empty and
//! `.` segments dropped), so that ids such as URLs keep the keys that 13.6 gave
//! them. `..` segments, control characters and anything that leaves its prefix
//! are refused, on reads as well. Ids are everything after the known prefix.

mod partition;

pub use partition::{DateHints, Partition, apply_rule, field_value, foreign_date};

use crate::error::{Error, Result};

/// Keys of one resource.
#[derive(Debug, Clone)]
pub struct ResourceKeys {
    name: String,
    data: String,
    content: String,
}

impl ResourceKeys {
    /// Keys of resource `name`; names that would leave the key space are refused.
    pub fn new(name: &str) -> Result<Self> {
        if name.split('/').any(|s| s == "..") || has_control(name) {
            return Err(Error::validation(
                "name",
                format!(
                    "Invalid resource name '{}': '..' segments and control characters are not allowed",
                    printable(name)
                ),
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            data: normalise(&format!("resource={name}/data/")),
            content: normalise(&format!("resource={name}/content/")),
        })
    }

    /// Resource name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `resource=R/data/`
    pub fn data_prefix(&self) -> &str {
        &self.data
    }

    /// `resource=R/content/`
    pub fn content_prefix(&self) -> &str {
        &self.content
    }

    /// `resource=R/`
    pub fn root_prefix(&self) -> String {
        normalise(&format!("resource={}/", self.name))
    }

    /// `resource=R/partition=`, the start of every reference key.
    pub fn partitions_prefix(&self) -> String {
        normalise(&format!("resource={}/partition=", self.name))
    }

    /// Key of a record.
    pub fn record(&self, id: &str) -> Result<String> {
        self.id_key(&self.data, id)
    }

    /// Key of the content object kept beside a record.
    pub fn content(&self, id: &str) -> Result<String> {
        self.id_key(&self.content, id)
    }

    /// Key of the historical copy of a record.
    pub fn historical(&self, id: &str) -> Result<String> {
        self.id_key(&normalise(&format!("resource={}/historical/", self.name)), id)
    }

    /// Id of a record key: everything after `resource=R/data/id=`.
    pub fn id_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(self.data.as_str())?.strip_prefix("id=")
    }

    fn id_key(&self, prefix: &str, id: &str) -> Result<String> {
        check_segment_text("id", id)?;
        let mut key = String::with_capacity(prefix.len() + 3 + id.len());
        key.push_str(prefix);
        key.push_str("id=");
        key.push_str(id);
        Ok(if needs_normalising(id) { normalise(&key) } else { key })
    }
}

/// Refuses ids and partition values that could leave their place in the key space.
pub fn check_segment_text(field: &str, text: &str) -> Result<()> {
    if field == "id" && text.is_empty() {
        return Err(Error::validation(field, "Resource id cannot be empty").with_status(400));
    }
    if text.contains("..") && text.split('/').any(|s| s == "..") {
        return Err(Error::validation(
            field,
            format!("Invalid {field}: '..' path segments are not allowed; use another value"),
        )
        .with_status(400)
        .with("value", printable(text)));
    }
    if has_control(text) {
        return Err(
            Error::validation(field, format!("Invalid {field}: control characters are not allowed; remove them"))
                .with_status(400)
                .with("value", printable(text)),
        );
    }
    if text.len() > 1000 {
        return Err(Error::validation(
            field,
            format!("Invalid {field}: longer than the 1024 bytes of an S3 key; use a shorter value"),
        )
        .with_status(400));
    }
    Ok(())
}

/// Value without control characters, for messages.
fn printable(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn has_control(text: &str) -> bool {
    text.bytes().any(|b| b < 0x20 || b == 0x7f)
}

fn needs_normalising(text: &str) -> bool {
    text.contains('/')
}

/// POSIX normalisation without `..`: empty and `.` segments dropped, a trailing slash kept.
pub fn normalise(key: &str) -> String {
    if !key.contains("//") && !key.contains("./") && !key.ends_with("/.") && !key.starts_with('/') {
        return key.to_owned();
    }
    let mut out = String::with_capacity(key.len());
    for segment in key.split('/').filter(|s| !s.is_empty() && *s != ".") {
        if !out.is_empty() {
            out.push('/');
        }
        out.push_str(segment);
    }
    if key.ends_with('/') {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_keys_match_13_6() {
        let keys = ResourceKeys::new("users").expect("valid");
        assert_eq!(keys.record("u1").expect("valid"), "resource=users/data/id=u1");
        assert_eq!(keys.record("https://x/a").expect("valid"), "resource=users/data/id=https:/x/a");
        assert_eq!(keys.id_of("resource=users/data/id=https:/x/a"), Some("https:/x/a"));
        // As a path join of Node: a slash at the end stays, a dot goes with the slash before it.
        assert_eq!(keys.record("a/").expect("valid"), "resource=users/data/id=a/");
        assert_eq!(keys.record("a/.").expect("valid"), "resource=users/data/id=a");
        assert_eq!(keys.record("a=b%20 ü?#").expect("valid"), "resource=users/data/id=a=b%20 ü?#");
    }

    #[test]
    fn spec03_25_02_traversal_through_ids_is_refused() {
        let keys = ResourceKeys::new("users").expect("valid");
        for id in ["x/../../../resource=other/data/id=1", "..", "../x", "a/..", "a\nb", "\u{7f}", ""] {
            let error = keys.record(id).expect_err(id);
            assert_eq!(error.fields()["field"], "id");
        }
        assert!(keys.record("a..b").is_ok());
        assert!(ResourceKeys::new("a/../b").is_err());
    }
}
