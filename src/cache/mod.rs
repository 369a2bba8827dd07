//! Store of the in-memory cache driver (spec/10 section 10.9): texts and bytes by key, bounded by items and bytes, in
//! exact FIFO or LRU order, with a time to live per entry.
//!
//! Hits, stores and evictions take constant time; removal by prefix takes time for what is removed only. Entries live in
//! slots; an id names one entry for as long as it lives. A caller who keeps the decoded value is told when the entry goes
//! ([`MemoryCache::take_released`]), and reports its own hits later ([`MemoryCache::touch_all`]) but before anything is
//! evicted, so that the order stays exact. Time is monotonic: setting the system clock back prolongs nothing.

mod list;
#[cfg(test)]
mod tests;

use crate::ambient;
use list::{List, NONE};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// Which entry goes first when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The one stored first.
    Fifo,
    /// The one whose last hit (or store) is longest ago.
    Lru,
}

/// Bounds of a cache; 0 means none.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries.
    pub items: usize,
    /// Sum of the sizes of the entries.
    pub bytes: u64,
    /// Time to live of entries that bring none, milliseconds.
    pub ttl_ms: u64,
    /// Eviction order.
    pub policy: Policy,
}

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Serialised text.
    Text(Box<str>),
    /// Compressed text.
    Bytes(Box<[u8]>),
}

/// Counters since the start or the last complete clear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counters {
    pub hits: u64,
    pub misses: u64,
    pub sets: u64,
    pub deletes: u64,
    pub evictions: u64,
    pub evicted_for_bytes: u64,
}

/// What callers may know of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Accounted size, bytes.
    pub size: u64,
    /// Epoch milliseconds.
    pub created_at: i64,
    /// Epoch milliseconds of the last hit, or of the store.
    pub last_access: i64,
}

struct Entry {
    key: Arc<str>,
    /// Spelling to report when it differs from the key.
    label: Option<Box<str>>,
    body: Body,
    facts: Facts,
    /// Monotonic time at which the entry ends; `u64::MAX` never.
    ends: u64,
    /// The caller keeps the decoded value.
    kept: bool,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    entry: Option<Entry>,
}

/// Id of an entry: slot and generation in 53 bits, so that JavaScript holds it exactly. 0 is no entry.
pub type EntryId = u64;
const SLOT_BITS: u32 = 31;
const LAST_GENERATION: u32 = (1 << 22) - 1;

fn id_of(slot: u32, generation: u32) -> EntryId {
    (u64::from(generation) << SLOT_BITS) | u64::from(slot)
}

/// The store.
pub struct MemoryCache {
    limits: Limits,
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_key: HashMap<Arc<str>, u32, ahash::RandomState>,
    sorted: BTreeMap<Arc<str>, u32>,
    endings: BTreeSet<(u64, u32)>,
    order: List,
    bytes: u64,
    released: Vec<Arc<str>>,
    /// Read by the binding.
    pub counters: Counters,
    clock: fn() -> u64,
}

impl MemoryCache {
    /// An empty cache.
    pub fn new(limits: Limits) -> Self {
        Self::with_clock(limits, ambient::monotonic_ms)
    }

    /// An empty cache on another monotonic clock (milliseconds).
    pub fn with_clock(limits: Limits, clock: fn() -> u64) -> Self {
        Self {
            limits,
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::default(),
            sorted: BTreeMap::new(),
            endings: BTreeSet::new(),
            order: List::default(),
            bytes: 0,
            released: Vec::new(),
            counters: Counters::default(),
            clock,
        }
    }

