//! The command line.

use std::process::Command;

use crate::support::said;

fn seeder(flags: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_seeder"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TODO_")) {
        program.env_remove(name);
    }
    program.args(flags);
    program
}

#[test]
fn every_flag_is_also_a_variable() {
    for (name, value, flag) in [
        ("TODO_STORE", "nowhere", "--store"),
        ("TODO_COUNT", "-5", "--count"),
        ("TODO_SEED", "x", "--seed"),
        ("TODO_JOBS", "x", "--jobs"),
    ] {
        let output = seeder(&["generate"]).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(flag), "{}", said(&output));
    }
}

#[test]
fn the_manual_names_every_flag() {
    let help = said(&seeder(&["generate", "--help"]).output().unwrap());
    for flag in "store database collection count seed drop resume jobs".split_whitespace() {
        let variable = format!("TODO_{}", flag.to_uppercase());
        assert!(help.contains(&format!("--{flag}")) && help.contains(&variable), "{flag}");
    }
}

#[test]
fn no_command_is_one_line_that_says_where_the_manual_is() {
    let output = seeder(&[]).output().unwrap();
    assert_eq!((output.status.code(), said(&output).lines().count()), (Some(2), 1));
    assert!(said(&output).contains("--help"), "{}", said(&output));
}
