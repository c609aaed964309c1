//! What a run comes to. Its JSON is the machine-readable report; latencies are microseconds.

use std::time::{Instant, SystemTime};

use serde::Serialize;

use crate::figures::{Bucket, ByRequest, Count, Latencies, Latency, Second};
use crate::headers;
use crate::keys::Ids;
use crate::options::Options;
use crate::outcome::Outcome;
use crate::own_cost::OwnCost;
use crate::recorder::{Failures, Record};
use crate::request::Kind;

/// All figures of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Version of the load generator.
    pub version: &'static str,
    /// Where the load generator ran.
    pub machine: Machine,
    /// When the first request was sent (RFC 3339, UTC).
    pub started_at: String,
    /// When the run ended (RFC 3339, UTC).
    pub ended_at: String,
    /// What was run.
    pub parameters: Parameters,
    /// From the first request to the end of the last answer.
    pub seconds: f64,
    /// Requests that were sent; each succeeded or failed.
    pub requests: u64,
    /// Requests that became due by `--rate` or `--stages` in that time; none without it.
    pub due: Option<u64>,
    /// Requests that were answered as they should be.
    pub successes: u64,
    /// Requests that got no answer, a wrong status or a wrong body.
    pub failures: u64,
    /// Requests under way that were not waited for, as a second signal ended the run at once; counted nowhere else.
    pub cut_off: u64,
    /// GETs that were sent again on a new connection, as theirs was closed without an answer (RFC 9112 §9.3.1).
    pub retries: u64,
    /// Successes a second.
    pub throughput: f64,
    /// `failures / requests`.
    pub error_ratio: f64,
    /// Share of the reads answered that the cache answered: hit, stale or absent. None if the service never says.
    pub hit_ratio: Option<f64>,
    /// Latency of the successes; none if there were none.
    pub latency: Option<Latency>,
    /// Time that the failures took; none if there were none.
    pub failure_latency: Option<Latency>,
    /// Figures of each kind of request.
    pub by_request: Vec<ByRequest>,
    /// Answers by status.
    pub statuses: Vec<Count>,
    /// Failures by message, the most frequent first.
    pub errors: Vec<Count>,
    /// Reads answered, by where the answer came from.
    pub outcomes: Vec<Count>,
    /// Second by second.
    pub timeline: Vec<Second>,
    /// How many requests took how long, in steps of about a tenth.
    pub distribution: Vec<Bucket>,
    /// What the load generator itself used.
    pub own_cost: OwnCost,
    /// Whether it was ended by a signal before its time or its number of requests was used up.
    pub interrupted: bool,
    /// What is likely wrong, if most requests failed for the same reason.
    pub hints: Vec<String>,
    /// Thresholds that were missed; empty if none was.
    pub missed: Vec<String>,
}

/// Where the load generator ran.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Its host name.
    pub name: String,
    /// Cores that the load generator could use.
    pub cores: usize,
}

/// What was run.
#[derive(Debug, Clone, Serialize)]
pub struct Parameters {
    /// The service.
    pub host: String,
    /// Users at one time.
    pub users: usize,
    /// Requests that became due a second, or stages, if that was asked for: `5000/s`, `10s:100/s,30s:1000/s`.
    pub rate: Option<String>,
    /// Users started a second.
    pub hatch_rate: usize,
    /// The time that was asked for, if at all.
    pub run_time_seconds: Option<f64>,
    /// The number of requests that was asked for, if at all.
    pub requests: Option<usize>,
    /// The ids asked for.
    pub ids: String,
    /// How they were drawn.
    pub keys: String,
    /// Share of ids that do not exist.
    pub missing: f64,
    /// Share of creates.
    pub write: f64,
    /// Names of the headers that every request had besides.
    pub headers: Vec<String>,
    /// Where the random numbers began, if that was asked for.
    pub seed: Option<u64>,
    /// The longest that a request was waited for, seconds.
    pub timeout_seconds: f64,
    /// The longest that requests were waited for once the time was up, seconds.
    pub grace_seconds: f64,
}

