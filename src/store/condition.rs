//! Conditions as the embedded stores evaluate them.

use super::{Condition, bare_etag};
use crate::error::{Error, Result};

/// Whether an `If-Match` value (one ETag, a comma list or `*`) names `current`.
pub fn etag_matches(wanted: &str, current: &str) -> bool {
    wanted.split(',').map(bare_etag).any(|tag| tag == "*" || tag == current)
}

/// Fails with a precondition error unless `condition` holds for the object whose ETag is `current`.
pub fn check(condition: &Condition, current: Option<&str>, key: &str) -> Result<()> {
    match (condition, current) {
        (Condition::None, _) | (Condition::IfAbsent, None) => Ok(()),
        (Condition::IfAbsent, Some(_)) => Err(Error::precondition(key).with("condition", "if-none-match")),
        (Condition::IfMatch(wanted), Some(etag)) if etag_matches(wanted, etag) => Ok(()),
        (Condition::IfMatch(_), _) => Err(Error::precondition(key).with("condition", "if-match")),
    }
}

/// [`check`] for an optional `If-Match` alone.
pub fn check_match(wanted: Option<&str>, current: Option<&str>, key: &str) -> Result<()> {
    match (wanted, current) {
        (None, _) => Ok(()),
        (Some(wanted), Some(etag)) if etag_matches(wanted, etag) => Ok(()),
        (Some(_), _) => Err(Error::precondition(key).with("condition", "if-match")),
    }
}
