//! What is kept of every answer: counts and histograms, whose size does not grow with the number of requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::figures::{Latencies, Second};
use crate::outcome::Outcome;
use crate::request::{Failure, Kind, Sample};

/// Seconds that are kept open for late answers.
const OPEN_SECONDS: usize = 3;
/// Failures with other messages than the first so many are counted together.
const MAX_MESSAGES: usize = 100;
const OTHER_MESSAGES: &str = "other messages";

/// Shared by all users.
pub(crate) struct Recorder(Mutex<Record>);

/// Everything that was recorded.
pub(crate) struct Record {
    /// The end of the last answer.
    pub(crate) ended: Option<Instant>,
    pub(crate) all: Latencies,
    pub(crate) kinds: BTreeMap<Kind, Latencies>,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) outcomes: BTreeMap<Outcome, u64>,
    pub(crate) failures: BTreeMap<String, Failures>,
    pub(crate) seconds: Vec<Second>,
    /// Requests that were sent again on a new connection.
    pub(crate) retries: u64,
    /// Requests that were still under way when the run was ended early.
    pub(crate) cut_off: u64,
    users: u64,
    open: VecDeque<OpenSecond>,
}

/// Failures of one kind.
#[derive(Default)]
pub(crate) struct Failures {
    pub(crate) count: u64,
    /// The shortest and the longest wait that the service asked for, seconds.
    pub(crate) retry_after: Option<(u64, u64)>,
}

struct OpenSecond {
    figures: Second,
    latencies: Latencies,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Record {
            ended: None,
            all: Latencies::new(3),
            kinds: BTreeMap::new(),
            statuses: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            failures: BTreeMap::new(),
            seconds: Vec::new(),
            retries: 0,
            cut_off: 0,
            users: 0,
            open: VecDeque::new(),
        }))
    }

    /// One more user sends requests from now on.
    pub(crate) fn join(&self) {
        self.record().users += 1;
    }

    /// One sends none any more.
    pub(crate) fn leave(&self) {
        let mut record = self.record();
        record.users = record.users.saturating_sub(1);
    }

    /// Adds a request of a run that began then.
    pub(crate) fn add(&self, began: Instant, sample: Sample) {
        let second = sample.ended.saturating_duration_since(began).as_secs();
        self.record().add(second, sample);
    }

    /// Counts a request that nobody waited for.
    pub(crate) fn cut_off(&self) {
        self.record().cut_off += 1;
    }

    /// The last whole second of a run that began then, also if nothing was answered in it.
    pub(crate) fn last_second(&self, began: Instant) -> Option<Second> {
        let now = began.elapsed().as_secs();
        let mut record = self.record();
        record.second(now);
        record.open.iter().rev().find(|open| open.figures.second < now).map(OpenSecond::figures)
    }

    /// Everything so far, but for the seconds that late answers may still count in.
    pub(crate) fn so_far(&self) -> MutexGuard<'_, Record> {
        self.record()
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
        let (micros, failed) = (sample.took.as_micros() as u64, sample.failure.is_some());
        self.ended = self.ended.max(Some(sample.ended));
        self.all.add(micros, failed);
        self.kinds.entry(sample.kind).or_insert_with(|| Latencies::new(3)).add(micros, failed);
        self.retries += u64::from(sample.retried);
        if let Some(status) = sample.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        if let Some(outcome) = sample.outcome {
            *self.outcomes.entry(outcome).or_default() += 1;
        }
        let users = self.users;
        let open = self.second(second);
        open.latencies.add(micros, failed);
        open.figures.users = open.figures.users.max(users);
        open.figures.requests += 1;
        open.figures.from_cache += u64::from(sample.outcome.is_some_and(Outcome::is_from_cache));
        match sample.failure {
            None => open.figures.successes += 1,
            Some(failure) => {
                open.figures.failures += 1;
                self.fail(failure);
            }
        }
    }

    fn fail(&mut self, Failure { message, retry_after }: Failure) {
        let known = self.failures.len() < MAX_MESSAGES || self.failures.contains_key(&message);
        let message = if known { message } else { OTHER_MESSAGES.to_owned() };
        let failures = self.failures.entry(message).or_default();
        failures.count += 1;
        if let Some(seconds) = retry_after {
            let (shortest, longest) = failures.retry_after.unwrap_or((seconds, seconds));
            failures.retry_after = Some((shortest.min(seconds), longest.max(seconds)));
        }
    }

    /// The open second of this number; an answer that comes later than the last open one counts in the first.
    fn second(&mut self, number: u64) -> &mut OpenSecond {
        let mut next = self.open.back().map_or(self.seconds.len() as u64, |last| last.figures.second + 1);
        while next <= number {
            let figures = Second { second: next, users: self.users, ..Second::default() };
            self.open.push_back(OpenSecond { figures, latencies: Latencies::new(2) });
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
        let (latency, failure_latency) = (self.latencies.latency(), self.latencies.failure_latency());
        Second { latency, failure_latency, ..self.figures.clone() }
    }
}
