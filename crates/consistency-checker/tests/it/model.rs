//! The model holds with every rule on, and finds a wrong read for each that is switched off.

use clap::ValueEnum;
use consistency_checker::model::{Rule, Setup, check};

#[track_caller]
fn holds(setup: &Setup) {
    let found = check(setup);
    assert!(found.states > 500, "the model went nowhere: {} states", found.states);
    if let Some(story) = found.story {
        panic!("{setup:?}\n{}", story.join("\n"));
    }
}

/// The smallest setup in which the rule is missed.
fn setup_for(rule: Rule) -> Setup {
    let one_process = |setup| Setup { processes: 1, ..setup };
    let with_l1 = |setup| Setup { l1: true, processes: 1, ..setup };
    match rule {
        Rule::AbsenceMarks | Rule::VersionReuse | Rule::DropUnleased => Setup::new(1, 1, 1),
        Rule::LeaseBeforeCommit => Setup::new(2, 1, 1),
        Rule::Token | Rule::LeaseNotes | Rule::VersionTest | Rule::FloorGrantsNothing => Setup::new(1, 2, 1),
        Rule::PutBeforeAnswer => Setup::new(1, 3, 0),
        Rule::TokenPerFill => one_process(Setup::new(2, 2, 1)),
        Rule::ShareOnlyIfStored => one_process(Setup::new(1, 2, 1)),
        Rule::ValidAfter | Rule::ShareOnlyIfValid => Setup { swaps: 1, ..one_process(Setup::new(0, 3, 0)) },
        Rule::L1Record | Rule::L1OwnWrites => with_l1(Setup::new(1, 2, 0)),
        Rule::L1Answers => Setup { writers_apart: true, ..with_l1(Setup::new(1, 3, 0)) },
        Rule::L1Emptied => Setup { writers_apart: true, ..with_l1(Setup::new(1, 2, 1)) },
    }
}

#[test]
fn each_rule_is_missed_when_it_is_switched_off() {
    for rule in Rule::value_variants() {
        let setup = setup_for(*rule).without(*rule);
        let found = check(&setup);
        let story = found.story.unwrap_or_else(|| panic!("{setup:?}: nothing wrong in {} states", found.states));
        assert!(story.len() > 2, "a wrong answer takes some steps: {story:?}");
    }
}

#[test]
fn all_rules_together_hold_in_the_setups_in_which_each_is_missed() {
    let mut setups: Vec<Setup> = Rule::value_variants().iter().map(|rule| setup_for(*rule)).collect();
    setups.dedup();
    for setup in setups {
        holds(&setup);
    }
}

#[test]
fn they_hold_when_a_writer_dies_between_commit_and_publish() {
    holds(&Setup { crashes: 1, ..Setup::new(2, 1, 1) });
    holds(&Setup { crashes: 1, l1: true, processes: 1, ..Setup::new(1, 2, 0) });
}

#[test]
fn they_hold_for_writers_that_only_invalidate() {
    holds(&Setup { invalidate: true, ..Setup::new(1, 2, 1) });
    holds(&Setup { invalidate: true, ..Setup::new(2, 1, 1) });
}

#[test]
fn they_hold_when_a_collection_without_versions_takes_the_place_of_this_one() {
    holds(&Setup { swaps: 1, ..Setup::new(1, 2, 1) });
    holds(&Setup { swaps: 1, ..Setup::new(2, 1, 0) });
}

#[test]
fn they_hold_when_three_write_at_one_time() {
    holds(&Setup::new(3, 1, 0));
}

#[test]
fn they_hold_with_l1_in_two_processes() {
    holds(&Setup { l1: true, ..Setup::new(1, 2, 0) });
}
