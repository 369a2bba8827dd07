//! Buckets and objects in memory; every condition is judged under the lock that applies the write.

use bytes::Bytes;
use md5::{Digest as _, Md5};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

/// Bytes of user metadata, names and values together.
pub const METADATA_LIMIT: usize = 2048;

/// A stored object.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub body: Bytes,
    /// Names in lower case, values trimmed.
    pub metadata: Vec<(String, String)>,
    pub etag: String,
    pub modified: SystemTime,
    pub content_type: String,
    pub content_encoding: Option<String>,
}

impl Stored {
    pub(super) fn new(
        body: Bytes,
        metadata: Vec<(String, String)>,
        content_type: Option<String>,
        content_encoding: Option<String>,
    ) -> Self {
        let etag = Md5::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            body,
            metadata,
            etag,
            modified: whole_second(),
            content_type: content_type.unwrap_or_else(|| "binary/octet-stream".to_owned()),
            content_encoding,
        }
    }
}

/// S3 keeps whole seconds.
pub(super) fn whole_second() -> SystemTime {
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(since.as_secs())
}

/// Why a write did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    NoSuchBucket,
    NoSuchKey,
    Precondition,
}

/// Condition of a write, bare ETags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Only {
    Always,
    IfAbsent,
    IfMatch(String),
    IfPresent,
}

impl Only {
    fn check(&self, current: Option<&Stored>) -> Result<(), Refusal> {
        match (self, current) {
            (Only::Always, _) | (Only::IfAbsent, None) | (Only::IfPresent, Some(_)) => Ok(()),
            (Only::IfMatch(etag), Some(current)) if *etag == current.etag => Ok(()),
            // S3 answers 404 to a conditional overwrite of nothing.
            (Only::IfMatch(_) | Only::IfPresent, None) => Err(Refusal::NoSuchKey),
            _ => Err(Refusal::Precondition),
        }
    }
}

type Objects = BTreeMap<String, Arc<Stored>>;

/// All buckets.
#[derive(Debug, Default)]
pub(super) struct State {
    buckets: Mutex<BTreeMap<String, Objects>>,
    auto: bool,
    initial: Vec<String>,
}

/// One page of a listing.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub entries: Vec<(String, Arc<Stored>)>,
    pub prefixes: Vec<String>,
    /// Entry or prefix after which the next page starts.
    pub next: Option<String>,
}

impl State {
    pub(super) fn new(initial: Vec<String>, auto: bool) -> Self {
        let state = Self {
            buckets: Mutex::default(),
            auto,
            initial,
        };
        state.reset();
        state
    }

    /// Back to the buckets of the start, all empty.
    pub(super) fn reset(&self) {
        *self.buckets.lock() = self.initial.iter().map(|name| (name.clone(), Objects::new())).collect();
    }

    pub(super) fn create_bucket(&self, bucket: &str) {
        self.buckets.lock().entry(bucket.to_owned()).or_default();
    }

    /// `Some(false)` when it is not empty.
    pub(super) fn delete_bucket(&self, bucket: &str) -> Option<bool> {
        let mut buckets = self.buckets.lock();
        let empty = buckets.get(bucket)?.is_empty();
        if empty {
            buckets.remove(bucket);
        }
        Some(empty)
    }

    pub(super) fn bucket_names(&self) -> Vec<String> {
        self.buckets.lock().keys().cloned().collect()
    }

    pub(super) fn has_bucket(&self, bucket: &str) -> bool {
        self.auto || self.buckets.lock().contains_key(bucket)
    }

    pub(super) fn count(&self) -> usize {
        self.buckets.lock().values().map(BTreeMap::len).sum()
    }

    fn within<T>(&self, bucket: &str, act: impl FnOnce(&mut Objects) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut buckets = self.buckets.lock();
        if self.auto {
            return act(buckets.entry(bucket.to_owned()).or_default());
        }
        act(buckets.get_mut(bucket).ok_or(Refusal::NoSuchBucket)?)
    }

    pub(super) fn get(&self, bucket: &str, key: &str) -> Result<Arc<Stored>, Refusal> {
        self.within(bucket, |objects| objects.get(key).cloned().ok_or(Refusal::NoSuchKey))
    }

    pub(super) fn put(&self, bucket: &str, key: &str, object: Stored, only: &Only) -> Result<(), Refusal> {
        self.within(bucket, |objects| {
            only.check(objects.get(key).map(Arc::as_ref))?;
            objects.insert(key.to_owned(), Arc::new(object));
            Ok(())
        })
    }

    pub(super) fn delete(&self, bucket: &str, key: &str, only: &Only) -> Result<(), Refusal> {
        self.within(bucket, |objects| {
            // Deleting nothing succeeds, conditionally too.
            if let Some(current) = objects.get(key) {
                only.check(Some(current))?;
                objects.remove(key);
            }
            Ok(())
        })
    }

