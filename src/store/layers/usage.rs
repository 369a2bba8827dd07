//! Requests by resource and plugin, for cost accounting. Off until somebody asks: one lock per request.

use super::meter::Command;
use parking_lot::Mutex;
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Pairs of resource and plugin told apart; requests of later ones count as those of no resource.
const MAX_ROWS: usize = 4096;
/// Objects whose size is remembered; those written later than that stay unknown.
const MAX_SIZES: usize = 100_000;

/// What a request did to the stored bytes, where that is known.
pub(super) enum Change<'a> {
    /// Nothing.
    None,
    /// The request wrote an object of this size.
    Written(&'a str, u64),
    /// The size of an object was seen.
    Seen(&'a str, u64),
    /// A copy from the first key to the second.
    Copied(&'a str, &'a str),
    /// The object is gone.
    Deleted(&'a str),
}

#[derive(Default)]
struct Row {
    resource: Option<String>,
    plugin: Option<String>,
    commands: [u64; 7],
    errors: [u64; 7],
    bytes_in: u64,
    bytes_out: u64,
}

#[derive(Default)]
struct Book {
    hasher: ahash::RandomState,
    rows: HashMap<u64, Row, ahash::RandomState>,
    sizes: HashMap<u64, u64, ahash::RandomState>,
    net_bytes: i64,
    copied_bytes: u64,
}

/// Requests, failures and bytes by resource and plugin, since the first call of [`Usage::snapshot`].
#[derive(Default)]
pub struct Usage {
    on: AtomicBool,
    book: Mutex<Book>,
}

impl std::fmt::Debug for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Usage").field("on", &self.is_on()).finish_non_exhaustive()
    }
}

/// The resource and the plugin that a key or prefix belongs to: `resource=R` and `plugin=P` segments.
fn owners(key: &str) -> (Option<&str>, Option<&str>) {
    let (mut resource, mut plugin) = (None, None);
    for segment in key.split('/') {
        if let Some(name) = segment.strip_prefix("resource=") {
            resource = resource.or(Some(name).filter(|n| !n.is_empty()));
        } else if let Some(name) = segment.strip_prefix("plugin=") {
            plugin = plugin.or(Some(name).filter(|n| !n.is_empty()));
        }
    }
    (resource, plugin)
}

/// The part of a key that full and relative keys share.
fn tail(key: &str) -> &str {
    let at = |mark: &str| {
        if key.starts_with(mark) {
            return Some(0);
        }
        key.find(&format!("/{mark}")).map(|i| i + 1)
    };
    match (at("resource="), at("plugin=")) {
        (Some(a), Some(b)) => &key[a.min(b)..],
        (Some(a), None) | (None, Some(a)) => &key[a..],
        (None, None) => key,
    }
}

impl Book {
    fn row(&mut self, key: &str) -> &mut Row {
        let (resource, plugin) = owners(key);
        let mut id = self.hasher.hash_one((resource, plugin));
        let known = self.rows.contains_key(&id);
        let keep = known || self.rows.len() < MAX_ROWS;
        if !keep {
            id = self.hasher.hash_one((None::<&str>, None::<&str>));
        }
        self.rows.entry(id).or_insert_with(|| Row {
            resource: resource.filter(|_| keep).map(str::to_owned),
            plugin: plugin.filter(|_| keep).map(str::to_owned),
            ..Row::default()
        })
    }

    fn learn(&mut self, key: &str, size: u64) -> Option<u64> {
        let id = self.hasher.hash_one(tail(key));
        if self.sizes.len() >= MAX_SIZES && !self.sizes.contains_key(&id) {
            return None;
        }
        self.sizes.insert(id, size)
    }

    fn apply(&mut self, change: &Change<'_>) {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        match *change {
            Change::None => {}
            Change::Seen(key, size) => {
                self.learn(key, size);
            }
            Change::Written(key, size) => {
                let before = self.learn(key, size).unwrap_or(0);
                self.net_bytes += signed(size) - signed(before);
            }
            Change::Copied(from, to) => {
                let source = self.hasher.hash_one(tail(from));
                if let Some(size) = self.sizes.get(&source).copied() {
                    self.copied_bytes += size;
                    self.apply(&Change::Written(to, size));
                }
            }
            Change::Deleted(key) => {
                let id = self.hasher.hash_one(tail(key));
                if let Some(size) = self.sizes.remove(&id) {
                    self.net_bytes -= signed(size);
                }
            }
        }
    }
}

