//! Storage of plugins: entries with a time to live, locks with fencing numbers, counters, sequences (spec/05 sections 10 and 18).
//!
//! Above the store, beside `resource`. [`PluginStorage`] is a handle of one
//! plugin's namespace over a store with relative keys; it is cheap to clone and
//! holds no state that correctness needs, so any number of handles and
//! processes may work on one namespace. Everything that must not be lost in a
//! race goes through `cas`: conditional writes of bodies that never repeat,
//! whose outcome is read back when it is not certain. Stores without conditional
//! writes get the weaker modes of spec/05 section 2.8, announced through the
//! event sink. What it does not know: plugins, resources, timers, JavaScript.

mod cas;
mod counter;
mod entry;
mod expiry;
mod keyed;
pub mod keys;
mod listing;
mod lock;
mod sequence;
mod storage;
mod versions;

pub use cas::EventSink;
pub use counter::IncrementOptions;
pub use entry::{Behavior, EFFECTIVE_LIMIT, Entry, Split, parse_text, split};
pub use lock::{Lease, LockFormat, LockInfo, LockOptions, LockTarget};
pub use sequence::{Sequence, SequenceOptions};
pub use storage::{PluginStorage, SetOptions};
