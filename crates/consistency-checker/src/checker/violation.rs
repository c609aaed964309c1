//! `Violation`: what was not kept, told by the few operations that show it.

use std::fmt;

use serde::Serialize;

use crate::history::{Action, Condition, FaultMark, Moment, Operation, Outcome, Verb};

/// The invariants, by the names that ARCHITECTURE.md gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Invariant {
    /// An answer carries exactly the body committed as its version.
    I1,
    /// No answer from the future, none that was rolled back.
    I2,
    /// A read answers nothing older than what was acknowledged or answered before it began.
    I3,
    /// Staleness is bounded where it is allowed.
    I4,
    /// With L1 on: staleness at most its time, and one process never goes back.
    I5,
    /// `Min-Version` and `If-Match` hold.
    I6,
    /// No 404 after a create was acknowledged.
    I9,
    /// Once quiet, everybody agrees.
    I10,
    /// A cell's version never falls.
    I11,
}

/// One line of the small history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When it began, to sort by.
    pub at: Moment,
    /// What happened.
    pub text: String,
    /// Why it matters.
    pub role: String,
}

/// An invariant that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// Of which todo.
    pub id: String,
    /// In one sentence.
    pub what: String,
    /// The operations that matter, in the order in which they began.
    pub story: Vec<Line>,
}

impl Violation {
    pub(crate) fn new(invariant: Invariant, id: &str, what: String) -> Self {
        Self { invariant, id: id.to_owned(), what, story: Vec::new() }
    }

    /// An operation that matters, and why.
    #[must_use]
    pub(crate) fn with(mut self, role: &str, operation: &Operation) -> Self {
        // An operation may matter for two reasons.
        let text = line(operation);
        if let Some(known) = self.story.iter_mut().find(|known| known.text == text) {
            known.role = format!("{}; {role}", known.role);
        } else {
            self.story.push(Line { at: operation.sent, text, role: role.to_owned() });
        }
        self
    }

    /// Something else that matters.
    #[must_use]
    pub(crate) fn with_line(mut self, at: Moment, text: String, role: &str) -> Self {
        self.story.push(Line { at, text, role: role.to_owned() });
        self
    }

    /// The faults between the first and the last line; at most the last eight.
    pub(crate) fn add_faults(&mut self, faults: &[FaultMark]) {
        let (Some(from), Some(to)) =
            (self.story.iter().map(|line| line.at).min(), self.story.iter().map(|line| line.at).max())
        else {
            return;
        };
        let matters = |fault: &&FaultMark| {
            fault.until >= from && fault.at <= to && fault.id.as_deref().is_none_or(|id| id == self.id)
        };
        let between: Vec<_> = faults.iter().filter(matters).collect();
        for fault in &between[between.len().saturating_sub(8)..] {
            let text = format!("{:>12} -> {:<12} {}", fault.at, fault.until, fault.what);
            self.story.push(Line { at: fault.at, text, role: "fault".to_owned() });
        }
        self.story.sort_by_key(|line| line.at);
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} {}: {}", self.invariant, self.id, self.what)?;
        for line in &self.story {
            writeln!(f, "  {}   <- {}", line.text, line.role)?;
        }
        Ok(())
    }
}

/// An operation as one line: when, who, what, and what came of it.
fn line(operation: &Operation) -> String {
    let who = match operation.process {
        Some(process) => format!("client {:<3} {process}", operation.client),
        None => format!("client {:<3} past the service", operation.client),
    };
    let status = if operation.status == 0 { String::new() } else { format!("{} ", operation.status) };
    let came = match &operation.outcome {
        Outcome::Value { version, marker, .. } => {
            let marker = marker.map_or_else(|| "of nobody".to_owned(), |marker| marker.to_string());
            format!("{status}version {version} {marker}")
        }
        Outcome::Absent => format!("{status}nothing there"),
        Outcome::Refused => format!("{status}refused"),
        Outcome::Unknown => format!("{status}outcome unknown"),
        Outcome::Failed => format!("{status}no answer"),
    };
    let note = if operation.cache_status.is_empty() { String::new() } else { format!(" ({})", operation.cache_status) };
    format!(
        "{:>12} -> {:<12} {who}  {} {}: {came}{note}",
        operation.sent,
        operation.received,
        asked(&operation.action),
        operation.id
    )
}

fn asked(action: &Action) -> String {
    let on = |condition: &Condition| match condition {
        Condition::None => String::new(),
        Condition::Absent => " if absent".to_owned(),
        Condition::Version(version) => format!(" if version {version}"),
    };
    match action {
        Action::Read { min_version, no_cache, only_if_cached } => {
            let mut text = "GET".to_owned();
            if *min_version > 0 {
                text.push_str(&format!(" min-version {min_version}"));
            }
            if *no_cache {
                text.push_str(" no-cache");
            }
            if *only_if_cached {
                text.push_str(" only-if-cached");
            }
            text
        }
        Action::ReadMany { of } => format!("GET of {of}"),
        Action::Write { verb, marker, condition } => {
            let verb = match verb {
                Verb::Put => "PUT",
                Verb::Patch => "PATCH",
                Verb::Post => "POST",
                Verb::ForeignUpdate => "update",
                Verb::ForeignReplace => "replace",
                Verb::ForeignInsert => "insert",
            };
            format!("{verb} {marker}{}", on(condition))
        }
        Action::Delete { condition } => format!("DELETE{}", on(condition)),
    }
}
