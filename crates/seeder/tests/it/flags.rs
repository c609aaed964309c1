//! The command line.

use std::path::Path;
use std::process::Command;

use test_servers::MongoServer;

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
fn flags_of_every_command_are_variables_and_a_wrong_value_names_its_flag() {
    for (command, name, value, flag) in [
        ("restore", "TODO_NS", "todos", "--ns"),
        ("restore", "TODO_ON_CONFLICT", "x", "--on-conflict"),
        ("restore", "TODO_STRICT", "x", "--strict"),
        ("restore", "TODO_IDS_AS_TEXT", "x", "--ids-as-text"),
        ("import", "TODO_FORMAT", "xml", "--format"),
        ("import", "TODO_JOBS", "0", "--jobs"),
        ("dump", "TODO_GZIP", "x", "--gzip"),
        ("verify", "TODO_SEED", "x", "--seed"),
    ] {
        let output = seeder(&[command]).env("TODO_FILE", "f").env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
        assert!(said(&output).contains(flag), "{name}: {}", said(&output));
    }
    let output = seeder(&["restore"]).env("TODO_FILE", "/no/such/file").output().unwrap();
    assert!(output.status.code() == Some(1) && said(&output).contains("/no/such/file"), "{}", said(&output));
    for flags in [&["restore"][..], &["restore", "f", "--drop", "--resume"], &["verify", "--count", "5"]] {
        let output = seeder(flags).output().unwrap();
        assert_eq!((output.status.code(), said(&output).lines().count()), (Some(2), 1), "{}", said(&output));
    }
}

#[test]
fn the_manual_names_every_flag_of_every_command() {
    for (command, flags) in [
        ("restore", "store database store-password-file collection ns drop resume on-conflict strict ids-as-text jobs"),
        (
            "import",
            "store database store-password-file collection format drop resume on-conflict strict ids-as-text jobs",
        ),
        ("dump", "store database store-password-file collection gzip"),
        ("verify", "store database store-password-file collection seed count against ns ids-as-text"),
    ] {
        let help = said(&seeder(&[command, "--help"]).output().unwrap());
        for flag in flags.split_whitespace() {
            let variable = format!("TODO_{}", flag.to_uppercase().replace('-', "_"));
            assert!(help.contains(&format!("--{flag}")) && help.contains(&variable), "{command} {flag}");
        }
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

#[test]
fn the_password_of_the_store_is_read_from_a_file() {
    let (mongo, folder) = (MongoServer::start_with_users(&[]), tempfile::tempdir().unwrap());
    let (path, wrong) = (folder.path().join("password"), folder.path().join("wrong"));
    std::fs::write(&path, "admin\n").unwrap();
    std::fs::write(&wrong, "hunter2\n").unwrap();
    let store = format!("mongodb://admin@127.0.0.1:{}/?replicaSet=rs0&authSource=admin", mongo.port());
    let generate = |path: &Path| {
        let flags = ["generate", "--count", "10", "--store", &store, "--store-password-file", path.to_str().unwrap()];
        seeder(&flags).output().unwrap()
    };
    let output = generate(&path);
    assert!(output.status.success(), "{}", said(&output));
    let output = generate(&wrong);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("authentication failed") && !said(&output).contains("hunter2"), "{}", said(&output));
    let output = generate(&folder.path().join("missing"));
    assert!(output.status.code() == Some(1) && said(&output).contains("--store-password-file"), "{}", said(&output));
}
