//! The tokio runtime and the way calls are settled.

use super::error::to_napi;
use crate::error::Result;
use futures::task::noop_waker_ref;
use napi::bindgen_prelude::{Either, Env, PromiseRaw, ToNapiValue, create_custom_tokio_runtime};
use napi_derive::module_init;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Records are many small strings: this allocator takes a third off the CPU time of bulk work (measured with `npm run bench`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Worker threads: one per core up to four, or `S3DB_THREADS`.
#[module_init]
fn init() {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = std::env::var("S3DB_THREADS")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or_else(|| cores.clamp(2, 4));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::cmp::max(threads, 1))
        .max_blocking_threads(cores.clamp(2, 8) * 2)
        .thread_name("s3db")
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => create_custom_tokio_runtime(runtime),
        Err(e) => eprintln!("s3db: cannot start the worker threads: {e}"),
    }
}

/// A value, or the promise of one.
pub(super) type Settled<'env, T> = Either<T, PromiseRaw<'env, T>>;

/// Runs a call: on the caller's thread when it is immediate and ready at once, else on the runtime.
pub(super) fn settle<'env, T, F>(env: &'env Env, immediate: bool, future: F) -> napi::Result<Settled<'env, T>>
where
    T: ToNapiValue + Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    if !immediate {
        return promise(env, future).map(Either::B);
    }
    let mut future: Pin<Box<F>> = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(noop_waker_ref())) {
        Poll::Ready(result) => result.map(Either::A).map_err(to_napi),
        Poll::Pending => promise(env, future).map(Either::B),
    }
}

/// Runs a call on the runtime.
pub(super) fn promise<'env, T, F>(env: &'env Env, future: F) -> napi::Result<PromiseRaw<'env, T>>
where
    T: ToNapiValue + Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    env.spawn_future(async move { future.await.map_err(to_napi) })
}

/// Runs CPU-heavy work on the blocking pool.
pub(super) fn blocking<'env, T, F>(env: &'env Env, work: F) -> napi::Result<PromiseRaw<'env, T>>
where
    T: ToNapiValue + Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    promise(env, async move {
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|e| Err(crate::error::Error::new(crate::error::Kind::Unknown, format!("worker failed: {e}"))))
    })
}
