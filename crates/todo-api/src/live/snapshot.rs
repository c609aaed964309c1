//! `Snapshot`: what a process says of itself, as it is now. The page and the other processes take it as JSON; what a release does not
//! know it leaves out.

use std::time::Instant;

use cache_aside::BreakerState;
use serde::{Deserialize, Serialize};

use crate::metrics::Metrics;
use crate::metrics::requests::BOUNDS_US;

/// Hottest ids that go along.
const HOTTEST: usize = 10;
/// Events that go along.
const EVENTS: usize = 30;
/// No stream that is followed is so far behind.
const DAY_MS: u64 = 86_400_000;

/// A process, as it calls itself.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// Unlike that of any other, also of one that was here before.
    pub(super) id: String,
    pub(super) host: String,
    pub(super) address: String,
    pub(super) began: Instant,
}

/// What a process says of itself. Counts are those since its start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) process: String,
    host: String,
    /// Where it listens.
    address: String,
    pid: u32,
    up_ms: u64,
    counts: Counts,
    /// Requests of todos by how long they took, in the buckets whose upper bounds follow; one more has no bound.
    latency: Vec<u64>,
    bounds_us: Vec<u64>,
    loads_running: u64,
    stream: Stream,
    breaker: String,
    store_breaker: String,
    refusal: Option<String>,
    pending: u64,
    l1: L1,
    /// Ids that are read most, with their reads a second; `None` where reads are not sampled.
    hot: Option<Vec<(String, f64)>>,
    /// The last events, the oldest first.
    events: Vec<Event>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Counts {
    hit: u64,
    l1: u64,
    stale: u64,
    absent: u64,
    miss: u64,
    bypass: u64,
    failed: u64,
    write: u64,
    loads: u64,
    failed_loads: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stream {
    expected: bool,
    live: bool,
    leading: bool,
    lag_ms: Option<u64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct L1 {
    entries: u64,
    bytes: u64,
    evictions: u64,
}

/// The numbers of a snapshot that charts are made of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Moment {
    pub(super) up_ms: u64,
    /// Those of [`Counts`], in their order.
    pub(super) counts: [u64; 10],
    pub(super) latency: Vec<u64>,
    pub(super) lag_ms: Option<u64>,
}

/// When something happened is said as how long ago: no clock of another machine is believed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Event {
    number: u64,
    ms_ago: u64,
    kind: String,
    cause: String,
}

impl Snapshot {
    /// Whether what others write is to be noticed by a change stream.
    pub(super) fn expects_changes(&self) -> bool {
        self.stream.expected
    }

    /// What is kept of it for those who come later.
    pub(super) fn moment(&self) -> Moment {
        let of = &self.counts;
        let counts =
            [of.hit, of.l1, of.stale, of.absent, of.miss, of.bypass, of.failed, of.write, of.loads, of.failed_loads];
        Moment { up_ms: self.up_ms, counts, latency: self.latency.clone(), lag_ms: self.stream.lag_ms }
    }

    pub(super) fn of(process: &Process, metrics: &Metrics) -> Self {
        let (stats, todos) = (metrics.todos.stats(), &metrics.todos);
        let (reads, loads, writes) = (&stats.reads, &stats.loads, &stats.writes);
        let events = todos.events();
        let last = events.iter().skip(events.len().saturating_sub(EVENTS)).map(|event| Event {
            number: event.number,
            ms_ago: event.at.elapsed().as_millis() as u64,
            kind: event.kind.as_str().to_owned(),
            cause: event.cause.chars().take(200).collect(),
        });
        Self {
            process: process.id.clone(),
            host: process.host.clone(),
            address: process.address.clone(),
            pid: std::process::id(),
            up_ms: process.began.elapsed().as_millis() as u64,
            counts: Counts {
                hit: reads.hits,
                l1: reads.l1_hits,
                stale: reads.stale + reads.stale_if_error,
                absent: reads.absent,
                miss: reads.misses,
                bypass: reads.bypass_off + reads.bypass_error,
                failed: reads.failed,
                write: writes.committed + writes.failed + writes.unknown,
                loads: loads.started,
                failed_loads: loads.failed + loads.timed_out + loads.rejected,
            },
            latency: metrics.requests.latency_below("/todos"),
            bounds_us: BOUNDS_US.to_vec(),
            loads_running: loads.running,
            stream: Stream {
                expected: stats.change_stream.expected,
                live: stats.change_stream.live,
                leading: stats.change_stream.leading,
                // While the stream is being opened nobody knows how far behind it is.
                lag_ms: stats.change_stream.lag.map(|lag| lag.as_millis() as u64).filter(|lag| *lag < DAY_MS),
            },
            breaker: word(stats.breaker).to_owned(),
            store_breaker: word(stats.store_breaker).to_owned(),
            refusal: todos.cache_refusal(),
            pending: stats.repair.pending,
            l1: L1 { entries: stats.l1.entries, bytes: stats.l1.bytes, evictions: stats.l1.evictions },
            hot: todos.hottest(HOTTEST).map(|hot| hot.into_iter().map(|hot| (hot.id, hot.reads_per_second)).collect()),
            events: last.collect(),
        }
    }
}

fn word(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::HalfOpen => "half open",
        _ => "open",
    }
}
