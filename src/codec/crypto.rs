//! Secrets: AES-256-GCM under a PBKDF2-HMAC-SHA-256 key (spec/04 section 7).
//!
//! Output is base64 of `salt(16) + iv(12) + ciphertext + tag(16)`. Deriving a
//! key costs tens of milliseconds, so derived keys are kept in a bounded cache
//! and wiped when they leave it, and one process writes with one random salt
//! per passphrase: GCM needs a (key, IV) pair to be used once, which a fresh
//! random 96-bit IV per value gives up to about 2^32 values (NIST SP 800-38D);
//! the salt is renewed after 2^28.

use super::base64;
use crate::ambient;
use crate::error::{Error, Kind, Result};
use parking_lot::Mutex;
use ring::{aead, digest, hmac, pbkdf2};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};
use zeroize::Zeroizing;

const ITERATIONS: NonZeroU32 = match NonZeroU32::new(100_000) {
    Some(n) => n,
    None => unreachable!(),
};
const SALT: usize = 16;
const IV: usize = 12;
const TAG: usize = 16;
/// Derived keys kept per process.
const CACHE: usize = 1024;
const VALUES_PER_SALT: u32 = 1 << 28;

type CacheKey = [u8; 32];

/// Key bytes, wiped on drop; the AES key schedule is made per call, which costs well under a microsecond.
struct Derived(Zeroizing<[u8; 32]>);

impl Derived {
    fn key(&self, failure: &str) -> Result<aead::LessSafeKey> {
        let unbound = aead::UnboundKey::new(&aead::AES_256_GCM, self.0.as_slice());
        unbound.map(aead::LessSafeKey::new).map_err(|_| Error::new(Kind::Crypto, failure))
    }
}

#[derive(Default)]
struct Keyring {
    keys: HashMap<CacheKey, (Arc<Derived>, u64)>,
    writing: HashMap<[u8; 32], ([u8; SALT], u32)>,
    clock: u64,
}

static KEYRING: LazyLock<Mutex<Keyring>> = LazyLock::new(Mutex::default);

/// Names a (passphrase, salt) pair without keeping the passphrase.
fn cache_key(passphrase: &str, salt: &[u8]) -> CacheKey {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&(salt.len() as u64).to_le_bytes());
    context.update(salt);
    context.update(passphrase.as_bytes());
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

fn derive(passphrase: &str, salt: &[u8]) -> Arc<Derived> {
    let name = cache_key(passphrase, salt);
    {
        let mut ring = KEYRING.lock();
        ring.clock += 1;
        let clock = ring.clock;
        if let Some((key, used)) = ring.keys.get_mut(&name) {
            *used = clock;
            return key.clone();
        }
    }
    let mut bytes = Zeroizing::new([0u8; 32]);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        ITERATIONS,
        salt,
        passphrase.as_bytes(),
        bytes.as_mut_slice(),
    );
    let derived = Arc::new(Derived(bytes));
    let mut ring = KEYRING.lock();
    ring.clock += 1;
    let clock = ring.clock;
    if ring.keys.len() >= CACHE {
        // Drops the older half, so that eviction costs little per key.
        let mut ages: Vec<u64> = ring.keys.values().map(|(_, used)| *used).collect();
        ages.sort_unstable();
        let middle = ages[ages.len() / 2];
        ring.keys.retain(|_, (_, used)| *used > middle);
    }
    ring.keys.insert(name, (derived.clone(), clock));
    derived
}

fn writing_salt(passphrase: &str) -> [u8; SALT] {
    let name = cache_key(passphrase, b"");
    let mut ring = KEYRING.lock();
    if ring.writing.len() > 256 && !ring.writing.contains_key(&name) {
        ring.writing.clear();
    }
    let (salt, count) = ring.writing.entry(name).or_insert_with(|| (fresh_salt(), 0));
    *count += 1;
    if *count > VALUES_PER_SALT {
        (*salt, *count) = (fresh_salt(), 1);
    }
    *salt
}

