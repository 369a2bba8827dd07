//! Conformance suite: every promise of [`Store`], checked on any store.
//!
//! Each check has a name, works under a random prefix of its own and leaves
//! nothing behind. Checks use a different body per write, so that they also
//! hold above a retry layer over a store that loses answers.

mod basics;
mod conditions;
mod listing;

use crate::ambient::random_bytes;
use crate::error::Error;
use crate::store::*;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// What the store under test promises.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    /// Conditions it honours.
    pub capabilities: Capabilities,
    /// Metadata names come back in lower case, in any order.
    pub metadata_lowercased: bool,
    /// Run the races, which need honest conditions and answers that are never lost.
    pub races: bool,
}

/// A check that did not hold.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Name of the check.
    pub check: &'static str,
    /// What was wrong.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.message)
    }
}

struct Broken(String);

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(format!("unexpected error {error} ({:?})", error.kind()))
    }
}

type Outcome = std::result::Result<(), Broken>;

macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err($crate::store::contract::Broken(format!($($text)+)));
        }
    };
}

macro_rules! same {
    ($left:expr, $right:expr, $what:expr) => {{
        let (left, right) = (&$left, &$right);
        if left != right {
            return Err($crate::store::contract::Broken(format!(
                "{}: got {left:?}, expected {right:?}",
                $what
            )));
        }
    }};
}

use {ensure, same};

/// One check's view: the store and a prefix of its own.
#[derive(Clone)]
struct Case {
    store: Arc<dyn Store>,
    expect: Expect,
    root: String,
}

impl Case {
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    fn request(&self, name: &str, body: impl Into<Bytes>) -> PutRequest {
        PutRequest {
            key: self.key(name),
            body: body.into(),
            ..PutRequest::default()
        }
    }

    async fn put(&self, name: &str, body: impl Into<Bytes>) -> Result<PutOutcome, Error> {
        self.store.put(self.request(name, body)).await
    }

    async fn put_if(&self, name: &str, body: impl Into<Bytes>, condition: Condition) -> Result<PutOutcome, Error> {
        let mut request = self.request(name, body);
        request.condition = condition;
        self.store.put(request).await
    }

    async fn etag(&self, name: &str) -> Result<String, Broken> {
        let meta = self.store.head(&self.key(name)).await?;
        meta.etag.ok_or_else(|| Broken(format!("{name} has no ETag")))
    }

    fn listing(&self, prefix: &str) -> ListRequest {
        ListRequest {
            prefix: self.key(prefix),
            ..ListRequest::default()
        }
    }

    /// Every page of a listing: keys and groups without the case's root.
    async fn all(&self, mut request: ListRequest) -> Result<(Vec<String>, Vec<String>, usize), Broken> {
        let (mut keys, mut groups, mut pages) = (Vec::new(), Vec::new(), 0);
        loop {
            let page = self.store.list(request.clone()).await?;
            pages += 1;
            let strip = |key: &str| key.strip_prefix(&self.root).unwrap_or(key).to_owned();
            keys.extend(page.entries.iter().map(|entry| strip(&entry.key)));
            groups.extend(page.common_prefixes.iter().map(|group| strip(group)));
            match page.next_token {
                None => return Ok((keys, groups, pages)),
                Some(token) => request.token = Some(token),
            }
            ensure!(pages < 10_000, "the listing of {:?} never ends", request.prefix);
        }
    }

    async fn clean(&self) -> Result<(), Broken> {
        let (keys, _, _) = self.all(self.listing("")).await?;
        let keys = keys.iter().map(|key| self.key(key)).collect();
        let outcome = self.store.delete_many(keys).await?;
        ensure!(outcome.errors.is_empty(), "clean-up failed: {:?}", outcome.errors);
        Ok(())
    }
}

/// 22 or so random hexadecimal characters.
fn random_text() -> String {
    let mut bytes = [0u8; 11];
    random_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

type Check = (&'static str, fn(Case) -> BoxFuture<'static, Outcome>);

macro_rules! checks {
    ($($module:ident :: $name:ident),+ $(,)?) => {
        &[$((stringify!($name), |case| $module::$name(case).boxed())),+]
    };
}

const CHECKS: &[Check] = checks![
    basics::missing_keys_have_their_codes,
    basics::put_get_head_agree,
    basics::put_many_is_many_puts,
    basics::overwrite_replaces_everything,
    basics::metadata_comes_back_verbatim,
    basics::odd_keys_are_kept_apart,
    basics::keys_that_are_prefixes_of_keys_coexist,
    basics::empty_and_large_bodies,
    basics::copy_keeps_metadata_without_replacement,
    basics::copy_replaces_metadata,
    basics::copy_of_a_missing_source_fails,
    basics::copy_honours_source_if_match,
    basics::delete_removes_and_forgives,
    basics::delete_many_of_2500_keys,
    conditions::capabilities_are_as_declared,
    conditions::create_if_absent,
    conditions::replace_if_match,
    conditions::delete_if_match,
    listing::keys_come_in_byte_order,
    listing::prefix_narrows,
    listing::pages_join_without_gaps,
    listing::start_after_is_exclusive,
    listing::delimiter_groups,
    listing::groups_are_paged_once,
    listing::more_than_a_thousand_keys,
    listing::tokens_survive_deletion_of_their_key,
    listing::invalid_tokens_are_refused,
    listing::entries_describe_objects,
];

const RACES: &[Check] = checks![conditions::one_of_16_creators_wins, conditions::no_update_is_lost];

/// Runs every check; returns those that failed.
pub async fn failures(store: Arc<dyn Store>, expect: Expect) -> Vec<Failure> {
    let mut failed = Vec::new();
    let races = if expect.races { RACES } else { &[] };
    for (check, run) in CHECKS.iter().chain(races) {
        let case = Case {
            store: store.clone(),
            expect,
            root: format!("contract/{}/", random_text()),
        };
        let mut result = run(case.clone()).await;
        if result.is_ok() {
            result = case.clean().await;
        }
        if let Err(Broken(message)) = result {
            failed.push(Failure { check, message });
        }
    }
    failed
}

/// Runs every check and panics with the list of those that failed.
pub async fn run(store: Arc<dyn Store>, expect: Expect) {
    let kind = store.info().kind;
    let failed = failures(store, expect).await;
    let list: Vec<String> = failed.iter().map(Failure::to_string).collect();
    assert!(
        list.is_empty(),
        "{kind} store breaks {} promises:\n  {}",
        list.len(),
        list.join("\n  ")
    );
}
