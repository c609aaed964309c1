//! `Row`: what came of one experiment, in figures.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::checker::Violation;
use crate::faults::Fault;
use crate::history::{Action, FaultMark, History, Moment, Operation, Outcome};

/// A request is slow if it takes so many times as long as 99 of 100 did before.
const SLOW: u32 = 3;

/// What came of one experiment.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was broken.
    pub fault: &'static str,
    /// How often it was, and what was done the first time.
    pub times: usize,
    /// From its begin to its end, milliseconds.
    pub lasted_ms: u64,
    /// Requests to the service, from the beginning to the end.
    pub requests: usize,
    /// Answers and states that break what is promised.
    pub wrong: usize,
    /// Requests without an answer, or with a status of 500 or above, that were sent before the end of the fault.
    pub failed_during: usize,
    /// The same, of those that were sent later.
    pub failed_after: usize,
    /// Time that 99 of 100 requests took at most: those sent before the fault, milliseconds.
    pub p99_before_ms: f64,
    /// Of those under way while it lasted.
    pub p99_during_ms: f64,
    /// Of those sent when it was over.
    pub p99_after_ms: f64,
    /// From the end of the fault to the last request that failed, or took over three times as long as 99 of 100 had before;
    /// zero if there was none.
    pub recovered_after_ms: u64,
    /// How often the store was asked since the fault began.
    pub loads: u64,
    /// What was wrong.
    pub violations: Vec<Violation>,
}

impl Row {
    pub(super) fn new(fault: Fault, history: &History, violations: Vec<Violation>, loads: u64) -> Self {
        let begin = history.faults.iter().map(|mark| mark.at).min().unwrap_or_default();
        let end = history.faults.iter().map(|mark: &FaultMark| mark.until).max().unwrap_or_default();
        let requests: Vec<&Operation> =
            history.operations.iter().filter(|operation| operation.process.is_some()).collect();
        let of = |which: &dyn Fn(&Operation) -> bool| -> Vec<&Operation> {
            requests.iter().filter(|operation| which(operation)).copied().collect()
        };
        let before = of(&|request| request.received < begin);
        let during = of(&|request| request.received >= begin && request.sent <= end);
        let after = of(&|request| request.sent > end);
        let p99_before = p99(&before);
        let slow = p99_before * SLOW;
        let last = after.iter().filter(|request| has_failed(request) || took(request) > slow).map(|last| last.received);
        let failed = |some: &[&Operation]| some.iter().filter(|request| has_failed(request)).count();
        Self {
            fault: fault.name(),
            times: history.faults.len(),
            lasted_ms: ms(between(begin, end)) as u64,
            requests: requests.len(),
            wrong: violations.len(),
            failed_during: failed(&during),
            failed_after: failed(&after),
            p99_before_ms: ms(p99_before),
            p99_during_ms: ms(p99(&during)),
            p99_after_ms: ms(p99(&after)),
            recovered_after_ms: ms(last.max().map_or(Duration::ZERO, |last| between(end, last))) as u64,
            loads,
            violations,
        }
    }
}

fn between(from: Moment, until: Moment) -> Duration {
    Duration::from_nanos(until.0.saturating_sub(from.0))
}

fn took(request: &Operation) -> Duration {
    between(request.sent, request.received)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// `only-if-cached` without a cell is answered as it should be, by 504.
fn has_failed(request: &Operation) -> bool {
    let only_if_cached = matches!(request.action, Action::Read { only_if_cached: true, .. });
    match request.outcome {
        Outcome::Failed => !(only_if_cached && request.status == 504),
        Outcome::Unknown => true,
        _ => request.status == 0 || request.status >= 500,
    }
}

fn p99(requests: &[&Operation]) -> Duration {
    let mut all: Vec<Duration> = requests.iter().map(|request| took(request)).collect();
    all.sort_unstable();
    let place = (all.len() * 99).div_ceil(100).saturating_sub(1);
    all.get(place).copied().unwrap_or_default()
}

/// Rows under their headings.
pub struct Table<'a>(pub &'a [Row]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = "fault             times  lasted  requests  wrong  failed during, after   p99 before   during    after  recovered   loads";
        writeln!(f, "{heading}")?;
        for row in self.0 {
            writeln!(
                f,
                "{:<17} {:>5} {:>6.1}s {:>9} {:>6} {:>14} {:>6} {:>10.1}ms {:>6.0}ms {:>6.1}ms {:>9.1}s {:>7}",
                row.fault,
                row.times,
                row.lasted_ms as f64 / 1_000.0,
                row.requests,
                row.wrong,
                row.failed_during,
                row.failed_after,
                row.p99_before_ms,
                row.p99_during_ms,
                row.p99_after_ms,
                row.recovered_after_ms as f64 / 1_000.0,
                row.loads,
            )?;
        }
        for violation in self.0.iter().flat_map(|row| &row.violations).take(3) {
            write!(f, "\n{violation}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(sent_ms: u64, took_ms: u64, status: u16) -> Operation {
        let at = |ms: u64| Moment(ms * 1_000_000);
        let outcome = if status == 200 { Outcome::Absent } else { Outcome::Failed };
        let action = Action::Read { min_version: 0, no_cache: false, only_if_cached: false };
        let process = Some(crate::history::Process { node: 0, start: 0 });
        Operation {
            client: 0,
            process,
            sent: at(sent_ms),
            received: at(sent_ms + took_ms),
            id: "1".into(),
            action,
            outcome,
            status,
            cache_status: "".into(),
            problem: "".into(),
        }
    }

    #[test]
    fn requests_are_of_before_during_or_after_and_recovery_ends_with_the_last_that_failed_or_was_slow() {
        let mark = FaultMark { at: Moment(100_000_000), until: Moment(200_000_000), what: String::new(), id: None };
        let history = History {
            operations: vec![
                request(10, 2, 200),
                request(95, 10, 503),
                request(150, 40, 200),
                request(250, 1, 503),
                request(300, 50, 200),
                request(400, 3, 200),
            ],
            faults: vec![mark],
            ..History::default()
        };
        let row = Row::new(Fault::Stop, &history, Vec::new(), 7);
        assert_eq!((row.requests, row.failed_during, row.failed_after), (6, 1, 1));
        assert_eq!((row.p99_before_ms, row.p99_during_ms, row.p99_after_ms), (2.0, 40.0, 50.0));
        assert_eq!((row.lasted_ms, row.recovered_after_ms), (100, 150));
        let healthy = History { operations: vec![request(10, 2, 200), request(250, 2, 200)], ..history };
        assert_eq!(Row::new(Fault::Stop, &healthy, Vec::new(), 0).recovered_after_ms, 0);
    }
}
