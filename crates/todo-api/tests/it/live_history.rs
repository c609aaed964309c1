//! What the page at `/live` shows of the time before it was opened.

use serde_json::Value;
use test_servers::{fresh_name, shared_mongo, shared_redis};

use crate::live::{Viewer, own};
use crate::support::{Service, until};

/// What the first history of such a process says that somebody is told who begins to look. Without the way over HTTP, whose end a service
/// notices only with the next picture.
async fn moments(service: &Service, of: impl Fn(&str) -> bool) -> Vec<Value> {
    let mut viewer = service.look();
    for _ in 0..120 {
        let sent = viewer.next().await.expect("the stream goes on");
        for event in std::str::from_utf8(&sent).unwrap().split("\n\n") {
            let past: Option<Value> =
                event.strip_prefix("event: past\ndata: ").map(|data| serde_json::from_str(data).unwrap());
            for history in past.iter().flat_map(|past| past["histories"].as_array().unwrap()) {
                if of(history["history_of"].as_str().unwrap()) {
                    return history["moments"].as_array().unwrap().clone();
                }
            }
        }
    }
    Vec::new()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_late_sees_what_was_before_in_all_processes() {
    let (store, cache, name) = (shared_mongo().url(), shared_redis().url(), fresh_name("past"));
    let start = async || {
        Service::start(&["--store", &store, "--cache", &cache, "--database", &name, "--cache-prefix", &name]).await
    };
    let (here, there) = (start().await, start().await);
    // The place of hits in the counts is the first, that of writes the eighth.
    here.create("1").await;
    assert_eq!(there.get("/todos/1").await.status(), 200);
    let own = own(&Viewer::of(&here).await.next().await)["process"].as_str().unwrap().to_owned();
    let has = |moments: &[Value], place: usize| moments.iter().any(|moment| moment[1]["counts"][place] == 1);
    until("this one has kept its write", || async { has(&moments(&here, |process| process == own).await, 7) }).await;
    until("the other one has told of its hit", || async { has(&moments(&here, |process| process != own).await, 0) })
        .await;
    let kept = moments(&here, |process| process == own).await;
    let ages: Vec<u64> = kept.iter().map(|moment| moment[0].as_u64().unwrap()).collect();
    assert!(ages.is_sorted_by(|older, newer| older > newer), "{ages:?}");
    assert!(kept[0][1]["latency"].as_array().unwrap().len() == 13, "{kept:?}");
}
