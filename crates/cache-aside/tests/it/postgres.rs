//! The change stream of `examples/postgres` over a real PostgreSQL: each change is given out once, whatever the order of
//! commits; and versions never go back.

// The example is a program; its modules are compiled in here.
#[path = "../../examples/postgres/changes.rs"]
mod changes;
#[path = "../../examples/postgres/store.rs"]
#[expect(dead_code, reason = "the program uses the rest")]
mod store;

use cache_aside::{Change, ChangeSource, ChangeStream};
use test_servers::{PostgresServer, fresh_name, shared_postgres};
use tokio::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

use self::changes::{Changes, Stream};
use self::store::{NewTodo, Precondition, StoreError, Todos};

/// A database with the example's tables, and what follows it.
struct Database {
    name: String,
    url: String,
    todos: Todos,
}

impl Database {
    async fn new() -> Self {
        let name = fresh_name("example");
        let url = tokio::task::spawn_blocking({
            let name = name.clone();
            move || shared_postgres().create_database(&name)
        });
        let url = url.await.unwrap();
        Self { name, todos: Todos::open(url.parse().unwrap()).await.unwrap(), url }
    }

    /// A session of somebody who knows nothing of versions.
    async fn session(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn follow(&self, name: Option<&str>) -> Stream {
        Changes(self.url.parse().unwrap()).open(name).await.unwrap()
    }

    /// A follower that was here before.
    async fn follow_on(&self, name: &str) -> Stream {
        let mut stream = self.follow(Some(name)).await;
        assert!(!stream.is_complete(), "what came before the first follower is not known");
        stream.save().await.unwrap();
        drop(stream);
        let stream = self.follow(Some(name)).await;
        assert!(stream.is_complete());
        stream
    }

    async fn drop(self) {
        drop(self.todos);
        tokio::task::spawn_blocking(move || shared_postgres().drop_database(&self.name)).await.unwrap();
    }
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

/// Waits for the next change.
async fn next(stream: &mut Stream) -> Change {
    let began = Instant::now();
    loop {
        if let Some(change) = stream.next().await.unwrap() {
            return change;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for a change");
    }
}

fn id_of(change: &Change) -> &str {
    match change {
        Change::Written { id, .. } | Change::Deleted { id } | Change::Touched { id } => id,
        _ => "any",
    }
}

fn todo(name: &str) -> NewTodo {
    NewTodo { name: name.to_owned(), description: None }
}

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
async fn an_insert_that_is_overtaken_by_an_update_and_a_delete_brings_no_older_version_back() {
    let database = Database::new().await;
    let (slow, other) = (database.session().await, database.session().await);
    slow.batch_execute("INSERT INTO todos (id, name) VALUES ('a', 'x')").await.unwrap();
    // An insert that stands still between the trigger and the row, as any that the system suspends there.
    slow.batch_execute(
        "CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF NEW.name = 'slow' THEN PERFORM pg_advisory_lock(1, 1); PERFORM pg_advisory_unlock(1, 1); END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER z_stand_still BEFORE INSERT ON todos FOR EACH ROW EXECUTE FUNCTION stand_still()",
    )
    .await
    .unwrap();
    other.execute("SELECT pg_advisory_lock(1, 1)", &[]).await.unwrap();
    let insert = tokio::spawn(async move {
        slow.query("INSERT INTO todos (id, name) VALUES ('a', 'slow') ON CONFLICT DO NOTHING RETURNING version", &[])
            .await
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()";
    let began = Instant::now();
    while other.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "the insert does not stand still");
    }
    // Either it waits until the insert is through, or the insert comes after it and draws its version after it.
    let third = database.session().await;
    let delete = tokio::spawn(async move {
        third.batch_execute("UPDATE todos SET name = 'newer' WHERE id = 'a'").await.unwrap();
        let row = third.query_opt(
            "WITH gone AS (DELETE FROM todos WHERE id = 'a' RETURNING version) SELECT version FROM gone",
            &[],
        );
        row.await.unwrap().map(|row| row.get::<_, i64>(0))
    });
    tokio::time::timeout(Duration::from_millis(300), async {
        while !delete.is_finished() {
            tokio::task::yield_now().await
        }
    })
    .await
    .ok();
    other.execute("SELECT pg_advisory_unlock(1, 1)", &[]).await.unwrap();
    let brought_back = insert.await.unwrap().unwrap().first().map(|row| row.get::<_, i64>(0));
    let deleted = delete.await.unwrap();
    assert!(brought_back.is_none_or(|version| Some(version) > deleted), "{brought_back:?} came after {deleted:?}");
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_one_time_make_the_tables_once() {
    let name = fresh_name("example");
    let url = {
        let name = name.clone();
        tokio::task::spawn_blocking(move || shared_postgres().create_database(&name)).await.unwrap()
    };
    let opening: Vec<_> = (0..8).map(|_| tokio::spawn(Todos::open(url.parse().unwrap()))).collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
    tokio::task::spawn_blocking(move || shared_postgres().drop_database(&name)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_says_what_became_of_it() {
    let database = Database::new().await;
    let todos = &database.todos;
    let put = async |only| todos.put("a".to_owned(), todo("x"), only).await;
    assert!(matches!(put(Precondition::Version(1)).await, Err(StoreError::PreconditionFailed)));
    let first = put(Precondition::Absent).await.unwrap();
    assert!(first.created);
    assert!(matches!(put(Precondition::Absent).await, Err(StoreError::PreconditionFailed)));
    assert!(matches!(todos.create("a".to_owned(), todo("x")).await, Err(StoreError::AlreadyThere)));
    let second = put(Precondition::None).await.unwrap();
    assert!(!second.created && second.version > first.version);
    let gone = todos.delete("a".to_owned(), Precondition::None).await.unwrap();
    assert!(gone.version > second.version && gone.body.is_none());
    assert!(matches!(todos.delete("a".to_owned(), Precondition::None).await, Err(StoreError::NotFound)));
    let third = put(Precondition::None).await.unwrap();
    assert!(third.created && third.version > gone.version, "a version never comes twice");
    database.drop().await;
}
