//! Documents as bytes: inserted as they are, read back as they are.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use mongodb::bson::{Bson, Document, RawBsonRef, RawDocument, RawDocumentBuf, doc};
use mongodb::error::{Error, ErrorKind, IndexedWriteError};
use tokio::time::timeout;

use super::errors::{self, DUPLICATE_KEY, OpKind};
use super::unreadable::{Outcome, is_readable};
use super::{MongoStore, within};
use crate::error::StoreError;
use crate::raw::{Documents, Inserted, Reader, Sender};
use crate::receipt::Receipt;

/// The largest document that the server takes (MongoDB manual, "MongoDB Limits and Thresholds").
const MAX_DOCUMENT: usize = 16 << 20;
/// Documents that the server sends at a time; no more than 16 MiB anyway.
const READ_AT_A_TIME: u32 = 10_000;
/// Replacements under way at one time.
const REPLACING: usize = 16;
/// A namespace that does not exist has no indexes.
const NO_SUCH_NAMESPACE: i32 = 26;

impl MongoStore {
    pub(crate) async fn insert_raw(&self, documents: &Documents) -> Result<Inserted, StoreError> {
        let (mut inserted, mut places, mut batch) = (Inserted::default(), Vec::new(), Vec::new());
        let mut unreadable = Vec::new();
        for at in 0..documents.len() {
            if documents.get(at).len() > MAX_DOCUMENT {
                inserted.refused.push((at, "it is larger than 16 MiB".to_owned()));
            } else if !is_readable(documents.raw(at)) {
                unreadable.push(at);
            } else {
                places.push(at);
                batch.push(documents.raw(at));
            }
        }
        for at in unreadable {
            match self.insert_unreadable(documents.raw(at)).await? {
                Outcome::Done => inserted.count += 1,
                Outcome::Taken => inserted.taken.push(at),
                Outcome::Refused(why) => inserted.refused.push((at, why)),
            }
        }
        if batch.is_empty() {
            return Ok(inserted);
        }
        // The driver copies each anyway.
        let borrowed = self.todos.clone_with_type::<&RawDocument>();
        let insert = borrowed.insert_many(&batch).ordered(false);
        let failures = match timeout(self.bulk_timeout, insert.into_future()).await {
            Ok(Ok(_)) => Vec::new(),
            Ok(Err(error)) => write_errors(error)?,
            Err(_) => return Err(errors::too_late(self.bulk_timeout, OpKind::Write)),
        };
        inserted.count += (batch.len() - failures.len()) as u64;
        for failure in failures {
            let at = places[failure.index];
            match failure.code {
                DUPLICATE_KEY if failure.message.ends_with("dup key: { id: null }") => {
                    inserted.refused.push((at, "only one document may be without an id".to_owned()));
                }
                DUPLICATE_KEY => inserted.taken.push(at),
                _ => inserted.refused.push((at, failure.message)),
            }
        }
        Ok(inserted)
    }

    pub(crate) async fn find_raw(&self, like: &Documents) -> Result<Documents, StoreError> {
        let (mut keys, mut ids, mut documents) = (Vec::new(), Vec::new(), Documents::default());
        for at in 0..like.len() {
            let document = like.raw(at);
            if is_readable(document) {
                keys.push(field(document, "_id"));
                ids.push(field(document, "id"));
            } else {
                self.find_unreadable(document).await?.iter().for_each(|found| documents.append(found));
            }
        }
        if keys.is_empty() {
            return Ok(documents);
        }
        let same: Vec<Document> =
            [("_id", keys), ("id", ids)].into_iter().flat_map(|(name, all)| one_of(name, all)).collect();
        let same = doc! { "$or": same };
        let find = async {
            let found = self.todos.find(same).await?;
            found.try_collect::<Vec<RawDocumentBuf>>().await
        };
        for found in within(self.bulk_timeout, OpKind::Read, find).await? {
            documents.append(&found);
        }
        Ok(documents)
    }

    pub(crate) async fn replace_raw(&self, documents: &Documents) -> Result<Receipt, StoreError> {
        let replaced: Result<(), StoreError> = stream::iter(0..documents.len())
            .map(|at| async move {
                let document = documents.raw(at);
                if is_readable(document) {
                    within(self.bulk_timeout, OpKind::Write, self.replace_one(document)).await
                } else {
                    self.replace_unreadable(document).await
                }
            })
            .buffer_unordered(REPLACING)
            .try_collect()
            .await;
        replaced.map(|()| Receipt::DURABLE)
    }

