//! The scripts in Redis decide as `rules` does, over generated cells, leases and offers; and each of their lines matters.

use std::cell::RefCell;

use cache_aside::cell::Kind;
use cache_aside::rules::{CellState, LeaseNotes, Offer};
use deadpool_redis::redis::Script;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::slot::{Before, MINE, Slot, invalidations, leases, puts};

const PUT: &str = include_str!("../../src/backend/redis/put.lua");
const INVALIDATE: &str = include_str!("../../src/backend/redis/invalidate.lua");
const LEASE: &str = include_str!("../../src/backend/redis/lease.lua");

fn over_generated_cases<T: std::fmt::Debug>(
    cases: u32,
    strategy: impl Strategy<Value = T>,
    check: impl Fn(&mut Slot, T) -> Result<(), String>,
) {
    let slot = RefCell::new(Slot::new());
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(case in strategy)| {
        check(&mut slot.borrow_mut(), case).map_err(TestCaseError::fail)?;
    });
}

#[test]
fn put_lua_decides_as_the_rules_do() {
    let script = Script::new(PUT);
    over_generated_cases(3_000, puts(), |slot, case| slot.check_put(&script, case));
}

#[test]
fn invalidate_lua_decides_as_the_rules_do() {
    let script = Script::new(INVALIDATE);
    over_generated_cases(1_500, invalidations(), |slot, case| slot.check_invalidation(&script, case));
}

#[test]
fn lease_lua_decides_as_the_rules_do() {
    let script = Script::new(LEASE);
    over_generated_cases(1_500, leases(), |slot, case| slot.check_lease(&script, case));
}

#[test]
fn a_value_that_is_not_on_the_stage_any_more_only_raises_the_floor() {
    assert_eq!(check_lost_stage(&mut Slot::new(), &Script::new(PUT)), Ok(()));
}

fn check_lost_stage(slot: &mut Slot, script: &Script) -> Result<(), String> {
    slot.prepare(Before { cell: None, lease: Some((LeaseNotes::default(), true)) });
    let answer = slot.put_staged(script, Offer::Value(7), MINE)?;
    let state = slot.state()?;
    let right = answer == "raised" && state == Some(CellState { kind: Kind::Tombstone, version: 7 });
    right.then_some(()).ok_or(format!("{answer}, and the cell is {state:?}"))
}

#[test]
fn a_cell_of_another_layout_is_left_alone() {
    assert_eq!(check_other_layout(&mut Slot::new(), &Script::new(PUT)), Ok(()));
}

fn check_other_layout(slot: &mut Slot, script: &Script) -> Result<(), String> {
    slot.prepare_other_layout();
    let answer = slot.put(script, Offer::Value(7), MINE)?;
    let right = answer == "refused" && slot.is_other_layout() && !slot.is_staged();
    right.then_some(()).ok_or(format!("{answer}, or the cell was touched"))
}

/// An invalidation cannot be compared with a version of another layout: it takes the cell away.
fn check_other_layout_is_dropped(slot: &mut Slot, script: &Script) -> Result<(), String> {
    slot.prepare_other_layout();
    slot.invalidate(script, 7)?;
    (slot.state() == Ok(None)).then_some(()).ok_or("the cell is still there".to_owned())
}

#[test]
fn an_invalidation_drops_a_cell_of_another_layout() {
    assert_eq!(check_other_layout_is_dropped(&mut Slot::new(), &Script::new(INVALIDATE)), Ok(()));
}

/// Each script without each of its lines, and whether some case tells.
fn every_line_matters<T: Clone>(
    text: &str,
    strategy: impl Strategy<Value = T>,
    check: impl Fn(&mut Slot, &Script, T) -> Result<(), String>,
    special: impl Fn(&mut Slot, &Script) -> Result<(), String>,
) {
    let (mut runner, mut slot) = (TestRunner::deterministic(), Slot::new());
    let cases: Vec<T> = (0..1_500).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    let code = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with("--");
    for at in (0..text.lines().count()).filter(|at| code(text.lines().nth(*at).unwrap())) {
        let rest: Vec<&str> = text.lines().enumerate().filter(|(n, _)| *n != at).map(|(_, line)| line).collect();
        let script = Script::new(&rest.join("\n"));
        let told = special(&mut slot, &script).is_err()
            || cases.iter().any(|case| check(&mut slot, &script, case.clone()).is_err());
        assert!(told, "nothing tells that line {} is missing: {}", at + 1, text.lines().nth(at).unwrap());
        // What a broken script announced is not the next one's.
        slot = Slot::new();
    }
}

#[test]
fn without_any_line_of_put_lua_a_case_fails() {
    let special = |slot: &mut Slot, script: &Script| {
        check_lost_stage(slot, script).and_then(|()| check_other_layout(slot, script))
    };
    every_line_matters(PUT, puts(), |slot, script, case| slot.check_put(script, case), special);
}

#[test]
fn without_any_line_of_invalidate_lua_a_case_fails() {
    let check = |slot: &mut Slot, script: &Script, case| slot.check_invalidation(script, case);
    every_line_matters(INVALIDATE, invalidations(), check, check_other_layout_is_dropped);
}

#[test]
fn without_any_line_of_lease_lua_a_case_fails() {
    let check = |slot: &mut Slot, script: &Script, case| slot.check_lease(script, case);
    every_line_matters(LEASE, leases(), check, |_, _| Ok(()));
}
