//! Operations on many todos.

use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::error::{Error, ErrorKind};
use todo_model::{Todo, TodoId, Version};

use super::errors::{self, DUPLICATE_KEY, OpKind};
use super::{MongoStore, within};
use crate::document;
use crate::error::StoreError;
use crate::precondition::Versioned;
use crate::receipt::Receipt;

impl MongoStore {
    pub(crate) async fn insert_many(&self, todos: &[Todo]) -> Result<Receipt, StoreError> {
        if todos.is_empty() {
            return Ok(Receipt::DURABLE);
        }
        let version = self.now();
        let documents: Vec<RawDocumentBuf> = todos.iter().map(|todo| document::of(todo, version)).collect();
        let insert = self.todos.insert_many(&documents).ordered(false);
        match tokio::time::timeout(self.bulk_timeout, insert.into_future()).await {
            Ok(Ok(_)) => Ok(Receipt::DURABLE),
            Ok(Err(error)) => Err(duplicate(&error, todos).unwrap_or_else(|| errors::classify(error, OpKind::Write))),
            Err(_) => Err(errors::too_late(self.bulk_timeout, OpKind::Write)),
        }
    }

    /// Every insert was acknowledged by a majority already.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    pub(crate) async fn find_each(&self, ids: &[TodoId]) -> Result<Vec<Result<Versioned, StoreError>>, StoreError> {
        let ids: Vec<&str> = ids.iter().map(TodoId::as_str).collect();
        let mut session = self.session().await?;
        let find = async {
            let mut found = self.todos.find(doc! { "id": { "$in": ids } }).session(&mut session).await?;
            found.stream(&mut session).try_collect::<Vec<RawDocumentBuf>>().await
        };
        let found = within(self.bulk_timeout, OpKind::Read, find).await?;
        let counted = |document: &RawDocumentBuf| {
            let read = document::read(document)?;
            Ok(Versioned { version: self.counted(read.version, &session), ..read })
        };
        Ok(found.iter().map(counted).collect())
    }

    pub(crate) async fn count(&self) -> Result<u64, StoreError> {
        let count = self.todos.count_documents(Document::new());
        within(self.bulk_timeout, OpKind::Read, count.into_future()).await
    }

    /// From the collection's metadata: nothing is scanned.
    pub(crate) async fn estimated_count(&self) -> Result<u64, StoreError> {
        let count = self.todos.estimated_document_count();
        within(self.bulk_timeout, OpKind::Read, count.into_future()).await
    }

    pub(crate) async fn clear(&self) -> Result<(), StoreError> {
        within(self.bulk_timeout, OpKind::Write, self.todos.drop().into_future()).await?;
        self.make_unique_index().await
    }

    /// By the server's clock: later writes there must come out higher.
    pub(super) fn now(&self) -> Version {
        let ahead = Duration::from_secs(self.clock_ahead.unsigned_abs());
        let now = SystemTime::now();
        let server = if self.clock_ahead >= 0 { now.checked_add(ahead) } else { now.checked_sub(ahead) };
        Version::at(server.unwrap_or(now))
    }
}

/// A batch whose only failures are ids that were taken.
fn duplicate(error: &Error, todos: &[Todo]) -> Option<StoreError> {
    let ErrorKind::InsertMany(many) = &*error.kind else { return None };
    let errors = many.write_errors.as_ref()?;
    if many.write_concern_error.is_some() || errors.iter().any(|error| error.code != DUPLICATE_KEY) {
        return None;
    }
    todos.get(errors.first()?.index).map(|todo| StoreError::Exists(todo.id.clone()))
}
