//! `seeder generate` on both stores.

use seeder::todos::todos;
use todo_store::Expect;

use crate::support::{Place, fail, succeed};

async fn writes_exactly_the_todos_of_its_seed(place: Place) {
    let said = succeed(&place.flags("generate", &["--count", "2345", "--seed", "7"]));
    assert!(said.starts_with("2345 todos written in ") && said.contains(" todos/s"), "{said}");
    place.holds(&todos(7, 1..2346)).await;
}

#[tokio::test]
async fn mongodb_holds_exactly_the_todos_of_the_seed() {
    writes_exactly_the_todos_of_its_seed(Place::mongo()).await;
}

#[tokio::test]
async fn the_embedded_store_holds_exactly_the_todos_of_the_seed() {
    writes_exactly_the_todos_of_its_seed(Place::embedded()).await;
}

async fn a_collection_with_todos_is_refused_or_emptied_or_completed(place: Place) {
    succeed(&place.flags("generate", &["--count", "1500", "--seed", "1"]));
    let (line, code) = fail(&place.flags("generate", &["--count", "1500", "--seed", "2"]));
    assert_eq!(code, Some(1));
    assert!(line.contains("1500 todos") && line.contains("--drop") && line.contains("--resume"), "{line}");

    let said = succeed(&place.flags("generate", &["--count", "2500", "--seed", "1", "--resume"]));
    assert!(said.starts_with("1000 todos written") && said.contains("1500 were there already"), "{said}");
    place.holds(&todos(1, 1..2501)).await;

    let (line, code) = fail(&place.flags("generate", &["--count", "2500", "--seed", "2", "--resume"]));
    assert_eq!(code, Some(1));
    assert!(line.contains("not the one that seed 2 makes") && line.contains("--drop"), "{line}");
    place.holds(&todos(1, 1..2501)).await;

    succeed(&place.flags("generate", &["--count", "1200", "--seed", "2", "--drop"]));
    place.holds(&todos(2, 1..1201)).await;
}

#[tokio::test]
async fn in_mongodb_todos_that_are_there_are_refused_or_removed_or_completed() {
    a_collection_with_todos_is_refused_or_emptied_or_completed(Place::mongo()).await;
}

#[tokio::test]
async fn in_the_embedded_store_todos_that_are_there_are_refused_or_removed_or_completed() {
    a_collection_with_todos_is_refused_or_emptied_or_completed(Place::embedded()).await;
}

#[tokio::test]
async fn a_resumed_run_fills_holes_and_leaves_the_rest() {
    let place = Place::mongo();
    succeed(&place.flags("generate", &["--count", "3000"]));
    let (store, all) = (place.store().await, todos(42, 1..3001));
    for gone in [0, 999, 1_500, 2_999] {
        store.delete(&all[gone].id, &Expect::Anything).await.unwrap();
    }
    let kept = store.find(&all[1].id).await.unwrap();
    let said = succeed(&place.flags("generate", &["--count", "3000", "--resume"]));
    assert!(said.starts_with("4 todos written") && said.contains("2996 were there"), "{said}");
    place.holds(&all).await;
    assert_eq!(store.find(&all[1].id).await.unwrap(), kept);
}

#[tokio::test]
async fn any_number_of_jobs_writes_the_same_todos() {
    for jobs in ["1", "7"] {
        let place = Place::mongo();
        succeed(&place.flags("generate", &["--count", "4100", "--jobs", jobs]));
        place.holds(&todos(42, 1..4101)).await;
    }
}
