//! Runs that do not reach their end, and the command that goes on.

use std::process::Output;

use seeder::todos::todos;
use test_servers::{MongoServer, fresh_name};

use crate::support::{COUNTS, Place, embedded, is_in_the_middle, mongo, resume, said, signalled, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_on_the_embedded_store_goes_on_without_a_gap_or_a_duplicate() {
    let (place, count) = killed_on_the_embedded_store().await;
    let resumed = place.generate(&["--count", &count.to_string(), "--resume"]);
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert_eq!(place.count().await, count);
    assert!(place.todos(count).await == todos(42, 1..count + 1));
}

/// A store that was being written to, and how many todos it was to have.
async fn killed_on_the_embedded_store() -> (Place, u64) {
    for count in COUNTS.map(|count| 3 * count) {
        let place = embedded();
        let path = place.url.strip_prefix("redb:").unwrap();
        let mut child = place.command(&["--count", &count.to_string()]).spawn().unwrap();
        let mut is_over = false;
        until("the file grows", || {
            is_over = child.try_wait().unwrap().is_some();
            let grown = std::fs::metadata(path).is_ok_and(|file| file.len() > 5_000_000);
            let enough = is_over || grown;
            async move { enough }
        })
        .await;
        signalled(child, "-KILL");
        if !is_over && place.count().await < count {
            return (place, count);
        }
    }
    panic!("every run was over before it could be killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_that_a_stopped_run_names_goes_on() {
    let (place, stopped, count) = stopped_with_seed_9().await;
    let line = stopped.lines().last().unwrap().split("to go on: seeder ").nth(1).unwrap();
    let resumed = resume(line).output().unwrap();
    assert!(resumed.status.success(), "{line}: {}", said(&resumed));
    assert_eq!(place.count().await, count);
    assert!(place.todos(count).await == todos(9, 1..count + 1));
}

async fn stopped_with_seed_9() -> (Place, String, u64) {
    for count in COUNTS {
        let place = mongo();
        let mut child = place.command(&["--count", &count.to_string(), "--seed", "9"]).spawn().unwrap();
        let is_in_the_middle = is_in_the_middle(&mut child, &place).await;
        let output = signalled(child, "-INT");
        if is_in_the_middle && place.count().await < count {
            return (place, said(&output), count);
        }
    }
    panic!("every run was over before it could be stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_goes_away_is_one_line_that_says_how_to_go_on() {
    let (place, _server, output, count) = robbed_of_its_store().await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let last = text.lines().last().unwrap();
    assert!(
        last.contains("todos were written") && last.contains("to go on: seeder generate") && last.contains("--resume"),
        "{text}"
    );
    let resumed = place.generate(&["--count", &count.to_string(), "--resume"]);
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert!(place.todos(count).await == todos(42, 1..count + 1));
}

/// A run whose server was killed under it, and is back.
async fn robbed_of_its_store() -> (Place, MongoServer, Output, u64) {
    let mut server = MongoServer::start();
    for count in COUNTS {
        let place = Place { url: server.url(), database: fresh_name("seeded"), _folder: None };
        let mut child = place.command(&["--count", &count.to_string()]).spawn().unwrap();
        let is_in_the_middle = is_in_the_middle(&mut child, &place).await;
        server.stop();
        let output = child.wait_with_output().unwrap();
        server.restart();
        if is_in_the_middle && !output.status.success() {
            return (place, server, output, count);
        }
    }
    panic!("every run was over before its store went away");
}
