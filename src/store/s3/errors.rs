//! SDK errors to [`crate::error::Error`]. Messages never hold credentials or bodies.

use super::client::Connection;
use super::config::S3Config;
use super::transport::{AtHost, Captured, IdleTimeout};
use crate::error::{Error, Kind, Retry};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error as StdError;
use std::io::ErrorKind;

/// Longest server text that is repeated.
const MAX_TEXT: usize = 300;

/// Codes of throttling, and of failures that a later attempt may not meet.
const TEMPORARY: &[&str] = &[
    "BandwidthLimitExceeded",
    "ConditionalRequestConflict",
    "EC2ThrottledException",
    "InternalError",
    "LimitExceededException",
    "OperationAborted",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Codes that mean wrong, expired or insufficient credentials.
const PERMISSION: &[&str] = &[
    "AccessDenied",
    "AccountProblem",
    "AllAccessDisabled",
    "ExpiredToken",
    "ExpiredTokenException",
    "Forbidden",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidToken",
    "NotSignedUp",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "Unauthorized",
    "UnauthorizedAccess",
    "UnrecognizedClientException",
];

/// 400 codes with which servers answer conditional headers that they do not implement.
const CONDITION_REFUSED: &[&str] = &[
    "InvalidArgument",
    "InvalidRequest",
    "InvalidHeader",
    "NotImplemented",
    "UnsupportedArgument",
    "BadRequest",
];

/// Codes of a signature that is too old or too young.
const SKEWED: &[&str] = &["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"];

/// Removes credentials from texts of the server and of libraries.
pub(super) struct Redactor(Vec<String>);

impl Redactor {
    pub(super) fn new(config: &S3Config) -> Self {
        let mut secrets: Vec<String> = [&config.secret_access_key, &config.session_token, &config.access_key_id]
            .into_iter()
            .flatten()
            .filter(|secret| secret.len() >= 4)
            .cloned()
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    /// One line of at most [`MAX_TEXT`] characters without credentials.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        for secret in &self.0 {
            clean = clean.replace(secret.as_str(), "***");
        }
        match clean.char_indices().nth(MAX_TEXT) {
            Some((cut, _)) => format!("{}...", &clean[..cut]),
            None => clean,
        }
    }
}

/// What was asked, for the error.
pub(super) struct Context<'a> {
    pub operation: &'static str,
    pub key: Option<&'a str>,
    pub bucket: &'a str,
    pub region: &'a str,
    pub conditional: bool,
    pub redactor: &'a Redactor,
    pub connection: Option<&'a Connection>,
}

/// The error and the errors it wraps, payloads of `io::Error` included.
pub(super) fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<std::io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    })
}

