//! Password hashes (spec/04 section 8 and the compact forms of section 18).

use super::base62;
use crate::error::{Error, Kind, Result};

fn invalid(message: &str) -> Error {
    Error::validation("password", message).with_status(400)
}

/// bcrypt hash, `$2b$`, 60 characters. Passwords beyond 72 bytes are cut there, as bcrypt does.
pub fn hash(password: &str, rounds: u32) -> Result<String> {
    if password.is_empty() {
        return Err(invalid("Password must be a non-empty string"));
    }
    if !(4..=31).contains(&rounds) {
        return Err(Error::validation("rounds", "Bcrypt rounds must be between 4 and 31")
            .with_status(400)
            .with("value", rounds));
    }
    let mut salt = [0u8; 16];
    crate::ambient::random_bytes(&mut salt);
    bcrypt::hash_with_salt(truncated(password), rounds, salt)
        .map(|parts| parts.format_for_version(bcrypt::Version::TwoB))
        .map_err(|_| Error::new(Kind::Crypto, "Password hashing failed"))
}

/// The first 72 bytes, which is all that bcrypt sees.
fn truncated(password: &str) -> &[u8] {
    let bytes = password.as_bytes();
    &bytes[..bytes.len().min(72)]
}

/// Hash without `$2b$NN$`: 53 characters.
pub fn compact(hash: &str) -> Result<String> {
    if hash.is_empty() {
        return Err(invalid("Invalid bcrypt hash"));
    }
    if !hash.starts_with("$2") {
        return Err(invalid("Not a valid bcrypt hash"));
    }
    let parts: Vec<&str> = hash.split('$').collect();
    match parts.as_slice() {
        ["", _, _, rest] => Ok((*rest).to_owned()),
        _ => Err(invalid("Invalid bcrypt hash format")),
    }
}

/// Full hash of a compact one.
pub fn expand(compact: &str, rounds: u32) -> Result<String> {
    if compact.is_empty() {
        return Err(invalid("Invalid compacted hash"));
    }
    if compact.starts_with('$') {
        return Ok(compact.to_owned());
    }
    Ok(format!("$2b${rounds:02}${compact}"))
}

/// Full bcrypt hash, or any other text of 53 characters.
pub fn is_hash(text: &str) -> bool {
    let units = text.encode_utf16().count();
    if text.starts_with("$2") && units == 60 {
        return true;
    }
    !text.starts_with('$') && units == 53
}

/// Cost and digest of the compact bcrypt form of s3db.js 21: `$<base62 cost>$<53 characters>`.
fn later_compact(text: &str) -> Option<(u32, &str)> {
    let (cost, rest) = text.strip_prefix('$')?.split_once('$')?;
    let n = base62::decode(cost);
    (rest.len() == 53 && cost.len() <= 2 && (4.0..=31.0).contains(&n)).then_some((n as u32, rest))
}

/// A stored form that must not be hashed again: any of the above.
pub fn is_stored_hash(text: &str) -> bool {
    is_bcrypt_text(text) || later_compact(text).is_some_and(|(_, rest)| is_bcrypt_text(rest))
}

/// Full hash or exactly 53 characters of bcrypt's alphabet.
fn is_bcrypt_text(text: &str) -> bool {
    let rest = match text.strip_prefix("$2") {
        Some(_) if text.len() == 60 => &text[7..],
        Some(_) => return false,
        None => text,
    };
    rest.len() == 53 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/'))
}

/// True when `password` gives `hash`; compact hashes are tried with each of `rounds`. Never fails.
pub fn verify(password: &str, hash: &str, rounds: &[u32]) -> bool {
    if password.is_empty() || hash.is_empty() {
        return false;
    }
    let check = |full: &str| bcrypt::verify(truncated(password), full).unwrap_or(false);
    if let Some((cost, rest)) = later_compact(hash) {
        return check(&format!("$2b${cost:02}${rest}"));
    }
    if hash.starts_with('$') {
        return check(hash);
    }
    rounds.iter().any(|r| (4..=31).contains(r) && check(&format!("$2b${r:02}${hash}")))
}
