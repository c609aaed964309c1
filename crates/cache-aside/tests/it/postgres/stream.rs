//! What the change stream gives out: each change once, in whatever order transactions commit, whoever dies meanwhile.

use cache_aside::{Change, ChangeSource, ChangeStream};
use test_servers::{PostgresServer, fresh_name};
use tokio::time::{Duration, Instant};

use super::changes::{Changes, Stream};
use super::store::{Precondition, StoreError, Todos};
use super::{Database, id_of, next, todo};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_committed_after_a_later_one_is_given_out_all_the_same() {
    let database = Database::new().await;
    let mut stream = database.follow_on("f").await;
    let (slow, fast) = (database.session().await, database.session().await);
    slow.batch_execute("BEGIN; INSERT INTO todos (id, name) VALUES ('first', 'x')").await.unwrap();
    fast.batch_execute("INSERT INTO todos (id, name) VALUES ('second', 'x')").await.unwrap();
    assert_eq!(id_of(&next(&mut stream).await), "second", "an open transaction holds nobody else up");
    stream.save().await.unwrap();
    slow.batch_execute("COMMIT").await.unwrap();
    assert_eq!(id_of(&next(&mut stream).await), "first");
    assert_eq!(stream.next().await.unwrap(), None, "each is given out once");
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_transaction_that_outlives_the_follower_is_given_to_the_next() {
    let database = Database::new().await;
    let mut stream = database.follow_on("f").await;
    let (slow, fast) = (database.session().await, database.session().await);
    slow.batch_execute("BEGIN; INSERT INTO todos (id, name) VALUES ('first', 'x')").await.unwrap();
    for number in 0..20 {
        fast.batch_execute(&format!("INSERT INTO todos (id, name) VALUES ('{number}', 'x')")).await.unwrap();
        next(&mut stream).await;
        stream.save().await.unwrap();
    }
    drop(stream);
    slow.batch_execute("COMMIT").await.unwrap();
    let mut stream = database.follow(Some("f")).await;
    assert!(stream.is_complete());
    assert_eq!(id_of(&next(&mut stream).await), "first");
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_out_but_not_saved_comes_again() {
    let database = Database::new().await;
    let mut stream = database.follow_on("f").await;
    let session = database.session().await;
    session
        .batch_execute("INSERT INTO todos (id, name) SELECT n::text, 'x' FROM generate_series(1, 5) n")
        .await
        .unwrap();
    next(&mut stream).await;
    // In the middle of what one look has found.
    stream.save().await.unwrap();
    drop(stream);
    let mut stream = database.follow(Some("f")).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(id_of(&next(&mut stream).await).to_owned());
    }
    ids.sort();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_write_is_told_of() {
    let database = Database::new().await;
    let mut stream = database.follow_on("f").await;
    let session = database.session().await;
    for (sql, told) in [
        ("INSERT INTO todos (id, name) VALUES ('a', 'x')", &["written a"][..]),
        ("UPDATE todos SET name = 'y'", &["written a"]),
        // Who sets a version sets it in vain.
        ("UPDATE todos SET version = 1", &["written a"]),
        ("UPDATE todos SET id = 'b'", &["deleted a", "written b"]),
        ("INSERT INTO todos (id, name) VALUES ('b', 'z') ON CONFLICT (id) DO UPDATE SET name = 'z'", &["written b"]),
        (
            "BEGIN; SAVEPOINT s; UPDATE todos SET name = 'no'; ROLLBACK TO s; UPDATE todos SET name = 'yes'; COMMIT",
            &["written b"],
        ),
        ("BEGIN; UPDATE todos SET name = 'no'; ROLLBACK; DELETE FROM todos", &["deleted b"]),
        ("TRUNCATE todos", &["any"]),
        // As logical replication applies it.
        ("SET session_replication_role = replica; INSERT INTO todos (id, name) VALUES ('c', 'x')", &["written c"]),
    ] {
        session.batch_execute(sql).await.unwrap();
        let mut seen = Vec::new();
        while seen.len() < told.len() {
            let change = next(&mut stream).await;
            let kind = match &change {
                Change::Written { .. } => "written ",
                Change::Deleted { .. } => "deleted ",
                _ => "",
            };
            seen.push(format!("{kind}{}", id_of(&change)));
        }
        seen.sort();
        assert_eq!(seen, told, "{sql}");
        assert_eq!(stream.next().await.unwrap(), None, "{sql}");
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_with_rights_to_the_todos_only_is_versioned_and_told_of() {
    let database = Database::new().await;
    let mut stream = database.follow_on("f").await;
    let session = database.session().await;
    let role = fresh_name("role");
    let grant = format!(
        r#"CREATE ROLE "{role}"; GRANT SELECT, INSERT, UPDATE, DELETE ON todos TO "{role}"; SET ROLE "{role}""#
    );
    session.batch_execute(&grant).await.unwrap();
    session.batch_execute("INSERT INTO todos (id, name) VALUES ('a', 'x')").await.unwrap();
    assert!(matches!(next(&mut stream).await, Change::Written { version: 1.., .. }));
    session.batch_execute("DELETE FROM todos").await.unwrap();
    assert_eq!(next(&mut stream).await, Change::Deleted { id: "a".to_owned() });
    session.batch_execute(&format!(r#"RESET ROLE; DROP OWNED BY "{role}"; DROP ROLE "{role}""#)).await.unwrap();
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_kept_until_every_follower_has_passed_them() {
    let database = Database::new().await;
    let (mut one, mut other) = (database.follow_on("one").await, database.follow_on("other").await);
    let session = database.session().await;
    let kept = async || session.query_one("SELECT count(*) FROM todo_changes", &[]).await.unwrap().get::<_, i64>(0);
    session.batch_execute("INSERT INTO todos (id, name) VALUES ('a', 'x')").await.unwrap();
    next(&mut one).await;
    one.save().await.unwrap();
    assert_eq!(kept().await, 1, "the other has not seen it");
    next(&mut other).await;
    // Until no transaction is open that began before, in any database: those of other tests, too.
    let all_are_gone = async |streams: &mut [&mut Stream]| {
        let began = Instant::now();
        while kept().await > 0 {
            assert!(began.elapsed() < Duration::from_secs(60), "changes stay that every follower has passed");
            for stream in streams.iter_mut() {
                assert_eq!(stream.next().await.unwrap(), None);
                stream.save().await.unwrap();
            }
        }
    };
    all_are_gone(&mut [&mut one, &mut other]).await;
    // Who does not come for an hour is waited for no longer.
    session
        .batch_execute("UPDATE todo_followers SET saved_at = now() - interval '2 hours' WHERE name = 'other'")
        .await
        .unwrap();
    session.batch_execute("UPDATE todos SET name = 'y'").await.unwrap();
    next(&mut one).await;
    all_are_gone(&mut [&mut one]).await;
    assert!(matches!(other.save().await, Err(StoreError::Forgotten)));
    assert!(!database.follow(Some("other")).await.is_complete());
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_died_before_it_saved_and_one_of_another_history_begin_anew() {
    let database = Database::new().await;
    drop(database.follow(Some("f")).await);
    let mut stream = database.follow(Some("f")).await;
    assert!(!stream.is_complete(), "what was cached before may still be there");
    stream.save().await.unwrap();
    assert!(database.follow(Some("f")).await.is_complete());
    let session = database.session().await;
    session.batch_execute("UPDATE todo_followers SET history = 'of the server before the restore'").await.unwrap();
    assert!(!database.follow(Some("f")).await.is_complete());
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_connection_ends_says_so() {
    let database = Database::new().await;
    let mut stream = database.follow_on("f").await;
    let session = database.session().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND query LIKE '%todo_followers%' AND pid <> pg_backend_pid()";
    session.execute(end, &[]).await.unwrap();
    let began = Instant::now();
    while stream.next().await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(60), "the stream goes on without a connection");
    }
    session.batch_execute("INSERT INTO todos (id, name) VALUES ('a', 'x')").await.unwrap();
    let mut stream = database.follow(Some("f")).await;
    assert!(stream.is_complete());
    assert_eq!(id_of(&next(&mut stream).await), "a", "nothing is lost between two connections");
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_loses_no_change_and_gives_no_version_twice() {
    let mut server = tokio::task::spawn_blocking(PostgresServer::start).await.unwrap();
    let config: tokio_postgres::Config = server.url("postgres").parse().unwrap();
    let todos = Todos::open(config.clone()).await.unwrap();
    let mut stream = Changes(config.clone()).open(Some("f")).await.unwrap();
    stream.save().await.unwrap();
    let mut last = 0;
    for number in 0..50 {
        last = todos.put(number.to_string(), todo("x"), Precondition::None).await.unwrap().version;
    }
    // None of it was given out yet.
    let server = tokio::task::spawn_blocking(move || {
        server.stop();
        server.restart();
        server
    });
    let server = server.await.unwrap();
    assert!(stream.next().await.is_err(), "its connection has ended");
    let mut stream = Changes(config).open(Some("f")).await.unwrap();
    assert!(stream.is_complete(), "a crash is another thing than a restore");
    for _ in 0..50 {
        assert!(matches!(next(&mut stream).await, Change::Written { .. }));
    }
    // Connections that the crash has ended leave the pool.
    let began = Instant::now();
    let after = loop {
        match todos.put("after".to_owned(), todo("x"), Precondition::None).await {
            Ok(stored) => break stored.version,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(60), "{error:?}"),
        }
    };
    assert!(after > last, "{after} came after {last}");
    drop(todos);
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_id_are_given_out_in_the_order_in_which_they_happened() {
    let database = Database::new().await;
    let (early, late) = (database.session().await, database.session().await);
    // Places at the begin of the table become free, and are taken by who comes with a new session; this one goes on at the end.
    early
        .batch_execute("INSERT INTO todos (id, name) SELECT n::text, 'x' FROM generate_series(1, 2000) n")
        .await
        .unwrap();
    let all_but_the_last = "DELETE FROM todo_changes WHERE version < (SELECT max(version) FROM todo_changes)";
    early.batch_execute(all_but_the_last).await.unwrap();
    early.batch_execute("VACUUM todo_changes").await.unwrap();
    let mut stream = database.follow_on("f").await;
    let insert = "INSERT INTO todos (id, name) VALUES ('a', 'x')";
    early.batch_execute(insert).await.unwrap();
    late.batch_execute("DELETE FROM todos WHERE id = 'a'").await.unwrap();
    assert_eq!(kinds_of_a(&mut stream).await, ["written", "deleted"], "whatever their places in the table");

    late.batch_execute("BEGIN; INSERT INTO todos (id, name) VALUES ('b', 'x')").await.unwrap();
    early.batch_execute(insert).await.unwrap();
    late.batch_execute("DELETE FROM todos WHERE id = 'a'; COMMIT").await.unwrap();
    assert_eq!(kinds_of_a(&mut stream).await, ["written", "deleted"], "also by a transaction that began before");
    database.drop().await;
}

/// What is told of `a`, by one look.
async fn kinds_of_a(stream: &mut Stream) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    loop {
        match stream.next().await.unwrap() {
            None if kinds.is_empty() => {}
            None => return kinds,
            Some(Change::Written { id, .. }) if id == "a" => kinds.push("written"),
            Some(Change::Deleted { id }) if id == "a" => kinds.push("deleted"),
            Some(_) => {}
        }
    }
}
