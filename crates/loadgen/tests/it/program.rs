//! The program: its flags and its exit codes.

use std::net::TcpListener;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;
use test_servers::lateness;

use crate::support::{errors, finish, free_port, json, program};
use crate::target::{Target, honest};

fn output(flags: &[&str]) -> Output {
    program(flags).output().unwrap()
}

#[test]
fn a_wrong_value_is_one_line_that_names_the_flag_and_what_is_allowed() {
    for (flags, flag, allowed) in [
        (vec!["--host", "localhost:8000"], "--host", "http://HOST"),
        (vec!["--host", "http://h/?a=b"], "--host", "http://HOST"),
        (vec!["--users", "0"], "--users", "above 0"),
        (vec!["--hatch-rate", "x"], "--hatch-rate", "above 0"),
        (vec!["--run-time", "0"], "--run-time", "like 50ms, 2s or 1m, or a number of seconds"),
        (vec!["--run-time", "-90"], "--run-time", "above zero"),
        (vec!["--timeout", "1e300"], "--timeout", "above zero"),
        (vec!["--grace", "soon"], "--grace", "above zero"),
        (vec!["--insecure", "--ca-file", "x"], "--insecure and --ca-file", "one of them"),
        (vec!["--json", "-", "--report", "-"], "--json and --report", "standard output"),
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

#[tokio::test(flavor = "multi_thread")]
async fn an_ipv6_address_is_a_host_like_any_other() {
    let Some(target) = Target::start_on_ipv6(honest) else { return eprintln!("not tried: there is no IPv6") };
    for host in [target.url(), format!("{}/", target.url()), target.url().replace("[::1]", "[0:0:0:0:0:0:0:1]")] {
        let output =
            finish(program(&["--host", &host, "--users", "2", "--requests", "40", "--write", "0.2", "--json", "-"]))
                .await;
        assert_eq!(output.status.code(), Some(0), "{host}: {}", errors(&output));
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&summary["successes"], &summary["parameters"]["host"]),
            (&40.into(), &target.url().into()),
            "{host}"
        );
    }
    assert_eq!(target.count(), 120);
    let output = program(&["--host", "http://::1:8000"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "an address without brackets: {}", errors(&output));
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
    let flags = "host users hatch-rate run-time requests ids keys missing write seed timeout grace ca-file json report out max-error-ratio \
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
    let took = began.elapsed();
    assert!(output.stdout.is_empty() && took < Duration::from_secs(5) + lateness(), "{took:?}");
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
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5) + lateness(), "{took:?}");
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
async fn a_bare_number_is_seconds() {
    let target = Target::start(honest);
    let url = target.url();
    let flags = ["--host", &url, "--users", "1", "--run-time", "1", "--timeout", "9.5", "--json", "-"];
    let parameters = json(&finish(program(&flags)).await)["parameters"].clone();
    assert_eq!([&parameters["run_time_seconds"], &parameters["timeout_seconds"]], [1.0, 9.5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_on_standard_output_is_all_that_is_there() {
    let target = Target::start(honest);
    let url = target.url();
    let output = finish(program(&["--host", &url, "--users", "1", "--requests", "5", "--json", "-"])).await;
    assert_eq!(json(&output)["requests"], 5);
    assert!(errors(&output).contains("throughput"), "the text is on standard error");
    let output = finish(program(&["--host", &url, "--users", "1", "--requests", "5", "--report", "-"])).await;
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_went_away_is_no_error() {
    let target = Target::start(honest);
    let run = format!("--host {} --users 1 --requests 5", target.url());
    for flags in ["--help".to_owned(), run.clone(), format!("{run} --json -"), format!("{run} --report -")] {
        let mut shell = std::process::Command::new("bash");
        let script = format!("set -o pipefail; {} {flags} 2>&1 >&3 3>&- | cat", env!("CARGO_BIN_EXE_loadgen"));
        // A pipe whose reader has ended before anything is written.
        shell.args(["-c", &format!("exec 3> >(exec 0<&-; exit); wait $!; {script}")]);
        let output = finish(shell).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{flags}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error"), "{flags}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_is_kept_and_the_last_one_is_found_without_its_time() {
    let target = Target::start(honest);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep er").join("out");
    for requests in ["3", "4", "5"] {
        let url = target.url();
        let flags = ["--host", &url, "--users", "1", "--requests", requests, "--out", out.to_str().unwrap()];
        let output = finish(program(&flags)).await;
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    }
    let requests = |file: &std::path::Path| -> u64 {
        let summary: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        summary["requests"].as_u64().unwrap()
    };
    let runs = std::fs::read_dir(out.join("runs")).unwrap().map(|run| run.unwrap().path());
    let mut kept: Vec<u64> = runs.map(|run| requests(&run.join("report.json"))).collect();
    kept.sort_unstable();
    assert_eq!(kept, [3, 4, 5]);
    assert_eq!(requests(&out.join("report.json")), 5);
    assert!(std::fs::read_to_string(out.join("report.html")).unwrap().ends_with("</html>\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_soft_limit_of_descriptors_is_raised_or_what_is_missing_is_said_at_once() {
    let target = Target::start(honest);
    let run = |limits: &str, users: &str| {
        let mut shell = std::process::Command::new("bash");
        let flags = format!("--host {} --hatch-rate 1000 --users {users} --requests 300", target.url());
        shell.args(["-c", &format!("ulimit {limits} && exec {} {flags}", env!("CARGO_BIN_EXE_loadgen"))]);
        finish(shell)
    };
    let output = run("-Sn 64", "100").await;
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let output = run("-n 128", "100").await;
    let text = errors(&output);
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.contains("--users 100: needs 164 file descriptors, and the system allows 128"), "{text}");
}

#[test]
fn the_live_line_fits_the_width_of_any_terminal() {
    let latency = loadgen::figures::Latency { p50_us: 1_234_567, p99_us: 98_765_432, ..Default::default() };
    let second = loadgen::figures::Second {
        second: 99_999,
        users: 2_000,
        successes: 1_234_567,
        failures: 7_654_321,
        latency: Some(latency),
        ..Default::default()
    };
    for columns in [1, 20, 40, 79, 80, 200] {
        assert!(loadgen::progress::line(&second, columns).chars().count() < columns.max(1));
    }
    assert!(loadgen::progress::line(&second, 200).contains("users 2,000"));
}
