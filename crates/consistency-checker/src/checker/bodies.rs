//! I1, I2 and I6, answer by answer: a body is what its version's write made, that write had begun, and what the request
//! asked for holds.

use std::collections::HashMap;

use super::Verdict;
use super::violation::{Invariant, Violation};
use crate::history::{Action, Marker, Operation, Outcome};

/// Checks every answer of one id. Versions of a `foreign` id say nothing: its writers do not set them.
pub(super) fn check(id: &str, operations: &[&Operation], foreign: bool, verdict: &mut Verdict) {
    let writes: HashMap<Marker, &Operation> = operations
        .iter()
        .filter(|operation| operation.is_write())
        .filter_map(|operation| operation.marker().map(|marker| (marker, *operation)))
        .collect();
    let mut first_of_version: HashMap<u64, &Operation> = HashMap::new();
    let mut first_of_marker: HashMap<Marker, &Operation> = HashMap::new();
    let mut found = Vec::new();
    for &operation in operations {
        let Outcome::Value { version, marker, body, .. } = &operation.outcome else { continue };
        found.extend(author(id, operation, *marker, &writes));
        found.extend(asked_for(id, operation, *version));
        if foreign {
            continue;
        }
        let known = *first_of_version.entry(*version).or_insert(operation);
        if let Outcome::Value { body: other, .. } = &known.outcome
            && other != body
        {
            let what = format!("version {version} has two bodies");
            found.push(
                Violation::new(Invariant::I1, id, what)
                    .with("one body", known)
                    .with(&format!("another: {body}"), operation),
            );
            continue;
        }
        let Some(marker) = marker else { continue };
        let known = *first_of_marker.entry(*marker).or_insert(operation);
        if let Outcome::Value { version: other, .. } = &known.outcome
            && other != version
        {
            let what = format!("write {marker} has two versions, {other} and {version}");
            found.push(Violation::new(Invariant::I1, id, what).with("one", known).with("the other", operation));
        }
    }
    verdict.violations.append(&mut found);
}

fn author(
    id: &str,
    operation: &Operation,
    marker: Option<Marker>,
    writes: &HashMap<Marker, &Operation>,
) -> Option<Violation> {
    let Some(write) = marker.and_then(|marker| writes.get(&marker)) else {
        let what = "an answer has a body that nobody wrote".to_owned();
        return Some(Violation::new(Invariant::I1, id, what).with("wrong", operation));
    };
    if write.sent >= operation.received {
        let what = "an answer came before its write was sent".to_owned();
        return Some(Violation::new(Invariant::I2, id, what).with("wrong", operation).with("its write", write));
    }
    if write.outcome == Outcome::Refused {
        let what = "an answer shows a write that did not happen".to_owned();
        return Some(Violation::new(Invariant::I2, id, what).with("refused", write).with("wrong", operation));
    }
    if operation.is_write() && operation.marker() != marker {
        let what = "a write was acknowledged with the body of another".to_owned();
        return Some(Violation::new(Invariant::I1, id, what).with("the other", write).with("wrong", operation));
    }
    None
}

fn asked_for(id: &str, operation: &Operation, version: u64) -> Option<Violation> {
    match operation.action {
        Action::Read { min_version, .. } if version < min_version => {
            let what = format!("asked for version {min_version} or above, answered {version}");
            Some(Violation::new(Invariant::I6, id, what).with("wrong", operation))
        }
        _ => None,
    }
}
