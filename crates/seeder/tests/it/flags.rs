//! The command line.

use crate::support::{errors, fail, program, succeed};

#[test]
fn a_wrong_value_is_one_line_that_names_the_flag_and_what_is_allowed() {
    for (flags, flag, allowed) in [
        (vec!["--store", "mysql://h"], "--store", "mongodb://HOST"),
        (vec!["--count", "0"], "--count", "1 to 1000000000"),
        (vec!["--count", "many"], "--count", "1 to 1000000000"),
        (vec!["--seed", "-1"], "--seed", "0 to 18446744073709551615"),
        (vec!["--jobs", "0"], "--jobs", "above 0"),
        (vec!["--drop", "--resume"], "--drop", "--resume"),
        (vec!["--nonsense"], "--nonsense", "--help"),
    ] {
        let (line, code) = fail(&[&["generate"], flags.as_slice()].concat());
        assert_eq!(code, Some(2), "{line}");
        assert!(line.contains(flag) && line.contains(allowed), "{flags:?}: {line}");
    }
    assert_eq!(fail(&[]).1, Some(2));
}

#[test]
fn every_flag_is_also_a_variable() {
    for (name, value, flag) in [
        ("TODO_STORE", "nowhere", "--store"),
        ("TODO_COUNT", "-5", "--count"),
        ("TODO_SEED", "x", "--seed"),
        ("TODO_JOBS", "x", "--jobs"),
    ] {
        let output = program(&["generate"]).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(errors(&output).contains(flag), "{}", errors(&output));
    }
}

#[test]
fn the_manual_names_every_flag() {
    let help = succeed(&["generate", "--help"]);
    for flag in "store database collection count seed drop resume jobs".split_whitespace() {
        assert!(help.contains(&format!("--{flag}")) && help.contains(&format!("TODO_{}", flag.to_uppercase())), "{flag}");
    }
}

#[test]
fn a_wrong_url_is_not_repeated() {
    let (line, code) = fail(&["generate", "--store", "mongo://user:secret@host/"]);
    assert_eq!(code, Some(2));
    assert!(!line.contains("secret"), "{line}");
}
