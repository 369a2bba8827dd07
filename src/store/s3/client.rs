//! The SDK client of one store, made at the first request.

use super::config::S3Config;
use super::transport::Transport;
use crate::error::Result;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedCredentialsProvider,
    StalledStreamProtectionConfig,
};
use aws_smithy_async::time::TimeSource;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// Largest clock difference that signatures tolerate, with a margin.
const TOLERATED_SKEW_MS: u64 = 4 * 60 * 1000;

/// SDK client and what lies under it.
pub(super) struct Connection {
    pub client: Client,
    pub transport: Transport,
    pub clock: Clock,
}

/// The clock that signs requests: the system's, moved by what the server was seen to differ.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Takes over the server's time after it refused a signature. True when the clocks differed enough to explain that.
    pub(super) fn follow(&self, server_ms: i64) -> bool {
        let offset = server_ms.saturating_sub(crate::ambient::now_ms());
        let differs = self.0.load(Ordering::Relaxed).abs_diff(offset) > TOLERATED_SKEW_MS;
        if differs {
            self.0.store(offset, Ordering::Relaxed);
        }
        differs
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        let offset = self.0.load(Ordering::Relaxed);
        let distance = Duration::from_millis(offset.unsigned_abs());
        let now = SystemTime::now();
        if offset < 0 {
            now.checked_sub(distance)
        } else {
            now.checked_add(distance)
        }
        .unwrap_or(now)
    }
}

/// Builds the client; the default credential chain is set up here and asked at the first signature.
pub(super) async fn connect(config: &S3Config) -> Result<Connection> {
    let transport = Transport::new(config);
    let clock = Clock::default();
    let region = Region::new(config.region.clone());
    let credentials = match config.credentials() {
        Some((key, secret, token)) => {
            SharedCredentialsProvider::new(Credentials::new(key, secret, token.map(str::to_owned), None, "connection string"))
        }
        None => {
            let provider = ProviderConfig::without_region()
                .with_region(Some(region.clone()))
                .with_http_client(transport.clone());
            SharedCredentialsProvider::new(DefaultCredentialsChain::builder().configure(provider).build().await)
        }
    };
    let mut builder = Builder::new()
        .behavior_version_latest()
        .region(region)
        .credentials_provider(credentials)
        .http_client(transport.clone())
        .time_source(clock.clone())
        // Ours also serves the attempts of the retry layer, which are new operations to the SDK.
        .disable_clock_skew_correction(true)
        .force_path_style(config.force_path_style)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.endpoint_url(endpoint.trim_end_matches('/'));
    }
    if !config.is_express() {
        builder = builder.disable_s3_express_session_auth(true);
    }
    Ok(Connection {
        client: Client::from_conf(builder.build()),
        transport,
        clock,
    })
}
