//! Pages of an ordered key space, for the embedded stores: key-based
//! continuation tokens and grouping by delimiter as S3 does it (groups count
//! toward `max_keys`, a group is listed once).

use super::{ListEntry, ListPage, ListRequest};
use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where a page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At the first key.
    First,
    /// After this key.
    After(String),
    /// After every key of this group.
    AfterGroup(String),
    /// After this many entries (decimal tokens of s3db.js 13.6).
    Skip(usize),
}

/// Smallest text above every text that starts with `prefix`; `None` when there is none.
pub fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The range of `char` skips the surrogates, as UTF-8 order does.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Start of the page that `request` asks for; the later of token and `start_after` wins.
pub fn start(request: &ListRequest) -> Result<Start> {
    let from_key = request.start_after.as_deref().filter(|key| !key.is_empty());
    let Some(token) = request.token.as_deref().filter(|token| !token.is_empty()) else {
        return Ok(from_key.map_or(Start::First, |key| Start::After(key.to_owned())));
    };
    if token.bytes().all(|b| b.is_ascii_digit()) {
        return token.parse().map(Start::Skip).map_err(|_| invalid_token());
    }
    let text = token
        .strip_prefix("k.")
        .and_then(|rest| URL_SAFE_NO_PAD.decode(rest).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(invalid_token)?;
    match text.split_at_checked(1) {
        Some(("k", key)) => Ok(Start::After(key.to_owned())),
        Some(("g", group)) => Ok(Start::AfterGroup(group.to_owned())),
        _ => Err(invalid_token()),
    }
}

fn invalid_token() -> Error {
    Error::validation(
        "continuationToken",
        "Invalid continuation token: pass the token of the previous page unchanged",
    )
}

/// What to do after offering a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The key is part of the page: add its entry, go on.
    Take,
    /// The key belongs to this group, now recorded; continue above it.
    SkipGroup(String),
    /// The page is full, the key belongs to the next one.
    Full,
}

/// Collects one page from keys offered in order.
#[derive(Debug)]
pub struct PageBuilder {
    prefix: String,
    delimiter: Option<String>,
    limit: usize,
    skip: usize,
    last: Option<String>,
    page: ListPage,
}

impl PageBuilder {
    /// A page for `request`, which starts at `start`.
    pub fn new(request: &ListRequest, start: &Start) -> Self {
        Self {
            prefix: request.prefix.clone(),
            delimiter: request.delimiter.clone().filter(|d| !d.is_empty()),
            limit: page_size(request.max_keys),
            skip: if let Start::Skip(n) = start { *n } else { 0 },
            last: None,
            page: ListPage::default(),
        }
    }

    /// Offers the next key; on [`Step::Take`] the caller calls [`Self::add`].
    pub fn offer(&mut self, key: &str) -> Step {
        if self.page.entries.len() + self.page.common_prefixes.len() >= self.limit {
            self.page.next_token = self
                .last
                .take()
                .map(|last| format!("k.{}", URL_SAFE_NO_PAD.encode(last.as_bytes())));
            return Step::Full;
        }
        let group = self.delimiter.as_deref().and_then(|delimiter| {
            let rest = key.get(self.prefix.len()..)?;
            rest.find(delimiter).map(|at| self.prefix.len() + at + delimiter.len())
        });
        match group {
            Some(end) => {
                let group = key[..end].to_owned();
                if self.skip > 0 {
                    self.skip -= 1;
                } else {
                    self.last = Some(format!("g{group}"));
                    self.page.common_prefixes.push(group.clone());
                }
                Step::SkipGroup(group)
            }
            None => Step::Take,
        }
    }

    /// Adds the entry of the key just offered.
    pub fn add(&mut self, entry: ListEntry) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.last = Some(format!("k{}", entry.key));
        self.page.entries.push(entry);
    }

    /// The page.
    pub fn finish(self) -> ListPage {
        self.page
    }
}

/// Entries per page for a requested `max_keys`.
pub fn page_size(max_keys: u32) -> usize {
    match max_keys {
        0 | 1001.. => 1000,
        n => usize::try_from(n).unwrap_or(1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successor_skips_every_key_of_a_prefix() {
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}"), None);
        assert_eq!(successor(""), None);
    }

    #[test]
    fn foreign_tokens_are_refused() {
        for token in ["zzz", "k.!!", "k.", "k.eA"] {
            let request = ListRequest {
                token: Some(token.into()),
                ..ListRequest::default()
            };
            assert_eq!(start(&request).expect_err(token).kind(), crate::error::Kind::Validation);
        }
    }
}