    /// Copies; `change` makes the new object of the source.
    pub(super) fn copy(
        &self,
        from: (&str, &str),
        to: (&str, &str),
        only: &Only,
        change: impl FnOnce(&Stored) -> Stored,
    ) -> Result<Stored, Refusal> {
        let mut buckets = self.buckets.lock();
        let source = buckets
            .get(from.0)
            .ok_or(Refusal::NoSuchBucket)?
            .get(from.1)
            .cloned()
            .ok_or(Refusal::NoSuchKey)?;
        only.check(Some(&source))?;
        let target = match buckets.get_mut(to.0) {
            Some(target) => target,
            None if self.auto => buckets.entry(to.0.to_owned()).or_default(),
            None => return Err(Refusal::NoSuchBucket),
        };
        let copied = change(&source);
        target.insert(to.1.to_owned(), Arc::new(copied.clone()));
        Ok(copied)
    }

    /// At most `max` entries and groups after `after`, in byte order of keys.
    pub(super) fn list(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        max: usize,
    ) -> Result<Page, Refusal> {
        self.within(bucket, |objects| {
            let mut page = Page::default();
            let mut groups = BTreeSet::new();
            let start = match after {
                Some(after) if after >= prefix => Bound::Excluded(after.to_owned()),
                _ => Bound::Included(prefix.to_owned()),
            };
            for (key, object) in objects.range((start, Bound::Unbounded)) {
                let Some(rest) = key.strip_prefix(prefix) else { break };
                let group = delimiter
                    .filter(|d| !d.is_empty())
                    .and_then(|d| rest.find(d).map(|at| format!("{prefix}{}", &rest[..at + d.len()])));
                match group {
                    Some(group) => {
                        // A page that ended with a group goes on behind all of that group.
                        if groups.contains(&group) || after == Some(group.as_str()) {
                            continue;
                        }
                        if page.entries.len() + groups.len() == max {
                            return Ok(page.truncated(groups, max));
                        }
                        groups.insert(group);
                    }
                    None => {
                        if page.entries.len() + groups.len() == max {
                            return Ok(page.truncated(groups, max));
                        }
                        page.entries.push((key.clone(), object.clone()));
                    }
                }
            }
            page.prefixes = groups.into_iter().collect();
            Ok(page)
        })
    }
}

impl Page {
    fn truncated(mut self, groups: BTreeSet<String>, max: usize) -> Self {
        if max > 0 {
            let last_group = groups.last().cloned();
            let last_key = self.entries.last().map(|(key, _)| key.clone());
            self.next = last_group.max(last_key);
        }
        self.prefixes = groups.into_iter().collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(keys: &[&str]) -> State {
        let state = State::new(vec!["b".to_owned()], false);
        for key in keys {
            let object = Stored::new(Bytes::new(), Vec::new(), None, None);
            state.put("b", key, object, &Only::Always).unwrap();
        }
        state
    }

    fn walk(state: &State, prefix: &str, delimiter: Option<&str>, max: usize) -> Vec<String> {
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = state.list("b", prefix, delimiter, after.as_deref(), max).unwrap();
            assert!(page.entries.len() + page.prefixes.len() <= max);
            let mut names: Vec<String> = page.entries.into_iter().map(|(key, _)| key).chain(page.prefixes).collect();
            names.sort();
            seen.extend(names);
            match page.next {
                Some(next) => after = Some(next),
                None => return seen,
            }
        }
    }

    #[test]
    fn pages_of_every_size_give_the_same_listing() {
        let state = filled(&["a", "b/1", "b/2", "b0", "c/x/1", "c/x/2", "c/y", "d", "é"]);
        for max in 1..12 {
            assert_eq!(
                walk(&state, "", Some("/"), max),
                ["a", "b/", "b0", "c/", "d", "é"],
                "pages of {max}"
            );
            assert_eq!(walk(&state, "c/", Some("/"), max), ["c/x/", "c/y"], "pages of {max}");
            assert_eq!(walk(&state, "b", None, max), ["b/1", "b/2", "b0"], "pages of {max}");
        }
    }

    #[test]
    fn conditions_are_judged_against_the_stored_object() {
        let state = filled(&["k"]);
        let etag = state.get("b", "k").unwrap().etag.clone();
        let object = || Stored::new(Bytes::from("new"), Vec::new(), None, None);
        assert_eq!(state.put("b", "k", object(), &Only::IfAbsent), Err(Refusal::Precondition));
        assert_eq!(
            state.put("b", "k", object(), &Only::IfMatch("x".to_owned())),
            Err(Refusal::Precondition)
        );
        assert_eq!(
            state.put("b", "none", object(), &Only::IfMatch("x".to_owned())),
            Err(Refusal::NoSuchKey)
        );
        assert_eq!(state.put("b", "k", object(), &Only::IfMatch(etag.clone())), Ok(()));
        assert_eq!(state.delete("b", "k", &Only::IfMatch(etag)), Err(Refusal::Precondition));
        assert_eq!(state.delete("b", "none", &Only::IfMatch("x".to_owned())), Ok(()));
        assert_eq!(state.put("no", "k", object(), &Only::Always), Err(Refusal::NoSuchBucket));
    }
}