impl Summary {
    pub(crate) fn new(options: &Options, ids: &Ids, began: Instant, record: &Record) -> Self {
        let (successes, failures) = (record.all.successes.len(), record.all.failures.len());
        let requests = successes + failures;
        let seconds = record.ended.map_or(0.0, |ended| (ended - began).as_secs_f64());
        let now = SystemTime::now();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            machine: Machine::this(),
            started_at: time(now.checked_sub(began.elapsed()).unwrap_or(now)),
            ended_at: time(now),
            parameters: Parameters::of(options, ids),
            seconds,
            requests,
            due: None,
            successes,
            failures,
            cut_off: record.cut_off,
            retries: record.retries,
            throughput: ratio(successes as f64, seconds),
            error_ratio: ratio(failures as f64, requests as f64),
            hit_ratio: hit_ratio(record),
            latency: record.all.latency(),
            failure_latency: record.all.failure_latency(),
            by_request: record.kinds.iter().map(|(kind, latencies)| by_request(*kind, latencies)).collect(),
            statuses: counts(record.statuses.iter().map(|(status, count)| (status.to_string(), *count))),
            errors: errors(record),
            outcomes: counts(Outcome::ALL.into_iter().filter_map(|outcome| {
                record.outcomes.get(&outcome).map(|count| (outcome.as_str().to_owned(), *count))
            })),
            timeline: record.seconds.clone(),
            distribution: record.all.distribution(),
            own_cost: OwnCost::default(),
            interrupted: false,
            hints: Vec::new(),
            missed: Vec::new(),
        }
    }
}

impl Machine {
    fn this() -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { name, cores: std::thread::available_parallelism().map_or(0, usize::from) }
    }
}

impl Parameters {
    fn of(options: &Options, ids: &Ids) -> Self {
        Self {
            host: options.shown_host(),
            users: options.users,
            rate: options.shown_rate(),
            hatch_rate: options.hatch_rate,
            run_time_seconds: options.time_limit().map(|limit| limit.as_secs_f64()),
            requests: options.requests,
            ids: ids.to_string(),
            keys: options.keys.to_string(),
            missing: options.missing,
            write: options.write,
            headers: headers::names(&options.headers),
            seed: options.seed,
            timeout_seconds: options.timeout.as_secs_f64(),
            grace_seconds: options.grace.as_secs_f64(),
        }
    }
}

fn hit_ratio(record: &Record) -> Option<f64> {
    let count = |which: fn(Outcome) -> bool| -> u64 {
        record.outcomes.iter().filter(|(outcome, _)| which(**outcome)).map(|(_, count)| count).sum()
    };
    let said = count(|outcome| outcome != Outcome::Unknown);
    (said > 0).then(|| ratio(count(Outcome::is_from_cache) as f64, count(|_| true) as f64))
}

/// 0 if there is nothing to divide by.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn by_request(kind: Kind, all: &Latencies) -> ByRequest {
    let (successes, failures) = (all.successes.len(), all.failures.len());
    ByRequest {
        name: kind.name(),
        requests: successes + failures,
        successes,
        failures,
        latency: all.latency(),
        failure_latency: all.failure_latency(),
    }
}

fn counts(counts: impl Iterator<Item = (String, u64)>) -> Vec<Count> {
    counts.map(|(name, count)| Count { name, count }).collect()
}

/// The failures by message, the most frequent first, with the wait that the service asked for.
fn errors(record: &Record) -> Vec<Count> {
    let name = |message: &String, failures: &Failures| match failures.retry_after {
        None => message.clone(),
        Some((shortest, longest)) if shortest == longest => format!("{message} {shortest} s"),
        Some((shortest, longest)) => format!("{message} {shortest} to {longest} s"),
    };
    let mut errors = counts(record.failures.iter().map(|(message, of)| (name(message, of), of.count)));
    errors.sort_by_key(|error| std::cmp::Reverse(error.count));
    errors
}

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}
