//! I10: once all is quiet, every node, the cell and the store say the same of every id.

use super::Verdict;
use super::violation::{Invariant, Violation};
use crate::history::{CellSeen, History, LastWord, Moment};

/// Checks the last words.
pub(super) fn check(history: &History, verdict: &mut Verdict) {
    let last = history.operations.iter().map(|operation| operation.received).max().unwrap_or_default();
    verdict.violations.extend(history.last_words.iter().filter_map(|word| disagreement(word, last)));
}

fn disagreement(word: &LastWord, at: Moment) -> Option<Violation> {
    let store = describe(word.store.as_ref());
    let mut wrong: Vec<(String, String)> = word
        .nodes
        .iter()
        .filter(|(_, answer)| *answer != word.store)
        .map(|(process, answer)| (process.to_string(), describe(answer.as_ref())))
        .collect();
    if let Some(said) = wrong_cell(word) {
        wrong.push(("the cell".to_owned(), said));
    }
    if wrong.is_empty() {
        return None;
    }
    let what = "all is quiet, and not everybody agrees with the store".to_owned();
    let violation =
        Violation::new(Invariant::I10, &word.id, what).with_line(at, format!("the store: {store}"), "right");
    Some(
        wrong
            .into_iter()
            .fold(violation, |violation, (who, said)| violation.with_line(at, format!("{who}: {said}"), "wrong")),
    )
}

/// What a cell says if it may not say it. No cell and a floor are always right: the next reader fills.
fn wrong_cell(word: &LastWord) -> Option<String> {
    match (&word.cell, &word.store) {
        (CellSeen::Value(version, body), Some((right, right_body))) if version == right && body == right_body => None,
        (CellSeen::Value(version, body), _) => Some(format!("version {version} {body}")),
        (CellSeen::Absent(_), Some(_)) => Some("nothing there".to_owned()),
        _ => None,
    }
}

fn describe(answer: Option<&(u64, std::sync::Arc<str>)>) -> String {
    answer.map_or_else(|| "nothing there".to_owned(), |(version, body)| format!("version {version} {body}"))
}
