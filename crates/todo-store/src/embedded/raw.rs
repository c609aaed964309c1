//! Documents as bytes. A document without a todo's id has no key here.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mongodb::bson::rawdoc;
use redb::ReadableDatabase;
use todo_model::TodoId;

use super::table::{Todos, key};
use super::writer::Durable;
use super::{EmbeddedStore, damaged, failed};
use crate::document;
use crate::error::StoreError;
use crate::raw::{Documents, Inserted, Reader, Sender};
use crate::receipt::Receipt;

/// Documents are sent on when they are this many bytes.
const READ_AT_A_TIME: usize = 2 << 20;

impl EmbeddedStore {
    pub(crate) async fn insert_raw(&self, documents: &Documents) -> Result<Inserted, StoreError> {
        let (mut inserted, mut keys) = (Inserted::default(), Vec::new());
        for at in 0..documents.len() {
            match document::id(documents.raw(at)) {
                Ok(id) => keys.push((at, key(&id))),
                Err(problem) => inserted.refused.push((at, problem.to_string())),
            }
        }
        let all = keys.len();
        // Not copied: a document may have 16 MiB.
        let documents = documents.clone();
        let later = Durable::Later { bytes: documents.bytes().len() };
        let insert = self.writer.run(self.bulk_timeout, later, move |tables| tables.insert_raw(&documents, keys));
        (inserted.taken, inserted.receipt) = insert.await?;
        inserted.count = (all - inserted.taken.len()) as u64;
        Ok(inserted)
    }

    pub(crate) async fn find_raw(&self, like: &Documents) -> Result<Documents, StoreError> {
        let ids: Vec<TodoId> = (0..like.len()).filter_map(|at| document::id(like.raw(at)).ok()).collect();
        let find = move |todos: &Todos| {
            let mut documents = Documents::default();
            for id in ids {
                if let Some(document) = todos.document(&id)? {
                    documents.append(&document);
                }
            }
            Ok(documents)
        };
        self.read(self.bulk_timeout, find).await
    }

    pub(crate) async fn replace_raw(&self, documents: &Documents) -> Result<Receipt, StoreError> {
        let keys: Result<Vec<_>, StoreError> =
            (0..documents.len()).map(|at| Ok((at, key(&document::id(documents.raw(at))?)))).collect();
        let (keys, documents) = (keys?, documents.clone());
        let later = Durable::Later { bytes: documents.bytes().len() };
        let replace = self.writer.run(self.bulk_timeout, later, move |tables| tables.replace_raw(&documents, keys));
        replace.await.map(|((), receipt)| receipt)
    }

    pub(crate) async fn read_raw(&self) -> Result<Reader, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let todos = Todos::open(&transaction)?;
        let (sender, reader) = Reader::new();
        tokio::task::spawn_blocking(move || {
            // Without an error, the end would look like that of all todos.
            let sent = catch_unwind(AssertUnwindSafe(|| send_all(&todos, &sender)));
            if let Err(error) = sent.unwrap_or_else(|panic| Err(damaged(&*panic))) {
                let _ = sender.blocking_send(Err(error));
            }
        });
        Ok(reader)
    }

    pub(crate) async fn server_version(&self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Those that MongoDB has of the same todos: on `_id`, and the unique one on `id`.
    pub(crate) async fn indexes(&self) -> Result<Documents, StoreError> {
        let mut indexes = Documents::default();
        indexes.append(&rawdoc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" });
        indexes.append(&rawdoc! { "v": 2, "unique": true, "key": { "id": 1 }, "name": "id_1" });
        Ok(indexes)
    }

    pub(crate) async fn make_indexes(&self, _indexes: &Documents) -> Result<(), StoreError> {
        Ok(())
    }
}

fn send_all(todos: &Todos, sender: &Sender) -> Result<(), StoreError> {
    let mut documents = Documents::default();
    todos.each(|document| {
        documents.append(document);
        let full = documents.bytes().len() >= READ_AT_A_TIME;
        // Nobody reads any more if it cannot be sent.
        if full && sender.blocking_send(Ok(std::mem::take(&mut documents))).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    if !documents.is_empty() {
        let _ = sender.blocking_send(Ok(documents));
    }
    Ok(())
}