    /// In place if the same document has both keys; otherwise what has one of them makes room.
    async fn replace_one(&self, document: &RawDocument) -> Result<(), Error> {
        let (key, id) = (field(document, "_id"), field(document, "id"));
        let (replacement, same) = (document.to_owned(), doc! { "_id": { "$eq": &key }, "id": { "$eq": &id } });
        match self.todos.replace_one(same, &replacement).upsert(true).await {
            Ok(_) => Ok(()),
            Err(error) if errors::code(&error) == Some(DUPLICATE_KEY) => {
                self.todos.delete_many(doc! { "$or": [{ "_id": { "$eq": key } }, { "id": { "$eq": id } }] }).await?;
                self.todos.insert_one(&replacement).await.map(drop)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn read_raw(&self) -> Result<Reader, StoreError> {
        let (sender, reader) = Reader::new();
        let (todos, deadline) = (self.todos.clone(), self.bulk_timeout);
        let cursor = todos.find(Document::new()).batch_size(READ_AT_A_TIME).batch();
        let cursor = within(deadline, OpKind::Read, cursor).await?;
        tokio::spawn(send_all(cursor, sender, deadline));
        Ok(reader)
    }

    /// The definitions of all indexes, as the server lists them.
    pub(crate) async fn indexes(&self) -> Result<Documents, StoreError> {
        let list = async {
            let command = doc! { "listIndexes": self.todos.name() };
            let cursor = self.database.run_cursor_command(command).await?;
            cursor.with_type::<RawDocumentBuf>().try_collect::<Vec<_>>().await
        };
        let mut indexes = Documents::default();
        match timeout(self.bulk_timeout, list).await {
            Ok(Ok(list)) => list.iter().for_each(|index| indexes.append(index)),
            Ok(Err(error)) if errors::code(&error) == Some(NO_SUCH_NAMESPACE) => {}
            Ok(Err(error)) => return Err(errors::classify(error, OpKind::Read)),
            Err(_) => return Err(errors::too_late(self.bulk_timeout, OpKind::Read)),
        }
        Ok(indexes)
    }

    /// The version of the server, as mongodump asks for it.
    pub(crate) async fn server_version(&self) -> Result<Option<String>, StoreError> {
        let info = self.database.run_command(doc! { "buildInfo": 1 }).into_future();
        let info = within(self.bulk_timeout, OpKind::Read, info).await?;
        Ok(info.get_str("version").ok().map(ToOwned::to_owned))
    }

    /// Not bounded: building an index takes as long as it takes.
    pub(crate) async fn make_indexes(&self, indexes: &Documents) -> Result<(), StoreError> {
        let definitions: Vec<Bson> =
            (0..indexes.len()).filter_map(|at| Document::try_from(indexes.raw(at)).ok()).map(Bson::Document).collect();
        if definitions.is_empty() {
            return Ok(());
        }
        let command = doc! { "createIndexes": self.todos.name(), "indexes": definitions };
        let made = self.database.run_command(command).await;
        made.map(drop).map_err(|error| match &*error.kind {
            ErrorKind::Command(command) => StoreError::Refused(format!("an index: {}", command.message)),
            _ => errors::classify(error, OpKind::Write),
        })
    }
}

async fn send_all(mut cursor: mongodb::raw_batch_cursor::RawBatchCursor, sender: Sender, deadline: Duration) {
    loop {
        let documents = match timeout(deadline, cursor.next()).await {
            Ok(None) => return,
            Ok(Some(batch)) => batch
                .and_then(|batch| {
                    let mut documents = Documents::default();
                    for document in batch.doc_slices()? {
                        document?.as_document().into_iter().for_each(|document| documents.append(document));
                    }
                    Ok(documents)
                })
                .map_err(|error| errors::classify(error, OpKind::Read)),
            Err(_) => Err(errors::too_late(deadline, OpKind::Read)),
        };
        let failed = documents.is_err();
        // Nobody reads any more if it cannot be sent.
        if sender.send(documents).await.is_err() || failed {
            return;
        }
    }
}

/// The failures of single documents.
fn write_errors(error: Error) -> Result<Vec<IndexedWriteError>, StoreError> {
    match &*error.kind {
        ErrorKind::InsertMany(many) if many.write_concern_error.is_none() => {
            Ok(many.write_errors.clone().unwrap_or_default())
        }
        _ => Err(errors::classify(error, OpKind::Write)),
    }
}

/// Finds documents whose field has one of these values. In `$in`, a regular expression is a pattern, and a document whose
/// names begin with `$` an error; in `$eq` both are values (MongoDB manual, "$eq", "$in").
fn one_of(name: &str, values: Vec<Bson>) -> Vec<Document> {
    let is_plain = |value: &Bson| !matches!(value, Bson::Document(_) | Bson::RegularExpression(_) | Bson::Array(_));
    let (plain, others): (Vec<_>, Vec<_>) = values.into_iter().partition(is_plain);
    let others = others.into_iter().map(|value| doc! { name: { "$eq": value } });
    others.chain((!plain.is_empty()).then(|| doc! { name: { "$in": plain } })).collect()
}

/// Null stands for a field that is missing, as in a query.
fn field(document: &RawDocument, name: &str) -> Bson {
    let value = document.get(name).ok().flatten().unwrap_or(RawBsonRef::Null);
    Bson::try_from(value).unwrap_or(Bson::Null)
}
