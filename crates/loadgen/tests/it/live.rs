//! `--live`: the report while the run goes on.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use reqwest::Client;
use serde_json::Value;

use crate::support::{free_port, options, program, until};
use crate::target::{Target, honest};

/// A run with a page, and where it is.
fn with_page(flags: &[&str]) -> (Child, String) {
    let mut child = program(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let page = loop {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it says where the page is");
        if let Some(page) = line.trim().strip_prefix("live: ") {
            break page.to_owned();
        }
    };
    // Nobody reads the rest, and it must have room.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    (child, page)
}

/// The exit code of a run that ends, and its summary.
async fn ended(mut child: Child) -> (Option<i32>, Value) {
    let read = tokio::task::spawn_blocking(move || {
        let mut report = String::new();
        child.stdout.take().unwrap().read_to_string(&mut report).unwrap();
        (child.wait().unwrap().code(), serde_json::from_str(&report).unwrap())
    });
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_run_as_it_goes_on_and_stops_it_with_its_report() {
    let target = Target::start(honest);
    let url = target.url();
    let flags =
        ["--host", &url, "--users", "2", "--run-time", "10m", "--rate", "50/s", "--live", "127.0.0.1:0", "--json", "-"];
    let (mut child, page) = with_page(&flags);
    let client = Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| client.get(format!("{page}{path}")).send().await.unwrap().text().await.unwrap();
    let so_far = async || serde_json::from_str::<Value>(&get("summary.json").await).unwrap();
    until("some were answered", async || so_far().await["successes"].as_u64() > Some(10)).await;
    let html = get("").await;
    for part in ["under load", "50/s due", "Open loop", "fetch(\"stop\""] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("https://"), "nothing is fetched from elsewhere");
    assert_eq!(client.get(format!("{page}other")).send().await.unwrap().status(), 404);

    // A form of another page could send this, but not with a header of its own.
    let stop = client.post(format!("{page}stop"));
    assert_eq!(stop.try_clone().unwrap().send().await.unwrap().status(), 403);
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    assert_eq!(stop.header("X-Loadgen", "stop").send().await.unwrap().status(), 200);
    let (code, summary) = ended(child).await;
    assert_eq!(code, Some(0));
    assert_eq!((&summary["interrupted"], &summary["failures"]), (&true.into(), &0.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_taken_is_said_before_the_run() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let host = format!("http://127.0.0.1:{}", free_port());
    let error = loadgen::run(&options(&host, &["--live", &address])).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("--live {address}: ")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_users_is_changed_while_the_run_goes_on() {
    let target = Target::start_slow(std::time::Duration::from_millis(20), honest);
    let url = target.url();
    let flags = [
        "--host",
        &url,
        "--users",
        "2",
        "--hatch-rate",
        "50",
        "--run-time",
        "10m",
        "--live",
        "127.0.0.1:0",
        "--json",
        "-",
    ];
    let (child, page) = with_page(&flags);
    let client = Client::builder().no_proxy().build().unwrap();
    let users = async || {
        let text = client.get(format!("{page}summary.json")).send().await.unwrap().text().await.unwrap();
        let so_far: Value = serde_json::from_str(&text).unwrap();
        so_far["timeline"].as_array().unwrap().last().map_or(0, |second| second["users"].as_u64().unwrap())
    };
    let change = async |number: &str, header: &str| {
        client.post(format!("{page}users/{number}")).header("X-Loadgen", header).send().await.unwrap()
    };
    until("two users are there", async || users().await == 2).await;
    assert_eq!(change("9", "stop").await.status(), 403, "a form of another page could send this");
    for wrong in ["0", "many", "1001", "-1"] {
        let refused = change(wrong, "users").await;
        assert_eq!(refused.status(), 400, "{wrong}");
        assert_eq!(refused.text().await.unwrap(), "users must be a whole number from 1 to 1000\n");
    }
    assert_eq!(change("9", "users").await.status(), 200);
    until("nine are", async || users().await == 9).await;
    assert_eq!(change("1", "users").await.status(), 200);
    until("one is left", async || users().await == 1).await;
    let stopped = client.post(format!("{page}stop")).header("X-Loadgen", "stop").send().await.unwrap();
    assert_eq!(stopped.status(), 200);
    let (code, summary) = ended(child).await;
    assert_eq!((code, &summary["failures"]), (Some(0), &0.into()));
    let cost = &summary["own_cost"];
    assert!(cost["cpu_seconds"].as_f64() > Some(0.0) && cost["cpu_us_per_request"].as_f64() > Some(0.0), "{cost}");
}
