//! Events that the engine raises by itself.

use crate::value::{EventSink, text};
use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use std::sync::Arc;

type EventFn = ThreadsafeFunction<String, (), String, Status, false, true>;

/// A sink that hands events to `function` as text `{ event, payload }`; it does not keep the process alive.
pub(super) fn event_sink(function: &Function<'_, String, ()>) -> napi::Result<EventSink> {
    let function: EventFn = function.build_threadsafe_function::<String>().weak::<true>().build()?;
    Ok(Arc::new(move |event, payload| {
        let mut out = String::from("{\"event\":");
        text::write_string(event, &mut out);
        out.push_str(",\"payload\":");
        text::write_tagged(&payload, &mut out);
        out.push('}');
        function.call(out, ThreadsafeFunctionCallMode::NonBlocking);
    }))
}
