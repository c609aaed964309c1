//! Traces by OpenTelemetry, sent to a collector by OTLP over HTTP (`--otlp-endpoint`). Off unless asked for.
//!
//! A request that is not sampled pays for that decision and nothing else; one that is puts its spans into a bounded queue. Nothing
//! waits for the collector: what finds no room, or cannot be delivered, is counted and dropped.
//!
//! - [`context`]: the trace that a request belongs to (W3C Trace Context). `span`: what takes time, and what is known of it.
//!   `steps`: those of reads and writes.
//! - `protobuf`, `otlp`: spans as OTLP has them. [`endpoint`], `variables`: where they go. `post`: one request to there.
//! - `exporter`: the queue, and the task that empties it.

pub mod context;
pub mod endpoint;
mod exporter;
mod otlp;
mod post;
mod protobuf;
mod span;
mod steps;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use cache_aside::CacheUrl;
use todo_store::StoreUrl;

use self::context::Context;
pub use self::endpoint::{Endpoint, EndpointError};
pub use self::exporter::Counts;
use self::exporter::Exporter;
pub use self::span::RequestSpan;
use self::steps::{System, Systems};
use self::variables::Variables;
use crate::settings::Settings;

/// Samples requests, and takes their spans. Clones share the queue.
#[derive(Clone)]
pub struct Tracer(Arc<Inner>);

struct Inner {
    ratio: Ratio,
    systems: Systems,
    queue: exporter::Queue,
}

/// The share of requests that is sampled where nobody before this service decided.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    /// A trace is sampled if the last 56 bits of its id are below this (W3C Trace Context level 2, "random-trace-id").
    below: u64,
}

/// The task that sends spans; [`Sending::finish`] ends it.
pub(crate) struct Sending(Exporter);

impl Tracer {
    /// Begins, if the flags or the standard variables name an endpoint.
    ///
    /// # Errors
    /// The endpoint cannot be used.
    pub(crate) fn start(settings: &Settings, counts: &Arc<Counts>) -> Result<Option<(Self, Sending)>, EndpointError> {
        let variable = |name: &str| std::env::var(name).ok();
        let variables = Variables(&variable);
        let Some(endpoint) = Endpoint::find(settings.otlp_endpoint.as_ref(), &variables)? else { return Ok(None) };
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let unread = variables::without_effect(names).join(", ");
        if !unread.is_empty() {
            tracing::warn!(variables = unread, "variables of OpenTelemetry have no effect here (docs/tracing.md)");
        }
        tracing::info!(endpoint = %endpoint, ratio = settings.trace_ratio, "traces are sent");
        let resource = otlp::Resource::of_this_process(&variables)?;
        let (queue, exporter) = Exporter::start(endpoint, resource, Arc::clone(counts));
        let systems = Systems::of(&settings.store, &settings.cache, &settings.collection);
        let inner = Inner { ratio: Ratio::of(settings.trace_ratio), systems, queue };
        Ok(Some((Self(Arc::new(inner)), Sending(exporter))))
    }

    /// The span of a request, if it is sampled: as its sender decided, or else by the ratio. Probes, scrapes and pages are not.
    pub(crate) fn begin(&self, request: &HttpRequest, route: &'static str) -> Option<Arc<RequestSpan>> {
        if !(route.starts_with("/todos") || route == "(none)") {
            return None;
        }
        let context = match Context::of(request.headers()) {
            Some(parent) => Some(parent).filter(|parent| parent.sampled)?,
            None => Context::root_if(|trace_id| self.0.ratio.takes(trace_id))?,
        };
        Some(RequestSpan::begin(self.clone(), &context, request, route))
    }
}

impl Sending {
    /// Sends what is queued, for so long at most.
    pub(crate) async fn finish(self, patience: Duration) {
        self.0.finish(patience).await;
    }
}

impl Ratio {
    fn of(ratio: f64) -> Self {
        Self { below: (ratio * (1_u64 << 56) as f64) as u64 }
    }

    fn takes(self, trace_id: u128) -> bool {
        (trace_id as u64) & ((1 << 56) - 1) < self.below
    }
}

/// Parses `--trace-ratio`.
///
/// # Errors
/// What is allowed.
pub fn ratio(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    number.ok_or_else(|| "must be a number from 0 (only what its sender samples) to 1 (all)".to_owned())
}

impl Systems {
    fn of(store: &StoreUrl, cache: &CacheUrl, collection: &str) -> Self {
        let store = match store {
            StoreUrl::Embedded(_) => System { name: "redb", is_remote: false },
            _ => System { name: "mongodb", is_remote: true },
        };
        let cache = match cache {
            CacheUrl::Redis(_) | CacheUrl::Cluster(_) => Some(System { name: "redis", is_remote: true }),
            _ => None,
        };
        Self { store, cache, collection: collection.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_takes_its_share_and_the_ends_take_none_and_all() {
        let ids = || (0..1_000_u128).map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
        let taken = |ratio| ids().filter(|id| Ratio::of(ratio).takes(*id)).count();
        assert_eq!([taken(0.0), taken(1.0)], [0, 1_000]);
        assert!((150..=350).contains(&taken(0.25)), "{}", taken(0.25));
        assert!(ratio("1.5").is_err() && ratio("-0.1").is_err() && ratio("NaN").is_err() && ratio("").is_err());
    }
}
