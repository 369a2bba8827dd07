//! Configuration of an S3 store.

use crate::error::{Error, Result};
use serde::Deserialize;
use std::fmt;
use std::time::Duration;
use url::Url;

/// Where the bucket is and how to reach it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct S3Config {
    /// Bucket name.
    pub bucket: String,
    /// Signing region; also selects the endpoint when none is given.
    pub region: String,
    /// Endpoint URL of a compatible store. `None`: the region's AWS endpoint.
    pub endpoint: Option<String>,
    /// Static credentials. Absent or empty: the AWS default chain (environment, profile, web identity, ECS, IMDS).
    pub access_key_id: Option<String>,
    /// Secret of [`Self::access_key_id`].
    pub secret_access_key: Option<String>,
    /// Token of temporary credentials.
    pub session_token: Option<String>,
    /// `endpoint/bucket/key` instead of `bucket.endpoint/key`.
    pub force_path_style: bool,
    /// Requests meant to run at the same time; sizes the pool of idle sockets.
    pub parallelism: usize,
    /// Attempts per operation, for the retry layer.
    pub attempts: u32,
    /// Sockets and timeouts.
    pub http: HttpConfig,
}

/// Sockets and timeouts.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpConfig {
    /// Sockets open at the same time; 0 for no limit.
    pub max_sockets: usize,
    /// Idle sockets kept, raised to the parallelism of the store.
    pub max_free_sockets: usize,
    /// Reuse sockets.
    pub keep_alive: bool,
    /// Delay of the first TCP keep-alive probe, milliseconds; 0 for none.
    pub keep_alive_msecs: u64,
    /// Longest silence while waiting for the answer or its next bytes, milliseconds; 0 for none.
    pub timeout: u64,
    /// Longest wait for a connection, milliseconds; 0 for none.
    pub connect_timeout: u64,
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            region: "us-east-1".to_owned(),
            endpoint: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            force_path_style: false,
            parallelism: 10,
            attempts: 3,
            http: HttpConfig::default(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            max_sockets: 500,
            max_free_sockets: 100,
            keep_alive: true,
            keep_alive_msecs: 1000,
            timeout: 60_000,
            connect_timeout: 10_000,
        }
    }
}

/// Credentials stay out of logs.
impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint.as_deref().map(host_of))
            .field("static_credentials", &self.credentials().is_some())
            .field("force_path_style", &self.force_path_style)
            .field("parallelism", &self.parallelism)
            .field("attempts", &self.attempts)
            .field("http", &self.http)
            .finish()
    }
}

fn host_of(endpoint: &str) -> String {
    Url::parse(endpoint)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

impl HttpConfig {
    /// [`Self::timeout`], or `None` when it is 0.
    pub fn idle_timeout(&self) -> Option<Duration> {
        (self.timeout > 0).then(|| Duration::from_millis(self.timeout))
    }

    /// [`Self::connect_timeout`], or `None` when it is 0.
    pub fn connect(&self) -> Option<Duration> {
        (self.connect_timeout > 0).then(|| Duration::from_millis(self.connect_timeout))
    }
}

impl S3Config {
    /// Checks what can be checked without the network.
    pub fn validate(&self) -> Result<()> {
        if self.bucket.is_empty() {
            return Err(Error::validation("bucket", "bucket is empty; give the name of an S3 bucket"));
        }
        if self.bucket.contains('/') || self.bucket.chars().any(char::is_control) {
            return Err(Error::validation(
                "bucket",
                "bucket has a slash or a control character; give the bare name and put folders into keyPrefix",
            ));
        }
        if self.region.is_empty() || !self.region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(Error::validation(
                "region",
                "region may have letters, digits, '-' and '_' only, for example us-east-1",
            ));
        }
        if let Some(endpoint) = self.endpoint.as_deref() {
            let url = Url::parse(endpoint)
                .map_err(|_| Error::validation("endpoint", "endpoint is not a URL; give one such as https://host:9000"))?;
            if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                return Err(Error::validation("endpoint", "endpoint must be an http or https URL with a host"));
            }
        }
        let given = |value: &Option<String>| value.as_deref().is_some_and(|v| !v.is_empty());
        if given(&self.access_key_id) && !given(&self.secret_access_key) {
            return Err(Error::validation(
                "secretAccessKey",
                "accessKeyId is given without secretAccessKey; give both, or neither for the AWS default credential chain",
            ));
        }
        if self.parallelism == 0 {
            return Err(Error::validation("parallelism", "parallelism must be at least 1"));
        }
        if self.attempts == 0 {
            return Err(Error::validation("attempts", "attempts must be at least 1"));
        }
        Ok(())
    }

    /// Access key, secret and token when they are given.
    pub fn credentials(&self) -> Option<(&str, &str, Option<&str>)> {
        let key = self.access_key_id.as_deref().filter(|k| !k.is_empty())?;
        let secret = self.secret_access_key.as_deref().filter(|s| !s.is_empty())?;
        Some((key, secret, self.session_token.as_deref().filter(|t| !t.is_empty())))
    }

    /// True for Amazon's own service, whose capabilities are known.
    pub fn is_aws(&self) -> bool {
        let Some(endpoint) = self.endpoint.as_deref() else {
            return true;
        };
        let host = host_of(endpoint);
        host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
    }

    /// True for a bucket of S3 Express One Zone, which needs session authentication.
    pub(super) fn is_express(&self) -> bool {
        self.bucket.ends_with("--x-s3")
    }
}
