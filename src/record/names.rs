//! Reserved and residual names of stored records.

/// System fields of a returned record (spec/03 section 5).
pub(crate) const SYSTEM_FIELDS: &[&str] = &[
    "_contentLength",
    "_lastModified",
    "_hasContent",
    "_mimeType",
    "_etag",
    "_v",
    "_definitionHash",
    "_versionId",
    "_expiresAt",
    "_originalVersion",
    "_versionMapped",
    "_partition",
    "_partitionValues",
    "_decryptionFailed",
    "_error",
];

/// True for a system field in any spelling of case (S3 lower-cases metadata names).
pub(crate) fn is_system(name: &str) -> bool {
    SYSTEM_FIELDS.iter().any(|f| f.eq_ignore_ascii_case(name))
}

/// Markers and maps that are not attributes.
pub(crate) fn is_reserved(name: &str) -> bool {
    [
        "_v",
        "_map",
        "_pluginMap",
        "_overflow",
        "_truncated",
        "_e",
        "_x",
        "_rev",
        "_historicalTimestamp",
    ]
    .iter()
    .any(|f| f.eq_ignore_ascii_case(name))
}

/// Undeclared names with an underscore that 13.6 returns.
pub(crate) fn is_kept(name: &str) -> bool {
    name == "_geohash" || name.starts_with("_geohash_zoom")
}

/// Names that updates of 13.6 leave behind.
pub(crate) fn is_residue(name: &str) -> bool {
    name == "id" || name.eq_ignore_ascii_case("metadata_updatedAt")
}

/// Code of an attribute as a metadata key: upper-case letters as `-x`, which S3 cannot fold.
pub(crate) fn escape_code(code: &str) -> String {
    let mut out = String::with_capacity(code.len() + 2);
    for c in code.chars() {
        if c.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// Inverse of [`escape_code`]; `None` unless there is a pair and nothing but digits, lower case and pairs.
pub(crate) fn unescape_code(key: &str) -> Option<String> {
    if !key.contains('-') {
        return None;
    }
    let mut out = String::with_capacity(key.len());
    let mut chars = key.chars();
    while let Some(c) = chars.next() {
        match c {
            '-' => out.push(chars.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => out.push(c),
            _ => return None,
        }
    }
    Some(out)
}

/// Version text without one leading `v`.
pub(crate) fn bare_version(version: &str) -> &str {
    version.strip_prefix('v').unwrap_or(version)
}