    /// Stores a value of `size` accounted bytes and makes room for it. `ttl_ms` overrides the limit's, 0 for none.
    /// Returns 0 when the value alone is larger than the byte limit; what was under the key is gone then too.
    pub fn set(&mut self, key: &str, label: Option<&str>, body: Body, size: u64, ttl_ms: Option<u64>) -> EntryId {
        self.sweep();
        if let Some(slot) = self.by_key.get(key).copied() {
            self.release(slot);
        }
        if self.limits.bytes > 0 && size > self.limits.bytes {
            return 0;
        }
        self.counters.sets += 1;
        while self.limits.bytes > 0 && self.bytes + size > self.limits.bytes && self.evict() {
            self.counters.evicted_for_bytes += 1;
        }
        while self.limits.items > 0 && self.by_key.len() >= self.limits.items && self.evict() {}
        let now = ambient::now_ms();
        let ttl = ttl_ms.unwrap_or(self.limits.ttl_ms);
        let ends = if ttl == 0 { u64::MAX } else { (self.clock)().saturating_add(ttl) };
        let key: Arc<str> = Arc::from(key);
        let entry = Entry {
            key: key.clone(),
            label: label.map(Box::from),
            body,
            facts: Facts {
                size,
                created_at: now,
                last_access: now,
            },
            ends,
            kept: false,
        };
        let Some(slot) = self.take_slot(entry) else {
            return 0;
        };
        self.by_key.insert(key.clone(), slot);
        self.sorted.insert(key, slot);
        if ends != u64::MAX {
            self.endings.insert((ends, slot));
        }
        self.order.push_back(slot);
        self.bytes += size;
        id_of(slot, self.slots[slot as usize].generation)
    }

    /// Id of the live entry under a key, 0 for none. A hit or a miss in the statistics and the eviction order.
    pub fn find(&mut self, key: &str) -> EntryId {
        let Some(slot) = self.by_key.get(key).copied() else {
            self.counters.misses += 1;
            return 0;
        };
        if self.is_over(slot) {
            self.release(slot);
            self.counters.misses += 1;
            return 0;
        }
        self.hit(slot);
        id_of(slot, self.slots[slot as usize].generation)
    }

    /// Hits that the caller answered from values that it keeps, in their order. Those of entries that are gone count
    /// nothing.
    pub fn touch_all(&mut self, ids: impl IntoIterator<Item = EntryId>) {
        for id in ids {
            if let Some(slot) = self.slot_of(id) {
                self.hit(slot);
            }
        }
    }

    /// Notes that the caller keeps the decoded value of an entry. Milliseconds that it has left, `None` without an end.
    pub fn keep(&mut self, id: EntryId) -> Option<u64> {
        let slot = self.slot_of(id)?;
        let entry = self.slots[slot as usize].entry.as_mut()?;
        entry.kept = true;
        (entry.ends != u64::MAX).then(|| entry.ends.saturating_sub((self.clock)()))
    }

