//! Broken runs, and going on with them.

use std::process::Command;

use seeder::todos::todos;
use todo_store::{Store, StoreOptions};

use crate::support::{Place, embedded, mongo, said, until};

const COUNT: u64 = 100_000;

/// Starts a run over MongoDB, and waits until it is in the middle.
async fn in_the_middle(place: &Place) -> std::process::Child {
    let child = place.command(&["--count", &COUNT.to_string(), "--jobs", "2"]).spawn().unwrap();
    let store: Store = place.open().await;
    until("some todos are written", || async { store.count().await.unwrap() > 3_000 }).await;
    child
}

async fn goes_on(place: &Place) {
    let broken_at = place.count().await;
    assert!(broken_at > 0 && broken_at < COUNT, "it was not in the middle: {broken_at}");
    let resumed = place.generate(&["--count", &COUNT.to_string(), "--resume"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    let line = said(&resumed);
    assert!(line.contains(&format!("{} todos written", COUNT - broken_at)), "{line}");
    assert!(line.contains(&format!("{broken_at} were there already")), "{line}");
    assert_eq!(place.count().await, COUNT, "no duplicate");
    assert_eq!(place.todos(COUNT).await, todos(42, 1..COUNT + 1), "no gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_killed_is_resumed_without_a_gap_or_a_duplicate() {
    let place = mongo();
    let mut child = in_the_middle(&place).await;
    child.kill().unwrap();
    child.wait().unwrap();
    goes_on(&place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_and_sigint_end_it_with_what_was_written_and_how_to_go_on() {
    for signal in ["-TERM", "-INT"] {
        let place = mongo();
        let child = in_the_middle(&place).await;
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let written = place.count().await;
        let line = said(&output);
        assert!(line.contains(&format!("{written} todos were written")) && line.contains("--resume"), "{line}");
        goes_on(&place).await;
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
