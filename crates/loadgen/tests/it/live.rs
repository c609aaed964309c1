//! `--live`: the report while the run goes on.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use reqwest::Client;
use serde_json::Value;

use crate::support::{free_port, options, program, until};
use crate::target::{Target, honest};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_run_as_it_goes_on_and_stops_it_with_its_report() {
    let target = Target::start(honest);
    let url = target.url();
    let flags =
        ["--host", &url, "--users", "2", "--run-time", "10m", "--rate", "50/s", "--live", "127.0.0.1:0", "--json", "-"];
    let mut child = program(&flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let (mut line, mut page) = (String::new(), String::new());
    while page.is_empty() {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it says where the page is");
        page = line.trim().strip_prefix("live: ").unwrap_or_default().to_owned();
    }
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
    let (status, report) = tokio::task::spawn_blocking(move || {
        let mut report = String::new();
        child.stdout.take().unwrap().read_to_string(&mut report).unwrap();
        (child.wait().unwrap(), report)
    })
    .await
    .unwrap();
    assert_eq!(status.code(), Some(0));
    let summary: Value = serde_json::from_str(&report).unwrap();
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
