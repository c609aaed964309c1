//! The scripts in Redis decide as `rules` does, over generated cells, leases and offers; and each of their lines matters.

use std::cell::RefCell;

use cache_aside::cell::Kind;
use cache_aside::lease::MAX_ENTRIES;
use cache_aside::rules::{CellState, Holder, Offer};
use deadpool_redis::redis::Script;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::slot::{Before, MINE, OTHER_LAYOUTS, OTHERS, Slot, attempts, before, held, invalidations, puts};

const PUT: &str = include_str!("../../src/backend/redis/put.lua");
const INVALIDATE: &str = include_str!("../../src/backend/redis/invalidate.lua");
const LEASE: &str = include_str!("../../src/backend/redis/lease.lua");
const WRITE: &str = include_str!("../../src/backend/redis/write.lua");
const RELEASE: &str = include_str!("../../src/backend/redis/release.lua");
const REMOVE: &str = include_str!("../../src/backend/redis/remove.lua");

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
    over_generated_cases(1_500, attempts(), |slot, case| slot.check_lease(&script, case));
}

#[test]
fn write_lua_decides_as_the_rules_do() {
    let script = Script::new(WRITE);
    over_generated_cases(500, before(), |slot, case| slot.check_write(&script, case));
    assert_eq!(check_full_lease(&mut Slot::new(), &script), Ok(()));
}

/// Of too many writers the last gets no entry, and a lease of another type is replaced.
fn check_full_lease(slot: &mut Slot, script: &Script) -> Result<(), String> {
    for writers in [MAX_ENTRIES - 1, MAX_ENTRIES] {
        let mut lease = held(OTHERS, Holder::Writer);
        lease.entries = vec![lease.entries[0]; writers];
        slot.check_write(script, Before { cell: None, lease })?;
    }
    slot.prepare_lease_of_another_type();
    slot.enter(script).map(drop)
}

#[test]
fn release_lua_and_remove_lua_decide_as_the_rules_do() {
    let (release, remove) = (Script::new(RELEASE), Script::new(REMOVE));
    over_generated_cases(500, before(), |slot, case| {
        slot.check_release(&release, case.clone())?;
        slot.check_removal(&remove, case)
    });
    assert_eq!(check_removal_of_another_type(&mut Slot::new(), &remove), Ok(()));
}

fn check_removal_of_another_type(slot: &mut Slot, script: &Script) -> Result<(), String> {
    slot.prepare_lease_of_another_type();
    slot.remove_prepared(script)
}

#[test]
fn a_value_that_is_not_on_the_stage_any_more_only_raises_the_floor() {
    assert_eq!(check_lost_stage(&mut Slot::new(), &Script::new(PUT)), Ok(()));
}

fn check_lost_stage(slot: &mut Slot, script: &Script) -> Result<(), String> {
    slot.prepare(&Before { cell: None, lease: held(MINE, Holder::Filler) });
    let answer = slot.put_staged(script, Offer::Value(7), MINE, 0)?;
    let state = slot.state()?;
    let right = answer == "raised" && state == Some(CellState { kind: Kind::Tombstone, version: 7 });
    right.then_some(()).ok_or(format!("{answer}, and the cell is {state:?}"))
}

#[test]
fn a_cell_of_another_layout_counts_as_none() {
    assert_eq!(check_other_layout(&mut Slot::new(), &Script::new(PUT)), Ok(()));
}

fn check_other_layout(slot: &mut Slot, script: &Script) -> Result<(), String> {
    OTHER_LAYOUTS.iter().try_for_each(|other| {
        slot.prepare_other_layout(other);
        let answer = slot.put(script, Offer::Value(7), MINE, 1)?;
        let state = slot.state()?;
        let right = answer == "stored" && state == Some(CellState { kind: Kind::Value, version: 7 });
        right.then_some(()).ok_or(format!("over {other:?}: {answer}, and the cell is {state:?}"))
    })
}

#[test]
fn a_cell_of_another_layout_keeps_nobody_from_the_lease() {
    assert_eq!(check_unreadable_is_leased(&mut Slot::new(), &Script::new(LEASE)), Ok(()));
}

fn check_unreadable_is_leased(slot: &mut Slot, script: &Script) -> Result<(), String> {
    OTHER_LAYOUTS.iter().try_for_each(|other| {
        slot.prepare_other_layout(other);
        slot.remove_lease();
        let answer = slot.lease_unlooked_at(script)?;
        (answer == "taken").then_some(()).ok_or(format!("over {other:?}: {answer}"))
    })
}

/// An invalidation cannot be compared with a version of another layout: it takes the cell away.
fn check_other_layout_is_dropped(slot: &mut Slot, script: &Script) -> Result<(), String> {
    OTHER_LAYOUTS.iter().try_for_each(|other| {
        slot.prepare_other_layout(other);
        slot.invalidate(script, 7, 0)?;
        (slot.state() == Ok(None)).then_some(()).ok_or(format!("{other:?} is still there"))
    })
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
    every_line_matters(LEASE, attempts(), check, check_unreadable_is_leased);
}

#[test]
fn without_any_line_of_write_lua_a_case_fails() {
    every_line_matters(WRITE, before(), |slot, script, case| slot.check_write(script, case), check_full_lease);
}

#[test]
fn without_any_line_of_release_lua_a_case_fails() {
    every_line_matters(RELEASE, before(), |slot, script, case| slot.check_release(script, case), |_, _| Ok(()));
}

#[test]
fn without_any_line_of_remove_lua_a_case_fails() {
    let check = |slot: &mut Slot, script: &Script, case| slot.check_removal(script, case);
    every_line_matters(REMOVE, before(), check, check_removal_of_another_type);
}