impl Context<'_> {
    /// Marks a request that carried a condition.
    pub(super) fn conditional(mut self, conditional: bool) -> Self {
        self.conditional = conditional;
        self
    }

    /// Maps an SDK error.
    pub(super) fn map<E>(&self, error: SdkError<E, HttpResponse>, captured: &Captured) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let request_id = error.request_id().map(str::to_owned);
        let mapped = match &error {
            SdkError::ServiceError(service) => {
                let meta = service.err().meta();
                self.answer(service.raw().status().as_u16(), meta.code(), meta.message(), captured)
            }
            SdkError::ResponseError(response) => self.transport(&error).with_status(response.raw().status().as_u16()),
            _ => self.transport(&error),
        };
        let mapped = match self.key {
            Some(key) => mapped.with_default("key", key),
            None => mapped,
        };
        let mapped = mapped.with_default("bucket", self.bucket).with_default("operation", self.operation);
        match request_id {
            Some(id) => mapped.with_request_id(id),
            None => mapped,
        }
    }

    /// Failure while the body of an answer was read.
    pub(super) fn body(&self, error: &(dyn StdError + 'static)) -> Error {
        let mapped = self.transport(error).with_default("bucket", self.bucket);
        match self.key {
            Some(key) => mapped.with_default("key", key),
            None => mapped,
        }
    }

    /// The server answered with an error.
    fn answer(&self, status: u16, code: Option<&str>, message: Option<&str>, captured: &Captured) -> Error {
        let code = match code.filter(|c| !c.is_empty() && c.len() <= 100) {
            Some("404") | None if status == 404 => self.missing_code(),
            Some("403") | None if status == 403 => "Forbidden",
            None if status == 412 => "PreconditionFailed",
            Some(code) => code,
            None => "UnknownError",
        };
        let said = message.map(|m| self.redactor.clean(m)).filter(|m| !m.is_empty());
        let temporary = TEMPORARY.contains(&code) || matches!(status, 307 | 408 | 429 | 500 | 502 | 503 | 504);
        let retry = if temporary { Retry::Temporary } else { Retry::Permanent };
        let sentence = |lead: &str| match &said {
            Some(said) => format!("{lead}: {said}"),
            None => lead.to_owned(),
        };

        if code == "NoSuchBucket" {
            return Error::new(Kind::NoSuchBucket, format!("No such bucket: {}", self.bucket))
                .with_code(code)
                .with_status(status);
        }
        if matches!(code, "NoSuchKey" | "NotFound") {
            return Error::no_such_key(self.key.unwrap_or_default(), code).with_status(status);
        }
        if status == 412 || code == "PreconditionFailed" {
            return Error::precondition(self.key.unwrap_or_default());
        }
        // HEAD gets no code, so every refusal is held against the clock.
        let skewed = SKEWED.contains(&code);
        if skewed || matches!(status, 401 | 403) {
            let followed = captured
                .date
                .is_some_and(|date| self.connection.is_some_and(|c| c.clock.follow(date)));
            if skewed || followed {
                let retry = if followed { Retry::Temporary } else { Retry::Permanent };
                return Error::new(Kind::Permission, sentence("The clocks of client and server differ"))
                    .with_code(code)
                    .with_status(status)
                    .with_retry(retry);
            }
        }
        if let Some(region) = self.wrong_region(status, code, captured) {
            return Error::new(
                Kind::Validation,
                format!("Bucket {} is in region {region}; set region to {region}", self.bucket),
            )
            .with_code(code)
            .with_status(status)
            .with("field", "region")
            .with("region", region);
        }
        let refused = status == 501 || code == "NotImplemented" || self.conditional && status == 400 && CONDITION_REFUSED.contains(&code);
        let (kind, lead) = if refused && !temporary {
            let lead = if self.conditional {
                "The store does not support conditional requests"
            } else {
                "The store does not support this request"
            };
            (Kind::Unsupported, sentence(lead))
        } else if PERMISSION.contains(&code) || matches!(status, 401 | 403) {
            (Kind::Permission, sentence("Access denied"))
        } else if status == 400 && !temporary {
            (Kind::Validation, sentence(&format!("{} was refused", self.operation)))
        } else {
            let what = match code {
                "UnknownError" if status < 300 => format!("The answer to {} cannot be understood", self.operation),
                "UnknownError" => format!("{} failed with status {status}", self.operation),
                code => format!("{} failed with {code}", self.operation),
            };
            (Kind::Unknown, sentence(&what))
        };
        Error::new(kind, lead).with_code(code).with_status(status).with_retry(retry)
    }

    /// Code of a 404 without a body, which HEAD always gets.
    fn missing_code(&self) -> &'static str {
        match self.operation {
            "HeadObject" => "NotFound",
            _ if self.key.is_some() => "NoSuchKey",
            _ => "NoSuchBucket",
        }
    }

    fn wrong_region(&self, status: u16, code: &str, captured: &Captured) -> Option<String> {
        let moved = matches!(status, 301 | 400)
            && matches!(
                code,
                "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" | "UnknownError"
            );
        let region = captured.bucket_region.as_deref().filter(|region| moved && *region != self.region)?;
        Some(self.redactor.clean(region))
    }

    /// No usable answer: network, timeout, credentials, or a request that cannot be built.
    fn transport(&self, error: &(dyn StdError + 'static)) -> Error {
        if let Some(credentials) = find::<CredentialsError>(error) {
            let retry = match credentials {
                CredentialsError::ProviderTimedOut(_) => Retry::Temporary,
                _ => Retry::Permanent,
            };
            return Error::new(
                Kind::Permission,
                "Could not load credentials from any provider; give accessKeyId and secretAccessKey, or set up the AWS default chain",
            )
            .with_code("CredentialsProviderError")
            .with_retry(retry);
        }
        let host = find::<AtHost>(error).map(|at| format!(" (host {})", at.host)).unwrap_or_default();
        let network = |code: &str, text: String| {
            Error::new(Kind::Network, format!("{text}{host}"))
                .with_code(code)
                .with_retry(Retry::Temporary)
        };
        if let Some(timeout) = find::<IdleTimeout>(error) {
            return network("ETIMEDOUT", format!("{} timed out: {timeout}", self.operation));
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Error::new(
                Kind::Network,
                format!(
                    "TLS failed: {}{host}; check the endpoint and its certificate",
                    self.redactor.clean(&tls.to_string())
                ),
            )
            .with_code("ERR_TLS");
        }
        let sdk = |test: fn(&aws_smithy_runtime_api::client::result::ConnectorError) -> bool| {
            find::<aws_smithy_runtime_api::client::result::ConnectorError>(error).is_some_and(test)
        };
        let io = sources(error).filter_map(|e| e.downcast_ref::<std::io::Error>()).last();
        if let Some(io) = io {
            let code = match io.kind() {
                ErrorKind::ConnectionRefused => "ECONNREFUSED",
                ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => "ECONNRESET",
                ErrorKind::ConnectionAborted => "ECONNABORTED",
                ErrorKind::BrokenPipe => "EPIPE",
                ErrorKind::TimedOut => "ETIMEDOUT",
                ErrorKind::HostUnreachable => "EHOSTUNREACH",
                ErrorKind::NetworkUnreachable => "ENETUNREACH",
                _ if sources(error).any(|e| e.to_string().contains("dns error")) => "ENOTFOUND",
                _ => "EIO",
            };
            return network(code, format!("{} failed: {}", self.operation, self.redactor.clean(&io.to_string())));
        }
        if sdk(|e| e.is_timeout()) {
            return network("ETIMEDOUT", format!("{} timed out", self.operation));
        }
        if let Some(hyper) = find::<hyper::Error>(error).filter(|e| !e.is_user() && !e.is_parse()) {
            return network(
                "ECONNRESET",
                format!("{} failed: {}", self.operation, self.redactor.clean(&hyper.to_string())),
            );
        }
        if sdk(|e| e.is_io() || e.as_other().is_some()) {
            return network("ECONNRESET", format!("{} failed: connection lost", self.operation));
        }
        // The last source says what is wrong; the ones before only wrap it.
        let reason = sources(error)
            .last()
            .map(|e| self.redactor.clean(&e.to_string()))
            .unwrap_or_default();
        if find::<aws_smithy_types::error::operation::BuildError>(error).is_some() {
            return Error::new(Kind::Validation, format!("{} cannot be sent: {reason}", self.operation));
        }
        Error::new(Kind::Unknown, format!("{} failed: {reason}", self.operation))
    }
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    sources(error).find_map(|e| e.downcast_ref::<E>())
}
