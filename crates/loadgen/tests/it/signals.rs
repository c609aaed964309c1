//! How a run ends before its time: signals, and what they leave.

use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{errors, json, unconfigured, until};
use crate::target::{Target, honest};

/// Starts a long run, sends it these signals one after the other, and waits for its end.
async fn signalled(target: &Target, flags: &[&str], signals: &[&str]) -> (Output, Duration) {
    let url = target.url();
    let mut all = vec!["--host", &url, "--users", "3", "--run-time", "10m", "--json", "-"];
    all.extend(flags);
    // Whoever runs the tests under nohup ignores hang-ups, and hands that down.
    let mut heeding = unconfigured(std::process::Command::new("env"));
    heeding.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_loadgen")]).args(&all);
    let child = heeding.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("all users sent something", async || target.count() >= 3).await;
    let began = Instant::now();
    for signal in signals {
        let kill = std::process::Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        // One that is pending already is not delivered twice.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
    (output, began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_signal_that_ends_a_run_leaves_its_report() {
    for signal in ["INT", "TERM", "HUP"] {
        let target = Target::start(honest);
        let (output, _) = signalled(&target, &[], &[signal]).await;
        assert_eq!(output.status.code(), Some(0), "{signal}: {}", errors(&output));
        assert!(errors(&output).contains("Interrupted"), "{signal}");
        let summary = json(&output);
        assert_eq!(summary["interrupted"], true, "{signal}");
        assert_eq!(summary["requests"], target.count(), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_does_not_hold_up_the_end_and_what_it_owes_has_failed() {
    let target = Target::start_slow(Duration::from_secs(3_600), honest);
    let flags = ["--timeout", "1h", "--grace", "300ms", "--ids", "1..9", "--write", "1", "--hatch-rate", "1000"];
    let (output, took) = signalled(&target, &flags, &["INT"]).await;
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    let summary = json(&output);
    assert_eq!([&summary["requests"], &summary["failures"], &summary["successes"]], [3, 3, 0]);
    assert_eq!(summary["errors"][0]["name"], "no answer when the run ended (--grace)");
    assert_eq!(summary["latency"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_waiting_and_never_discards_the_report() {
    let target = Target::start_slow(Duration::from_secs(3_600), honest);
    let flags = ["--timeout", "1h", "--grace", "1h", "--ids", "1..9", "--write", "1", "--hatch-rate", "1000"];
    let (output, took) = signalled(&target, &flags, &["INT", "TERM", "INT", "INT"]).await;
    assert!(took < Duration::from_secs(60), "{took:?}");
    let summary = json(&output);
    assert_eq!(summary["interrupted"], true);
    assert_eq!([&summary["requests"], &summary["cut_off"]], [0, 3]);
    assert!(errors(&output).contains("3 requests were under way"), "{}", errors(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_that_nohup_ignores_does_not_end_the_run() {
    let target = Target::start(honest);
    let url = target.url();
    let flags = ["--host", &url, "--users", "2", "--run-time", "10m", "--json", "-"];
    let mut nohup = std::process::Command::new("nohup");
    nohup.arg(env!("CARGO_BIN_EXE_loadgen")).args(flags).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = nohup.spawn().unwrap();
    let kill = |signal: &str| {
        let kill = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    };
    until("requests came", async || target.count() > 50).await;
    kill("-HUP");
    let before = target.count();
    until("it went on", async || target.count() > before + 500).await;
    kill("-TERM");
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(json(&output)["interrupted"], true);
}
