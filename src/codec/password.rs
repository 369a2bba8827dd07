//! bcrypt hashes in their stored forms, and what is common to all password hashes (spec/04 section 8 and the compact forms
//! of section 18). Argon2 is in [`super::argon`].

use super::argon;
use super::base62;
use crate::error::{Error, Kind, Result};

/// What stands before the 53 characters of salt and digest of a compact bcrypt hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BcryptForm {
    /// Nothing, as 13.6 stores it; the cost is not told.
    Bare,
    /// `$<base62 cost>$`, as s3db.js 21 stores it.
    WithCost,
}

/// How a `password` attribute is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// `password`: bcrypt, 53 characters.
    #[default]
    Bare,
    /// `password:bcrypt`: bcrypt with its cost.
    Bcrypt,
    /// `password:argon2id`.
    Argon2id,
}

impl Scheme {
    /// Name of the algorithm where the definition has one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Scheme::Bare => None,
            Scheme::Bcrypt => Some("bcrypt"),
            Scheme::Argon2id => Some("argon2id"),
        }
    }

    /// Scheme of an algorithm.
    pub fn parse(name: &str) -> Option<Self> {
        [Scheme::Bcrypt, Scheme::Argon2id].into_iter().find(|s| s.name() == Some(name))
    }
}

/// Stored form of a password: hashed, unless it is a hash that tells so by its start.
pub fn protect(password: &str, scheme: Scheme, rounds: u32, pepper: &str, cost: argon::Cost) -> Result<String> {
    if is_marked_hash(password) {
        return Ok(password.to_owned());
    }
    let bcrypt = |form| {
        if password.is_empty() {
            return Err(invalid("Password must be a non-empty string"));
        }
        compact(&hash(&peppered(password, pepper), rounds)?, form)
    };
    match scheme {
        Scheme::Bare => bcrypt(BcryptForm::Bare),
        Scheme::Bcrypt => bcrypt(BcryptForm::WithCost),
        Scheme::Argon2id => argon::hash(password, pepper, cost),
    }
}

/// A password with the pepper of the database, which is appended to it.
pub fn peppered(password: &str, pepper: &str) -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(format!("{password}{pepper}"))
}

pub(super) fn invalid(message: &str) -> Error {
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

/// Hash without `$2b$NN$`, 53 characters, or with the cost in base62; Argon2 hashes have one compact form. A compact hash
/// of s3db.js 21 is returned as it is.
pub fn compact(hash: &str, form: BcryptForm) -> Result<String> {
    if hash.is_empty() {
        return Err(invalid("Invalid bcrypt hash"));
    }
    if later_compact(hash).is_some() || argon::is_compact(hash) {
        return Ok(hash.to_owned());
    }
    if argon::is_argon2(hash) {
        return argon::compact(hash);
    }
    if !hash.starts_with("$2") {
        return Err(invalid("Not a valid bcrypt hash"));
    }
    let parts: Vec<&str> = hash.split('$').collect();
    match (parts.as_slice(), form) {
        (["", _, _, rest], BcryptForm::Bare) => Ok((*rest).to_owned()),
        (["", _, cost, rest], BcryptForm::WithCost) => {
            let cost: u32 = cost.parse().map_err(|_| invalid("Invalid bcrypt hash format"))?;
            Ok(format!("${}${rest}", base62::encode(f64::from(cost))))
        }
        _ => Err(invalid("Invalid bcrypt hash format")),
    }
}

/// Full hash of a compact one; `rounds` is the cost where the hash does not tell it.
pub fn expand(compact: &str, rounds: u32) -> Result<String> {
    if compact.is_empty() {
        return Err(invalid("Invalid compacted hash"));
    }
    if let Some((cost, rest)) = later_compact(compact) {
        return Ok(format!("$2b${cost:02}${rest}"));
    }
    if let Some(full) = argon::expand(compact) {
        return Ok(full);
    }
    if compact.starts_with('$') {
        return Ok(compact.to_owned());
    }
    Ok(format!("$2b${rounds:02}${compact}"))
}

/// Full bcrypt hash, the compact form of s3db.js 21, or any other text of 53 characters.
pub fn is_hash(text: &str) -> bool {
    let units = text.encode_utf16().count();
    if text.starts_with("$2") && units == 60 || later_compact(text).is_some() {
        return true;
    }
    !text.starts_with('$') && units == 53
}

/// `bcrypt`, `argon2id`, `argon2i` or `argon2d`; `None` for what is no hash.
pub fn algorithm(text: &str) -> Option<&'static str> {
    argon::algorithm(text).or_else(|| is_hash(text).then_some("bcrypt"))
}

/// Cost and digest of the compact bcrypt form of s3db.js 21: `$<base62 cost>$<53 characters>`.
fn later_compact(text: &str) -> Option<(u32, &str)> {
    let (cost, rest) = text.strip_prefix('$')?.split_once('$')?;
    let n = base62::decode(cost);
    (rest.len() == 53 && cost.len() <= 2 && (4.0..=31.0).contains(&n)).then_some((n as u32, rest))
}

/// A stored form, of any algorithm.
pub fn is_stored_hash(text: &str) -> bool {
    is_bcrypt_text(text) || is_marked_hash(text)
}

/// A hash that tells so by its start and so is not hashed again. 53 bare characters may be a password.
pub fn is_marked_hash(text: &str) -> bool {
    text.starts_with('$')
        && (is_bcrypt_text(text) || later_compact(text).is_some_and(|(_, rest)| is_bcrypt_text(rest)) || argon::is_argon2(text))
}

/// Full hash or exactly 53 characters of bcrypt's alphabet.
fn is_bcrypt_text(text: &str) -> bool {
    let rest = match text.strip_prefix("$2") {
        Some(_) if text.len() == 60 && text.is_ascii() => match text.as_bytes() {
            [_, _, b'a' | b'b' | b'y', b'$', tens, ones, b'$', ..] if tens.is_ascii_digit() && ones.is_ascii_digit() => &text[7..],
            _ => return false,
        },
        Some(_) => return false,
        None => text,
    };
    rest.len() == 53 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/'))
}

/// True when `password` (with its pepper) gives `hash`; bare hashes are tried with each of `rounds`. Never fails.
pub fn verify(password: &str, hash: &str, rounds: &[u32]) -> bool {
    if password.is_empty() || hash.is_empty() {
        return false;
    }
    if argon::is_argon2(hash) {
        return argon::verify(password, hash);
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
