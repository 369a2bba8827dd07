//! Makes keys relative to the database's path inside the bucket.
//!
//! A key becomes `join(keyPrefix, key)` with POSIX normalisation, as the
//! stored data expects; one whose normalised form leaves the prefix is refused
//! before any request. Without a prefix keys are used verbatim.

use super::*;
use crate::error::{Error, Kind, Result};
use std::sync::Arc;

/// `posix.normalize` of Node: `.`, `..` and repeated `/` resolved, a trailing `/` kept.
pub fn normalize(path: &str) -> String {
    if path.is_empty() {
        return ".".into();
    }
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let mut out = String::with_capacity(path.len());
    if absolute {
        out.push('/');
    }
    out.push_str(&parts.join("/"));
    if out.is_empty() {
        out.push('.');
        if path.ends_with('/') {
            out.push('/');
        }
    } else if path.ends_with('/') && !out.ends_with('/') {
        out.push('/');
    }
    out
}

/// The joining rule of one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPrefix {
    /// Empty for "keys verbatim".
    given: String,
    /// Normalised, ends in `/`; empty when it stands for the bucket's root.
    root: String,
}

impl KeyPrefix {
    /// Rule for `prefix`; one that itself climbs with `..` is refused.
    pub fn new(prefix: &str) -> Result<Self> {
        if prefix.is_empty() {
            return Ok(Self {
                given: String::new(),
                root: String::new(),
            });
        }
        let mut root = normalize(prefix);
        if root == ".." || root.starts_with("../") {
            return Err(Error::validation("keyPrefix", "key prefix leaves the bucket: remove the leading '..'").with("value", prefix));
        }
        if root == "." || root == "./" {
            root.clear();
        } else if !root.ends_with('/') {
            root.push('/');
        }
        Ok(Self {
            given: prefix.to_owned(),
            root,
        })
    }

    /// True when keys are used verbatim.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Full key of a relative one.
    pub fn join(&self, key: &str) -> Result<String> {
        if self.is_empty() {
            return Ok(key.to_owned());
        }
        if is_normal(key) {
            let mut full = String::with_capacity(self.root.len() + key.len());
            full.push_str(&self.root);
            full.push_str(key);
            return Ok(full);
        }
        let full = self.normalized(key);
        let inside = full.len() > self.root.len() && full.starts_with(&self.root) && !climbs(&full);
        if !inside || full == "." || full == "./" {
            return Err(self.outside("key", key));
        }
        Ok(full)
    }

    /// Full list prefix of a relative one.
    pub fn join_list(&self, prefix: &str) -> Result<String> {
        if self.is_empty() {
            return Ok(prefix.to_owned());
        }
        let full = self.normalized(prefix);
        if climbs(&full) || !(full.starts_with(&self.root) || full.strip_suffix('/').unwrap_or(&full) == self.root_path()) {
            return Err(self.outside("prefix", prefix));
        }
        let whole = prefix.is_empty() || full == "." || full == "./" || !full.starts_with(&self.root);
        Ok(if whole { self.root.clone() } else { full })
    }

    /// Full form of a `start_after` text, which is compared and never used as a key.
    pub fn join_position(&self, position: &str) -> String {
        if self.is_empty() {
            return position.to_owned();
        }
        format!("{}{}", self.root, position.trim_start_matches('/'))
    }

    /// Relative form of a full key.
    pub fn strip(&self, full: &str) -> String {
        full.strip_prefix(&self.root).unwrap_or(full).to_owned()
    }

    fn root_path(&self) -> &str {
        self.root.strip_suffix('/').unwrap_or(&self.root)
    }

    fn normalized(&self, key: &str) -> String {
        if key.is_empty() {
            return normalize(&self.given);
        }
        normalize(&format!("{}/{key}", self.given))
    }

    fn outside(&self, field: &str, value: &str) -> Error {
        Error::validation(
            field,
            format!("{field} leaves the database path or names nothing in it: use a relative {field} without '..'"),
        )
        .with("value", value)
    }
}

