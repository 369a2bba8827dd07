//! The metadata file `s3db.json`: reading with self-healing, merging writes.
//!
//! A file that cannot be read is never written over; content that would be
//! lost by healing is copied to a backup object first, and a failed backup
//! stops everything. Writes are conditional on what was read; whoever loses
//! the race reads again, merges and retries. On stores without conditional
//! writes the file is read back and merged again when another writer won.
//! Every write carries a new `revision`, so no two files share an ETag.

mod document;
mod heal;
mod merge;
mod recover;
#[cfg(test)]
mod tests;

use crate::ambient::{now_ms, random_bytes, random_unit};
use crate::error::{Error, Kind, Result, Retry};
use crate::store::{Capabilities, Condition, Purpose, PutRequest, Store};
use crate::value::text::iso_date;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use document::Document;
use heal::Healing;
use parking_lot::Mutex;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::time::Duration;

/// Key of the metadata file, relative to the database.
pub const CATALOG_KEY: &str = "s3db.json";

/// Lost races before a write gives up; each one is another writer's success.
const MAX_RACES: u32 = 1000;

/// Result of [`Catalog::load`].
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The metadata, healed.
    pub metadata: Json,
    /// The file did not exist and was written.
    pub created: bool,
    /// The file was repaired and rewritten.
    pub healed: bool,
    /// What was repaired.
    pub healing_log: Vec<String>,
    /// Where the original content was kept, when healing would have lost some of it.
    pub backup_key: Option<String>,
    /// The text was recovered in a way that may have lost content.
    pub lossy: bool,
    /// ETag of the file.
    pub etag: Option<String>,
}

/// The file as last seen, and the states that count as "not changed here".
#[derive(Debug, Default)]
struct Known {
    /// Content and ETag as last read or written.
    stored: Option<(Arc<Document>, Option<String>)>,
    /// What this process last asked for.
    local: Option<Arc<Document>>,
}

/// Result of [`Catalog::save`].
#[derive(Debug, Clone)]
pub struct Saved {
    document: Arc<Document>,
    /// The file had changed since this process last read or wrote it, or may have.
    pub others: bool,
}

impl Saved {
    /// The metadata as written, with the resources that `wanted` lets pass.
    pub fn metadata(&self, wanted: impl Fn(&str) -> bool) -> Json {
        self.document.to_json(wanted)
    }
}

/// Reader and writer of the metadata file of one database.
pub struct Catalog {
    store: Arc<dyn Store>,
    s3db_version: String,
    known: Mutex<Known>,
    /// One save at a time; others would only lose races against it.
    turn: tokio::sync::Mutex<()>,
}

/// The file, read and healed.
struct Stored {
    metadata: Document,
    etag: Option<String>,
    healing: Healing,
    text: Bytes,
}

enum Written {
    Done(Option<String>),
    Lost,
}

