//! Free functions: the pure dispatcher, ids, and CPU-heavy crypto on the blocking pool.

use super::error::to_napi;
use super::runtime::blocking;
use crate::codec;
use crate::error::{Error, Kind};
use crate::value::{Value, text};
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;

#[napi]
pub fn pure(name: String, args: String) -> napi::Result<String> {
    let Value::Array(args) = text::parse(&args).map_err(to_napi)? else {
        return Err(to_napi(Error::new(Kind::Validation, "pure() takes an array of arguments")));
    };
    super::schema::pure(&name, &args).map(|v| text::to_tagged(&v)).map_err(to_napi)
}

#[napi]
pub fn ids(count: u32, size: u32, alphabet: Option<String>) -> napi::Result<String> {
    if u64::from(count) * u64::from(size) > 16 << 20 {
        return Err(to_napi(Error::validation(
            "size",
            "Too many id symbols at once: at most 16,777,216",
        )));
    }
    let (count, size) = (usize::try_from(count).unwrap_or(0), usize::try_from(size).unwrap_or(0));
    Ok(codec::ids::generate_batch(count, size, alphabet.as_deref()))
}

#[napi]
pub fn encrypt(env: &Env, content: String, passphrase: String) -> napi::Result<PromiseRaw<'_, String>> {
    blocking(env, move || codec::crypto::encrypt(&content, &passphrase))
}

#[napi]
pub fn decrypt(env: &Env, base64: String, passphrase: String) -> napi::Result<PromiseRaw<'_, String>> {
    blocking(env, move || codec::crypto::decrypt(&base64, &passphrase))
}

#[napi]
pub fn hash_password(env: &Env, password: String, rounds: u32) -> napi::Result<PromiseRaw<'_, String>> {
    blocking(env, move || codec::password::hash(&password, rounds))
}

#[napi]
pub fn hash_password_sync(password: String, rounds: u32) -> napi::Result<String> {
    codec::password::hash(&password, rounds).map_err(to_napi)
}

/// Full Argon2id hash; `cost` is the text of `{ memoryCost?, timeCost?, parallelism? }`.
#[napi]
pub fn hash_argon2(env: &Env, password: String, pepper: String, cost: String) -> napi::Result<PromiseRaw<'_, String>> {
    let cost = super::schema::argon_cost(Some(&text::parse(&cost).map_err(to_napi)?));
    blocking(env, move || {
        let compact = codec::argon::hash(&password, &pepper, cost)?;
        Ok(codec::argon::expand(&compact).unwrap_or(compact))
    })
}

#[napi]
pub fn verify_password(env: &Env, password: String, hash: String, rounds: String) -> napi::Result<PromiseRaw<'_, bool>> {
    let rounds: Vec<u32> = serde_json::from_str(&rounds).unwrap_or_default();
    blocking(env, move || Ok(codec::password::verify(&password, &hash, &rounds)))
}
