//! Sockets, faults and the control endpoint around the S3 service.

use super::Options;
use super::control::{Control, Counters, PATH, Snapshot, operation};
use super::faults::{Dice, Faults, Verdict};
use super::service::{OneKey, Service};
use super::state::State;
use base64::Engine as _;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use md5::{Digest as _, Md5};
use s3s::Body;
use s3s::auth::SecretKey;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// More headers than 2 KB of metadata can make.
const MAX_HEADERS: usize = 1200;

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    control: Arc<Control>,
    task: JoinHandle<()>,
}

impl Handle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Endpoint URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far.
    pub fn counters(&self) -> Counters {
        self.control.counters.lock().clone()
    }

    /// Everything the control endpoint shows.
    pub fn snapshot(&self) -> Snapshot {
        self.control.snapshot()
    }

    /// Replaces the faults and restarts their random sequence.
    pub fn set_faults(&self, faults: Faults) {
        self.control.dice.set(faults);
    }

    /// Removes all objects, and the buckets that were not there at the start.
    pub fn reset_store(&self) {
        self.control.state.reset();
    }

    /// Counts from zero.
    pub fn reset_counters(&self) {
        *self.control.counters.lock() = Counters::default();
    }

    /// Runs until the server's task ends.
    pub async fn join(mut self) -> io::Result<()> {
        (&mut self.task).await.map_err(io::Error::other)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a server on 127.0.0.1.
pub async fn spawn(options: Options) -> io::Result<Handle> {
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let address = listener.local_addr()?;
    let state = Arc::new(State::new(options.buckets, options.auto_buckets));
    let mut builder = S3ServiceBuilder::new(Service(state.clone()));
    builder.set_auth(OneKey {
        access_key: options.access_key,
        secret_key: SecretKey::from(options.secret_key),
    });
    let control = Arc::new(Control {
        state,
        dice: Dice::new(options.faults),
        counters: parking_lot::Mutex::default(),
    });
    let task = tokio::spawn(accept(listener, builder.build(), control.clone()));
    Ok(Handle { address, control, task })
}

async fn accept(listener: TcpListener, service: S3Service, control: Arc<Control>) {
    // Connections end with the server.
    let mut connections = tokio::task::JoinSet::new();
    let ids = Arc::new(AtomicU64::new(0));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, service.clone(), control.clone(), ids.clone()));
                }
                // Out of file descriptors, or a client that left already.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, service: S3Service, control: Arc<Control>, ids: Arc<AtomicU64>) {
    // Delays of the client's kernel would only slow tests down.
    let _ = stream.set_nodelay(true);
    let handler = service_fn(move |request| answer(request, service.clone(), control.clone(), ids.clone()));
    // An error means that the connection was closed, by a client or by a fault.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), handler)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    service: S3Service,
    control: Arc<Control>,
    ids: Arc<AtomicU64>,
) -> Result<Response<Body>, io::Error> {
    if request.uri().path() == PATH {
        return order(request, &control).await;
    }
    let name = operation(request.method(), request.uri(), request.headers());
    control.count(name);
    let fate = control.dice.draw(name);
    if !fate.delay.is_zero() {
        tokio::time::sleep(fate.delay).await;
    }
    let head = request.method() == http::Method::HEAD;
    let mut response = match fate.verdict {
        Verdict::Serve => run(&service, request).await?,
        Verdict::Refuse { status, code } => {
            control.counters.lock().refused += 1;
            // Read to the end, so that the client sees the answer and not a reset.
            let _ = read(request.into_body()).await;
            failure(status, &code, head)?
        }
        Verdict::Drop => {
            control.counters.lock().refused += 1;
            return Err(closed());
        }
        Verdict::Lose => {
            run(&service, request).await?;
            control.counters.lock().lost += 1;
            return Err(closed());
        }
        Verdict::LoseWith { status, code } => {
            run(&service, request).await?;
            control.counters.lock().lost += 1;
            failure(status, &code, head)?
        }
    };
    let id = format!("{:016X}", ids.fetch_add(1, Ordering::Relaxed) + 1);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    Ok(response)
}

async fn run(service: &S3Service, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    // The parsed request has no digest any more, so it is checked here, where S3 requires one.
    let request = if request.method() == http::Method::POST && request.headers().contains_key("content-md5") {
        let (parts, body) = request.into_parts();
        let body = read(body).await?;
        let digest = base64::engine::general_purpose::STANDARD.encode(Md5::digest(&body));
        if parts
            .headers
            .get("content-md5")
            .is_none_or(|sent| sent.as_bytes() != digest.as_bytes())
        {
            return failure(400, "BadDigest", false);
        }
        Request::from_parts(parts, Body::from(body))
    } else {
        request.map(Body::from)
    };
    service.call(request).await.map_err(|error| io::Error::other(format!("{error:?}")))
}

async fn read(body: Incoming) -> io::Result<Vec<u8>> {
    use http_body::Body as _;
    let mut bytes = Vec::new();
    let mut body = std::pin::pin!(body);
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Some(data) = frame.map_err(io::Error::other)?.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "closed by a fault")
}

fn failure(status: u16, code: &str, head: bool) -> Result<Response<Body>, io::Error> {
    let xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>Injected fault</Message></Error>");
    let body = if head { Body::empty() } else { Body::from(xml) };
    Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "application/xml")
        .body(body)
        .map_err(io::Error::other)
}

async fn order(request: Request<Incoming>, control: &Control) -> Result<Response<Body>, io::Error> {
    let json = |status: StatusCode, text: String| {
        Response::builder()
            .status(status)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Body::from(text))
            .map_err(io::Error::other)
    };
    let refused = |message: &str| serde_json::json!({ "error": message }).to_string();
    match request.method().as_str() {
        "GET" => {}
        "POST" => {
            let text = read(request.into_body()).await?;
            if let Err(message) = control.obey(&text) {
                return json(StatusCode::BAD_REQUEST, refused(&message));
            }
        }
        _ => return json(StatusCode::METHOD_NOT_ALLOWED, refused("use GET or POST")),
    }
    let snapshot = serde_json::to_string(&control.snapshot()).map_err(io::Error::other)?;
    json(StatusCode::OK, snapshot)
}