impl Catalog {
    /// Catalog in `store`, whose keys are relative to the database. `s3db_version` is written into new files.
    pub fn new(store: Arc<dyn Store>, s3db_version: &str) -> Self {
        Self {
            store,
            s3db_version: s3db_version.to_owned(),
            known: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// Reads the file, creating or healing it where needed. An error other than "not found" is returned and nothing is written.
    pub async fn load(&self) -> Result<Loaded> {
        for race in 0..MAX_RACES {
            let Some(stored) = self.read().await? else {
                let mut metadata = self.blank();
                match self.write(&mut metadata, None).await? {
                    Written::Done(etag) => return Ok(self.loaded(metadata, etag, Healing::default(), true, None)),
                    Written::Lost => self.wait(race).await,
                }
                continue;
            };
            let Stored {
                mut metadata,
                etag,
                mut healing,
                text,
            } = stored;
            if !healing.changed {
                return Ok(self.loaded(metadata, etag, healing, false, None));
            }
            let backup_key = self.back_up(&mut healing, text, etag.as_deref()).await?;
            match self.write(&mut metadata, Some(etag)).await? {
                Written::Done(etag) => return Ok(self.loaded(metadata, etag, healing, false, backup_key)),
                Written::Lost => self.wait(race).await,
            }
        }
        Err(contended())
    }

    /// Merges `local`, the metadata as this process wants it, into the stored file and writes it; resources named in `remove` are
    /// dropped. `local` is complete, or with `partial` has only the resources that changed since the last save. A version that
    /// another writer took has a new name in the result.
    pub async fn save(&self, local: Json, partial: bool, remove: &[String]) -> Result<Saved> {
        if !local.get("resources").is_some_and(Json::is_object) {
            return Err(Error::validation(
                "resources",
                "metadata to save must be an object with a `resources` object",
            ));
        }
        let local = Document::from(local);
        // An immediate store must not wait here; its races are settled by the conditions alone.
        let _turn = if self.store.info().immediate {
            None
        } else {
            Some(self.turn.lock().await)
        };
        let bases = self.bases();
        // An earlier reading is good enough while the condition proves that nothing changed since.
        let mut cached = self.known.lock().stored.clone().filter(|(_, etag)| etag.is_some());
        if cached.is_some() && !self.capabilities().await?.put_if_match {
            cached = None;
        }
        let (mut others, mut lost) = (cached.is_none(), false);
        for race in 0..MAX_RACES {
            let base = match cached.take() {
                Some(known) => Some(known),
                None => self.read_for_merge().await?,
            };
            let (mut merged, etag) = match base {
                Some((metadata, etag)) => {
                    let merged = merge::merge(&metadata, &local, &bases, remove);
                    // Whoever won the race may have written everything already.
                    if lost && merged == *metadata {
                        return Ok(Saved {
                            document: self.saved(merged, etag, local, partial, remove),
                            others,
                        });
                    }
                    (merged, Some(etag))
                }
                // The file is gone: what was last known of it comes back.
                None => {
                    let whole = match bases.last() {
                        Some(known) if partial => merge::merge(known, &local, &[], remove),
                        _ => local.clone(),
                    };
                    (merge::merge(&self.blank(), &whole, &[], remove), None)
                }
            };
            match self.write(&mut merged, etag).await {
                Ok(Written::Done(etag)) => {
                    let document = self.saved(merged, etag, local, partial, remove);
                    return Ok(Saved { document, others });
                }
                Ok(Written::Lost) => {
                    (lost, others) = (true, true);
                    self.wait(race).await;
                }
                Err(error) => {
                    // Whether the write took effect is unknown.
                    self.known.lock().stored = None;
                    return Err(error);
                }
            }
        }
        Err(contended())
    }

    async fn read_for_merge(&self) -> Result<Option<(Arc<Document>, Option<String>)>> {
        let Some(mut stored) = self.read().await? else {
            return Ok(None);
        };
        self.back_up(&mut stored.healing, stored.text, stored.etag.as_deref()).await?;
        Ok(Some((Arc::new(stored.metadata), stored.etag)))
    }

    fn blank(&self) -> Document {
        Document::from(heal::blank(&self.s3db_version))
    }

    fn bases(&self) -> Vec<Arc<Document>> {
        let known = self.known.lock();
        let stored = known.stored.as_ref().map(|(metadata, _)| metadata.clone());
        known.local.iter().cloned().chain(stored).collect()
    }

    fn loaded(&self, metadata: Document, etag: Option<String>, healing: Healing, created: bool, backup_key: Option<String>) -> Loaded {
        let known = Arc::new(metadata);
        *self.known.lock() = Known {
            stored: Some((known.clone(), etag.clone())),
            local: Some(known.clone()),
        };
        Loaded {
            metadata: known.to_json(|_| true),
            created,
            healed: healing.changed,
            healing_log: healing.log,
            backup_key,
            lossy: healing.lossy,
            etag,
        }
    }

    fn saved(&self, metadata: Document, etag: Option<String>, local: Document, partial: bool, remove: &[String]) -> Arc<Document> {
        let document = Arc::new(metadata);
        let mut known = self.known.lock();
        known.stored = Some((document.clone(), etag));
        let mut local = match &known.local {
            Some(before) if partial => before.with(local),
            _ => local,
        };
        for name in remove {
            local.resources.shift_remove(name);
        }
        known.local = Some(Arc::new(local));
        document
    }

    async fn read(&self) -> Result<Option<Stored>> {
        let object = match self.store.get(CATALOG_KEY).await {
            Ok(object) => object,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let (metadata, healing) = heal::read(&object.body, &self.s3db_version, &now_text());
        Ok(Some(Stored {
            metadata: metadata.into(),
            etag: object.meta.etag,
            healing,
            text: object.body,
        }))
    }

    /// Keeps the original content before anything of it is lost.
    async fn back_up(&self, healing: &mut Healing, text: Bytes, etag: Option<&str>) -> Result<Option<String>> {
        if !healing.needs_backup() {
            return Ok(None);
        }
        self.check_length(&text, etag).await?;
        let key = format!("{CATALOG_KEY}.corrupted.{}.backup", now_text().replace([':', '.'], "-"));
        let request = PutRequest {
            key: key.clone(),
            body: text,
            content_type: Some("application/json".into()),
            purpose: Purpose::Catalog,
            ..PutRequest::default()
        };
        self.store.put(request).await?;
        if healing.unreadable {
            healing
                .log
                .push("Created backup of corrupted file - starting with blank metadata".into());
        }
        Ok(Some(key))
    }

    /// A text that was cut short on its way is not a damaged file: nothing is healed then.
    async fn check_length(&self, text: &Bytes, etag: Option<&str>) -> Result<()> {
        let meta = match self.store.head(CATALOG_KEY).await {
            Ok(meta) => meta,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error),
        };
        let (length, size) = (text.len() as u64, meta.size);
        // Another file by now, or a store that tells no sizes.
        if meta.etag.as_deref() != etag || size == 0 || size == length {
            return Ok(());
        }
        let message =
            format!("s3db.json was cut short on its way: {length} of {size} bytes arrived; try again, without what stands between");
        Err(Error::new(Kind::Network, message)
            .with_code("ERR_TRUNCATED")
            .with_retry(Retry::Temporary)
            .with("key", CATALOG_KEY))
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        self.store.capabilities().await
    }

    /// Writes `metadata` with a new revision and time. `over`: ETag of the file it replaces (inner `None`: unknown), or a new file.
    async fn write(&self, metadata: &mut Document, over: Option<Option<String>>) -> Result<Written> {
        let revision = new_revision();
        if let Json::Object(members) = &mut metadata.members {
            stamp(members, &revision);
        }
        let capabilities = self.capabilities().await?;
        let condition = match over {
            None if capabilities.put_if_absent => Condition::IfAbsent,
            Some(Some(etag)) if capabilities.put_if_match => Condition::IfMatch(etag),
            _ => Condition::None,
        };
        let conditional = condition != Condition::None;
        let request = PutRequest {
            key: CATALOG_KEY.into(),
            body: Bytes::from(metadata.to_text()),
            content_type: Some("application/json".into()),
            condition,
            purpose: Purpose::Catalog,
            ..PutRequest::default()
        };
        match self.store.put(request).await {
            Ok(outcome) if conditional => Ok(Written::Done(outcome.etag)),
            Ok(_) => self.read_back(&revision).await,
            // The file was deleted in between: 404 on stores that say so.
            Err(error) if conditional && (error.is_precondition() || error.is_not_found()) => Ok(Written::Lost),
            Err(error) => Err(error),
        }
    }

    /// Whether the file still is the one written, after giving other writers time to land.
    async fn read_back(&self, revision: &str) -> Result<Written> {
        if !self.store.info().immediate {
            tokio::time::sleep(Duration::from_millis(20).mul_f64(1.0 + random_unit())).await;
        }
        match self.read().await? {
            Some(stored) if stored.metadata.members.get("revision").and_then(Json::as_str) == Some(revision) => {
                Ok(Written::Done(stored.etag))
            }
            _ => Ok(Written::Lost),
        }
    }

    /// Jittered wait after a lost race; immediate stores try again at once.
    async fn wait(&self, race: u32) {
        if !self.store.info().immediate {
            let full = Duration::from_millis(10 << race.min(5));
            tokio::time::sleep(full.mul_f64(random_unit())).await;
        }
    }
}

fn stamp(members: &mut Map<String, Json>, revision: &str) {
    members.insert("lastUpdated".into(), now_text().into());
    members.insert("revision".into(), revision.into());
}

fn now_text() -> String {
    iso_date(now_ms() as f64).unwrap_or_default()
}

fn new_revision() -> String {
    let mut bytes = [0u8; 17];
    random_bytes(&mut bytes);
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(22);
    text
}

fn contended() -> Error {
    Error::new(
        Kind::Database,
        "s3db.json is being changed by too many writers at once: try again later",
    )
    .with_status(409)
    .with_retry(Retry::Temporary)
    .with("key", CATALOG_KEY)
}