/// Certainly what [`normalize`] would make of it: relative, and no segment is empty or starts with a dot.
fn is_normal(key: &str) -> bool {
    let bytes = key.as_bytes();
    !matches!(bytes, [] | [b'/' | b'.', ..]) && !bytes.windows(2).any(|pair| matches!(pair, [b'/', b'/' | b'.']))
}

fn climbs(path: &str) -> bool {
    path == ".." || path.starts_with("../")
}

/// [`Store`] over relative keys.
pub struct PrefixStore {
    inner: Arc<dyn Store>,
    prefix: KeyPrefix,
}

impl PrefixStore {
    /// Wraps `inner`, which speaks full keys.
    pub fn new(inner: Arc<dyn Store>, prefix: &str) -> Result<Self> {
        Ok(Self {
            inner,
            prefix: KeyPrefix::new(prefix)?,
        })
    }

    /// Error of the inner store with the caller's key in place of the full one.
    fn relative(&self, error: Error, key: &str) -> Error {
        if error.kind() != Kind::NoSuchKey || error.foreign_id().is_some() {
            return error.with("key", key);
        }
        let mut own = Error::no_such_key(key, error.code().unwrap_or("NoSuchKey")).with_retry(error.retry());
        if let Some(id) = error.request_id() {
            own = own.with_request_id(id);
        }
        for (name, value) in error.fields() {
            let value = match value.as_str() {
                Some(full) if name == "source" => self.prefix.strip(full).into(),
                _ => value.clone(),
            };
            own = own.with_default(name, value);
        }
        own
    }
}

impl Store for PrefixStore {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn put(&self, mut request: PutRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(async move {
            let full = self.prefix.join(&request.key)?;
            let key = std::mem::replace(&mut request.key, full);
            self.inner.put(request).await.map_err(|e| self.relative(e, &key))
        })
    }