fn counts(values: &[u64; 7]) -> Json {
    let listed = Command::ALL.iter().map(|c| (c.name(), values[*c as usize]));
    let map: Map<String, Json> = listed
        .filter(|(_, n)| *n > 0)
        .map(|(name, n)| (name.to_owned(), n.into()))
        .collect();
    Json::Object(map)
}

impl Usage {
    /// Whether requests are written down.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    /// Writes down one answered request; `received` and `sent` are body bytes.
    pub(super) fn note(&self, command: Command, key: &str, failed: bool, received: u64, sent: u64, changes: &[Change<'_>]) {
        let mut book = self.book.lock();
        let row = book.row(key);
        row.commands[command as usize] += 1;
        if failed {
            row.errors[command as usize] += 1;
        }
        row.bytes_in += received;
        row.bytes_out += sent;
        for change in changes {
            book.apply(change);
        }
    }

    /// `{ rows: [{ resource, plugin, byCommand, errors, bytesIn, bytesOut }], netBytes, copiedBytes }` since the first
    /// call, which begins the writing down. Failed requests are in `byCommand` too.
    pub fn snapshot(&self) -> Json {
        self.on.store(true, Relaxed);
        let book = self.book.lock();
        let rows: Vec<Json> = book
            .rows
            .values()
            .map(|row| {
                json!({
                    "resource": row.resource,
                    "plugin": row.plugin,
                    "byCommand": counts(&row.commands),
                    "errors": counts(&row.errors),
                    "bytesIn": row.bytes_in,
                    "bytesOut": row.bytes_out,
                })
            })
            .collect();
        json!({ "rows": rows, "netBytes": book.net_bytes, "copiedBytes": book.copied_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_their_resource_and_plugin() {
        assert_eq!(owners("app/resource=users/data/id=1"), (Some("users"), None));
        assert_eq!(owners("resource=users/plugin=cache/x"), (Some("users"), Some("cache")));
        assert_eq!(owners("plugin=ttl/y/resource=z"), (Some("z"), Some("ttl")));
        assert_eq!(owners("s3db.json"), (None, None));
        assert_eq!(tail("app/resource=users/data/id=1"), "resource=users/data/id=1");
        assert_eq!(tail("s3db.json"), "s3db.json");
    }

    #[test]
    fn usage_counts_only_when_asked_and_knows_the_bytes_that_stay() {
        let usage = Usage::default();
        assert!(!usage.is_on());
        assert_eq!(usage.snapshot()["rows"], json!([]));
        assert!(usage.is_on());
        let key = "resource=a/data/id=1";
        usage.note(Command::Put, key, false, 0, 10, &[Change::Written(key, 10)]);
        usage.note(Command::Put, key, false, 0, 4, &[Change::Written(key, 4)]);
        usage.note(Command::Copy, key, false, 0, 0, &[Change::Copied(key, "resource=a/data/id=2")]);
        usage.note(Command::Get, key, true, 0, 0, &[Change::None]);
        let now = usage.snapshot();
        assert_eq!((&now["netBytes"], &now["copiedBytes"]), (&json!(8), &json!(4)));
        assert_eq!(
            now["rows"][0]["byCommand"],
            json!({ "PutObjectCommand": 2, "GetObjectCommand": 1, "CopyObjectCommand": 1 })
        );
        assert_eq!(now["rows"][0]["errors"], json!({ "GetObjectCommand": 1 }));
        usage.note(Command::Delete, key, false, 0, 0, &[Change::Deleted(key)]);
        assert_eq!(usage.snapshot()["netBytes"], 4);
    }

    #[test]
    fn rows_and_sizes_stay_bounded() {
        let usage = Usage::default();
        for i in 0..MAX_ROWS + 10 {
            usage.note(Command::Get, &format!("resource=r{i}/x"), false, 0, 0, &[]);
        }
        assert!(usage.book.lock().rows.len() <= MAX_ROWS + 1);
    }
}
