//! Locks with an expiry and a fencing number (spec/05 sections 10.7 and 18).
//!
//! A lock is one object that only conditional writes change: created when
//! absent, taken over, renewed and released on the ETag that was read. Every
//! body has a fresh random mark, so ETags never repeat and two holders cannot
//! both succeed. The fence grows with every change of holder. To survive a
//! release, the released lock stays as an expired body, which 13.6 takes for
//! free; where names are used only once, `discard` deletes the object instead,
//! and the fence of a later lock of that name is the clock of its attempt, in
//! microseconds: with slow requests it may be below an earlier one. Requests:
//! acquire 2 (1 with `discard`), release 1, renew 1.

use super::cas::{Expected, Swap, Weaker};
use super::entry::{EXPIRES_AT, Entry, json_bytes};
use super::keys;
use super::storage::PluginStorage;
use crate::ambient::random_unit;
use crate::codec::ids;
use crate::error::{Error, Kind, Result};
use crate::store::{Purpose, PutRequest, StoredObject};
use crate::value::{Object, Value, number};
use std::time::{Duration, Instant};

/// Lost races against locks that turn out to be free before an attempt counts as lost.
const FREE_RACES: u32 = 4;

/// Longest wait between two attempts, milliseconds.
const LONGEST_WAIT: f64 = 3_600_000.0;

/// Shape of the stored lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockFormat {
    /// `{ workerId, token, acquiredAt, _expiresAt, fence }`
    #[default]
    Lock,
    /// `{ lockId, holderId, acquiredAt, expiresAt, fence }`, the mutex of later versions.
    Mutex,
}

impl LockFormat {
    fn token(self) -> &'static str {
        match self {
            Self::Lock => "token",
            Self::Mutex => "lockId",
        }
    }

    fn worker(self) -> &'static str {
        match self {
            Self::Lock => "workerId",
            Self::Mutex => "holderId",
        }
    }

    fn expiry(self) -> &'static str {
        match self {
            Self::Lock => EXPIRES_AT,
            Self::Mutex => "expiresAt",
        }
    }
}

/// A lock's name, key and shape.
#[derive(Debug, Clone, PartialEq)]
pub struct LockTarget {
    /// Name, for the handle.
    pub name: String,
    /// Key of the object.
    pub key: String,
    /// Stored shape.
    pub format: LockFormat,
}

/// Options of [`PluginStorage::acquire`].
#[derive(Debug, Clone, PartialEq)]
pub struct LockOptions {
    /// Seconds until the lock expires, above 0.
    pub ttl: f64,
    /// Milliseconds to wait at most, sleeps included; 0 tries once, infinity waits.
    pub timeout: f64,
    /// Who holds it; any value that JSON has.
    pub worker_id: Value,
    /// First wait, milliseconds; doubles.
    pub retry_delay: f64,
    /// Longest wait, milliseconds.
    pub max_retry_delay: f64,
    /// Delete the lock on release instead of keeping its fence: for names used once.
    pub discard: bool,
}

impl Default for LockOptions {
    fn default() -> Self {
        Self {
            ttl: 30.0,
            timeout: 0.0,
            worker_id: Value::from("unknown"),
            retry_delay: 100.0,
            max_retry_delay: 1000.0,
            discard: false,
        }
    }
}

impl LockOptions {
    /// One attempt for a lock of `ttl` seconds held by `worker`.
    pub fn new(ttl: f64, worker: &str) -> Self {
        Self {
            ttl,
            worker_id: Value::from(worker),
            ..Self::default()
        }
    }
}

/// A lock that is held, until it expires or is released.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// What is locked.
    pub target: LockTarget,
    /// Mark of this holder, 22 characters.
    pub token: String,
    /// Who holds it.
    pub worker_id: Value,
    /// Epoch milliseconds.
    pub acquired_at: f64,
    /// Epoch milliseconds.
    pub expires_at: f64,
    /// Time to live it was acquired or renewed with, seconds.
    pub ttl: f64,
    /// Grows with every change of holder; pass it to whatever must refuse a holder that was overtaken.
    pub fence: f64,
    /// ETag of the lock as this holder wrote it.
    pub etag: Option<String>,
    /// Delete on release.
    pub discard: bool,
}