    fn put_many(&self, puts: Vec<PlainPut>) -> StoreFuture<'_, Vec<Result<PutOutcome>>> {
        Box::pin(async move {
            let mut keys = Vec::with_capacity(puts.len());
            let mut refused = Vec::new();
            let mut full = Vec::with_capacity(puts.len());
            for (index, put) in puts.into_iter().enumerate() {
                match self.prefix.join(&put.key) {
                    Ok(key) => {
                        full.push(PlainPut {
                            key,
                            metadata: put.metadata,
                        });
                        keys.push(put.key);
                    }
                    Err(e) => refused.push((index, e)),
                }
            }
            let mut results: Vec<_> = (self.inner.put_many(full).await?.into_iter().zip(&keys))
                .map(|(result, key)| result.map_err(|e| self.relative(e, key)))
                .collect();
            for (index, error) in refused {
                results.insert(index, Err(error));
            }
            Ok(results)
        })
    }

    fn get<'a>(&'a self, key: &'a str) -> StoreFuture<'a, StoredObject> {
        Box::pin(async move {
            let full = self.prefix.join(key)?;
            self.inner.get(&full).await.map_err(|e| self.relative(e, key))
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ObjectMeta> {
        Box::pin(async move {
            let full = self.prefix.join(key)?;
            self.inner.head(&full).await.map_err(|e| self.relative(e, key))
        })
    }

    fn copy(&self, mut request: CopyRequest) -> StoreFuture<'_, PutOutcome> {
        Box::pin(async move {
            request.from = self.prefix.join(&request.from)?;
            let full = self.prefix.join(&request.to)?;
            let key = std::mem::replace(&mut request.to, full);
            self.inner.copy(request).await.map_err(|e| self.relative(e, &key))
        })
    }

    fn delete<'a>(&'a self, key: &'a str, if_match: Option<&'a str>) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let full = self.prefix.join(key)?;
            self.inner.delete(&full, if_match).await.map_err(|e| self.relative(e, key))
        })
    }

    fn delete_many(&self, keys: Vec<String>) -> StoreFuture<'_, DeleteOutcome> {
        Box::pin(async move {
            let full = keys.iter().map(|key| self.prefix.join(key)).collect::<Result<Vec<_>>>()?;
            let mut outcome = self.inner.delete_many(full).await?;
            for key in &mut outcome.deleted {
                *key = self.prefix.strip(key);
            }
            for error in &mut outcome.errors {
                error.key = self.prefix.strip(&error.key);
            }
            Ok(outcome)
        })
    }

    fn list(&self, mut request: ListRequest) -> StoreFuture<'_, ListPage> {
        Box::pin(async move {
            request.prefix = self.prefix.join_list(&request.prefix)?;
            request.start_after = request.start_after.filter(|s| !s.is_empty()).map(|s| self.prefix.join_position(&s));
            let mut page = self.inner.list(request).await?;
            for entry in &mut page.entries {
                entry.key = self.prefix.strip(&entry.key);
            }
            for group in &mut page.common_prefixes {
                *group = self.prefix.strip(group);
            }
            Ok(page)
        })
    }

    fn capabilities(&self) -> StoreFuture<'_, Capabilities> {
        self.inner.capabilities()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalize_matches_node() {
        for (path, expected) in [
            ("a//b/./c", "a/b/c"),
            ("./a", "a"),
            ("a/../..", ".."),
            ("/..//x/", "/x/"),
            ("a/..", "."),
            ("a/../", "./"),
            ("", "."),
            ("../../x", "../../x"),
            ("/", "/"),
        ] {
            assert_eq!(normalize(path), expected, "{path}");
        }
    }

    #[test]
    fn spec05_2_4_keys_are_joined_and_kept_inside() {
        let prefix = KeyPrefix::new("app/x").expect("valid");
        for (key, full) in [
            ("a//b", "app/x/a/b"),
            ("./a/b", "app/x/a/b"),
            ("/a", "app/x/a"),
            ("a/", "app/x/a/"),
            ("a/../b", "app/x/b"),
            ("id=https://h", "app/x/id=https:/h"),
            ("a/.b", "app/x/a/.b"),
            ("a/./b/..", "app/x/a"),
        ] {
            assert_eq!(prefix.join(key).expect(key), full);
            assert_eq!(prefix.strip(full), full["app/x/".len()..]);
        }
        for key in ["../../other/x", "..", "../x2/a", "", ".", "./", "/", "a/..", "../x"] {
            assert_eq!(prefix.join(key).expect_err(key).kind(), Kind::Validation, "{key}");
        }
    }

    #[test]
    fn spec05_2_4_listing_never_reaches_siblings() {
        let prefix = KeyPrefix::new("app/x").expect("valid");
        assert_eq!(prefix.join_list("").expect("ok"), "app/x/");
        assert_eq!(prefix.join_list(".").expect("ok"), "app/x/");
        assert_eq!(prefix.join_list("/").expect("ok"), "app/x/");
        assert_eq!(prefix.join_list("r=a/id").expect("ok"), "app/x/r=a/id");
        assert_eq!(prefix.join_list("r=a/").expect("ok"), "app/x/r=a/");
        for list in ["..", "../x2", "../../"] {
            assert_eq!(prefix.join_list(list).expect_err(list).kind(), Kind::Validation);
        }
    }

    #[test]
    fn spec05_2_4_without_a_prefix_nothing_is_normalised() {
        let none = KeyPrefix::new("").expect("valid");
        for key in ["a//b", "../x", "./a", "/a"] {
            assert_eq!(none.join(key).expect(key), key);
            assert_eq!(none.join_list(key).expect(key), key);
        }
    }

    #[test]
    fn odd_prefixes_work_or_are_refused() {
        assert_eq!(KeyPrefix::new("/").and_then(|p| p.join("k")).expect("ok"), "/k");
        assert_eq!(KeyPrefix::new(".").and_then(|p| p.join("k")).expect("ok"), "k");
        assert_eq!(KeyPrefix::new("a/").and_then(|p| p.join("k")).expect("ok"), "a/k");
        assert_eq!(KeyPrefix::new("/a/").and_then(|p| p.join_list("")).expect("ok"), "/a/");
        assert_eq!(KeyPrefix::new("../a").expect_err("climbs").kind(), Kind::Validation);
        let root = KeyPrefix::new(".").expect("valid");
        assert!(root.join("../k").is_err());
        assert_eq!(root.join_list("").expect("ok"), "");
    }
}
