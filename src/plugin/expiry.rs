//! Time to live (spec/05 section 10.6).

use super::cas::{Expected, Swap, Weaker};
use super::entry::{EXPIRES_AT, Entry, body_of, json_bytes};
use super::keys;
use super::storage::PluginStorage;
use crate::codec::metadata;
use crate::error::{Error, Kind, Result};
use crate::store::{CopyRequest, ObjectMeta, Purpose, PutRequest, StoredObject};
use crate::value::Value;
use bytes::Bytes;

/// Lost races before a touch counts as failed.
const ATTEMPTS: u32 = 8;

fn is_expiry(name: &str) -> bool {
    name.eq_ignore_ascii_case(EXPIRES_AT)
}

/// Expiry in metadata.
fn metadata_expiry(meta: &ObjectMeta) -> Option<f64> {
    let object = StoredObject {
        meta: ObjectMeta {
            metadata: meta.metadata.iter().filter(|(name, _)| is_expiry(name)).cloned().collect(),
            ..ObjectMeta::default()
        },
        body: Bytes::new(),
    };
    Entry::parse(&object, "").ok()?.expires_at
}

enum Found {
    Missing,
    /// Where the expiry is known without the body.
    Head(ObjectMeta, Option<f64>),
    Object(StoredObject, Option<f64>),
}

impl PluginStorage {
    /// HEAD, and a GET where a body may hold the expiry.
    async fn find_expiry(&self, key: &str) -> Result<Found> {
        keys::check_object(key)?;
        let meta = match self.store.head(key).await {
            Ok(meta) => meta,
            Err(error) if error.is_not_found() => return Ok(Found::Missing),
            Err(error) => return Err(error),
        };
        let expires_at = metadata_expiry(&meta);
        if expires_at.is_some() || meta.size == 0 {
            return Ok(Found::Head(meta, expires_at));
        }
        let Some(object) = self.fetch(key).await? else {
            return Ok(Found::Missing);
        };
        let expires_at = Entry::parse(&object, key)?.expires_at;
        Ok(Found::Object(object, expires_at))
    }

    async fn expiry_of(&self, key: &str) -> Result<Option<Option<f64>>> {
        Ok(match self.find_expiry(key).await? {
            Found::Missing => None,
            Found::Head(_, expires_at) | Found::Object(_, expires_at) => Some(expires_at),
        })
    }

    /// True when the entry is missing, unreadable or past its expiry; removes nothing.
    pub async fn is_expired(&self, key: &str) -> Result<bool> {
        match self.expiry_of(key).await {
            Ok(None) => Ok(true),
            Ok(Some(expires_at)) => Ok(expires_at.is_some_and(|at| self.now_f64() > at)),
            Err(error) if is_misuse(&error) => Err(error),
            Err(_) => Ok(true),
        }
    }

    /// Whole seconds left, at least 0; `None` without an expiry, or when the entry is missing or unreadable.
    pub async fn time_to_live(&self, key: &str) -> Result<Option<f64>> {
        match self.expiry_of(key).await {
            Ok(found) => Ok(found.flatten().map(|at| ((at - self.now_f64()) / 1000.0).floor().max(0.0))),
            Err(error) if is_misuse(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Adds `seconds` to the expiry of a live entry and leaves everything else byte for byte. False when the entry is
    /// missing, has no expiry or has expired (it is removed then), or when the write fails.
    pub async fn touch(&self, key: &str, seconds: f64) -> Result<bool> {
        if !seconds.is_finite() {
            return Err(Error::new(Kind::PluginStorage, "touch requires a finite number of seconds")
                .with_status(400)
                .with("key", key)
                .with("field", "additionalSeconds")
                .with(
                    "suggestion",
                    "Pass the seconds to add to the current expiry, for example touch(key, 60).",
                ));
        }
        let _turn = self.turn(key).await;
        for attempt in 1..=ATTEMPTS {
            let found = match self.find_expiry(key).await {
                Ok(found) => found,
                Err(error) if is_misuse(&error) => return Err(error),
                Err(_) => return Ok(false),
            };
            let expires_at = match &found {
                Found::Missing | Found::Head(_, None) | Found::Object(_, None) => return Ok(false),
                Found::Head(_, Some(at)) | Found::Object(_, Some(at)) => *at,
            };
            if self.now_f64() > expires_at {
                self.remove_expired(key).await?;
                return Ok(false);
            }
            let touched = Value::Number((expires_at + seconds * 1000.0).round());
            let written = match found {
                Found::Head(meta, _) => self.copy_onto_itself(key, meta, &touched).await,
                Found::Object(object, _) => self.move_expiry(key, object, &touched).await,
                Found::Missing => return Ok(false),
            };
            match written {
                Ok(true) => return Ok(true),
                Ok(false) => self.pause(attempt).await,
                Err(error) if is_misuse(&error) => return Err(error),
                Err(_) => return Ok(false),
            }
        }
        Ok(false)
    }

    async fn remove_expired(&self, key: &str) -> Result<()> {
        let Some(object) = self.fetch(key).await? else {
            return Ok(());
        };
        let entry = Entry::parse(&object, key)?;
        if entry.is_expired(self.now_f64()) && !super::lock::is_lock(&entry) {
            self.delete_exact(key, &object).await?;
        }
        Ok(())
    }

    /// COPY onto itself with another expiry, on the ETag that was read. False when the object changed.
    async fn copy_onto_itself(&self, key: &str, meta: ObjectMeta, touched: &Value) -> Result<bool> {
        let mut pairs = meta.metadata;
        for (_, value) in pairs.iter_mut().filter(|(name, _)| is_expiry(name)) {
            *value = metadata::encode_value(touched);
        }
        let request = CopyRequest {
            from: key.to_owned(),
            to: key.to_owned(),
            metadata: Some(pairs),
            content_type: meta.content_type,
            source_if_match: meta.etag,
        };
        match self.store.copy(request).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_precondition() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Rewrites an entry of 13.6 whose expiry is in the body with the expiry in metadata.
    async fn move_expiry(&self, key: &str, object: StoredObject, touched: &Value) -> Result<bool> {
        let mut body = body_of(&object, key)?.unwrap_or_default();
        body.retain(|name, _| !is_expiry(name));
        let mut pairs: Vec<_> = object.meta.metadata.iter().filter(|(name, _)| !is_expiry(name)).cloned().collect();
        pairs.push((EXPIRES_AT.to_owned(), metadata::encode_value(touched)));
        let request = PutRequest {
            key: key.to_owned(),
            metadata: pairs,
            body: json_bytes(&body),
            content_type: object.meta.content_type.clone(),
            content_encoding: object.meta.content_encoding.clone(),
            purpose: Purpose::Plugin,
            ..PutRequest::default()
        };
        let planned = request.body.clone();
        let swap = self
            .swap(request, Expected::Version(object.meta.etag), Weaker::Turn, |stored| {
                stored.body == planned && metadata_expiry(&stored.meta).map(Value::Number).as_ref() == Some(touched)
            })
            .await?;
        Ok(matches!(swap, Swap::Won(_)))
    }
}

/// Bad keys and clients that lack a method are the caller's business, whatever a method answers for other failures.
fn is_misuse(error: &Error) -> bool {
    (error.kind() == Kind::PluginStorage && error.status() == Some(400)) || error.status() == Some(501)
}
