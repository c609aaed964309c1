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

use self::exposition::Exposition;
pub use self::exposition::Format;
use self::family::Family;
use self::requests::Requests;
use crate::drain::Drain;
use crate::todos::Todos;

/// What is needed to answer a scrape.
#[derive(Clone)]
pub struct Metrics {
    /// Requests of every worker.
    pub requests: Arc<Requests>,
    /// The todos, whose cache counts for itself.
    pub todos: Todos,
    /// Counts the open connections.
    pub drain: Arc<Drain>,
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
        families.extend(process::families());
        Exposition::of(families).text(format)
    }

    fn connections(&self) -> Family {
        Family::gauge("http_connections", "Connections of clients that are open.")
            .value(self.drain.connections() as f64)
    }
}

fn build_info() -> Family {
    Family::gauge("todo_api_build_info", "Version of the service; the value is always 1.")
        .with([("version", env!("CARGO_PKG_VERSION"))], 1.0)
}
