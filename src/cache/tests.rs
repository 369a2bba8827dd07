use super::*;
use std::cell::Cell;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(1000) };
}

fn clock() -> u64 {
    NOW.get()
}

fn cache(items: usize, bytes: u64, ttl_ms: u64, policy: Policy) -> MemoryCache {
    NOW.set(1000);
    MemoryCache::with_clock(
        Limits {
            items,
            bytes,
            ttl_ms,
            policy,
        },
        clock,
    )
}

fn put(cache: &mut MemoryCache, key: &str, text: &str) -> EntryId {
    cache.set(key, None, Body::Text(text.into()), text.len() as u64, None)
}

fn text(cache: &mut MemoryCache, key: &str) -> Option<String> {
    let id = cache.find(key);
    cache.body(id).map(|body| match body {
        Body::Text(text) => text.to_string(),
        Body::Bytes(_) => "bytes".to_owned(),
    })
}

#[test]
fn spec10_09_fifo_evicts_the_first_stored_and_hits_do_not_matter() {
    let mut c = cache(2, 0, 0, Policy::Fifo);
    put(&mut c, "a", "1");
    put(&mut c, "b", "2");
    assert_eq!(text(&mut c, "a").as_deref(), Some("1"));
    put(&mut c, "c", "3");
    assert_eq!(c.keys(), ["b", "c"]);
    assert_eq!(c.counters.evictions, 1);
}

#[test]
fn spec10_09_lru_evicts_the_least_recently_hit_without_ties() {
    let mut c = cache(3, 0, 0, Policy::Lru);
    for key in ["a", "b", "c"] {
        put(&mut c, key, key);
    }
    let id = c.find("a");
    c.touch_all([id]);
    c.find("b");
    put(&mut c, "d", "d");
    assert_eq!(c.keys(), ["a", "b", "d"]);
    put(&mut c, "e", "e");
    assert_eq!(c.keys(), ["b", "d", "e"]);
}

#[test]
fn spec10_14_16_replacing_at_capacity_evicts_nobody_and_counts_exactly() {
    let mut c = cache(2, 10, 0, Policy::Fifo);
    put(&mut c, "a", "12345");
    put(&mut c, "b", "12345");
    put(&mut c, "b", "123");
    assert_eq!((c.keys(), c.bytes(), c.counters.evictions), (vec!["a".into(), "b".into()], 8, 0));
    // Too large for the whole cache: the old value goes, nothing else does.
    assert_eq!(put(&mut c, "b", "12345678901"), 0);
    assert_eq!((c.keys(), c.bytes()), (vec!["a".to_owned()], 5));
    put(&mut c, "c", "12345678");
    assert_eq!((c.keys(), c.bytes(), c.counters.evicted_for_bytes), (vec!["c".to_owned()], 8, 1));
}

#[test]
fn spec10_09_entries_end_after_their_ttl_and_are_swept() {
    let mut c = cache(0, 0, 100, Policy::Fifo);
    let id = put(&mut c, "a", "1");
    c.set("never", None, Body::Text("2".into()), 1, Some(0));
    c.set("soon", None, Body::Text("3".into()), 1, Some(10));
    NOW.set(1050);
    assert_eq!(c.count(), 2);
    NOW.set(1100);
    assert_eq!(c.find("a"), 0);
    assert!(c.body(id).is_none());
    assert_eq!(c.keys(), ["never"]);
    assert_eq!(c.bytes(), 1);
}

#[test]
fn spec10_09_an_id_names_one_entry_only() {
    let mut c = cache(1, 0, 0, Policy::Lru);
    let first = put(&mut c, "a", "1");
    let second = put(&mut c, "a", "2");
    assert_ne!(first, second);
    assert!(c.body(first).is_none() && c.body(second).is_some());
    c.touch_all([first, 0]);
    assert_eq!(c.counters.hits, 0);
    c.touch_all([second]);
    assert_eq!(c.counters.hits, 1);
    put(&mut c, "b", "3");
    assert!(c.body(second).is_none() && c.body(0).is_none());
}

#[test]
fn spec10_09_kept_entries_are_reported_when_they_go() {
    let mut c = cache(2, 0, 100, Policy::Fifo);
    let a = put(&mut c, "a", "1");
    assert_eq!(c.keep(a), Some(100));
    let b = c.set("b", None, Body::Text("2".into()), 1, Some(0));
    assert_eq!(c.keep(b), None);
    assert_eq!(c.take_released(), []);
    put(&mut c, "c", "3");
    assert_eq!(c.take_released(), ["a".into()]);
    put(&mut c, "b", "4");
    assert_eq!(c.take_released(), ["b".into()]);
    c.clear();
    assert_eq!(c.take_released(), []);
}

#[test]
fn spec10_14_09_prefixes_are_cleared_without_what_is_kept() {
    let mut c = cache(0, 0, 0, Policy::Fifo);
    for key in [
        "resource=user/action=count.json.gz",
        "resource=user/action=get/1.json.gz",
        "resource=user/action=getAll.json.gz",
        "resource=user/action=getMany/2.json.gz",
        "resource=user/action=list.json.gz",
        "resource=users/action=count.json.gz",
    ] {
        put(&mut c, key, "x");
    }
    let keep = ["resource=user/action=get/".to_owned(), "resource=user/action=exists/".to_owned()];
    assert_eq!(c.clear_prefix("resource=user/", &keep), 4);
    assert_eq!(
        c.keys(),
        ["resource=user/action=get/1.json.gz", "resource=users/action=count.json.gz"]
    );
    assert_eq!(c.clear_prefix("resource=user", &[]), 2);
    assert_eq!((c.count(), c.bytes()), (0, 0));
    assert_eq!(c.clear_prefix("", &[]), 0);
}

#[test]
fn spec10_09_random_use_keeps_every_index_consistent() {
    let mut c = cache(20, 400, 50, Policy::Lru);
    let mut seed = 7u64;
    let mut next = move |limit: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % limit
    };
    for _ in 0..20_000 {
        let key = format!("k{}/{}", next(4), next(20));
        match next(8) {
            0 => {
                c.remove(&key);
            }
            1 => {
                c.clear_prefix(&key[..2], &[]);
            }
            2 => NOW.set(NOW.get() + next(20)),
            3 | 4 => {
                put(&mut c, &key, &"x".repeat(usize::try_from(next(60)).expect("small")));
            }
            _ => {
                let id = c.find(&key);
                assert_eq!(id != 0, c.body(id).is_some());
            }
        }
        let entries = c.slots.iter().filter_map(|slot| slot.entry.as_ref());
        let (count, bytes) = entries.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.facts.size));
        assert_eq!((count, bytes), (c.by_key.len(), c.bytes));
        assert_eq!((c.sorted.len(), c.endings.len()), (count, count));
        assert!(count <= 20 && bytes <= 400);
    }
}
