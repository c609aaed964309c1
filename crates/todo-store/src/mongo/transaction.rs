//! A create under an id of the client's, which is a transaction: it sees the id as of before the clock gave the version, and ends if
//! somebody wrote it since. Outside of one the server would try again inside the command, with the clock of its start; and the
//! version of a todo that was made and deleted meanwhile would be higher, or come twice.

use std::io;
use std::time::Duration;

use mongodb::ClientSession;
use mongodb::bson::RawDocumentBuf;
use mongodb::error::{Result, TRANSIENT_TRANSACTION_ERROR};
use todo_model::{Todo, Version};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::MongoStore;
use super::connected::Connected;
use crate::document;

/// Creates of one id that met try again after a random time up to this.
const CONFLICT_PAUSE: Duration = Duration::from_millis(8);
/// After so long the server ends a transaction by itself (`transactionLifetimeLimitSeconds`).
const LONGEST: Duration = Duration::from_secs(60);

impl MongoStore {
    /// Adds a todo if none has the id.
    ///
    /// In a task of its own, which a caller that gives up does not take along: a command that the server runs late leaves the
    /// transaction open, and that would keep others from the id for a minute. What was given up before its commit began does not
    /// happen.
    pub(super) async fn insert_or_conflict(&self, todo: &Todo) -> Result<Version> {
        let (answer, answered) = oneshot::channel();
        let (store, todo, connected) = (self.clone(), todo.clone(), Connected::of_this_operation());
        tokio::spawn(timeout(LONGEST, store.run_transaction(todo, answer, connected)));
        answered.await.unwrap_or_else(|_| Err(io::Error::other("the transaction's task has ended").into()))
    }

    async fn run_transaction(self, todo: Todo, mut answer: oneshot::Sender<Result<Version>>, connected: Connected) {
        let mut session = match self.database.client().start_session().await {
            Ok(session) => session,
            Err(error) => return drop(answer.send(Err(error))),
        };
        loop {
            let insert = async {
                session.start_transaction().await?;
                self.insert(&todo).session(&mut session).await
            };
            let Some(inserted) = unless_given_up(insert, &mut answer).await else { return };
            let done = match inserted.and_then(version_of) {
                Ok(_) if !connected.begin_commit() => return abort(&mut session).await,
                Ok(version) => session.commit_transaction().await.map(|()| version),
                Err(error) => {
                    // Left open, it would keep others from the id.
                    abort(&mut session).await;
                    Err(error)
                }
            };
            match done {
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) && !answer.is_closed() => {
                    tokio::time::sleep(rand::random_range(Duration::ZERO..CONFLICT_PAUSE)).await;
                }
                done => return drop(answer.send(done)),
            }
        }
    }
}

/// What the insert comes to; `None` if the caller gave up and nothing was sent.
async fn unless_given_up(
    insert: impl Future<Output = Result<Option<RawDocumentBuf>>>,
    answer: &mut oneshot::Sender<Result<Version>>,
) -> Option<Result<Option<RawDocumentBuf>>> {
    let sent = Connected::default();
    let mut insert = std::pin::pin!(sent.clone().noting(insert));
    tokio::select! {
        inserted = &mut insert => return Some(inserted),
        () = answer.closed() => {}
    }
    if sent.is_set() { Some(insert.await) } else { None }
}

async fn abort(session: &mut ClientSession) {
    // If it fails the server ends the transaction, a minute later.
    let _ = session.abort_transaction().await;
}

/// Of the document that an upsert has inserted.
pub(super) fn version_of(document: Option<RawDocumentBuf>) -> Result<Version> {
    let missing = || io::Error::other("an upsert returned no document").into();
    document.map(|document| document::version(&document)).ok_or_else(missing)
}
