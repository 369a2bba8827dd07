//! One waiter at a time per key, inside this process.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};
use tokio::sync::OwnedMutexGuard;

type Table = HashMap<String, Weak<tokio::sync::Mutex<()>>>;

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

/// Waits for the turn of `key`; the turn ends when the guard is dropped.
pub(super) async fn turn(key: String) -> OwnedMutexGuard<()> {
    slot(key).lock_owned().await
}

fn slot(key: String) -> Arc<tokio::sync::Mutex<()>> {
    let mut table = TABLE.lock();
    if let Some(slot) = table.get(&key).and_then(Weak::upgrade) {
        return slot;
    }
    // Slots nobody holds are dropped when the table would grow, so it stays near the number of keys in use.
    if table.len() == table.capacity() {
        table.retain(|_, slot| slot.strong_count() > 0);
    }
    let slot = Arc::new(tokio::sync::Mutex::new(()));
    table.insert(key, Arc::downgrade(&slot));
    slot
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_holder_per_key_and_the_table_stays_small() {
        static INSIDE: AtomicUsize = AtomicUsize::new(0);
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                tokio::spawn(async move {
                    let _turn = turn("same".into()).await;
                    assert_eq!(INSIDE.fetch_add(1, Ordering::SeqCst), 0);
                    tokio::task::yield_now().await;
                    INSIDE.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        for i in 0..10_000 {
            drop(turn(format!("key {i}")).await);
        }
        assert!(TABLE.lock().len() < 2000, "{} slots", TABLE.lock().len());
    }
}
