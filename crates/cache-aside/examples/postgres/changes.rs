//! The change stream: `todo_changes` says what happened, `NOTIFY` says when to look. A notice that is lost costs a moment, never
//! a change.
//!
//! The place in the stream is a snapshot, not a number: a transaction that drew a lower number may commit after one that
//! drew a higher. What the last snapshot did not see and this one does is new, however long it was under way.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use cache_aside::{Change, ChangeSource, ChangeStream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Row, Socket, tls::NoTlsStream};

use super::store::StoreError;

/// How long without a notice until the table is looked at all the same.
const LOOK: Duration = Duration::from_millis(200);
/// How long PostgreSQL may take for an answer. The stream is opened anew then.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first look of a follower that was here before goes on where it was; else it begins now.
const OPEN: &str = "
    INSERT INTO todo_followers (name, place, history, settled) VALUES ($1, pg_current_snapshot(), todo_history(), false)
    ON CONFLICT (name) DO UPDATE SET
        settled = todo_followers.settled AND todo_followers.history = excluded.history,
        place = CASE WHEN todo_followers.settled AND todo_followers.history = excluded.history
            THEN todo_followers.place ELSE excluded.place END,
        history = excluded.history
    RETURNING place::text, settled";

/// What this statement's snapshot sees and the snapshot $1 does not, each id's in the order in which they happened: neither places in
/// the table nor transaction numbers have it. One row without an id, if that is nothing.
const NEW_CHANGES: &str = "
    SELECT pg_current_snapshot()::text, changes.txid IS NOT NULL, changes.id, changes.version
    FROM (VALUES (1)) AS once LEFT JOIN todo_changes AS changes ON
        changes.txid >= pg_snapshot_xmin($1::text::pg_snapshot)
        AND NOT pg_visible_in_snapshot(changes.txid, $1::text::pg_snapshot)
    ORDER BY changes.number";

/// Who did not come for an hour is waited for no longer, and begins anew.
const SAVE: &str = "
    WITH gone AS (DELETE FROM todo_followers WHERE saved_at < now() - interval '1 hour' AND name <> $1)
    UPDATE todo_followers SET place = $2::text::pg_snapshot, settled = true, saved_at = now() WHERE name = $1";

/// What every follower has passed.
const PRUNE: &str = "
    DELETE FROM todo_changes WHERE txid <
        (SELECT pg_snapshot_xmin(place) FROM todo_followers ORDER BY pg_snapshot_xmin(place) LIMIT 1)";

/// The changes of the database at an address. `LISTEN` needs a session of its own: not through a pooler that shares sessions.
#[derive(Clone)]
pub(crate) struct Changes(pub(crate) Config);

pub(crate) struct Stream {
    client: Client,
    noticed: Arc<Notify>,
    name: String,
    complete: bool,
    /// Seen, and not given out yet.
    changes: VecDeque<Change>,
    /// Everything that this snapshot sees was given out before `changes`.
    before: Place,
    /// Everything that this snapshot sees is in `changes`, or was given out.
    seen: Place,
}

#[derive(Clone)]
struct Place {
    snapshot: String,
    at: Instant,
}

impl ChangeSource for Changes {
    type Stream = Stream;
    type Error = StoreError;

    async fn open(&self, name: Option<&str>) -> Result<Stream, StoreError> {
        let (client, connection) = in_time(self.0.connect(NoTls)).await?;
        let noticed = Arc::new(Notify::new());
        tokio::spawn(pass_notices_on(connection, Arc::clone(&noticed)));
        // First listen, then look: the other way round a change between the two would wait for the next look.
        in_time(client.batch_execute("LISTEN todo_changes")).await?;
        noticed.notify_one();
        // A cache within one process follows for itself, but what it has not seen must not be removed either.
        let name = name.map_or_else(|| format!("process {:016x}", rand::random::<u64>()), str::to_owned);
        let row = in_time(client.query_one(OPEN, &[&name])).await?;
        let place = Place { snapshot: row.get(0), at: Instant::now() };
        let complete = row.get(1);
        Ok(Stream { client, noticed, name, complete, changes: VecDeque::new(), before: place.clone(), seen: place })
    }
}

impl ChangeStream for Stream {
    type Error = StoreError;

    fn is_complete(&self) -> bool {
        self.complete
    }

    async fn next(&mut self) -> Result<Option<Change>, StoreError> {
        if self.changes.is_empty() {
            let _ = timeout(LOOK, self.noticed.notified()).await;
            self.look().await?;
        }
        Ok(self.changes.pop_front())
    }

    /// What was given out last had not happened at the look before.
    fn lag(&self) -> Duration {
        self.before.at.elapsed()
    }

    async fn save(&mut self) -> Result<(), StoreError> {
        let place = if self.changes.is_empty() { &self.seen } else { &self.before };
        if in_time(self.client.execute(SAVE, &[&self.name, &place.snapshot])).await? == 0 {
            return Err(StoreError::Forgotten);
        }
        in_time(self.client.execute(PRUNE, &[])).await?;
        Ok(())
    }
}

impl Stream {
    async fn look(&mut self) -> Result<(), StoreError> {
        self.before = self.seen.clone();
        let at = Instant::now();
        let rows = in_time(self.client.query(NEW_CHANGES, &[&self.before.snapshot])).await?;
        if let Some(row) = rows.first() {
            self.seen = Place { snapshot: row.get(0), at };
        }
        self.changes.extend(rows.iter().filter(|row| row.get(1)).map(change));
        Ok(())
    }
}

fn change(row: &Row) -> Change {
    match (row.get::<_, Option<String>>(2), row.get::<_, Option<i64>>(3)) {
        (None, _) => Change::Unknown,
        (Some(id), None) => Change::Deleted { id },
        (Some(id), Some(version)) => Change::Written { id, version: version.unsigned_abs() },
    }
}

/// Drives the connection, and turns its notices into one: they only say that it is time to look.
async fn pass_notices_on(mut connection: Connection<Socket, NoTlsStream>, noticed: Arc<Notify>) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(_) = message {
            noticed.notify_one();
        }
    }
    // The next look fails, and says why.
    noticed.notify_one();
}

async fn in_time<T>(answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, StoreError> {
    Ok(timeout(PATIENCE, answer).await.map_err(|_| StoreError::Timeout)??)
}
