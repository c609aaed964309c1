//! Operations on one todo.

use std::time::Duration;

use mongodb::ClientSession;
use mongodb::action::FindOneAndUpdate;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::error::{Error, TRANSIENT_TRANSACTION_ERROR};
use mongodb::options::ReturnDocument;
use todo_model::{Todo, TodoId, TodoPatch, Version};

use super::errors::{self, DUPLICATE_KEY, OpKind};
use super::updates::{Clock, by_id, never_there, unchanged};
use super::{Deadline, MongoStore, within};
use crate::document;
use crate::error::StoreError;
use crate::precondition::{Precondition, Replaced, Versioned};

/// How often a replace goes between update and create when others delete and create the same id.
const TURNS: usize = 8;
/// Creates of one id that met try again after a random time up to this.
const CONFLICT_PAUSE: Duration = Duration::from_millis(8);

impl MongoStore {
    pub(crate) async fn find(&self, id: &TodoId) -> Result<Option<Versioned>, StoreError> {
        let mut session = self.session().await?;
        let find = self.todos.find_one(by_id(id)).session(&mut session);
        let Some(found) = within(self.timeout, OpKind::Read, find.into_future()).await? else { return Ok(None) };
        let found = document::read(&found)?;
        Ok(Some(Versioned { version: self.counted(found.version, &session), ..found }))
    }

    pub(crate) async fn create(&self, todo: &Todo) -> Result<Version, StoreError> {
        self.create_by(self.deadline(), todo).await
    }

    pub(crate) async fn create_under_new_id(&self, todo: &Todo) -> Result<Version, StoreError> {
        created(todo, self.deadline().bare(OpKind::Write, self.insert(todo).into_future()).await?)
    }

    async fn create_by(&self, deadline: Deadline, todo: &Todo) -> Result<Version, StoreError> {
        let inserted = match self.clock {
            Clock::Cluster => deadline.bare(OpKind::Write, self.insert_or_conflict(todo)).await?,
            Clock::Wall => deadline.bare(OpKind::Write, self.insert(todo).into_future()).await?,
        };
        match created(todo, inserted) {
            Err(StoreError::Exists(id)) => Err(self.what_is_taken(deadline, id).await),
            created => created,
        }
    }

    /// The id, or only the `_id` that the todo would have.
    async fn what_is_taken(&self, deadline: Deadline, id: TodoId) -> StoreError {
        let other = doc! { "_id": id.as_str(), "id": { "$ne": id.as_str() } };
        let count = self.todos.count_documents(other).limit(1);
        match deadline.run(OpKind::Read, count.into_future()).await {
            Ok(0) => StoreError::Exists(id),
            Ok(_) => StoreError::KeyTaken(id),
            Err(error) => error,
        }
    }

    /// In a transaction: it sees the id as of before the clock gave the version, and ends if somebody wrote it since.
    /// Outside of one the server would try again inside the command, with the clock of its start; and the version of a
    /// todo that was made and deleted meanwhile would be higher, or come twice.
    async fn insert_or_conflict(&self, todo: &Todo) -> Result<Option<RawDocumentBuf>, Error> {
        let mut session = self.database.client().start_session().await?;
        loop {
            session.start_transaction().await?;
            let done = match self.insert(todo).session(&mut session).await {
                Ok(inserted) => session.commit_transaction().await.map(|()| inserted),
                Err(error) => {
                    // Left open, it would keep others from the id; the server ends it anyway, a minute later.
                    let _ = session.abort_transaction().await;
                    Err(error)
                }
            };
            match done {
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => {
                    let pause = rand::random_range(Duration::ZERO..CONFLICT_PAUSE);
                    tokio::time::sleep(pause).await;
                }
                done => return done,
            }
        }
    }

