//! HTTP/1.1 under the SDK: pooled sockets, enforced timeouts, and the response
//! headers that the SDK's typed replies lose (order of metadata, `Date`).

use super::config::S3Config;
use super::tls;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Idle sockets older than this are not reused; servers close theirs after 5 to 60 seconds.
const IDLE_SOCKET: Duration = Duration::from_secs(20);
/// Bodies are handed to the socket in pieces of this size, so that progress can be seen.
const PIECE: usize = 128 * 1024;
/// Headers of an answer: 2 KB of metadata can be some thousand of them, and the default of 100 would make records unreadable.
const MAX_HEADERS: usize = 1200;

/// Headers of the last response of a scope.
#[derive(Debug, Default)]
pub(super) struct Captured {
    /// `Date`, epoch milliseconds.
    pub date: Option<i64>,
    /// `x-amz-meta-*` without the prefix, in the order received.
    pub metadata: Vec<(String, String)>,
    /// `x-amz-bucket-region`.
    pub bucket_region: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
}

tokio::task_local! {
    static CAPTURED: RefCell<Captured>;
}

/// Runs `request` and returns what the transport saw of its response.
pub(super) async fn capture<F: Future>(request: F) -> (F::Output, Captured) {
    CAPTURED
        .scope(RefCell::new(Captured::default()), async move {
            let output = request.await;
            (output, CAPTURED.with(RefCell::take))
        })
        .await
}

fn remember(status: u16, headers: &http::HeaderMap) {
    let _ = CAPTURED.try_with(|slot| {
        let mut captured = slot.borrow_mut();
        captured.status = Some(status);
        captured.date = headers.get(http::header::DATE).and_then(|v| v.to_str().ok()).and_then(http_date);
        captured.bucket_region = headers.get("x-amz-bucket-region").and_then(|v| v.to_str().ok()).map(str::to_owned);
        captured.metadata = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().strip_prefix("x-amz-meta-")?.to_owned(), text(value.as_bytes()))))
            .collect();
    });
}

/// Header bytes as text: UTF-8, else Latin-1, which is what Node reads.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

fn http_date(text: &str) -> Option<i64> {
    use aws_smithy_types::date_time::{DateTime, Format};
    let date = DateTime::from_str(text, Format::HttpDate).ok()?;
    date.secs().checked_mul(1000)
}

/// Pooled HTTP client; clones share the pool.
#[derive(Clone)]
pub(super) struct Transport(Arc<Inner>);

struct Inner {
    client: parking_lot::RwLock<Option<Client<HttpsConnector<TcpConnector>, RequestBody>>>,
    sockets: Option<Arc<Semaphore>>,
    idle: Option<Duration>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    pub(super) fn new(config: &S3Config) -> Self {
        let http = &config.http;
        let mut tcp = TcpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(http.connect());
        tcp.set_keepalive((http.keep_alive && http.keep_alive_msecs > 0).then(|| Duration::from_millis(http.keep_alive_msecs)));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(if config.needs_tls() {
                tls::client_config()
            } else {
                tls::no_certificates()
            })
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let limit = (http.max_sockets > 0).then_some(http.max_sockets.min(Semaphore::MAX_PERMITS));
        let idle_sockets = if http.keep_alive {
            http.max_free_sockets.max(config.parallelism).min(limit.unwrap_or(usize::MAX))
        } else {
            0
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_SOCKET)
            .pool_max_idle_per_host(idle_sockets)
            .http1_max_headers(MAX_HEADERS)
            .build(connector);
        Self(Arc::new(Inner {
            client: parking_lot::RwLock::new(Some(client)),
            sockets: limit.map(|n| Arc::new(Semaphore::new(n))),
            idle: http.idle_timeout(),
        }))
    }

