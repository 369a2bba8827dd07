//! Engine logs on their way to JavaScript: `tracing` events of this crate, with the fields of the spans they are in, as one text
//! each (decision 24). There is no subscriber until JavaScript asks for logs.

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use parking_lot::RwLock;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// Texts that may wait for the event loop; more are dropped and counted.
const WAITING: usize = 10_000;

type Channel = ThreadsafeFunction<String, (), String, Status, false, true, WAITING>;

struct Sink {
    id: u32,
    level: LevelFilter,
    dropped: AtomicU32,
    channel: Channel,
}

static SINKS: RwLock<Vec<Sink>> = RwLock::new(Vec::new());
static NEXT: AtomicU32 = AtomicU32::new(1);
static INSTALL: Once = Once::new();

/// A receiver of engine logs.
#[napi]
pub struct NativeLogs {
    id: u32,
}

#[napi]
impl NativeLogs {
    /// `level`: `trace`, `debug`, `info`, `warn` or `error`. The callback gets `{ level, target, message, dropped? }` texts.
    #[napi(constructor)]
    pub fn new(level: String, callback: Function<String, ()>) -> napi::Result<Self> {
        let channel = callback
            .build_threadsafe_function()
            .weak::<true>()
            .callee_handled::<false>()
            .max_queue_size::<WAITING>()
            .build()?;
        INSTALL.call_once(|| {
            let subscriber = tracing_subscriber::registry().with(Forward);
            // The addon has its own copy of `tracing`: nobody else can have set one.
            let _ = tracing::subscriber::set_global_default(subscriber);
        });
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        SINKS.write().push(Sink {
            id,
            level: filter(&level),
            dropped: AtomicU32::new(0),
            channel,
        });
        tracing::callsite::rebuild_interest_cache();
        Ok(Self { id })
    }

    /// Changes the level.
    #[napi]
    pub fn set_level(&self, level: String) {
        for sink in SINKS.write().iter_mut().filter(|sink| sink.id == self.id) {
            sink.level = filter(&level);
        }
        tracing::callsite::rebuild_interest_cache();
    }

    /// No more logs for this receiver.
    #[napi]
    pub fn close(&self) {
        SINKS.write().retain(|sink| sink.id != self.id);
        tracing::callsite::rebuild_interest_cache();
    }
}

impl Drop for NativeLogs {
    fn drop(&mut self) {
        self.close();
    }
}

fn filter(level: &str) -> LevelFilter {
    match level {
        "trace" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "info" => LevelFilter::INFO,
        "warn" => LevelFilter::WARN,
        "error" | "fatal" => LevelFilter::ERROR,
        _ => LevelFilter::OFF,
    }
}

fn wanted() -> LevelFilter {
    SINKS.read().iter().map(|sink| sink.level).max().unwrap_or(LevelFilter::OFF)
}

/// Text of the fields, ` name=value` each, and the message.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

struct Forward;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Forward {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("s3db") && *metadata.level() <= wanted()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(wanted())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut text = Text::default();
        attributes.record(&mut text);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(text);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(text) = span.extensions_mut().get_mut::<Text>()
        {
            values.record(text);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let mut line = String::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            line.push_str(span.name());
            if let Some(own) = span.extensions().get::<Text>() {
                line.push_str(&own.fields);
            }
            line.push_str(": ");
        }
        line.push_str(&text.message);
        line.push_str(&text.fields);
        let metadata = event.metadata();
        send(*metadata.level(), metadata.target(), &line);
    }
}

fn send(level: Level, target: &str, line: &str) {
    let name = level.as_str().to_ascii_lowercase();
    for sink in SINKS.read().iter().filter(|sink| level <= sink.level) {
        let dropped = sink.dropped.swap(0, Ordering::Relaxed);
        let mut message = json!({ "level": name, "target": target, "message": line });
        if dropped > 0 {
            message["dropped"] = dropped.into();
        }
        if sink.channel.call(message.to_string(), ThreadsafeFunctionCallMode::NonBlocking) == Status::QueueFull {
            sink.dropped.fetch_add(dropped + 1, Ordering::Relaxed);
        }
    }
}
