//! Optimistic concurrency on entries (spec/05 section 18).
//!
//! A version is the ETag of an entry that has a body. The ETag of an entry
//! without a body never changes, so its version also carries a digest of the
//! metadata and the time of the write, and is compared with a reading right
//! before the write. Whatever is written here has a revision in its body, so
//! from then on the ETag alone decides.

use super::cas::{Expected, Swap, Weaker};
use super::entry::{Entry, revised};
use super::keys;
use super::storage::{PluginStorage, SetOptions, request};
use crate::error::Result;
use crate::store::{ObjectMeta, StoredObject, bare_etag};
use crate::value::Object;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

/// Between the ETag and the digest of a version.
const DIGEST: char = ';';

/// Version of an object.
fn version_of(object: &StoredObject) -> String {
    let etag = object.meta.etag.as_deref().unwrap_or("");
    if !object.body.is_empty() && !etag.is_empty() {
        return etag.to_owned();
    }
    format!("{etag}{DIGEST}{}", fingerprint(&object.meta, &object.body))
}

fn fingerprint(meta: &ObjectMeta, body: &[u8]) -> String {
    let mut pairs = meta.metadata.clone();
    pairs.sort();
    let mut hash = digest::Context::new(&digest::SHA256);
    for (name, value) in &pairs {
        hash.update(name.to_ascii_lowercase().as_bytes());
        hash.update(b"\0");
        hash.update(value.as_bytes());
        hash.update(b"\0");
    }
    hash.update(&meta.last_modified.to_le_bytes());
    hash.update(body);
    let mut text = URL_SAFE_NO_PAD.encode(hash.finish());
    text.truncate(22);
    text
}

impl PluginStorage {
    /// Writes an entry where none is, or where one has expired; `None` when a live one exists, else the new version.
    pub async fn set_if_absent(&self, key: &str, data: Object, options: &SetOptions) -> Result<Option<String>> {
        keys::check_object(key)?;
        let _turn = self.turn(key).await;
        let mut expected = Expected::Absent;
        if !self.capabilities().await?.put_if_absent && self.live(key).await?.is_some() {
            return Ok(None);
        }
        loop {
            match self.put_revised(key, data.clone(), options, expected).await? {
                Swap::Won(etag) => return Ok(Some(etag.unwrap_or_default())),
                Swap::Lost(None) => expected = Expected::Absent,
                Swap::Lost(Some(object)) => {
                    let entry = Entry::parse(&object, key)?;
                    // The ETag of an expired entry without a body does not tell it from a fresh one.
                    if !entry.is_expired(self.now_f64()) {
                        return Ok(None);
                    }
                    if object.body.is_empty() {
                        self.delete_exact(key, &object).await?;
                        expected = Expected::Absent;
                    } else {
                        expected = Expected::Version(object.meta.etag);
                    }
                }
            }
        }
    }

    /// The live entry with its version.
    pub async fn get_with_version(&self, key: &str) -> Result<Option<(Object, String)>> {
        Ok(self.live(key).await?.map(|(entry, object)| {
            let version = version_of(&object);
            (entry.fields, version)
        }))
    }

    /// Writes an entry whose version is `version`; `None` when it is another one or gone, else the new version.
    pub async fn set_if_version(&self, key: &str, data: Object, version: &str, options: &SetOptions) -> Result<Option<String>> {
        keys::check_object(key)?;
        let _turn = self.turn(key).await;
        let etag = version.split(DIGEST).next().unwrap_or("");
        let conditional = self.capabilities().await?.put_if_match;
        if version.contains(DIGEST) || !conditional {
            match self.fetch(key).await? {
                Some(object) if same_version(&object, version) => {}
                _ => return Ok(None),
            }
        }
        let expected = Expected::Version(Some(bare_etag(etag).to_owned()).filter(|etag| !etag.is_empty()));
        match self.put_revised(key, data, options, expected).await? {
            Swap::Won(etag) => Ok(Some(etag.unwrap_or_default())),
            Swap::Lost(_) => Ok(None),
        }
    }

    /// Deletes an entry whose version is `version`; false when it is another one or gone.
    pub async fn delete_if_version(&self, key: &str, version: &str) -> Result<bool> {
        keys::check_object(key)?;
        let _turn = self.turn(key).await;
        let Some(object) = self.fetch(key).await? else {
            return Ok(false);
        };
        if !same_version(&object, version) {
            return Ok(false);
        }
        let capabilities = self.capabilities().await?;
        if !capabilities.delete_if_match {
            self.announce_degraded(capabilities);
            if capabilities.put_if_match && object.meta.etag.is_some() {
                // An expired body counts as missing, and only a conditional write can take its place.
                let gone = revised(Object::default(), Some(1.0));
                let request = request(key, &gone, &SetOptions::default())?;
                let planned = request.body.clone();
                let expected = Expected::Version(object.meta.etag);
                let swap = self.swap(request, expected, Weaker::Turn, |stored| stored.body == planned).await?;
                return Ok(matches!(swap, Swap::Won(_)));
            }
        }
        self.delete_exact(key, &object).await
    }

    async fn put_revised(&self, key: &str, data: Object, options: &SetOptions, expected: Expected) -> Result<Swap> {
        let split = revised(data, self.expiry(options.ttl));
        let request = request(key, &split, options)?;
        let planned = request.body.clone();
        self.swap(request, expected, Weaker::Turn, |stored| stored.body == planned).await
    }
}

fn same_version(object: &StoredObject, version: &str) -> bool {
    let current = version_of(object);
    current == version || (!version.contains(DIGEST) && !version.is_empty() && object.meta.etag.as_deref() == Some(bare_etag(version)))
}
