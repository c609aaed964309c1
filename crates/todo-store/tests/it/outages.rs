//! MongoDB that is away, hangs, refuses, or whose answers are lost.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use test_servers::{MongoServer, free_port, lateness, shared_mongo};
use todo_model::TodoPatch;
use todo_store::{Precondition, Store, StoreError, StoreOptions, StoreUrl};

use crate::faults::{Faults, ONE_AT_A_TIME};
use crate::support::{id, options, todo};

const PATIENT: Duration = Duration::from_secs(20);
/// After so long nothing comes any more, on any machine.
const LONGEST: Duration = Duration::from_secs(180);

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_in_time_and_its_password_is_not_shown() {
    let url: StoreUrl = format!("mongodb://user:hunter2@127.0.0.1:{}/", free_port()).parse().unwrap();
    let began = Instant::now();
    let opened = Store::open(&url, &StoreOptions { timeout: Duration::from_secs(2), ..options() }).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5) + lateness(), "{took:?}");
    let Err(error @ StoreError::Unavailable(_)) = opened else { panic!("{opened:?}") };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("refused"), "{cause}");
    assert!(!format!("{error:?} {error} {cause}").contains("hunter2"));
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_and_its_password_is_not_shown() {
    for text in ["mongodb://user:hun:ter2@host:x/", "mongodb://user:hun/ter2@host", "mongodb://host:port"] {
        let opened = Store::open(&text.parse().unwrap(), &options()).await;
        let Err(error @ StoreError::Refused(_)) = opened else { panic!("{text}: {opened:?}") };
        assert!(!format!("{error:?} {error}").contains("hun"), "{error:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_shown() {
    let url = shared_mongo().url().replace("mongodb://", "mongodb://user:hunter2@");
    let opened = Store::open(&url.parse().unwrap(), &options()).await;
    let Err(error @ StoreError::Refused(_)) = opened else { panic!("{opened:?}") };
    let text = error.to_string();
    assert!(text.contains("authentication failed") && text.contains("password"), "{text}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

/// A store with this deadline on a server whose indexes and data are made: these take longer than what is tried.
async fn quick_store(server: &MongoServer, timeout: Duration) -> Store {
    let patient = StoreOptions { timeout: PATIENT, ..options() };
    let url = server.url().parse().unwrap();
    Store::open(&url, &patient).await.unwrap().create(&todo("one")).await.unwrap();
    let store = Store::open(&url, &StoreOptions { timeout, ..patient }).await.unwrap();
    assert!(store.find(&id("1")).await.unwrap().is_some());
    store
}

async fn wait_until_it_answers(store: &Store) {
    let began = Instant::now();
    while store.find(&id("1")).await.is_err() {
        assert!(began.elapsed() < LONGEST, "it does not answer again");
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_of_unknown_outcome_to_writers_and_unavailable_to_readers() {
    let server = MongoServer::start();
    let timeout = Duration::from_secs(1);
    let store = quick_store(&server, timeout).await;
    server.suspend();
    let began = Instant::now();
    let written = store.replace(&todo("two"), &Precondition::None).await;
    assert!(matches!(written, Err(StoreError::UnknownOutcome(_))), "{written:?}");
    let read = store.find(&id("1")).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let took = began.elapsed();
    assert!(took < 4 * timeout + lateness(), "two operations took {took:?}");
    server.resume();
    wait_until_it_answers(&store).await;
}

#[tokio::test]
async fn a_server_that_is_killed_is_soon_known_to_be_away_and_found_when_it_is_back() {
    let mut server = MongoServer::start();
    let store = quick_store(&server, Duration::from_secs(2)).await;
    server.stop();
    let began = Instant::now();
    // The first write may still meet a connection that breaks under it.
    loop {
        match store.replace(&todo("two"), &Precondition::None).await {
            Err(StoreError::Unavailable(_)) => break,
            Err(StoreError::UnknownOutcome(_)) => {}
            other => panic!("{other:?}"),
        }
        assert!(began.elapsed() < LONGEST, "never sure that nothing was sent");
    }
    let read = store.find(&id("1")).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    server.restart();
    wait_until_it_answers(&store).await;
    assert_eq!(store.find(&id("1")).await.unwrap().unwrap().todo, todo("one"));
    store.replace(&todo("two"), &Precondition::None).await.unwrap();
}

fn done_but_not_told() -> Document {
    doc! {
        "writeConcernError": { "code": 262, "codeName": "ExceededTimeLimit", "errmsg": "late" },
        "errorLabels": ["RetryableWriteError"],
    }
}

#[tokio::test]
async fn a_write_that_happened_but_whose_answer_was_lost_is_told_as_it_happened() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let faults = Faults::new(PATIENT).await;
    let store = &faults.store;

    faults.next(1, "commitTransaction", done_but_not_told()).await;
    let created = store.create(&todo("one")).await.expect("not a conflict with itself");
    assert_eq!(store.find(&id("1")).await.unwrap().unwrap().version, created);

    faults.next(1, "findAndModify", done_but_not_told()).await;
    let now = store.find(&id("1")).await.unwrap().unwrap();
    let replaced =
        store.replace(&todo("two"), &Precondition::Unchanged(now)).await.expect("not a conflict with itself");
    assert_eq!(store.find(&id("1")).await.unwrap().unwrap().version, replaced.version, "it happened once");

    faults.next(1, "findAndModify", done_but_not_told()).await;
    let deleted = store.delete(&id("1"), &Precondition::None).await.expect("found before it was deleted");
    assert!(deleted > replaced.version);
}

#[tokio::test]
async fn a_write_that_no_majority_has_is_of_unknown_outcome() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let faults = Faults::new(PATIENT).await;
    let alone = doc! { "writeConcernError": { "code": 64, "codeName": "WriteConcernFailed", "errmsg": "alone" } };
    faults.next(1, "commitTransaction", alone.clone()).await;
    let created = faults.store.create(&todo("one")).await;
    assert!(matches!(created, Err(StoreError::UnknownOutcome(_))), "{created:?}");
    let began = Instant::now();
    while faults.store.find(&id("1")).await.unwrap().is_none() {
        assert!(began.elapsed() < LONGEST, "in this case it did happen");
    }
    faults.next(1, "insert", alone.clone()).await;
    let inserted = faults.store.insert_many(&[todo("two")]).await;
    assert!(matches!(inserted, Err(StoreError::UnknownOutcome(_))), "{inserted:?}");
    faults.next(1, "findAndModify", alone.clone()).await;
    let replaced = faults.store.replace(&todo("three"), &Precondition::None).await;
    assert!(matches!(replaced, Err(StoreError::UnknownOutcome(_))), "{replaced:?}");
    faults.next(1, "insert", alone).await;
    let created = faults.store.create_under_new_id(&todo_model::Todo { id: id("4"), ..todo("new") }).await;
    assert!(matches!(created, Err(StoreError::UnknownOutcome(_))), "{created:?}");
}

#[tokio::test]
async fn broken_connections_are_mended_once_and_then_told() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let faults = Faults::new(PATIENT).await;
    let broken = doc! { "closeConnection": true };
    faults.store.create(&todo("one")).await.unwrap();

    for command in ["findAndModify", "commitTransaction"] {
        let other = todo_model::Todo { id: id(command), ..todo("one") };
        faults.next(1, command, broken.clone()).await;
        faults.store.create(&other).await.expect("tried again, or committed again");
    }
    faults.next(2, "commitTransaction", broken.clone()).await;
    let created = faults.store.create(&todo_model::Todo { id: id("2"), ..todo("one") }).await;
    assert!(matches!(created, Err(StoreError::UnknownOutcome(_))), "{created:?}");

    faults.next(1, "find", broken.clone()).await;
    assert!(faults.store.find(&id("1")).await.unwrap().is_some(), "read again");
    faults.next(1, "findAndModify", broken.clone()).await;
    faults.store.replace(&todo("two"), &Precondition::None).await.expect("written again");

    faults.next(2, "find", broken.clone()).await;
    let read = faults.store.find(&id("1")).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    faults.next(2, "findAndModify", broken).await;
    let patch = TodoPatch { name: Some("three".to_owned()), ..TodoPatch::default() };
    let written = faults.store.patch(&id("1"), &patch, &Precondition::None).await;
    assert!(matches!(written, Err(StoreError::UnknownOutcome(_))), "{written:?}");
}

#[tokio::test]
async fn a_write_that_was_interrupted_is_of_unknown_outcome() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let faults = Faults::new(PATIENT).await;
    faults.store.create(&todo("one")).await.unwrap();
    // The first try may have succeeded, and only the second was interrupted, or cut off from the others.
    for code in [6, 7, 50, 262, 11_601] {
        faults.next(2, "findAndModify", doc! { "errorCode": code }).await;
        let replaced = faults.store.replace(&todo("two"), &Precondition::None).await;
        assert!(matches!(replaced, Err(StoreError::UnknownOutcome(_))), "{code}: {replaced:?}");
        faults.next(0, "findAndModify", doc! {}).await;
    }
}

#[tokio::test]
async fn what_the_user_may_not_do_is_refused() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let faults = Faults::new(PATIENT).await;
    faults.next(1, "findAndModify", doc! { "errorCode": 13 }).await;
    let written = faults.store.create(&todo("one")).await;
    assert!(matches!(&written, Err(StoreError::Refused(text)) if text.contains("not authorized")), "{written:?}");
}

#[tokio::test]
async fn an_operation_of_several_steps_has_one_deadline() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let faults = Faults::new(Duration::from_millis(1_500)).await;
    faults.next(2, "findAndModify", doc! { "blockConnection": true, "blockTimeMS": 1_000 }).await;
    // First it looks for one to replace, then it creates one.
    let replaced = faults.store.replace(&todo("one"), &Precondition::None).await;
    assert!(matches!(replaced, Err(StoreError::Unavailable(_))), "its commit was not begun: {replaced:?}");
}

#[tokio::test]
async fn a_write_that_found_no_connection_in_time_is_known_not_to_have_happened() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let faults = Faults::with(Duration::from_millis(1_500), "maxPoolSize=1").await;
    let store = &faults.store;
    store.create(&todo("one")).await.unwrap();
    // A count, whose deadline is the longer one, has the only connection.
    faults.next(1, "aggregate", doc! { "blockConnection": true, "blockTimeMS": 6_000 }).await;
    let counting = tokio::spawn({
        let store = store.clone();
        async move { store.count().await }
    });
    faults.wait_until_blocked().await;
    let other = todo_model::Todo { id: id("2"), ..todo("one") };
    for written in
        [store.replace(&todo("two"), &Precondition::None).await.map(drop), store.create(&other).await.map(drop)]
    {
        let Err(StoreError::Unavailable(cause)) = written else { panic!("{written:?}") };
        assert!(cause.to_string().contains("no connection was free"), "{cause}");
    }
    assert_eq!(counting.await.unwrap().unwrap(), 1);
    assert_eq!(store.find(&id("1")).await.unwrap().unwrap().todo, todo("one"));
    assert!(store.find(&id("2")).await.unwrap().is_none());
}
