//! Operations on one todo.

use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::options::ReturnDocument;
use todo_model::{Todo, TodoId, TodoPatch, Version};

use super::failures::{self, DUPLICATE_KEY, Doing};
use super::updates::{by_id, never_there, unchanged};
use super::{MongoStore, within};
use crate::document;
use crate::error::StoreError;
use crate::store::{Expect, Replaced, Versioned};

/// How often a replace goes between update and create when others delete and create the same id.
const TURNS: usize = 8;

impl MongoStore {
    pub(crate) async fn find(&self, id: &TodoId) -> Result<Option<Versioned>, StoreError> {
        let found = within(self.timeout, Doing::Read, self.todos.find_one(by_id(id)).into_future()).await?;
        found.map(|document| document::read(&document)).transpose()
    }

    pub(crate) async fn create(&self, todo: &Todo) -> Result<Version, StoreError> {
        let insert = self
            .todos
            .find_one_and_update(never_there(&todo.id), self.clock.create(todo))
            .upsert(true)
            .return_document(ReturnDocument::After)
            .projection(doc! { "v": 1 });
        let inserted = tokio::time::timeout(self.timeout, insert.into_future()).await;
        match inserted.map_err(|_| failures::too_late(self.timeout, Doing::Write))? {
            Ok(document) => version_of(document.as_ref()),
            Err(error) if failures::code(&error) == Some(DUPLICATE_KEY) => Err(StoreError::Exists(todo.id.clone())),
            Err(error) => Err(failures::meaning(error, Doing::Write)),
        }
    }

    pub(crate) async fn replace(&self, todo: &Todo, expect: &Expect) -> Result<Replaced, StoreError> {
        match expect {
            Expect::Absent => match self.create(todo).await {
                Ok(version) => Ok(Replaced { version, created: true }),
                Err(StoreError::Exists(id)) => Err(StoreError::Conflict(id)),
                Err(error) => Err(error),
            },
            Expect::Unchanged(expected) => {
                let updated = self.update(unchanged(expected), self.clock.replace(todo)).await?;
                let updated = updated.ok_or_else(|| StoreError::Conflict(todo.id.clone()))?;
                Ok(Replaced { version: document::version(&updated), created: false })
            }
            Expect::Anything => self.replace_or_create(todo).await,
        }
    }

    async fn replace_or_create(&self, todo: &Todo) -> Result<Replaced, StoreError> {
        for _ in 0..TURNS {
            if let Some(updated) = self.update(by_id(&todo.id), self.clock.replace(todo)).await? {
                return Ok(Replaced { version: document::version(&updated), created: false });
            }
            match self.create(todo).await {
                Ok(version) => return Ok(Replaced { version, created: true }),
                // Somebody created it in between.
                Err(StoreError::Exists(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict(todo.id.clone()))
    }

    pub(crate) async fn patch(&self, id: &TodoId, patch: &TodoPatch, expect: &Expect) -> Result<Versioned, StoreError> {
        match self.update(filter(id, expect)?, self.clock.patch(patch)).await? {
            Some(updated) => document::read(&updated),
            None => Err(self.why_not(id).await),
        }
    }

    pub(crate) async fn delete(&self, id: &TodoId, expect: &Expect) -> Result<Version, StoreError> {
        let delete = self.todos.find_one_and_delete(filter(id, expect)?).projection(doc! { "v": 1 });
        match within(self.timeout, Doing::Write, delete.into_future()).await? {
            Some(deleted) => Ok(Version(document::version(&deleted).0 + 1)),
            None => Err(self.why_not(id).await),
        }
    }

    async fn update(&self, filter: Document, update: Vec<Document>) -> Result<Option<RawDocumentBuf>, StoreError> {
        let update = self.todos.find_one_and_update(filter, update).return_document(ReturnDocument::After);
        within(self.timeout, Doing::Write, update.into_future()).await
    }

    /// Nothing matched: it is not there, or not as expected.
    async fn why_not(&self, id: &TodoId) -> StoreError {
        let count = self.todos.count_documents(by_id(id)).limit(1);
        match within(self.timeout, Doing::Read, count.into_future()).await {
            Ok(0) => StoreError::NotFound(id.clone()),
            Ok(_) => StoreError::Conflict(id.clone()),
            Err(error) => error,
        }
    }
}

fn filter(id: &TodoId, expect: &Expect) -> Result<Document, StoreError> {
    match expect {
        Expect::Anything => Ok(by_id(id)),
        Expect::Unchanged(expected) => Ok(unchanged(expected)),
        // What is not there can be neither patched nor deleted.
        Expect::Absent => Err(StoreError::Conflict(id.clone())),
    }
}

fn version_of(document: Option<&RawDocumentBuf>) -> Result<Version, StoreError> {
    let missing = || StoreError::Failed(std::sync::Arc::new(std::io::Error::other("an upsert returned no document")));
    document.map(|document| document::version(document)).ok_or_else(missing)
}
