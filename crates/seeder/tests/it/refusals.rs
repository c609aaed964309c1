//! What it does not do, and what it says then.

use std::time::{Duration, Instant};

use test_servers::{free_port, lateness};

use crate::support::{Place, embedded, mongo, said};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_that_is_not_empty_is_refused_and_told_how_to_go_on() {
    for place in [mongo(), embedded()] {
        assert!(place.generate(&["--count", "30"]).status.success());
        let again = place.generate(&["--count", "30"]);
        assert_eq!(again.status.code(), Some(1));
        let line = said(&again);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains("30 todos") && line.contains("--drop") && line.contains("--resume"), "{line}");
        assert_eq!(place.count().await, 30);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drop_removes_what_was_there() {
    for place in [mongo(), embedded()] {
        assert!(place.generate(&["--count", "50", "--seed", "1"]).status.success());
        let anew = place.generate(&["--count", "20", "--seed", "2", "--drop"]);
        assert_eq!(anew.status.code(), Some(0), "{}", said(&anew));
        assert_eq!(place.count().await, 20);
        assert_eq!(place.todos(20).await, seeder::todos::todos(2, 1..21));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resume_with_another_seed_is_refused() {
    let place = embedded();
    assert!(place.generate(&["--count", "20", "--seed", "1"]).status.success());
    let other = place.generate(&["--count", "40", "--seed", "2", "--resume"]);
    assert_eq!(other.status.code(), Some(1));
    let line = said(&other);
    assert!(line.contains("seed 2") && line.contains("--drop"), "{line}");
    assert_eq!(place.count().await, 20, "nothing was added");
}

#[test]
fn a_store_that_is_not_there_is_one_line_in_time_without_the_password() {
    let place = Place { url: format!("mongodb://user:hunter2@127.0.0.1:{}/", free_port()), ..mongo() };
    let began = Instant::now();
    let output = place.generate(&[]);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5) + lateness(), "{took:?}");
    let line = said(&output);
    assert_eq!((output.status.code(), line.lines().count()), (Some(1), 1), "{line}");
    assert!(line.contains("cannot be reached") && line.contains("refused"), "{line}");
    assert!(!line.contains("hunter2"), "{line}");
}

#[test]
fn a_wrong_value_is_one_line_that_names_the_flag_and_exit_code_2() {
    let place = embedded();
    for (flags, words) in [
        (&["--count", "0"][..], "--count"),
        (&["--count", "many"], "whole number"),
        (&["--seed", "-1"], "--seed"),
        (&["--jobs", "0"], "--jobs"),
        (&["--drop", "--resume"], "--resume"),
        (&["--colour"], "--colour"),
    ] {
        let output = place.generate(flags);
        let line = said(&output);
        assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{line}");
        assert!(line.contains(words), "{line}");
    }
    let bad = Place { url: "mysql://root:hunter2@db".to_owned(), ..embedded() };
    let output = bad.generate(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--store") && !said(&output).contains("hunter2"));
}

#[test]
fn what_the_server_refuses_is_said_in_its_words_and_without_its_bytes() {
    let (hosts, options) =
        mongo().url.split_once("/?").map(|(hosts, options)| (hosts.to_owned(), options.to_owned())).unwrap();
    // The name in the URL is the server's to judge.
    let mut generate = std::process::Command::new(env!("CARGO_BIN_EXE_seeder"));
    let output =
        generate.args(["generate", "--count", "1", "--store", &format!("{hosts}/a.b?{options}")]).output().unwrap();
    let line = said(&output);
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert!(line.contains("InvalidNamespace") && line.contains("'.' is an invalid character"), "{line}");
    assert!(!line.contains("RawDocumentBuf") && !line.contains("labels"), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
}
