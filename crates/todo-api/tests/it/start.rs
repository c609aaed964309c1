//! The program's start: flags, and stores that cannot be opened.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use test_servers::{free_port, lateness};

fn run(flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_todo-api")).args(flags).output().unwrap()
}

#[test]
fn a_wrong_value_is_one_line_that_names_the_flag_and_exit_code_2() {
    for (flags, allowed) in [
        (["--listen", "nowhere"], "--listen"),
        (["--store", "mysql://root:hunter2@db"], "mongodb://HOST"),
        (["--cache", "memcached://:hunter2@cache"], "redis://HOST"),
        (["--write-policy", "behind"], "through"),
        (["--fresh", "soon"], "50ms"),
        (["--workers", "0"], "above 0"),
        (["--log", "=="], "info"),
        (["--no-such-flag", "1"], "--no-such-flag"),
    ] {
        let output = run(&flags);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(flags[0]) && said.contains(allowed), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_fresh_time_that_is_shorter_while_the_change_stream_is_live_is_refused() {
    let output = run(&["--listen", "127.0.0.1:0", "--fresh", "2m", "--fresh-live", "1m"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("--fresh-live") && said.contains("--fresh 1"), "{said}");
}

#[test]
fn variables_are_flags_too() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_todo-api"));
    let output = program.env("TODO_LISTEN", "nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--listen"));
}

#[test]
fn help_names_every_flag_and_its_variable() {
    let output = run(&["--help"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for flag in ["--listen", "TODO_LISTEN", "--store", "--cache", "--write-policy", "redb:data/todos.redb", "memory:"] {
        assert!(text.contains(flag), "{flag}");
    }
}

#[test]
fn a_store_that_is_not_there_is_a_line_in_time_without_the_password() {
    let url = format!("mongodb://user:hunter2@127.0.0.1:{}/", free_port());
    let began = Instant::now();
    let output = run(&["--listen", "127.0.0.1:0", "--store", &url]);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5) + lateness(), "{took:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot be reached") && said.contains("refused"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn an_address_that_is_taken_is_a_line_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains(&address));
}
