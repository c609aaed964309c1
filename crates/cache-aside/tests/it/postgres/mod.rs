//! The change stream of `examples/postgres` over a real PostgreSQL: each change is given out once, whatever the order of
//! commits; and versions never go back.
//!
//! - `stream`: what the change stream gives out. `versions`: what a write says.

// The example is a program; its modules are compiled in here.
#[path = "../../../examples/postgres/changes.rs"]
mod changes;
#[path = "../../../examples/postgres/store.rs"]
#[expect(dead_code, reason = "the program uses the rest")]
mod store;

mod stream;
mod versions;

use cache_aside::{Change, ChangeSource, ChangeStream};
use test_servers::{fresh_name, shared_postgres};
use tokio::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

use self::changes::{Changes, Stream};
use self::store::{NewTodo, Todos};

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
