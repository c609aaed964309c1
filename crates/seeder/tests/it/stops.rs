//! Runs that do not reach their end, and how they go on.

use std::process::Child;
use std::time::{Duration, Instant};

use seeder::todos::todos;
use test_servers::{MongoServer, free_port};

use crate::support::{Place, errors, fail, signal, start, succeed, until};

const COUNT: &str = "60000";

/// Waits until it has written some thousands.
async fn is_under_way(child: &mut Child, place: &Place) {
    let store = place.store().await;
    until("some todos are written", async || store.count().await.unwrap() >= 3_000).await;
    assert!(child.try_wait().unwrap().is_none(), "it ended before it could be stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_without_a_gap_or_a_duplicate() {
    let place = Place::mongo();
    let mut child = start(&place.flags("generate", &["--count", COUNT]));
    is_under_way(&mut child, &place).await;
    signal(&child, "KILL");
    child.wait().unwrap();
    let there = place.store().await.count().await.unwrap();
    assert!((3_000..60_000).contains(&there), "{there}");
    succeed(&place.flags("generate", &["--count", COUNT, "--resume"]));
    place.holds(&todos(42, 1..60_001)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_on_the_embedded_store_goes_on_without_a_gap_or_a_duplicate() {
    let place = Place::embedded();
    let path = place.url.strip_prefix("redb:").unwrap();
    let mut child = start(&place.flags("generate", &["--count", "400000"]));
    until("the file grows", async || std::fs::metadata(path).is_ok_and(|file| file.len() > 20_000_000)).await;
    assert!(child.try_wait().unwrap().is_none(), "it ended before it could be stopped");
    signal(&child, "KILL");
    child.wait().unwrap();
    succeed(&place.flags("generate", &["--count", "400000", "--resume"]));
    place.holds(&todos(42, 1..400_001)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_says_how_many_were_written_and_the_command_that_goes_on() {
    for name in ["INT", "TERM"] {
        let place = Place::mongo();
        let mut child = start(&place.flags("generate", &["--count", COUNT, "--seed", "9"]));
        is_under_way(&mut child, &place).await;
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let text = errors(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let there = place.store().await.count().await.unwrap();
        assert!(text.contains(&format!("stopped; {there} todos were written; to go on: ")), "{there} are there: {text}");

        let line = text.lines().last().unwrap().split("to go on: seeder ").nth(1).unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        succeed(&words);
        place.holds(&todos(9, 1..60_001)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_goes_away_is_one_line_that_says_how_to_go_on() {
    let mut server = MongoServer::start();
    let place = Place::at(&server.url());
    let mut child = start(&place.flags("generate", &["--count", COUNT]));
    is_under_way(&mut child, &place).await;
    server.stop();
    let output = child.wait_with_output().unwrap();
    let text = errors(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("todos were written; to go on: seeder generate") && text.contains("--resume"), "{text}");
    server.restart();
    succeed(&place.flags("generate", &["--count", COUNT, "--resume"]));
    place.holds(&todos(42, 1..60_001)).await;
}

#[test]
fn a_store_that_is_not_there_is_one_line_within_5_s_without_the_password() {
    let url = format!("mongodb://user:secret@127.0.0.1:{}/?replicaSet=rs0", free_port());
    let began = Instant::now();
    let (line, code) = fail(&["generate", "--store", &url]);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(code, Some(1));
    assert!(line.contains("cannot be reached") && !line.contains("secret"), "{line}");
}

#[test]
fn a_file_that_is_open_elsewhere_is_one_line() {
    let place = Place::embedded();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _open = runtime.block_on(place.store());
    let (line, code) = fail(&place.flags("generate", &["--count", "1"]));
    assert_eq!(code, Some(1));
    assert!(line.contains("open in another process"), "{line}");
}
