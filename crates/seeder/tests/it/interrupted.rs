//! Broken runs, and going on with them.

use std::process::Output;

use seeder::todos::todos;
use todo_store::{Store, StoreOptions};

use crate::support::{COUNTS, Place, embedded, is_in_the_middle, mongo, said, signalled, until};

/// A run over MongoDB that a signal ended in its middle, what it said, and how many todos it was to write.
async fn broken_by(signal: &str) -> (Place, Output, u64) {
    for count in COUNTS {
        let place = mongo();
        let mut child = place.command(&["--count", &count.to_string(), "--jobs", "2"]).spawn().unwrap();
        let is_in_the_middle = is_in_the_middle(&mut child, &place).await;
        let output = signalled(child, signal);
        if is_in_the_middle && place.count().await < count {
            return (place, output, count);
        }
    }
    panic!("every run was over before it could be broken");
}

async fn goes_on(place: &Place, count: u64) {
    let broken_at = place.count().await;
    assert!(broken_at > 0 && broken_at < count, "it was not in the middle: {broken_at}");
    let resumed = place.generate(&["--count", &count.to_string(), "--resume"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    let line = said(&resumed);
    assert!(line.contains(&format!("{} todos written", count - broken_at)), "{line}");
    assert!(line.contains(&format!("{broken_at} were there already")), "{line}");
    assert_eq!(place.count().await, count, "no duplicate");
    assert_eq!(place.todos(count).await, todos(42, 1..count + 1), "no gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_killed_is_resumed_without_a_gap_or_a_duplicate() {
    let (place, _, count) = broken_by("-KILL").await;
    goes_on(&place, count).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_and_sigint_end_it_with_what_was_written_and_how_to_go_on() {
    for signal in ["-TERM", "-INT"] {
        let (place, output, count) = broken_by(signal).await;
        assert_eq!(output.status.code(), Some(1));
        let written = place.count().await;
        let line = said(&output);
        assert!(line.contains(&format!("{written} todos were written")) && line.contains("--resume"), "{line}");
        goes_on(&place, count).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gaps_anywhere_are_filled_in_either_store() {
    for place in [mongo(), embedded()] {
        let (count, flags) = (5_000, ["--count", "5000", "--resume"]);
        {
            let options = StoreOptions { database: Some(place.database.clone()), ..StoreOptions::default() };
            let store = Store::open(&place.url.parse().unwrap(), &options).await.unwrap();
            for numbers in [1..10, 500..1_700, 4_999..5_001] {
                store.insert_many(&todos(42, numbers)).await.unwrap();
            }
            store.flush().await.unwrap();
        }
        // The embedded store is given back a moment after its last handle is gone.
        let mut output = place.generate(&flags);
        until("the file is given back", || {
            if said(&output).contains("another process") {
                output = place.generate(&flags);
            }
            let done = output.status.success();
            async move { done }
        })
        .await;
        assert!(said(&output).contains("3789 todos written"), "{}", said(&output));
        assert_eq!(place.todos(count).await, todos(42, 1..count + 1));
    }
}