    /// Keys of kept entries that have gone since the last call.
    pub fn take_released(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.released)
    }

    /// Body of an entry.
    pub fn body(&self, id: EntryId) -> Option<&Body> {
        let slot = self.slot_of(id)?;
        self.slots[slot as usize].entry.as_ref().map(|entry| &entry.body)
    }

    /// Body and facts under a key, without effect on order and statistics.
    pub fn peek(&self, key: &str) -> Option<(&Body, Facts)> {
        let slot = self.by_key.get(key).copied()?;
        if self.is_over(slot) {
            return None;
        }
        self.slots[slot as usize].entry.as_ref().map(|entry| (&entry.body, entry.facts))
    }

    /// Removes a key; true when it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(slot) = self.by_key.get(key).copied() else {
            return false;
        };
        self.release(slot);
        self.counters.deletes += 1;
        true
    }

    /// Removes everything and resets the counters.
    pub fn clear(&mut self) -> usize {
        let removed = self.by_key.len();
        let slots: Vec<u32> = self.by_key.values().copied().collect();
        for slot in slots {
            self.release(slot);
        }
        self.counters = Counters::default();
        removed
    }

    /// Removes the keys that start with `prefix`, except those that start with one of `keep`.
    pub fn clear_prefix(&mut self, prefix: &str, keep: &[String]) -> usize {
        let mut keep: Vec<&str> = keep.iter().map(String::as_str).filter(|kept| kept.starts_with(prefix)).collect();
        keep.sort_unstable();
        let mut slots = Vec::new();
        let mut from = prefix.to_owned();
        let mut keep = keep.into_iter().peekable();
        loop {
            let until = keep.next();
            let range = self.sorted.range::<str, _>((Bound::Included(from.as_str()), Bound::Unbounded));
            for (key, slot) in range {
                if !key.starts_with(prefix) || until.is_some_and(|kept| key.starts_with(kept) || &**key > kept) {
                    break;
                }
                slots.push(*slot);
            }
            let Some(kept) = until else { break };
            from = from.max(after(kept));
        }
        let removed = slots.len();
        for slot in slots {
            self.release(slot);
        }
        self.counters.deletes += removed as u64;
        removed
    }

    /// Keys of live entries, in key order, as they were spelled.
    pub fn keys(&mut self) -> Vec<String> {
        self.sweep();
        let label = |slot: &u32| {
            let entry = self.slots[*slot as usize].entry.as_ref()?;
            Some(entry.label.as_deref().unwrap_or(&entry.key).to_owned())
        };
        self.sorted.values().filter_map(label).collect()
    }

    /// Number of live entries.
    pub fn count(&mut self) -> usize {
        self.sweep();
        self.by_key.len()
    }

    /// Accounted bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes every entry whose time is over.
    pub fn sweep(&mut self) {
        if self.endings.is_empty() {
            return;
        }
        let now = (self.clock)();
        while let Some(&(ends, slot)) = self.endings.first() {
            if ends > now {
                return;
            }
            self.release(slot);
        }
    }

    fn slot_of(&self, id: EntryId) -> Option<u32> {
        let slot = u32::try_from(id & ((1 << SLOT_BITS) - 1)).ok()?;
        let generation = u32::try_from(id >> SLOT_BITS).ok()?;
        let found = self.slots.get(slot as usize)?;
        (generation > 0 && found.generation == generation && found.entry.is_some()).then_some(slot)
    }

    fn is_over(&self, slot: u32) -> bool {
        let ends = self.slots[slot as usize].entry.as_ref().map_or(0, |entry| entry.ends);
        ends != u64::MAX && ends <= (self.clock)()
    }

    fn hit(&mut self, slot: u32) {
        self.counters.hits += 1;
        if self.limits.policy == Policy::Lru {
            self.order.remove(slot);
            self.order.push_back(slot);
        }
        if let Some(entry) = self.slots[slot as usize].entry.as_mut() {
            entry.facts.last_access = ambient::now_ms();
        }
    }

    fn evict(&mut self) -> bool {
        let slot = self.order.front();
        if slot == NONE {
            return false;
        }
        self.release(slot);
        self.counters.evictions += 1;
        true
    }

    /// A slot for an entry; `None` when the slots are used up (2^31).
    fn take_slot(&mut self, entry: Entry) -> Option<u32> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.slots.len()).ok().filter(|slot| *slot < (1 << SLOT_BITS) - 1)?;
                self.slots.push(Slot::default());
                slot
            }
        };
        let place = &mut self.slots[slot as usize];
        place.generation += 1;
        place.entry = Some(entry);
        Some(slot)
    }

    fn release(&mut self, slot: u32) {
        let place = &mut self.slots[slot as usize];
        let Some(entry) = place.entry.take() else { return };
        // A slot whose generations are used up is left alone: an id never names two entries.
        if place.generation < LAST_GENERATION {
            self.free.push(slot);
        }
        if entry.kept {
            self.released.push(entry.key.clone());
        }
        self.by_key.remove(&entry.key);
        self.sorted.remove(&entry.key);
        self.endings.remove(&(entry.ends, slot));
        self.order.remove(slot);
        self.bytes -= entry.facts.size;
    }
}

/// The first text behind all texts that start with `prefix`.
fn after(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}
