//! `Report`: what a run did, and what the check found.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::checker::{Invariant, Verdict, Violation};
use crate::history::{Action, History, Operation, Outcome};
use crate::resources::Usage;

/// How many violations are told in full.
const TOLD: usize = 3;
/// What is said of a `Min-Version` above what the store holds.
const NOT_THERE: &str = "the version asked for is not there yet";

/// Figures of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// All requests and foreign writes.
    pub operations: usize,
    /// Answers to reads, 404 included.
    pub reads: usize,
    /// Of them, those that were held against what was known.
    pub reads_checked: usize,
    /// Of them, those in a window in which nothing was promised.
    pub reads_excused: usize,
    /// Reads without an answer: 5xx, time-outs, `only-if-cached` without a cell.
    pub reads_failed: usize,
    /// Reads that asked for a version (`Min-Version`) which the store does not hold any more, because somebody who writes past the
    /// service put an older one, or none, over it.
    pub reads_undone: usize,
    /// Requests that the service failed (5xx), by status and what it said, and those without any answer (0); but not
    /// `only-if-cached` without a cell, and not those above.
    pub failures: BTreeMap<String, usize>,
    /// Writes that happened.
    pub writes: usize,
    /// Of them, those whose publish was deferred.
    pub writes_deferred: usize,
    /// Writes that did not happen: 404, 409, 412.
    pub writes_refused: usize,
    /// Writes of which nobody knows.
    pub writes_unknown: usize,
    /// Writes past the service that happened.
    pub writes_foreign: usize,
    /// Answers to reads by `Cache-Status`, without what follows its first word.
    pub answers: BTreeMap<String, usize>,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, usize>,
    /// Looks at cells.
    pub cells_sampled: usize,
    /// Ids of which everybody was asked at the end.
    pub ids: usize,
    /// The longest time for which a thread that wanted to run could not, in milliseconds.
    pub longest_stall_ms: u64,
    /// What processes of the service held meanwhile.
    pub resources: Vec<Usage>,
    /// Violations by invariant.
    pub found: BTreeMap<Invariant, usize>,
    /// All of them.
    pub violations: Vec<Violation>,
}

impl Report {
    pub(crate) fn new(
        history: &History,
        verdict: Verdict,
        faults: BTreeMap<&'static str, usize>,
        longest_stall: Duration,
    ) -> Self {
        let mut report = Self {
            operations: history.operations.len(),
            reads_checked: verdict.reads_checked,
            reads_excused: verdict.reads_excused,
            faults,
            cells_sampled: history.cells.len(),
            ids: history.last_words.len(),
            longest_stall_ms: u64::try_from(longest_stall.as_millis()).unwrap_or(u64::MAX),
            ..Self::default()
        };
        let foreign: HashSet<&str> = history
            .operations
            .iter()
            .filter(|operation| operation.process.is_none())
            .map(|operation| &*operation.id)
            .collect();
        for operation in &history.operations {
            let slot = match (&operation.outcome, operation.is_write()) {
                (Outcome::Failed, _) => &mut report.reads_failed,
                (Outcome::Refused, _) => &mut report.writes_refused,
                (Outcome::Unknown, _) => &mut report.writes_unknown,
                (_, true) if operation.process.is_none() => &mut report.writes_foreign,
                (_, true) => &mut report.writes,
                (_, false) => &mut report.reads,
            };
            *slot += 1;
            let is_only_if_cached = matches!(operation.action, Action::Read { only_if_cached: true, .. });
            let is_failed = matches!(operation.outcome, Outcome::Failed | Outcome::Unknown);
            let is_undone = operation.outcome == Outcome::Failed
                && operation.status == 503
                && matches!(operation.action, Action::Read { min_version: 1.., .. })
                && &*operation.problem == NOT_THERE
                && foreign.contains(&*operation.id);
            if is_undone {
                report.reads_undone += 1;
            } else if is_failed && !is_only_if_cached && operation.process.is_some() {
                let Operation { status, problem, .. } = operation;
                let what = if problem.is_empty() { status.to_string() } else { format!("{status} ({problem})") };
                *report.failures.entry(what).or_default() += 1;
            }
            if operation.is_write() {
                report.writes_deferred += usize::from(operation.cache_status.contains("publish-deferred"));
            } else if matches!(operation.outcome, Outcome::Value { .. } | Outcome::Absent) {
                let kind = match operation.action {
                    Action::ReadMany { .. } => "of many".to_owned(),
                    _ => kind_of_answer(&operation.cache_status),
                };
                *report.answers.entry(kind).or_default() += 1;
            }
        }
        for violation in &verdict.violations {
            *report.found.entry(violation.invariant).or_default() += 1;
        }
        report.violations = verdict.violations;
        report
    }

    /// Whether no process that lived for two minutes holds more in the end than after its first minute, but for a tenth.
    pub fn is_flat(&self) -> bool {
        self.resources.iter().all(Usage::is_flat)
    }

    /// Whether the run passes: everything was kept, and where that is asked for, no process has grown.
    pub fn passes(&self, must_be_flat: bool) -> bool {
        self.is_clean() && (!must_be_flat || self.is_flat())
    }

    /// Whether everything that was promised was kept.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}

/// `hit; ttl=57; detail=absent` is `hit absent`.
fn kind_of_answer(cache_status: &str) -> String {
    let mut kind = cache_status.split(';').next().unwrap_or_default().to_owned();
    if let Some((_, detail)) = cache_status.split_once("detail=") {
        kind.push(' ');
        kind.push_str(detail);
    }
    kind
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = |counts: &mut dyn Iterator<Item = (String, usize)>| {
            let all: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
            if all.is_empty() { "none".to_owned() } else { all.join(", ") }
        };
        let owned = |(name, count): (&&'static str, &usize)| ((*name).to_owned(), *count);
        writeln!(f, "  operations    {:>9}", self.operations)?;
        writeln!(
            f,
            "  reads         {:>9}   checked {}, excused {}, without an answer {}, of a version that others undid {}",
            self.reads, self.reads_checked, self.reads_excused, self.reads_failed, self.reads_undone
        )?;
        writeln!(
            f,
            "  writes        {:>9}   of them deferred {}; refused {}, unknown {}, past the service {}",
            self.writes, self.writes_deferred, self.writes_refused, self.writes_unknown, self.writes_foreign
        )?;
        writeln!(
            f,
            "  answers       {}",
            counts(&mut self.answers.iter().map(|(name, count)| (name.clone(), *count)))
        )?;
        let failures = &mut self.failures.iter().map(|(what, count)| (what.clone(), *count));
        writeln!(f, "  failed        {}", counts(failures))?;
        writeln!(f, "  faults        {}", counts(&mut self.faults.iter().map(owned)))?;
        writeln!(
            f,
            "  cells seen    {:>9}   ids asked of everybody at the end {}, longest stall {} ms",
            self.cells_sampled, self.ids, self.longest_stall_ms
        )?;
        for usage in self.resources.iter().filter(|usage| usage.resident_kib.after_a_minute.is_some()) {
            let verdict = if usage.is_flat() { "" } else { ", which is more than a tenth more" };
            writeln!(f, "  held          {usage}{verdict}")?;
        }
        let found = self.found.iter().map(|(invariant, count)| (format!("{invariant:?}"), *count));
        write!(f, "  violations    {:>9}", self.violations.len())?;
        if !self.is_clean() {
            write!(f, "   {}", counts(&mut { found }))?;
        }
        writeln!(f)?;
        for violation in self.violations.iter().take(TOLD) {
            write!(f, "\n{violation}")?;
        }
        Ok(())
    }
}
