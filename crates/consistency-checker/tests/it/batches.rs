//! Reads of many todos at once: each is held to what a single read of its id is held to, and binds later reads as one does.

use std::sync::Arc;

use consistency_checker::checker::Invariant;
use consistency_checker::history::Outcome;
use consistency_checker::workload::batch::outcomes;

use crate::notation::{accept, refuse, strict, with_l1};

#[test]
fn right_batches_are_accepted() {
    for (what, history) in [
        (
            "one that overlaps two writes may answer the newer of one and the older of the other",
            "0-2  n0 put w1 = 10 new id=a
             0-2  n0 put w2 = 20 new id=b
             3-9  n0 put w3 = 30 id=a
             3-9  n0 put w4 = 40 id=b
             4-8  n1 many w3 = 30 id=a
             4-8  n1 many w2 = 20 id=b",
        ),
        (
            "one that asks for an id twice may answer both values of an overlapping write",
            "0-2  n0 put w1 = 10 new
             3-9  n0 put w2 = 20
             4-8  n1 many w2 = 20
             4-8  n1 many w1 = 10",
        ),
        (
            "what is there and what is not come together",
            "0-2  n0 put w1 = 10 new id=a
             3-4  n1 many w1 = 10 id=a
             3-4  n1 many nothing id=b
             5-6  n0 delete id=a
             7-8  n1 many nothing id=a",
        ),
        (
            "past a failing cache it binds nobody",
            "0-2  n0 put w1 = 10 new
             3-5  n0 put w2 = 20 deferred
             6-7  n1 many w2 = 20 bypass
             8-9  n1 get w1 = 10",
        ),
    ] {
        eprintln!("{what}");
        let verdict = accept(strict(), history);
        assert!(verdict.reads_checked > 0, "{what}: each id of a batch is a read");
    }
}

#[test]
fn wrong_batches_are_refused() {
    for (invariant, promises, history) in [
        // Older than what was acknowledged.
        (
            Invariant::I3,
            strict(),
            "0-2  n0 put w1 = 10 new
             3-4  n0 put w2 = 20
             5-6  n1 many w2 = 20 id=b
             5-6  n1 many w1 = 10
             0-1  n0 put w2 = 20 new id=b",
        ),
        // A batch has shown the newer value, and a single read goes back behind it.
        (
            Invariant::I3,
            strict(),
            "0-2  n0 put w1 = 10 new
             3-9  n0 put w2 = 20
             4-5  n1 many w2 = 20
             6-7  n0 get w1 = 10",
        ),
        // Created, and not found.
        (
            Invariant::I9,
            strict(),
            "0-2  n0 put w1 = 10 new
             3-4  n1 many nothing",
        ),
        // Of another todo.
        (
            Invariant::I1,
            strict(),
            "0-2  n0 put w1 = 10 new id=a
             0-2  n0 put w2 = 20 new id=b
             3-4  n1 many w2 = 20 id=a",
        ),
        // A process goes back behind its own L1.
        (
            Invariant::I5,
            with_l1(),
            "0-2  n0 put w1 = 10 new
             3-4  n0 put w2 = 20
             5-6  n1 many w2 = 20
             7-8  n1 many w1 = 10",
        ),
    ] {
        let story = refuse(promises, invariant, history);
        assert!(story.contains("GET of 2"), "{story}");
    }
}

#[test]
fn an_answer_that_is_not_as_it_should_be_is_a_body_that_nobody_wrote() {
    let ids: [Arc<str>; 2] = ["a".into(), "b".into()];
    let (a, b) =
        (r#"{"id":"a","status":200,"etag":"\"10-x\"","todo":{"id":"a", "name":"w1"}}"#, r#"{"id":"b","status":404}"#);
    let right = outcomes(&ids, &format!("[{a},{b}]"));
    let Outcome::Value { version: 10, body, .. } = &right[0] else { panic!("{right:?}") };
    assert_eq!(&**body, r#"{"id":"a", "name":"w1"}"#, "byte by byte");
    assert_eq!(right[1], Outcome::Absent);
    let failed = outcomes(&ids, &format!(r#"[{a},{{"id":"b","status":503,"todo":null}}]"#));
    assert_eq!(failed[1], Outcome::Failed);
    for wrong in
        [format!("[{a}]"), format!("[{b},{a}]"), format!("[{a},{b},{b}]"), "{}".to_owned(), format!("[{a},{b}")]
    {
        let all = outcomes(&ids, &wrong);
        assert!(all.iter().all(|outcome| matches!(outcome, Outcome::Value { marker: None, .. })), "{wrong}: {all:?}");
        assert_eq!(all.len(), ids.len());
    }
    for wrong in [
        r#"{"id":"b","status":200,"todo":{"id":"b","name":"w2"}}"#,
        r#"{"id":"b","status":200,"etag":"\"x\"","todo":{"id":"b","name":"w2"}}"#,
        r#"{"id":"b","status":200,"etag":"\"3\""}"#,
        r#"{"id":"b","status":404,"todo":{"id":"b","name":"w2"}}"#,
    ] {
        let all = outcomes(&ids, &format!("[{a},{wrong}]"));
        assert!(matches!(all[1], Outcome::Value { marker: None, .. }), "{wrong}: {all:?}");
    }
}
