//! Argon2 hashes: the usual text form and the compact one of s3db.js 21 (spec/04 section 18).
//!
//! Full: `$argon2id$v=19$m=65536,t=3,p=4$<salt>$<digest>`. Compact, Argon2id only:
//! `$<version>|<log2 of memory>|<time>|<parallelism>$<salt>$<digest>`, the numbers in base62.

use super::base62;
use super::packed::number;
use super::password::{invalid, peppered};
use crate::ambient;
use crate::error::{Error, Kind, Result};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;

const SALT: usize = 16;
const DIGEST: usize = 32;
/// 4 GiB: a stored hash is not to exhaust the memory of the process that checks it.
const MAX_MEMORY: u32 = 1 << 22;
const MAX_TIME: u32 = 1 << 16;
const MAX_LANES: u32 = 1 << 10;

/// Cost of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB, a power of two.
    pub memory: u32,
    /// Passes over the memory.
    pub time: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            memory: 65_536,
            time: 3,
            parallelism: 4,
        }
    }
}

impl Cost {
    /// Refuses what Argon2 or the compact form cannot hold.
    pub fn check(self) -> Result<Self> {
        let refuse = |field: &str, what: &str| {
            Err(Error::validation(
                field,
                format!("{field} must be {what} (security.argon2; the defaults are 65536 KiB, 3 and 4)"),
            )
            .with_status(400))
        };
        if !(1..=MAX_LANES).contains(&self.parallelism) {
            return refuse("parallelism", "a whole number from 1 to 1024");
        }
        if !(1..=MAX_TIME).contains(&self.time) {
            return refuse("timeCost", "a whole number from 1 to 65536");
        }
        if !self.memory.is_power_of_two() || !(8 * self.parallelism..=MAX_MEMORY).contains(&self.memory) {
            return refuse(
                "memoryCost",
                "a power of two in KiB, at least 8 times the parallelism and at most 4194304",
            );
        }
        Ok(self)
    }
}

/// Hash in its compact form.
pub fn hash(password: &str, pepper: &str, cost: Cost) -> Result<String> {
    if password.is_empty() {
        return Err(invalid("Password must be a non-empty string"));
    }
    let cost = cost.check()?;
    let mut salt = [0u8; SALT];
    ambient::random_bytes(&mut salt);
    let parts = Parts {
        algorithm: Algorithm::Argon2id,
        version: 19,
        cost,
        salt: salt.to_vec(),
        digest: vec![0; DIGEST],
    };
    let digest = parts
        .compute(peppered(password, pepper).as_bytes())
        .ok_or_else(|| Error::new(Kind::Crypto, "Password hashing failed"))?;
    Ok(Parts { digest, ..parts }.compact())
}

/// A hash taken apart.
struct Parts {
    algorithm: Algorithm,
    version: u32,
    cost: Cost,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Parts {
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.strip_prefix('$')?.split('$').collect();
        let (algorithm, version, cost, salt, digest) = match fields.as_slice() {
            [name, version, cost, salt, digest] => (
                algorithm_of(name)?,
                version.strip_prefix("v=")?.parse().ok()?,
                full_cost(cost)?,
                salt,
                digest,
            ),
            // The first version of the form, 16, is left out of the text.
            [name, cost, salt, digest] => (algorithm_of(name)?, 16, full_cost(cost)?, salt, digest),
            [cost, salt, digest] => {
                let (version, cost) = compact_cost(cost)?;
                (Algorithm::Argon2id, version, cost, salt, digest)
            }
            _ => return None,
        };
        let parts = Parts {
            algorithm,
            version,
            cost,
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            digest: STANDARD_NO_PAD.decode(digest).ok()?,
        };
        (parts.salt.len() >= 8 && parts.digest.len() >= 4).then_some(parts)
    }

    /// The digest of a password under these settings.
    fn compute(&self, password: &[u8]) -> Option<Vec<u8>> {
        let Cost { memory, time, parallelism } = self.cost;
        if memory > MAX_MEMORY || time > MAX_TIME || parallelism > MAX_LANES {
            return None;
        }
        let version = Version::try_from(self.version).ok()?;
        let params = Params::new(memory, time, parallelism, Some(self.digest.len())).ok()?;
        let mut digest = vec![0; self.digest.len()];
        Argon2::new(self.algorithm, version, params)
            .hash_password_into(password, &self.salt, &mut digest)
            .ok()?;
        Some(digest)
    }

    fn compact(&self) -> String {
        let text = |n: u32| base62::encode(f64::from(n));
        format!(
            "${}|{}|{}|{}${}${}",
            text(self.version),
            text(self.cost.memory.ilog2()),
            text(self.cost.time),
            text(self.cost.parallelism),
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.digest)
        )
    }

    fn full(&self) -> String {
        format!(
            "${}$v={}$m={},t={},p={}${}${}",
            self.algorithm,
            self.version,
            self.cost.memory,
            self.cost.time,
            self.cost.parallelism,
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.digest)
        )
    }
}

fn algorithm_of(name: &str) -> Option<Algorithm> {
    match name {
        "argon2id" => Some(Algorithm::Argon2id),
        "argon2i" => Some(Algorithm::Argon2i),
        "argon2d" => Some(Algorithm::Argon2d),
        _ => None,
    }
}

/// `m=65536,t=3,p=4`.
fn full_cost(text: &str) -> Option<Cost> {
    let mut parts = text.split(',');
    let mut value = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
    let cost = Cost {
        memory: value("m")?,
        time: value("t")?,
        parallelism: value("p")?,
    };
    parts.next().is_none().then_some(cost)
}

/// Version and cost of the compact form.
fn compact_cost(text: &str) -> Option<(u32, Cost)> {
    let numbers: Vec<u32> = text.split('|').map(|t| u32::try_from(number(t)?).ok()).collect::<Option<_>>()?;
    let [version, memory, time, parallelism] = numbers[..] else {
        return None;
    };
    let memory = 1u32.checked_shl(memory)?;
    Some((version, Cost { memory, time, parallelism }))
}

/// Any Argon2 hash, full or compact.
pub fn is_argon2(text: &str) -> bool {
    Parts::parse(text).is_some()
}

/// Compact form.
pub fn is_compact(text: &str) -> bool {
    text.contains('|') && is_argon2(text)
}

/// Name of the algorithm.
pub fn algorithm(text: &str) -> Option<&'static str> {
    Parts::parse(text).map(|parts| match parts.algorithm {
        Algorithm::Argon2id => "argon2id",
        Algorithm::Argon2i => "argon2i",
        Algorithm::Argon2d => "argon2d",
    })
}

/// Compact form of a full Argon2id hash.
pub fn compact(hash: &str) -> Result<String> {
    match Parts::parse(hash) {
        Some(parts) if parts.algorithm == Algorithm::Argon2id && parts.cost.memory.is_power_of_two() => Ok(parts.compact()),
        _ => Err(invalid("Invalid argon2id hash format")),
    }
}

/// Full form of a compact hash; `None` for anything else.
pub fn expand(compact: &str) -> Option<String> {
    is_compact(compact)
        .then(|| Parts::parse(compact).map(|parts| parts.full()))
        .flatten()
}

/// Whether a password (with its pepper) gives the hash. Never fails.
pub fn verify(password: &str, hash: &str) -> bool {
    let Some(parts) = Parts::parse(hash) else { return false };
    parts
        .compute(password.as_bytes())
        .is_some_and(|digest| bool::from(digest.ct_eq(&parts.digest)))
}
