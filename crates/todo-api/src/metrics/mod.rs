//! `/metrics`: what the process counts, for Prometheus. Everything is counted where it happens, by each worker for itself, and
//! summed when it is asked for.
//!
//! - [`requests`]: requests and their latency. `cache`: what the cache engine counts. `process`: memory, CPU, descriptors.
//! - `family`: one metric with its samples. `exposition`: all of them as text.

mod cache;
mod exposition;
mod family;
mod process;
pub mod requests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::exposition::Exposition;
pub use self::exposition::Format;
use self::family::Family;
use self::requests::Requests;
use crate::drain::Drain;
use crate::todos::Todos;
use crate::traces;

/// What is needed to answer a scrape.
#[derive(Clone)]
pub struct Metrics {
    /// Requests of every worker.
    pub requests: Arc<Requests>,
    /// The todos, whose cache counts for itself.
    pub todos: Todos,
    /// Counts the open connections.
    pub drain: Arc<Drain>,
    /// What became of spans.
    pub traces: Arc<traces::Counts>,
}

impl Metrics {
    /// Everything as it is now, in a format that Prometheus reads.
    pub fn scrape(&self, format: Format) -> String {
        let mut families = vec![build_info(), self.connections()];
        families.extend(self.requests.families());
        families.extend(cache::families(&self.todos.stats()));
        families.extend(self.todos.store_connections().map(|open| {
            Family::gauge(
                "store_connections",
                "Connections to MongoDB that are open, without those that watch its servers.",
            )
            .value(open as f64)
        }));
        families.extend(self.spans());
        families.extend(process::families());
        Exposition::of(families).text(format)
    }

    fn connections(&self) -> Family {
        Family::gauge("http_connections", "Connections of clients that are open.")
            .value(self.drain.connections() as f64)
    }
}

impl Metrics {
    fn spans(&self) -> [Family; 2] {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let (exported, no_room, not_taken) = (&self.traces.exported, &self.traces.no_room, &self.traces.not_taken);
        [
            Family::counter("trace_spans_exported", "Spans that the collector took (`--otlp-endpoint`).")
                .value(count(exported)),
            Family::counter(
                "trace_spans_dropped",
                "Spans that found no room in the queue (queue_full), or that the collector did not take (not_taken).",
            )
            .with([("reason", "queue_full")], count(no_room))
            .with([("reason", "not_taken")], count(not_taken)),
        ]
    }
}

fn build_info() -> Family {
    Family::gauge("todo_api_build_info", "Version of the service; the value is always 1.")
        .with([("version", env!("CARGO_PKG_VERSION"))], 1.0)
}
