//! What is kept of every answer: counts and histograms, whose size does not grow with the number of requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::outcome::Outcome;
use crate::summary::{Latency, Second};

/// The longest latency that is told apart, microseconds: ten minutes.
const MAX_US: u64 = 600_000_000;
/// Seconds that are kept open for late answers.
const OPEN_SECONDS: usize = 3;
/// Failures with other messages than the first so many are counted together.
const MAX_MESSAGES: usize = 100;
const OTHER_MESSAGES: &str = "other messages";

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Get,
    Post,
}

/// One request and what came of it.
pub(crate) struct Sample {
    pub(crate) kind: Kind,
    pub(crate) ended: Instant,
    pub(crate) took: Duration,
    /// None if there was no answer.
    pub(crate) status: Option<u16>,
    /// None for a POST, and if there was no answer.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) failure: Option<String>,
}

/// Shared by all users.
pub(crate) struct Recorder(Mutex<Record>);

/// Everything that was recorded.
pub(crate) struct Record {
    /// The end of the last answer.
    pub(crate) ended: Option<Instant>,
    pub(crate) all: Histogram<u64>,
    pub(crate) kinds: BTreeMap<Kind, Histogram<u64>>,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) outcomes: BTreeMap<Outcome, u64>,
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) seconds: Vec<Second>,
    open: VecDeque<OpenSecond>,
}

struct OpenSecond {
    figures: Second,
    latencies: Histogram<u64>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Record {
            ended: None,
            all: histogram(3),
            kinds: BTreeMap::new(),
            statuses: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            failures: BTreeMap::new(),
            seconds: Vec::new(),
            open: VecDeque::new(),
        }))
    }

    /// Of a run that began then.
    pub(crate) fn add(&self, began: Instant, sample: Sample) {
        let second = sample.ended.saturating_duration_since(began).as_secs();
        self.record().add(second, sample);
    }

    /// The last whole second, if there is one.
    pub(crate) fn last_second(&self) -> Option<Second> {
        let record = self.record();
        let before = record.open.len().checked_sub(2)?;
        record.open.get(before).map(OpenSecond::figures)
    }

    /// Everything so far; nothing is recorded any more.
    pub(crate) fn finish(&self) -> MutexGuard<'_, Record> {
        let mut record = self.record();
        let open = std::mem::take(&mut record.open);
        record.seconds.extend(open.iter().map(OpenSecond::figures));
        record
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn add(&mut self, second: u64, sample: Sample) {
        let micros = (sample.took.as_micros() as u64).clamp(1, MAX_US);
        self.ended = self.ended.max(Some(sample.ended));
        self.all.saturating_record(micros);
        self.kinds.entry(sample.kind).or_insert_with(|| histogram(3)).saturating_record(micros);
        if let Some(status) = sample.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        if let Some(outcome) = sample.outcome {
            *self.outcomes.entry(outcome).or_default() += 1;
        }
        let open = self.second(second);
        open.latencies.saturating_record(micros);
        open.figures.requests += 1;
        open.figures.from_cache += u64::from(sample.outcome.is_some_and(Outcome::is_from_cache));
        if let Some(failure) = sample.failure {
            open.figures.failures += 1;
            self.fail(failure);
        }
    }

    fn fail(&mut self, message: String) {
        let known = self.failures.len() < MAX_MESSAGES || self.failures.contains_key(&message);
        let message = if known { message } else { OTHER_MESSAGES.to_owned() };
        *self.failures.entry(message).or_default() += 1;
    }

    /// The open second of this number; an answer that comes later than the last open one counts in the first.
    fn second(&mut self, number: u64) -> &mut OpenSecond {
        let mut next = self.open.back().map_or(self.seconds.len() as u64, |last| last.figures.second + 1);
        while next <= number {
            self.open.push_back(OpenSecond { figures: Second::at(next), latencies: histogram(2) });
            next += 1;
        }
        while self.open.len() > OPEN_SECONDS
            && let Some(open) = self.open.pop_front()
        {
            self.seconds.push(open.figures());
        }
        let first = self.open.front().map_or(number, |open| open.figures.second);
        let index = usize::try_from(number.saturating_sub(first)).unwrap_or(0).min(self.open.len() - 1);
        &mut self.open[index]
    }
}

impl OpenSecond {
    fn figures(&self) -> Second {
        Second { latency: Latency::of(&self.latencies), ..self.figures.clone() }
    }
}

fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_US, digits).expect("the bounds are constants that a histogram takes")
}