/// A stored lock as read.
#[derive(Debug, Clone, PartialEq)]
pub struct LockInfo {
    /// Mark of the holder.
    pub token: String,
    /// Who holds it.
    pub worker_id: Value,
    /// Epoch milliseconds; NaN when unknown.
    pub acquired_at: f64,
    /// Epoch milliseconds; infinity for a lock without an expiry (13.6, `ttl: 0`).
    pub expires_at: f64,
    /// Fence; 0 when the writer knew none.
    pub fence: f64,
}

impl LockInfo {
    /// A stored lock, or `None` for what is none and therefore free.
    fn parse(object: &StoredObject, format: LockFormat) -> Option<Self> {
        let entry = Entry::parse(object, "").ok()?;
        let number_of = |name: &str| entry.fields.get(name).map(number::js_number);
        let acquired_at = number_of("acquiredAt").unwrap_or(f64::NAN);
        let expiry = if format == LockFormat::Lock {
            entry.expires_at
        } else {
            number_of("expiresAt")
        };
        Some(Self {
            token: match entry.fields.get(format.token())? {
                Value::Null | Value::Undefined => return None,
                token => number::js_string(token),
            },
            worker_id: entry.fields.get(format.worker()).cloned().unwrap_or(Value::Null),
            acquired_at,
            expires_at: expiry.unwrap_or(f64::INFINITY),
            fence: number_of("fence").filter(|n| n.is_finite()).unwrap_or(0.0),
        })
    }

    fn is_held(&self, now: f64) -> bool {
        now <= self.expires_at
    }
}

/// Whether an entry is a lock of ours, whose fence must outlive its expiry.
pub(super) fn is_lock(entry: &Entry) -> bool {
    entry.fields.contains_key("fence") && (entry.fields.contains_key("token") || entry.fields.contains_key("lockId"))
}

enum Attempt {
    Won(Box<Lease>),
    /// Held by another; its expiry.
    Held(f64),
}

impl PluginStorage {
    /// The lock of a name.
    pub fn lock_target(&self, name: &str) -> Result<LockTarget> {
        keys::check_object(name)?;
        Ok(LockTarget {
            name: name.to_owned(),
            key: keys::lock_key(&self.slug, name),
            format: LockFormat::Lock,
        })
    }

    /// The mutex of a name in a namespace.
    pub fn mutex_target(&self, namespace: &str, name: &str) -> Result<LockTarget> {
        keys::check_object(namespace)?;
        keys::check_object(name)?;
        Ok(LockTarget {
            name: name.to_owned(),
            key: keys::mutex_key(&self.slug, namespace, name),
            format: LockFormat::Mutex,
        })
    }

    /// [`Self::acquire_target`] for the lock called `name`.
    pub async fn acquire(&self, name: &str, options: &LockOptions) -> Result<Option<Lease>> {
        self.acquire_target(&self.lock_target(name)?, options).await
    }

    /// Acquires a lock that is free or expired; `None` when it is not to be had within the timeout. Waiting needs a runtime.
    pub async fn acquire_target(&self, target: &LockTarget, options: &LockOptions) -> Result<Option<Lease>> {
        check_ttl(options.ttl)?;
        keys::check_object(&target.key)?;
        let started = Instant::now();
        let mut attempt = 0;
        let running = if options.timeout > 0.0 { Some(self.running()) } else { None };
        let storage = running.as_ref().unwrap_or(self);
        loop {
            attempt += 1;
            let held_until = match storage.attempt(target, options).await? {
                Attempt::Won(lease) => return Ok(Some(*lease)),
                Attempt::Held(until) => until,
            };
            let left = options.timeout - started.elapsed().as_secs_f64() * 1000.0;
            // NaN counts as no wait.
            if left.is_nan() || left <= 0.0 {
                return Ok(None);
            }
            // Whoever waits is there when the lock expires.
            let expiry = (held_until - storage.now_f64() + 1.0).max(1.0);
            let wait = backoff(attempt, options.retry_delay, options.max_retry_delay)
                .min(left)
                .min(expiry)
                .min(LONGEST_WAIT);
            tokio::time::sleep(Duration::from_secs_f64(wait.max(0.0) / 1000.0)).await;
        }
    }

