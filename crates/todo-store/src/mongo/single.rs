//! Operations on one todo.

use mongodb::ClientSession;
use mongodb::action::FindOneAndUpdate;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::error::Error;
use mongodb::options::ReturnDocument;
use todo_model::{Todo, TodoId, TodoPatch, Version};

use super::errors::{self, DUPLICATE_KEY, OpKind};
use super::transaction::version_of;
use super::updates::{Clock, by_id, by_id_alone, never_there, unchanged};
use super::{Deadline, MongoStore, within};
use crate::document;
use crate::error::StoreError;
use crate::precondition::{Precondition, Replaced, Versioned};

/// How often a replace goes between update and create when others delete and create the same id.
const TURNS: usize = 8;

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

    /// An id that nobody had before may begin at any version that the clock has reached: then a plain insert is enough, which
    /// costs the server half of what an update pipeline does.
    pub(crate) async fn create_under_new_id(&self, todo: &Todo) -> Result<Version, StoreError> {
        let mut session = self.session().await?;
        let inserted = match self.reached_lately() {
            Some(version) => {
                let insert = self.todos.insert_one(document::of(todo, version)).session(&mut session);
                self.deadline().bare(OpKind::Write, insert.into_future()).await?.map(|_| version)
            }
            None => {
                let insert = self.insert(todo).session(&mut session);
                self.deadline().bare(OpKind::Write, insert.into_future()).await?.and_then(version_of)
            }
        };
        self.learn(&session);
        created(todo, inserted)
    }

    async fn create_by(&self, deadline: Deadline, todo: &Todo) -> Result<Version, StoreError> {
        let inserted = match self.clock {
            Clock::Cluster => deadline.bare(OpKind::Write, self.insert_or_conflict(todo)).await?,
            Clock::Wall => deadline.bare(OpKind::Write, self.insert(todo).into_future()).await?.and_then(version_of),
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
            let updated = self.update(deadline, &todo.id, by_id_alone(&todo.id), self.clock.replace(todo)).await?;
            if let Some((_, version)) = updated {
                return Ok(Replaced { version, created: false });
            }
            match self.create_by(deadline, todo).await {
                Ok(version) => return Ok(Replaced { version, created: true }),
                // Somebody created it in between, or what has the id is no todo.
                Err(StoreError::Exists(id)) => drop(self.find(&id).await?),
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
            Precondition::None => Ok(by_id_alone(id)),
            Precondition::Unchanged(expected) if expected.todo.id == *id => Ok(unchanged(expected, self.clock)),
            // What is not there can be neither patched nor deleted; and no todo is another one.
            Precondition::Absent | Precondition::Unchanged(_) => Err(StoreError::Conflict(id.clone())),
        }
    }
}

fn created(todo: &Todo, inserted: Result<Version, Error>) -> Result<Version, StoreError> {
    inserted.map_err(|error| match errors::code(&error) {
        Some(DUPLICATE_KEY) => StoreError::Exists(todo.id.clone()),
        _ => errors::classify(error, OpKind::Write),
    })
}
