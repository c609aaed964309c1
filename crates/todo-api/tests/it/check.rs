//! `todo-api check`: a line for the store and one for the cache, and for each thing that is wrong.

use std::process::Command;

use test_servers::{RedisServer, free_port, fresh_name, shared_mongo, shared_redis};

use crate::program::Program;

/// The lines that it says, and its exit code.
fn check(flags: &[&str]) -> (Vec<String>, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_todo-api")).arg("check").args(flags).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (said.lines().map(str::to_owned).collect(), output.status.code())
}

#[test]
fn what_is_as_it_should_be_is_a_line_each_and_exit_code_0() {
    let (store, cache, name) = (shared_mongo().url(), shared_redis().url(), fresh_name("check"));
    let (lines, code) = check(&["--store", &store, "--cache", &cache, "--database", &name, "--cache-prefix", &name]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("ok: store mongodb://") && lines[0].contains(&name), "{lines:?}");
    assert_eq!(lines[1], format!("ok: cache {cache}"));
}

#[test]
fn a_file_that_is_not_there_yet_is_no_fault_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("todos.redb");
    let store = format!("redb:{}", path.display());
    let (lines, code) = check(&["--store", &store]);
    let expected =
        [format!("ok: store {store}: there is no file yet, the start makes it"), "ok: cache memory:".to_owned()];
    assert_eq!((lines, code), (expected.to_vec(), Some(0)));
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is left behind");
    let nowhere = "redb:/proc/todos.redb";
    let (lines, code) = check(&["--store", nowhere]);
    assert!(lines[0].starts_with(&format!("wrong: store {nowhere}: ")) && code == Some(1), "{lines:?}");
}

#[test]
fn servers_that_are_away_and_a_file_that_is_in_use_are_said_with_their_cause_and_without_passwords() {
    let port = free_port();
    let (store, cache) =
        (format!("mongodb://user:hunter2@127.0.0.1:{port}/"), format!("redis://:hunter2@127.0.0.1:{port}/"));
    let (lines, code) = check(&["--store", &store, "--cache", &cache]);
    assert_eq!((lines.len(), code), (2, Some(1)), "{lines:?}");
    assert!(lines[0].starts_with("wrong: store mongodb://") && lines[0].contains("refused"), "{lines:?}");
    assert!(lines[1].starts_with("wrong: cache redis://") && lines[1].contains("refused"), "{lines:?}");
    assert!(!lines.concat().contains("hunter2"), "{lines:?}");

    let program = Program::start(&[]);
    let used = program.listening["store"].as_str().unwrap();
    let (lines, code) = check(&["--store", used]);
    assert!(lines[0].contains("is open in another process") && code == Some(1), "{lines:?}");
}

#[test]
fn each_right_that_is_missing_in_redis_is_a_line_with_the_rule_that_gives_it() {
    let user = ["--user", "todo", "on", ">secret", "~todo:*", "&todo:*", "+@all", "-mget", "-publish"];
    let redis = RedisServer::start_with(&user);
    let cache = format!("redis://todo:secret@127.0.0.1:{}/", redis.port());
    let folder = tempfile::tempdir().unwrap();
    let (lines, code) = check(&["--store", &format!("redb:{}/todos.redb", folder.path().display()), "--cache", &cache]);
    assert_eq!(code, Some(1));
    for right in ["add +mget to its ACL", "add +publish to its ACL"] {
        assert!(lines.iter().any(|line| line.starts_with("wrong: cache") && line.ends_with(right)), "{lines:?}");
    }
    assert!(!lines.concat().contains("secret"), "{lines:?}");
}

#[test]
fn no_other_action_is_taken() {
    let output = Command::new(env!("CARGO_BIN_EXE_todo-api")).arg("chek").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "error: [ACTION]: must be one of check\n");
}
