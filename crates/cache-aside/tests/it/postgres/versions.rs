//! What a write says: versions never come twice nor go back, and preconditions hold.

use test_servers::{fresh_name, shared_postgres};
use tokio::time::{Duration, Instant};

use super::store::{Precondition, StoreError, Todos};
use super::{Database, todo};

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
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE todos%' \
                   AND datname = current_database()";
    while !delete.is_finished() && other.query_one(blocked, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "the update neither ends nor waits");
    }
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
