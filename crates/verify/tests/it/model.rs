//! The model holds with every rule on, and finds a wrong read for each that is switched off.

use verify::model::{Rule, Setup, check};

#[track_caller]
fn holds(setup: &Setup) {
    let found = check(setup);
    assert!(found.states > 100, "the model went nowhere: {} states", found.states);
    if let Some(story) = found.story {
        panic!("{setup:?}\n{}", story.join("\n"));
    }
}

#[track_caller]
fn breaks(setup: Setup, rule: Rule) {
    assert!(check(&setup).story.is_none(), "with all rules on this setup must hold, or it shows nothing");
    let found = check(&setup.without(rule));
    assert!(found.story.is_some(), "{rule:?} is switched off, and nothing wrong was found in {} states", found.states);
}

fn with_l1(setup: Setup) -> Setup {
    Setup { l1: true, ..setup }
}

#[test]
fn all_rules_hold_over_losses() {
    holds(&Setup::new(1, 2, 1));
    holds(&Setup::new(2, 1, 1));
}

#[test]
fn all_rules_hold_when_a_writer_dies_between_commit_and_publish() {
    holds(&Setup { crashes: 1, ..Setup::new(2, 1, 0) });
}

#[test]
fn all_rules_hold_for_writers_that_only_invalidate() {
    holds(&Setup { invalidate: true, ..Setup::new(1, 2, 1) });
}

#[test]
fn all_rules_hold_with_l1() {
    holds(&with_l1(Setup::new(1, 2, 1)));
}

#[test]
fn each_rule_is_needed() {
    breaks(Setup::new(1, 2, 1), Rule::Token);
}
