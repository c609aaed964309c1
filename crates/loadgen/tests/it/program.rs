//! The program: its flags, its exit codes, and how it ends.

use std::net::TcpListener;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{free_port, program, until};
use crate::target::{Target, honest};

fn output(flags: &[&str]) -> Output {
    program(flags).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_wrong_value_is_one_line_that_names_the_flag_and_what_is_allowed() {
    for (flags, flag, allowed) in [
        (vec!["--host", "localhost:8000"], "--host", "http://HOST"),
        (vec!["--host", "http://h/?a=b"], "--host", "http://HOST"),
        (vec!["--users", "0"], "--users", "above 0"),
        (vec!["--hatch-rate", "x"], "--hatch-rate", "above 0"),
        (vec!["--run-time", "60"], "--run-time", "like 50ms, 2s or 1m"),
        (vec!["--requests", "-1"], "--requests", "above 0"),
        (vec!["--ids", "9..3"], "--ids", "like 1..199999"),
        (vec!["--keys", "zipf"], "--keys", "zipf:1.1"),
        (vec!["--missing", "1.5"], "--missing", "from 0 to 1"),
        (vec!["--write", "NaN"], "--write", "from 0 to 1"),
        (vec!["--missing", "0.7", "--write", "0.7"], "--missing and --write", "above 1"),
        (vec!["--seed", "-3"], "--seed", "0 or above"),
        (vec!["--timeout", "0s"], "--timeout", "above zero"),
        (vec!["--max-p99", "fast"], "--max-p99", "above zero"),
        (vec!["--min-hit-ratio", "95"], "--min-hit-ratio", "from 0 to 1"),
        (vec!["--nonsense"], "--nonsense", "--help"),
    ] {
        let output = output(&flags);
        let text = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(flag) && text.contains(allowed), "{flags:?}: {text}");
    }
}

#[test]
fn every_flag_is_also_a_variable() {
    for (name, value, flag) in [("TODO_USERS", "none", "--users"), ("TODO_MAX_ERROR_RATIO", "7", "--max-error-ratio")] {
        let output = program(&[]).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(errors(&output).contains(flag), "{}", errors(&output));
    }
}

#[test]
fn the_manual_names_every_flag_and_the_exit_codes() {
    let help = String::from_utf8(output(&["--help"]).stdout).unwrap();
    let flags = "host users hatch-rate run-time requests ids keys missing write seed timeout json report max-error-ratio \
                 max-p99 min-hit-ratio";
    for flag in flags.split_whitespace() {
        let variable = format!("TODO_{}", flag.to_uppercase().replace('-', "_"));
        assert!(help.contains(&format!("--{flag} ")) && help.contains(&variable), "{flag}");
    }
    assert!(help.contains("Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a threshold is missed"), "{help}");
}

#[test]
fn a_server_that_is_not_there_is_one_line_within_5_s() {
    let host = format!("http://user:secret@127.0.0.1:{}", free_port());
    let began = Instant::now();
    let output = output(&["--host", &host]);
    let text = errors(&output);
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.contains("does not answer: no connection: connection refused"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    assert!(output.stdout.is_empty() && began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_server_that_never_answers_is_one_line_within_5_s() {
    // Connections are taken by the system's queue, and nobody reads them.
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let began = Instant::now();
    let output = output(&["--host", &format!("http://{}", listener.local_addr().unwrap())]);
    let text = errors(&output);
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.contains("no answer within 3s"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_file_that_has_no_place_is_found_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("none").join("r.json");
    let host = format!("http://127.0.0.1:{}", free_port());
    for (flag, path) in [("--json", nowhere.as_path()), ("--report", folder.path())] {
        let output = output(&["--host", &host, flag, path.to_str().unwrap()]);
        let text = errors(&output);
        assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
        assert!(text.contains(flag) && text.contains("cannot be written"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_the_run_early_and_still_reports() {
    let target = Target::start(honest);
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("r.json");
    let flags = ["--host", &target.url(), "--users", "3", "--run-time", "10m", "--json", json.to_str().unwrap()];
    let child = program(&flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("some requests came", || target.count() > 100).await;
    let interrupted = Instant::now();
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
    assert!(interrupted.elapsed() < Duration::from_secs(10));
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(String::from_utf8(output.stdout).unwrap().contains("Interrupted"));
    let summary: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(summary["interrupted"], true);
    assert_eq!(summary["requests"], target.count());
}
