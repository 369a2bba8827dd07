//! Byte formats: value codecs, metadata wire encoding, crypto, ids, sizes (spec/04 sections 5 to 10).
//!
//! Everything here is pure but for the randomness of ids and IVs. Numbers
//! follow JavaScript's double arithmetic to the last bit, since 13.6 wrote them.

pub mod argon;
pub mod base62;
pub mod base64;
pub mod canonical;
pub mod crypto;
pub mod date;
pub mod dictionary;
pub mod geo;
pub mod ids;
pub mod ip;
pub mod metadata;
pub mod money;
pub mod optimized;
pub mod packed;
pub mod password;
pub mod pure;
pub mod size;
mod time;

/// Stored code of a plugin attribute (spec/04 3.3): `p` and three characters that depend on the two names only.
pub fn plugin_code(plugin: &str, attribute: &str) -> String {
    use ring::digest;
    let hash = digest::digest(&digest::SHA256, format!("{plugin}:{attribute}").as_bytes());
    let first = hash.as_ref().iter().take(4).fold(0u32, |n, b| (n << 8) | u32::from(*b));
    let code = format!("{:0>3}", base62::encode(f64::from(first)));
    format!("p{}", code[..3].to_ascii_lowercase())
}

/// Codes of several attributes in key order; a code already taken gets a counter appended.
pub fn plugin_codes<'a>(attributes: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for (plugin, attribute) in attributes {
        let base = plugin_code(plugin, attribute);
        let mut code = base.clone();
        let mut n = 0;
        while out.iter().any(|(_, taken)| *taken == code) {
            n += 1;
            code = format!("{base}{n}");
        }
        out.push((attribute.to_owned(), code));
    }
    out
}
