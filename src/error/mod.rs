//! The one error type of the engine.
//!
//! A [`Kind`] exists only where a caller acts differently; JavaScript turns it
//! into the published class. Numbers and names travel as `fields`, never only
//! inside the message, and no message carries credentials or record bodies.

mod kind;

pub use kind::Kind;

use serde_json::{Map, Value as Json, json};
use std::fmt;

/// Result of every fallible engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retry {
    /// The same call fails again.
    #[default]
    Permanent,
    /// A later attempt may succeed (throttling, 5xx, resets, timeouts).
    Temporary,
    /// The retry layer already gave up on a temporary failure.
    Exhausted,
}

/// Engine error: kind, message, transport code and status, named fields.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    message: String,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    retry: Retry,
    fields: Map<String, Json>,
    foreign: Option<u64>,
}

impl Error {
    /// A permanent error of `kind`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            code: None,
            status: None,
            request_id: None,
            retry: Retry::Permanent,
            fields: Map::new(),
            foreign: None,
        }))
    }

    /// Bad input: [`Kind::Validation`] naming the offending field.
    pub fn validation(field: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::Validation, message).with("field", field)
    }

    /// Object that does not exist; `key` is the caller's key.
    pub fn no_such_key(key: &str, code: &str) -> Self {
        Self::new(Kind::NoSuchKey, format!("No such key: {key}"))
            .with_code(code)
            .with_status(404)
            .with("key", key)
    }

    /// A condition (`If-Match`, `If-None-Match`) that did not hold.
    pub fn precondition(key: &str) -> Self {
        Self::new(Kind::Precondition, "Precondition failed")
            .with_code("PreconditionFailed")
            .with_status(412)
            .with("key", key)
    }

    /// Error owned by JavaScript, kept there under `id` and given back as is.
    pub fn foreign(id: u64, message: impl Into<String>) -> Self {
        let mut error = Self::new(Kind::Unknown, message);
        error.0.foreign = Some(id);
        error
    }

    /// Changes the kind, keeping everything else (a foreign error recognised as "not found").
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Sets the transport code, for example `SlowDown`.
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Sets the HTTP status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Sets the request id of the transport.
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Sets whether a later attempt may succeed.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Adds a named field.
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.0.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a named field unless it is already present.
    pub fn with_default(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.0.fields.entry(name.to_owned()).or_insert_with(|| value.into());
        self
    }

    /// What went wrong, for branching.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Message without fields.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Transport code.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// HTTP status, of the transport or intended.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Request id of the transport.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Whether a later attempt may succeed.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Named fields.
    pub fn fields(&self) -> &Map<String, Json> {
        &self.0.fields
    }

    /// The error as JavaScript reads it: `{ kind, class, message, code?, status?, requestId?, retriable, fields, foreign? }`.
    pub fn to_json(&self) -> Json {
        let mut out = json!({
            "kind": format!("{:?}", self.kind()),
            "class": self.kind().class_name(),
            "message": self.message(),
            "retriable": self.retry() != Retry::Permanent,
            "fields": self.fields(),
        });
        if let Some(code) = self.code() {
            out["code"] = json!(code);
        }
        if let Some(status) = self.status() {
            out["status"] = json!(status);
        }
        if let Some(id) = self.request_id() {
            out["requestId"] = json!(id);
        }
        if let Some(foreign) = self.foreign_id() {
            out["foreign"] = json!(foreign);
        }
        out
    }

    /// Registry id of the JavaScript error this one stands for.
    pub fn foreign_id(&self) -> Option<u64> {
        self.0.foreign
    }

    /// True for a missing object.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == Kind::NoSuchKey
    }

    /// True for a failed condition.
    pub fn is_precondition(&self) -> bool {
        self.0.kind == Kind::Precondition
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.class_name(), self.0.message)?;
        if let Some(code) = &self.0.code {
            write!(f, " [{code}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