    async fn attempt(&self, target: &LockTarget, options: &LockOptions) -> Result<Attempt> {
        let _turn = self.turn(&target.key).await;
        // A name used once is free as a rule: its first request is the write.
        let blind = options.discard && self.capabilities().await?.put_if_absent;
        let mut current = if blind { None } else { self.fetch(&target.key).await? };
        let mut held_until = f64::INFINITY;
        for _ in 0..FREE_RACES {
            let (expected, fence) = match &current {
                None => (Expected::Absent, 0.0),
                Some(object) => {
                    let seen = LockInfo::parse(object, target.format);
                    if let Some(lock) = seen.as_ref().filter(|lock| lock.is_held(self.now_f64())) {
                        return Ok(Attempt::Held(lock.expires_at));
                    }
                    let fence = seen.map_or(0.0, |lock| lock.fence.max(lock.acquired_at * 1000.0));
                    (Expected::Version(object.meta.etag.clone()), fence)
                }
            };
            let now = self.now_f64();
            let mut lease = Lease {
                target: target.clone(),
                token: ids::generate(22),
                worker_id: options.worker_id.clone(),
                acquired_at: now,
                expires_at: (now + options.ttl * 1000.0).round(),
                ttl: options.ttl,
                fence: (fence + 1.0).max(self.fence_floor()),
                etag: None,
                discard: options.discard,
            };
            match self.write(&lease, None, expected).await? {
                Swap::Won(etag) => {
                    lease.etag = etag;
                    // A write that took longer than the time to live gave nothing.
                    if self.now_f64() > lease.expires_at {
                        return Ok(Attempt::Held(lease.expires_at));
                    }
                    return Ok(Attempt::Won(Box::new(lease)));
                }
                Swap::Lost(now_there) => {
                    held_until = now_there
                        .as_ref()
                        .and_then(|object| LockInfo::parse(object, target.format))
                        .map_or(held_until, |lock| lock.expires_at);
                    current = now_there;
                }
            }
        }
        Ok(Attempt::Held(held_until))
    }

    /// Writes the lock as `lease` says; `mark` makes the body differ from an earlier one with the same token.
    async fn write(&self, lease: &Lease, mark: Option<String>, expected: Expected) -> Result<Swap> {
        let format = lease.target.format;
        let mut body = Object::default();
        body.insert(format.worker().into(), lease.worker_id.clone());
        body.insert(format.token().into(), Value::from(lease.token.as_str()));
        body.insert("acquiredAt".into(), Value::Number(lease.acquired_at));
        body.insert(format.expiry().into(), Value::Number(lease.expires_at));
        body.insert("fence".into(), Value::Number(lease.fence));
        if let Some(mark) = &mark {
            body.insert("rev".into(), Value::from(mark.as_str()));
        }
        let request = PutRequest {
            key: lease.target.key.clone(),
            body: json_bytes(&body),
            content_type: Some("application/json".into()),
            purpose: Purpose::Plugin,
            ..PutRequest::default()
        };
        let planned = request.body.clone();
        self.swap(request, expected, Weaker::ReadBack, |stored| stored.body == planned)
            .await
    }

    /// Extends a lock to `ttl` seconds from now; `None` when it is gone or another's. The token and the fence stay.
    pub async fn renew(&self, lease: &Lease, ttl: f64) -> Result<Option<Lease>> {
        check_ttl(ttl)?;
        let _turn = self.turn(&lease.target.key).await;
        let mut etag = lease.etag.clone();
        let mut known = etag.is_some();
        for _ in 0..FREE_RACES {
            let mut renewed = lease.clone();
            if !known {
                let Some((info, object)) = self.own(lease).await? else {
                    return Ok(None);
                };
                etag = object.meta.etag;
                renewed.fence = info.fence;
                renewed.acquired_at = info.acquired_at;
            }
            renewed.ttl = ttl;
            renewed.expires_at = (self.now_f64() + ttl * 1000.0).round();
            match self
                .write(&renewed, Some(ids::generate(12)), Expected::Version(etag.take()))
                .await?
            {
                Swap::Won(etag) => {
                    renewed.etag = etag;
                    return Ok(Some(renewed));
                }
                // Another handle of the same holder may have renewed it: its token tells.
                Swap::Lost(_) => known = false,
            }
        }
        Ok(None)
    }

