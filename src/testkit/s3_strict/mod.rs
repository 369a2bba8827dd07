//! An S3 server that is as strict as S3: signatures, atomic conditional writes,
//! 2 KB of user metadata in lower case, 1000-key pages. It counts requests and
//! injects faults by seed.

mod control;
mod faults;
mod server;
mod service;
mod state;

pub use control::{Counters, Snapshot};
pub use faults::{FailNext, Faults};
pub use server::{Handle, spawn};
pub use state::METADATA_LIMIT;

/// How the server starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port on 127.0.0.1; 0 picks a free one.
    pub port: u16,
    /// The only access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// Buckets that exist from the start.
    pub buckets: Vec<String>,
    /// Create buckets when first written to.
    pub auto_buckets: bool,
    /// Faults from the start.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            access_key: "strict-access".to_owned(),
            secret_key: "strict-secret".to_owned(),
            buckets: vec!["bucket".to_owned()],
            auto_buckets: false,
            faults: Faults::default(),
        }
    }
}
