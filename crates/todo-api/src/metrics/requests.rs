//! `Requests`: requests by route, method, status and outcome, with their latency. A worker writes to its own counts only; a
//! scrape reads those of all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};

use super::family::Family;

/// Upper bounds of the buckets, in microseconds; one more has no bound.
pub(crate) const BOUNDS_US: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000];

/// Counts of every worker.
#[derive(Debug, Default)]
pub struct Requests(Mutex<Vec<Arc<Worker>>>);

/// Counts of one worker. Only a scrape makes its lock wait.
#[derive(Debug, Default)]
pub struct Worker(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    in_flight: u64,
    // Few are ever there, and the most frequent come first: a walk is cheaper than a hash.
    series: Vec<(Labels, Latency)>,
}

/// What requests are told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Labels {
    route: &'static str,
    method: &'static str,
    status: u16,
    outcome: &'static str,
}

#[derive(Debug, Clone, Default)]
struct Latency {
    sum_ns: u64,
    buckets: [u64; BOUNDS_US.len() + 1],
}

impl Requests {
    /// Counts of one more worker.
    pub fn worker(&self) -> Arc<Worker> {
        let worker = Arc::new(Worker::default());
        lock(&self.0).push(Arc::clone(&worker));
        worker
    }

    /// Requests of routes that begin so, by the bucket of their latency.
    pub(crate) fn latency_below(&self, route: &str) -> Vec<u64> {
        let mut sum = Latency::default();
        for worker in lock(&self.0).iter() {
            let counts = lock(&worker.0);
            counts
                .series
                .iter()
                .filter(|(labels, _)| labels.route.starts_with(route))
                .for_each(|(_, one)| sum.add(one));
        }
        sum.buckets.to_vec()
    }

    pub(super) fn families(&self) -> [Family; 2] {
        let (mut in_flight, mut all): (u64, Vec<(Labels, Latency)>) = (0, Vec::new());
        for worker in lock(&self.0).iter() {
            let counts = lock(&worker.0);
            in_flight += counts.in_flight;
            for (labels, latency) in &counts.series {
                match all.iter_mut().find(|(known, _)| known == labels) {
                    Some((_, sum)) => sum.add(latency),
                    None => all.push((labels.clone(), latency.clone())),
                }
            }
        }
        all.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
        let latency = Family::histogram(
            "http_request_duration_seconds",
            "Time from the head of a request to its answer, by route template, method, status and where a read was answered from.",
        );
        let latency = all.into_iter().fold(latency, |family, (labels, latency)| {
            family.distribution(labels.pairs(), latency.sum_ns as f64 / 1e9, latency.buckets())
        });
        let in_flight =
            Family::gauge("http_requests_in_flight", "Requests that are being answered.").value(in_flight as f64);
        [latency, in_flight]
    }
}

impl Worker {
    /// A request has begun; how many are under way now.
    pub fn begin(&self) -> u64 {
        let mut counts = lock(&self.0);
        counts.in_flight += 1;
        counts.in_flight
    }

    /// A request that had begun was given up by its client.
    pub fn give_up(&self) {
        lock(&self.0).in_flight -= 1;
    }

    /// A request that had begun is answered. `outcome` says where a read was answered from; it is empty for anything else.
    pub fn end(&self, route: &'static str, method: &Method, status: StatusCode, outcome: &'static str, took: Duration) {
        let labels = Labels { route, method: name(method), status: status.as_u16(), outcome };
        let mut counts = lock(&self.0);
        counts.in_flight -= 1;
        match counts.series.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, latency)) => latency.record(took),
            None => {
                let mut latency = Latency::default();
                latency.record(took);
                counts.series.push((labels, latency));
            }
        }
    }
}

impl Labels {
    fn order(&self) -> (&str, &str, u16, &str) {
        (self.route, self.method, self.status, self.outcome)
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        vec![
            ("route", self.route.to_owned()),
            ("method", self.method.to_owned()),
            ("status", self.status.to_string()),
            ("outcome", self.outcome.to_owned()),
        ]
    }
}

impl Latency {
    fn record(&mut self, took: Duration) {
        let micros = took.as_micros() as u64;
        let bucket = BOUNDS_US.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS_US.len());
        self.buckets[bucket] += 1;
        self.sum_ns += took.as_nanos() as u64;
    }

    fn add(&mut self, other: &Self) {
        self.sum_ns += other.sum_ns;
        for (own, more) in self.buckets.iter_mut().zip(other.buckets) {
            *own += more;
        }
    }

    fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS_US.iter().map(|micros| *micros as f64 / 1e6).chain([f64::INFINITY]);
        bounds.zip(self.buckets).collect()
    }
}

/// The method's name; one name for all that the service does not know, since clients choose them.
pub(crate) fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn lock<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counts are whole between any two statements: a panic elsewhere leaves nothing half done.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