fn fresh_salt() -> [u8; SALT] {
    let mut salt = [0; SALT];
    ambient::random_bytes(&mut salt);
    salt
}

/// Encrypts a text; the first call per passphrase derives a key.
pub fn encrypt(text: &str, passphrase: &str) -> Result<String> {
    let mut iv = [0; IV];
    ambient::random_bytes(&mut iv);
    encrypt_with(text, passphrase, &writing_salt(passphrase), &iv)
}

/// Encrypts with a given salt and IV (vectors; never reuse an IV).
pub fn encrypt_with(text: &str, passphrase: &str, salt: &[u8; SALT], iv: &[u8; IV]) -> Result<String> {
    let key = derive(passphrase, salt).key("Key derivation failed")?;
    let mut sealed = text.as_bytes().to_vec();
    key.seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(*iv), aead::Aad::empty(), &mut sealed)
        .map_err(|_| Error::new(Kind::Crypto, "Encryption failed"))?;
    let mut out = Vec::with_capacity(SALT + IV + sealed.len());
    out.extend_from_slice(salt);
    out.extend_from_slice(iv);
    out.extend_from_slice(&sealed);
    Ok(base64::encode(&out))
}

/// Decrypts a text of [`encrypt`] or of 13.6.
pub fn decrypt(text: &str, passphrase: &str) -> Result<String> {
    let failed = || Error::new(Kind::Crypto, "Decryption failed");
    let bytes = base64::decode(text);
    if bytes.len() < SALT + IV + TAG {
        return Err(failed());
    }
    let (salt, rest) = bytes.split_at(SALT);
    let (iv, sealed) = rest.split_at(IV);
    let key = derive(passphrase, salt).key("Key derivation failed (decrypt)")?;
    let nonce = aead::Nonce::try_assume_unique_for_key(iv).map_err(|_| failed())?;
    let mut sealed = sealed.to_vec();
    let plain = key.open_in_place(nonce, aead::Aad::empty(), &mut sealed).map_err(|_| failed())?;
    Ok(String::from_utf8_lossy(plain).into_owned())
}

/// The shape of a ciphertext: clean base64 of at least salt, IV and tag.
pub fn looks_encrypted(text: &str) -> bool {
    text.len() >= 60 && text.len().is_multiple_of(4) && {
        use ::base64::Engine as _;
        ::base64::engine::general_purpose::STANDARD
            .decode(text)
            .is_ok_and(|b| b.len() >= SALT + IV + TAG)
    }
}

/// True when decrypting this text needs no new key derivation (it is cheap).
pub fn has_key(passphrase: &str, text: &str) -> bool {
    let bytes = base64::decode(text.get(..24).unwrap_or(text));
    bytes.len() >= SALT && KEYRING.lock().keys.contains_key(&cache_key(passphrase, &bytes[..SALT]))
}

/// True when encrypting under this passphrase needs no key derivation.
pub fn has_writing_key(passphrase: &str) -> bool {
    let ring = KEYRING.lock();
    ring.writing
        .get(&cache_key(passphrase, b""))
        .is_some_and(|(salt, count)| *count < VALUES_PER_SALT && ring.keys.contains_key(&cache_key(passphrase, salt)))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(char::from(b"0123456789abcdef"[usize::from(b >> 4)]));
        out.push(char::from(b"0123456789abcdef"[usize::from(b & 15)]));
    }
    out
}

/// SHA-256 as hex.
pub fn sha256_hex(data: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, data).as_ref())
}

/// MD5 as base64.
pub fn md5_base64(data: &[u8]) -> String {
    use md5::Digest as _;
    base64::encode(&md5::Md5::digest(data))
}

/// MD5 as hex.
pub fn md5_hex(data: &[u8]) -> String {
    use md5::Digest as _;
    hex(&md5::Md5::digest(data))
}

/// HMAC-SHA-256 as hex.
pub fn hmac_sha256_hex(key: &[u8], data: &[u8]) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref())
}
