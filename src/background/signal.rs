//! Telling a running handler to end.

use crate::error::{Error, Kind};
use tokio::sync::watch;

/// Why a run should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortReason {
    /// It took longer than its `timeout`.
    Timeout,
    /// The lock under which it ran is no longer held.
    LeaseLost,
    /// Its task, or all background work of the plugin, was stopped.
    Stopped,
}

impl AbortReason {
    /// Name as JavaScript sees it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::LeaseLost => "lease-lost",
            Self::Stopped => "stopped",
        }
    }
}

/// What a handler asks, or waits on, to learn that it should end.
#[derive(Debug, Clone)]
pub struct Signal(watch::Receiver<Option<AbortReason>>);

/// The other end of a [`Signal`].
#[derive(Debug)]
pub(super) struct Controller(watch::Sender<Option<AbortReason>>);

impl Controller {
    pub fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub fn signal(&self) -> Signal {
        Signal(self.0.subscribe())
    }

    /// The first reason stays.
    pub fn abort(&self, reason: AbortReason) {
        self.0.send_if_modified(|now| {
            let first = now.is_none();
            if first {
                *now = Some(reason);
            }
            first
        });
    }
}

impl Signal {
    /// The reason, once there is one.
    pub fn aborted(&self) -> Option<AbortReason> {
        *self.0.borrow()
    }

    /// The error with which a handler ends because of its signal: no failure then.
    pub fn error(&self) -> Error {
        let reason = self.aborted().map_or("running", AbortReason::as_str);
        Error::new(Kind::Unknown, format!("aborted: {reason}")).with_code(super::run::ABORTED)
    }

    /// Waits for the reason; for ever when the run ends without one.
    pub async fn wait(&self) -> AbortReason {
        let mut receiver = self.0.clone();
        let reason = receiver.wait_for(Option::is_some).await.ok().and_then(|reason| *reason);
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }
}