    /// Releases a lock; false when it was gone or another's, which stays as it is.
    pub async fn release(&self, lease: &Lease) -> Result<bool> {
        let _turn = self.turn(&lease.target.key).await;
        let capabilities = self.capabilities().await?;
        if lease.discard && !capabilities.delete_if_match {
            self.announce_degraded(capabilities);
        }
        let mut etag = lease.etag.clone();
        for _ in 0..FREE_RACES {
            let mut info = None;
            // Without conditions the lock is looked at first, in any case.
            if etag.is_none() || !capabilities.put_if_match {
                let Some((seen, object)) = self.own(lease).await? else {
                    return Ok(false);
                };
                if !capabilities.put_if_match && lease.discard {
                    return self.delete_exact(&lease.target.key, &object).await;
                }
                etag = object.meta.etag;
                info = Some(seen);
            }
            if lease.discard
                && capabilities.delete_if_match
                && let Some(etag) = etag.as_deref()
            {
                match self.store.delete(&lease.target.key, Some(etag)).await {
                    Ok(()) => return Ok(true),
                    Err(error) if error.is_not_found() => return Ok(false),
                    Err(error) if error.is_precondition() => {}
                    Err(error) => return Err(error),
                }
            } else {
                let mut free = lease.clone();
                if let Some(info) = info {
                    free.fence = info.fence.max(lease.fence);
                    free.acquired_at = info.acquired_at;
                }
                // Nobody's token; expired for every reader, zero would count as no expiry.
                free.token = ids::generate(22);
                free.expires_at = 1.0;
                if matches!(self.write(&free, None, Expected::Version(etag.take())).await?, Swap::Won(_)) {
                    return Ok(true);
                }
            }
            etag = None;
        }
        Ok(false)
    }

    /// Whether the lock is still the lease's, and not expired.
    pub async fn is_owner(&self, lease: &Lease) -> Result<bool> {
        Ok(self.own(lease).await?.is_some_and(|(info, _)| info.is_held(self.now_f64())))
    }

    /// The stored lock when its token is the lease's.
    async fn own(&self, lease: &Lease) -> Result<Option<(LockInfo, StoredObject)>> {
        let Some(object) = self.fetch(&lease.target.key).await? else {
            return Ok(None);
        };
        Ok(LockInfo::parse(&object, lease.target.format)
            .filter(|info| info.token == lease.token)
            .map(|info| (info, object)))
    }

    /// The lock as it is held now; `None` when it is free.
    pub async fn lock_info(&self, target: &LockTarget) -> Result<Option<LockInfo>> {
        keys::check_object(&target.key)?;
        let Some(object) = self.fetch(&target.key).await? else {
            return Ok(None);
        };
        Ok(LockInfo::parse(&object, target.format).filter(|lock| lock.is_held(self.now_f64())))
    }

    /// Whether the lock called `name` is held.
    pub async fn is_locked(&self, name: &str) -> Result<bool> {
        Ok(self.lock_info(&self.lock_target(name)?).await?.is_some())
    }
}

fn check_ttl(ttl: f64) -> Result<()> {
    if ttl > 0.0 && ttl.is_finite() {
        return Ok(());
    }
    Err(Error::new(Kind::PluginStorage, "ttl of a lock must be a number of seconds above 0")
        .with_status(400)
        .with("field", "ttl")
        .with(
            "suggestion",
            "Pass the seconds after which a crashed holder loses the lock, for example ttl: 30.",
        ))
}

/// Wait after attempt `attempt`, milliseconds: exponential, with up to half of `base` of jitter.
fn backoff(attempt: u32, base: f64, max: f64) -> f64 {
    let base = if base > 0.0 { base } else { 1.0 };
    (base * 2f64.powi(i32::try_from(attempt.saturating_sub(1)).unwrap_or(30).min(30))).min(max.max(1.0)) + random_unit() * base / 2.0
}
