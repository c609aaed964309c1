//! Runs that do not reach their end, and the command that goes on.

use std::process::{Child, Command};

use seeder::todos::todos;
use test_servers::{MongoServer, fresh_name};

use crate::support::{Place, embedded, mongo, resume, said, until};

/// Waits until it has written some thousands.
async fn is_under_way(child: &mut Child, place: &Place) {
    let store = place.open().await;
    until("some todos are written", || async { store.count().await.unwrap() >= 3_000 }).await;
    assert!(child.try_wait().unwrap().is_none(), "it ended before it could be stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_on_the_embedded_store_goes_on_without_a_gap_or_a_duplicate() {
    let place = embedded();
    let path = place.url.strip_prefix("redb:").unwrap();
    let mut child = place.command(&["--count", "300000"]).spawn().unwrap();
    until("the file grows", || async { std::fs::metadata(path).is_ok_and(|file| file.len() > 20_000_000) }).await;
    assert!(child.try_wait().unwrap().is_none(), "it ended before it could be stopped");
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = place.generate(&["--count", "300000", "--resume"]);
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert_eq!(place.count().await, 300_000);
    assert!(place.todos(300_000).await == todos(42, 1..300_001));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_that_a_stopped_run_names_goes_on() {
    let place = mongo();
    let mut child = place.command(&["--count", "60000", "--seed", "9"]).spawn().unwrap();
    is_under_way(&mut child, &place).await;
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let stopped = said(&child.wait_with_output().unwrap());
    let line = stopped.lines().last().unwrap().split("to go on: seeder ").nth(1).unwrap();
    let resumed = resume(line).output().unwrap();
    assert!(resumed.status.success(), "{line}: {}", said(&resumed));
    assert_eq!(place.count().await, 60_000);
    assert!(place.todos(60_000).await == todos(9, 1..60_001));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_goes_away_is_one_line_that_says_how_to_go_on() {
    let mut server = MongoServer::start();
    let place = Place { url: server.url(), database: fresh_name("seeded"), _folder: None };
    let mut child = place.command(&["--count", "60000"]).spawn().unwrap();
    is_under_way(&mut child, &place).await;
    server.stop();
    let output = child.wait_with_output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let last = text.lines().last().unwrap();
    assert!(
        last.contains("todos were written") && last.contains("to go on: seeder generate") && last.contains("--resume"),
        "{text}"
    );
    server.restart();
    let resumed = place.generate(&["--count", "60000", "--resume"]);
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert!(place.todos(60_000).await == todos(42, 1..60_001));
}
