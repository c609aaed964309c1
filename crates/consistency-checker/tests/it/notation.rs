//! Small histories as text, one operation a line, times in milliseconds:
//!
//! ```text
//! 0-2   n0 put w1 = 10 new      PUT through node 0 between 0 and 2 ms: version 10, created
//! 3-4   n1 get w1 = 10          GET through node 1: write w1, version 10
//! 3-4   n1 many w1 = 10         the same as one of many in a GET /todos?ids=
//! 5-6   n0 delete               DELETE, acknowledged
//! 5-6   n0 put w2 ?             PUT, outcome unknown
//! 7-8   n1 get nothing          GET: 404
//! 9-10  foreign put w3          a write past the service
//! 11-12 cell V 10               what the cell holds
//! 0-50  window everything       nothing is promised
//! ```
//!
//! Words at the end: `new` (created), `deferred`, `bypass`, `stale` (the store failed), `refused`, `if=10` (`If-Match`), `min=10` (`Min-Version`),
//! `body=TEXT` (instead of the write's own), `id=NAME`.

use std::sync::Arc;
use std::time::Duration;

use consistency_checker::checker::{Invariant, Promises, Verdict, check};
use consistency_checker::history::{
    Action, CellSample, CellSeen, Condition, History, Marker, Moment, Operation, Outcome, Process, Suspends, Verb,
    Window,
};

/// Linearizable; 1 s for everything else.
pub(crate) fn strict() -> Promises {
    Promises::default()
}

/// L1 on.
pub(crate) fn with_l1() -> Promises {
    Promises { lag: Duration::from_secs(1), ..Promises::default() }
}

/// Asserts that nothing is found.
#[track_caller]
pub(crate) fn accept(promises: Promises, text: &str) -> Verdict {
    let verdict = check(&history(text), &promises);
    let stories: Vec<String> = verdict.violations.iter().map(ToString::to_string).collect();
    assert!(stories.is_empty(), "a right history was refused:\n{}", stories.join("\n"));
    verdict
}

/// Asserts that exactly this is found, and gives its story.
#[track_caller]
pub(crate) fn refuse(promises: Promises, invariant: Invariant, text: &str) -> String {
    let verdict = check(&history(text), &promises);
    let found: Vec<Invariant> = verdict.violations.iter().map(|violation| violation.invariant).collect();
    let stories: Vec<String> = verdict.violations.iter().map(ToString::to_string).collect();
    assert_eq!(found, [invariant], "a wrong history:\n{}", stories.join("\n"));
    stories.join("\n")
}

/// A table of right histories, a test each.
macro_rules! accepted {
    ($($name:ident: $promises:expr, $history:literal;)+) => {
        $(#[test]
        fn $name() {
            crate::notation::accept($promises, $history);
        })+
    };
}
pub(crate) use accepted;

/// A table of wrong histories, a test each, with the invariant that they break.
macro_rules! refused {
    ($($name:ident: $promises:expr, $invariant:expr, $history:literal;)+) => {
        $(#[test]
        fn $name() {
            crate::notation::refuse($promises, $invariant, $history);
        })+
    };
}
pub(crate) use refused;

pub(crate) fn history(text: &str) -> History {
    let mut history = History::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        add(&mut history, line);
    }
    history
}

fn add(history: &mut History, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (from, until) = words[0].split_once('-').unwrap();
    let (from, until) = (ms(from), ms(until));
    match words[1] {
        "window" => {
            let suspends = if words[2] == "everything" { Suspends::Everything } else { Suspends::Repairs };
            history.windows.push(Window { from, until, suspends });
        }
        "cell" => {
            let incarnation = words.get(4).map_or(0, |word| word.parse().unwrap());
            let version = words[3].parse().unwrap();
            let cell = match words[2] {
                "V" => CellSeen::Value(version, "".into()),
                "N" => CellSeen::Absent(version),
                _ => CellSeen::Tombstone(version),
            };
            history.cells.push(CellSample { at: from, id: "a".into(), incarnation, cell });
        }
        who => {
            let client = u32::try_from(history.operations.len()).unwrap();
            let process = who.strip_prefix('n').map(|node| Process { node: node.parse().unwrap(), start: 0 });
            history.operations.push(operation(client, process, from, until, &words[2..]));
        }
    }
}

fn operation(client: u32, process: Option<Process>, sent: Moment, received: Moment, words: &[&str]) -> Operation {
    let has = |word: &str| words.contains(&word);
    let value = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let number = |name: &str| value(name).map_or(0, |text| text.parse().unwrap());
    let marker = words.get(1).and_then(|word| Marker::in_name(word));
    let condition = match number("if") {
        0 => Condition::None,
        version => Condition::Version(version),
    };
    let action = match words[0] {
        "get" => Action::Read { min_version: number("min"), no_cache: false, only_if_cached: false },
        "many" => Action::ReadMany { of: 2 },
        "delete" => Action::Delete { condition },
        verb => {
            let verb = match verb {
                "put" => Verb::Put,
                "patch" => Verb::Patch,
                "post" => Verb::Post,
                other => panic!("no verb: {other}"),
            };
            Action::Write { verb, marker: marker.unwrap(), condition }
        }
    };
    let version = words.iter().position(|word| *word == "=").map_or(0, |at| words[at + 1].parse().unwrap());
    let read = matches!(action, Action::Read { .. } | Action::ReadMany { .. });
    let outcome = if has("?") {
        Outcome::Unknown
    } else if has("refused") {
        Outcome::Refused
    } else if has("nothing") || words[0] == "delete" {
        Outcome::Absent
    } else {
        let own = marker.map_or_else(String::new, |marker| format!("body of {marker}"));
        let body: Arc<str> = value("body").map_or(own, str::to_owned).into();
        Outcome::Value { version, marker, body, created: (!read).then(|| has("new")) }
    };
    let cache_status = if has("deferred") {
        "fwd=method; detail=publish-deferred"
    } else if has("bypass") && words[0] == "many" {
        "fwd=bypass; detail=\"hit=1 bypass=1\""
    } else if has("bypass") {
        "fwd=bypass; detail=cache-error"
    } else if has("stale") {
        "hit; ttl=-7; detail=stale-if-error"
    } else {
        "hit"
    };
    let id = value("id").unwrap_or("a").into();
    Operation {
        client,
        process,
        sent,
        received,
        id,
        action,
        outcome,
        status: 200,
        cache_status: cache_status.into(),
        problem: "".into(),
    }
}

fn ms(text: &str) -> Moment {
    Moment(text.parse::<u64>().unwrap() * 1_000_000)
}