    pub(super) fn insert(&self, todo: &Todo) -> FindOneAndUpdate<'_, RawDocumentBuf> {
        let insert = self.todos.find_one_and_update(never_there(&todo.id), self.clock.create(todo));
        insert.upsert(true).return_document(ReturnDocument::After).projection(doc! { "v": 1 })
    }

    pub(crate) async fn replace(&self, todo: &Todo, precondition: &Precondition) -> Result<Replaced, StoreError> {
        let deadline = self.deadline();
        match precondition {
            Precondition::Absent => match self.create_by(deadline, todo).await {
                Ok(version) => Ok(Replaced { version, created: true }),
                Err(StoreError::Exists(id)) => Err(StoreError::Conflict(id)),
                Err(error) => Err(error),
            },
            Precondition::Unchanged(expected) if expected.todo.id == todo.id => {
                let filter = unchanged(expected, self.clock);
                let updated = self.update(deadline, &todo.id, filter, self.clock.replace(todo)).await?;
                let (_, version) = updated.ok_or_else(|| StoreError::Conflict(todo.id.clone()))?;
                Ok(Replaced { version, created: false })
            }
            Precondition::Unchanged(_) => Err(StoreError::Conflict(todo.id.clone())),
            Precondition::None => self.replace_or_create(deadline, todo).await,
        }
    }

    async fn replace_or_create(&self, deadline: Deadline, todo: &Todo) -> Result<Replaced, StoreError> {
        for _ in 0..TURNS {
            let updated = self.update(deadline, &todo.id, by_id(&todo.id), self.clock.replace(todo)).await?;
            if let Some((_, version)) = updated {
                return Ok(Replaced { version, created: false });
            }
            match self.create_by(deadline, todo).await {
                Ok(version) => return Ok(Replaced { version, created: true }),
                // Somebody created it in between.
                Err(StoreError::Exists(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict(todo.id.clone()))
    }

    pub(crate) async fn patch(
        &self,
        id: &TodoId,
        patch: &TodoPatch,
        precondition: &Precondition,
    ) -> Result<Versioned, StoreError> {
        let deadline = self.deadline();
        match self.update(deadline, id, self.filter(id, precondition)?, self.clock.patch(patch)).await? {
            Some((updated, version)) => Ok(Versioned { version, ..document::read(&updated)? }),
            None => Err(self.why_not(deadline, id, precondition).await),
        }
    }

    pub(crate) async fn delete(&self, id: &TodoId, precondition: &Precondition) -> Result<Version, StoreError> {
        let deadline = self.deadline();
        // Whatever was answered of the id until now is below it, and whatever is created later above.
        let reached = self.reached.version();
        let mut session = self.session().await?;
        let delete = self.todos.find_one_and_delete(self.filter(id, precondition)?).projection(doc! { "v": 1 });
        let delete = delete.session(&mut session);
        let Some(deleted) = deadline.run(OpKind::Write, delete.into_future()).await? else {
            return Err(self.why_not(deadline, id, precondition).await);
        };
        self.learn(&session);
        self.clock.pass().await;
        Ok(Version(self.counted(document::version(&deleted), &session).0 + 1).max(reached))
    }

    /// What matches becomes this; the version that it has then.
    async fn update(
        &self,
        deadline: Deadline,
        id: &TodoId,
        filter: Document,
        update: Vec<Document>,
    ) -> Result<Option<(RawDocumentBuf, Version)>, StoreError> {
        let mut session = self.session().await?;
        let update = self.todos.find_one_and_update(filter, update).return_document(ReturnDocument::After);
        let update = update.session(&mut session);
        let Some(mut updated) = deadline.run(OpKind::Write, update.into_future()).await? else { return Ok(None) };
        let clock = self.learn(&session);
        if document::version(&updated) > clock {
            // It was a little ahead before. Nobody's version is equal to it, so this is the document that was just written.
            let mut ahead = by_id(id);
            ahead.insert("v", document::version(&updated).0 as i64);
            let anew = self.todos.find_one_and_update(ahead, self.clock.version_anew());
            let anew = anew.return_document(ReturnDocument::After).session(&mut session);
            match deadline.run(OpKind::Write, anew.into_future()).await? {
                Some(anew) => updated = anew,
                // Somebody wrote it since: what was written here is over, and no version told of it.
                None => return Ok(Some((updated, Version::UNVERSIONED))),
            }
        }
        let version = document::version(&updated);
        Ok(Some((updated, version)))
    }

    /// Nothing matched: it is not there, or not as expected.
    async fn why_not(&self, deadline: Deadline, id: &TodoId, precondition: &Precondition) -> StoreError {
        // It may have been created since, but was not there when it was looked for.
        if *precondition == Precondition::None {
            return StoreError::NotFound(id.clone());
        }
        let count = self.todos.count_documents(by_id(id)).limit(1);
        match deadline.run(OpKind::Read, count.into_future()).await {
            Ok(0) => StoreError::NotFound(id.clone()),
            Ok(_) => StoreError::Conflict(id.clone()),
            Err(error) => error,
        }
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.timeout)
    }

    /// By which the server's clock is known after an operation. Nothing is sent for it.
    pub(super) async fn session(&self) -> Result<ClientSession, StoreError> {
        self.database.client().start_session().await.map_err(|error| errors::classify(error, OpKind::Read))
    }

    fn filter(&self, id: &TodoId, precondition: &Precondition) -> Result<Document, StoreError> {
        match precondition {
            Precondition::None => Ok(by_id(id)),
            Precondition::Unchanged(expected) if expected.todo.id == *id => Ok(unchanged(expected, self.clock)),
            // What is not there can be neither patched nor deleted; and no todo is another one.
            Precondition::Absent | Precondition::Unchanged(_) => Err(StoreError::Conflict(id.clone())),
        }
    }
}

fn created(todo: &Todo, inserted: Result<Option<RawDocumentBuf>, Error>) -> Result<Version, StoreError> {
    match inserted {
        Ok(document) => version_of(document.as_ref()),
        Err(error) if errors::code(&error) == Some(DUPLICATE_KEY) => Err(StoreError::Exists(todo.id.clone())),
        Err(error) => Err(errors::classify(error, OpKind::Write)),
    }
}

fn version_of(document: Option<&RawDocumentBuf>) -> Result<Version, StoreError> {
    let missing = || StoreError::Failed(std::sync::Arc::new(std::io::Error::other("an upsert returned no document")));
    document.map(|document| document::version(document)).ok_or_else(missing)
}