    /// Drops idle sockets and fails later requests; running ones finish.
    pub(super) fn close(&self) {
        self.0.client.write().take();
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let permit = match &self.0.sockets {
            Some(sockets) => Some(
                Arc::clone(sockets)
                    .acquire_owned()
                    .await
                    .map_err(|error| ConnectorError::other(error.into(), None))?,
            ),
            None => None,
        };
        let Some(client) = self.0.client.read().clone() else {
            return Err(ConnectorError::user("the client is closed".into()));
        };
        let activity = Activity::new(self.0.idle);
        let request = request.map(|body| RequestBody::new(body, activity.clone()));
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let response = activity
            .watch(client.request(request))
            .await?
            .map_err(|source| connector_error(AtHost { host, source }))?;
        remember(response.status().as_u16(), response.headers());
        let idle = self.0.idle;
        let response = response.map(|body| SdkBody::from_body_1_x(ResponseBody::new(body, idle, permit)));
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The server said nothing for the idle timeout.
#[derive(Debug)]
pub(super) struct IdleTimeout(Duration);

impl fmt::Display for IdleTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer for {} ms", self.0.as_millis())
    }
}

impl std::error::Error for IdleTimeout {}

/// A failure below HTTP, with the host and port that were asked.
#[derive(Debug)]
pub(super) struct AtHost {
    pub host: String,
    source: hyper_util::client::legacy::Error,
}

impl fmt::Display for AtHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl std::error::Error for AtHost {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn connector_error(error: AtHost) -> ConnectorError {
    // Everything below HTTP is worth another attempt except a certificate that does not verify.
    let certificate = super::errors::sources(&error).any(|e| e.downcast_ref::<rustls::Error>().is_some());
    if certificate {
        ConnectorError::other(error.into(), None)
    } else if super::errors::sources(&error).any(|e| {
        e.downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::TimedOut)
    }) {
        ConnectorError::timeout(error.into())
    } else if super::errors::sources(&error).any(|e| e.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user)) {
        ConnectorError::user(error.into())
    } else if error.source.is_connect() || super::errors::sources(&error).any(|e| e.downcast_ref::<std::io::Error>().is_some()) {
        ConnectorError::io(error.into())
    } else {
        ConnectorError::other(error.into(), Some(ErrorKind::TransientError))
    }
}

/// Deadline that moves while the request body moves.
#[derive(Clone)]
struct Activity {
    idle: Option<Duration>,
    start: Instant,
    last: Arc<AtomicU64>,
}

impl Activity {
    fn new(idle: Option<Duration>) -> Self {
        Self {
            idle,
            start: Instant::now(),
            last: Arc::new(AtomicU64::new(0)),
        }
    }

    fn touch(&self) {
        if self.idle.is_some() {
            let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.last.store(elapsed, Ordering::Relaxed);
        }
    }

    async fn watch<F: Future>(&self, future: F) -> Result<F::Output, ConnectorError> {
        let Some(idle) = self.idle else {
            return Ok(future.await);
        };
        tokio::pin!(future);
        loop {
            let deadline = self.start + Duration::from_millis(self.last.load(Ordering::Relaxed)) + idle;
            tokio::select! {
                biased;
                output = &mut future => return Ok(output),
                () = tokio::time::sleep_until(deadline) => {
                    let moved = self.start + Duration::from_millis(self.last.load(Ordering::Relaxed)) + idle > deadline;
                    if !moved {
                        return Err(ConnectorError::timeout(IdleTimeout(idle).into()));
                    }
                }
            }
        }
    }
}

/// Request body cut into pieces without copying.
pub(super) struct RequestBody {
    inner: SdkBody,
    rest: Bytes,
    activity: Activity,
}

impl RequestBody {
    fn new(inner: SdkBody, activity: Activity) -> Self {
        Self {
            inner,
            rest: Bytes::new(),
            activity,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = aws_smithy_types::body::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return Poll::Ready(other),
            }
        }
        this.activity.touch();
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && Body::is_end_stream(&self.inner)
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let inner = Body::size_hint(&self.inner);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

/// Response body whose next bytes must come within the idle timeout; holds the socket permit until it ends.
struct ResponseBody {
    inner: Incoming,
    idle: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl ResponseBody {
    fn new(inner: Incoming, idle: Option<Duration>, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            inner,
            idle,
            sleep: None,
            _permit: permit,
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            this.sleep = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if let Some(idle) = this.idle {
            let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
            ready!(sleep.as_mut().poll(cx));
            return Poll::Ready(Some(Err(Box::new(IdleTimeout(idle)))));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        Body::is_end_stream(&self.inner)
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.inner)
    }
}
