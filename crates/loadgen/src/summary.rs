//! What a run comes to. Its JSON is the machine-readable report; latencies are microseconds.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::options::Options;
use crate::outcome::Outcome;
use crate::recorder::{Kind, Record};

/// All figures of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// What was run.
    pub parameters: Parameters,
    /// When it ended, seconds since 1970.
    pub ended_at: u64,
    /// From the first request to the end of the last answer.
    pub seconds: f64,
    /// Requests that were sent; each was answered or failed.
    pub requests: u64,
    /// Requests a second.
    pub throughput: f64,
    /// Requests that got no answer, a wrong status or a wrong body.
    pub failures: u64,
    /// `failures / requests`.
    pub error_ratio: f64,
    /// Share of the reads answered that the cache answered: hit, stale or absent. None if the service never says.
    pub hit_ratio: Option<f64>,
    /// Of all requests.
    pub latency: Latency,
    /// By kind of request.
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
    /// Whether it was ended (Ctrl-C) before its time or its number of requests was used up.
    pub interrupted: bool,
    /// Thresholds that were missed; empty if none was.
    pub missed: Vec<String>,
}

/// What was run.
#[derive(Debug, Clone, Serialize)]
pub struct Parameters {
    /// The service.
    pub host: String,
    /// Users at one time.
    pub users: usize,
    /// Users started a second.
    pub hatch_rate: usize,
    /// Asked for, if at all.
    pub run_time_seconds: Option<f64>,
    /// Asked for, if at all.
    pub requests: Option<usize>,
    /// The ids asked for.
    pub ids: String,
    /// How they were drawn.
    pub keys: String,
    /// Share of ids that do not exist.
    pub missing: f64,
    /// Share of creates.
    pub write: f64,
    /// Where the random numbers began, if that was asked for.
    pub seed: Option<u64>,
    /// The longest that a request was waited for, seconds.
    pub timeout_seconds: f64,
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Mean.
    pub mean_us: f64,
    /// Half of the requests took no longer.
    pub p50_us: u64,
    /// Nine of ten.
    pub p90_us: u64,
    /// 99 of a hundred.
    pub p99_us: u64,
    /// 999 of a thousand.
    pub p999_us: u64,
    /// The slowest.
    pub max_us: u64,
}

/// Figures of one kind of request.
#[derive(Debug, Clone, Serialize)]
pub struct ByRequest {
    /// Method and path template.
    pub name: &'static str,
    /// How many.
    pub requests: u64,
    /// How long.
    pub latency: Latency,
}

/// How often something came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// One second of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Second {
    /// Seconds since the start.
    pub second: u64,
    /// Requests that ended in it.
    pub requests: u64,
    /// Of these, failures.
    pub failures: u64,
    /// Of these, answered by the cache.
    pub from_cache: u64,
    /// Of these.
    #[serde(flatten)]
    pub latency: Latency,
}

/// Requests that took up to so long, and longer than the bucket before.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Bucket {
    /// Upper end, microseconds.
    pub up_to_us: u64,
    /// How many.
    pub count: u64,
}

impl Second {
    pub(crate) fn at(second: u64) -> Self {
        Self { second, ..Self::default() }
    }
}

impl Latency {
    pub(crate) fn of(latencies: &Histogram<u64>) -> Self {
        let at = |quantile| latencies.value_at_quantile(quantile);
        Self {
            mean_us: latencies.mean(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: latencies.max(),
        }
    }
}

impl Summary {
    pub(crate) fn new(options: &Options, began: Instant, record: &Record) -> Self {
        let requests = record.all.len();
        let failures = record.failures.values().sum::<u64>();
        let seconds = record.ended.map_or(0.0, |ended| (ended - began).as_secs_f64());
        let mut errors = counts(record.failures.iter().map(|(name, count)| (name.clone(), *count)));
        errors.sort_by_key(|error| std::cmp::Reverse(error.count));
        Self {
            parameters: Parameters::of(options),
            ended_at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            seconds,
            requests,
            throughput: ratio(requests as f64, seconds),
            failures,
            error_ratio: ratio(failures as f64, requests as f64),
            hit_ratio: hit_ratio(record),
            latency: Latency::of(&record.all),
            by_request: record.kinds.iter().map(|(kind, latencies)| by_request(*kind, latencies)).collect(),
            statuses: counts(record.statuses.iter().map(|(status, count)| (status.to_string(), *count))),
            errors,
            outcomes: counts(Outcome::ALL.into_iter().filter_map(|outcome| {
                record.outcomes.get(&outcome).map(|count| (outcome.as_str().to_owned(), *count))
            })),
            timeline: record.seconds.clone(),
            distribution: distribution(&record.all),
            interrupted: false,
            missed: Vec::new(),
        }
    }
}

impl Parameters {
    fn of(options: &Options) -> Self {
        Self {
            host: options.shown_host(),
            users: options.users,
            hatch_rate: options.hatch_rate,
            run_time_seconds: options.time_limit().map(|limit| limit.as_secs_f64()),
            requests: options.requests,
            ids: options.ids.to_string(),
            keys: options.keys.to_string(),
            missing: options.missing,
            write: options.write,
            seed: options.seed,
            timeout_seconds: options.timeout.as_secs_f64(),
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

fn by_request(kind: Kind, latencies: &Histogram<u64>) -> ByRequest {
    let name = match kind {
        Kind::Get => "GET /todos/{id}",
        Kind::Post => "POST /todos/",
    };
    ByRequest { name, requests: latencies.len(), latency: Latency::of(latencies) }
}

fn counts(counts: impl Iterator<Item = (String, u64)>) -> Vec<Count> {
    counts.map(|(name, count)| Count { name, count }).collect()
}

fn distribution(latencies: &Histogram<u64>) -> Vec<Bucket> {
    let steps = latencies.iter_log(10, 1.1);
    let counts =
        steps.map(|step| Bucket { up_to_us: step.value_iterated_to(), count: step.count_since_last_iteration() });
    counts.skip_while(|bucket| bucket.count == 0).collect()
}
