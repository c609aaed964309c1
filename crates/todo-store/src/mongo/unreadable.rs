//! Documents whose keys the driver cannot read: texts in `_id` or `id`, or before them, are not UTF-8. The server takes every
//! byte, so what is said of such documents goes to it in commands of our own.

use futures::TryStreamExt;
use mongodb::bson::{Bson, RawArrayBuf, RawDocument, RawDocumentBuf, cstr, rawdoc, serialize_to_raw_document_buf};

use super::errors::{DUPLICATE_KEY, OpKind};
use super::{MongoStore, within};
use crate::error::StoreError;
use crate::fields::fields;
use crate::printable::printable;

/// What became of a document.
pub(super) enum Outcome {
    /// The server did it.
    Done,
    /// Another document has the `_id` or the id.
    Taken,
    Refused(String),
}

/// Whether the driver can read both keys of the document.
pub(super) fn is_readable(document: &RawDocument) -> bool {
    ["_id", "id"]
        .iter()
        .all(|key| matches!(document.get(key), Ok(value) if value.is_none_or(|value| Bson::try_from(value).is_ok())))
}

impl MongoStore {
    pub(super) async fn insert_unreadable(&self, document: &RawDocument) -> Result<Outcome, StoreError> {
        let command = rawdoc! { "insert": self.todos.name(), "documents": one(document) };
        self.write_unreadable(command).await
    }

    /// Puts it in the place of the document with its `_id` and id, or of those that have one of them.
    pub(super) async fn replace_unreadable(&self, document: &RawDocument) -> Result<(), StoreError> {
        let (key, id) = (where_equal(document, "_id"), where_equal(document, "id"));
        let both = rawdoc! { "$and": [key.clone(), id.clone()] };
        let update = rawdoc! { "q": both, "u": document.to_owned(), "upsert": true };
        let command = rawdoc! { "update": self.todos.name(), "updates": one(&update) };
        let outcome = match self.write_unreadable(command).await? {
            Outcome::Taken => {
                let delete = rawdoc! { "q": { "$or": [key, id] }, "limit": 0 };
                let command = rawdoc! { "delete": self.todos.name(), "deletes": one(&delete) };
                self.write_unreadable(command).await?;
                self.insert_unreadable(document).await?
            }
            outcome => outcome,
        };
        match outcome {
            Outcome::Done => Ok(()),
            Outcome::Taken => Err(StoreError::Refused("another document has just taken its key".to_owned())),
            Outcome::Refused(why) => Err(StoreError::Refused(why)),
        }
    }

    /// Those with its `_id` or its id.
    pub(super) async fn find_unreadable(&self, document: &RawDocument) -> Result<Vec<RawDocumentBuf>, StoreError> {
        let either = rawdoc! { "$or": [where_equal(document, "_id"), where_equal(document, "id")] };
        let command = rawdoc! { "find": self.todos.name(), "filter": either };
        let find = async {
            let cursor = self.database.run_raw_cursor_command(command).await?;
            cursor.with_type::<RawDocumentBuf>().try_collect::<Vec<_>>().await
        };
        within(self.bulk_timeout, OpKind::Read, find).await
    }

    async fn write_unreadable(&self, mut command: RawDocumentBuf) -> Result<Outcome, StoreError> {
        let concern = self.todos.write_concern().and_then(|concern| serialize_to_raw_document_buf(concern).ok());
        if let Some(concern) = concern {
            command.append(cstr!("writeConcern"), concern);
        }
        let write = async {
            match self.database.run_raw_command(command).await {
                Ok(answer) => Ok(outcome(&serialize_to_raw_document_buf(&answer)?)),
                // The server quotes the key, so that what it says of a write need not be UTF-8 either.
                Err(error) => {
                    match error.server_response().filter(|answer| answer.get_f64("ok").is_ok_and(|ok| ok == 1.0)) {
                        Some(answer) => Ok(outcome(answer)),
                        None => Err(error),
                    }
                }
            }
        };
        within(self.bulk_timeout, OpKind::Write, write).await
    }
}

/// What the answer of the server to a write of one document says.
fn outcome(answer: &RawDocument) -> Outcome {
    let failure =
        answer.get_array("writeErrors").ok().and_then(|errors| errors.into_iter().next()?.ok()?.as_document());
    match (failure, answer.get_document("writeConcernError")) {
        (None, Err(_)) => Outcome::Done,
        (None, Ok(concern)) => Outcome::Refused(message(concern)),
        (Some(failure), _) if failure.get_i32("code").is_ok_and(|code| code == DUPLICATE_KEY) => Outcome::Taken,
        (Some(failure), _) => Outcome::Refused(message(failure)),
    }
}

fn one(document: &RawDocument) -> RawArrayBuf {
    let mut array = RawArrayBuf::new();
    array.push(document.to_owned());
    array
}

/// `{name: {$eq: value}}` with the bytes of the document's own value; null stands for a field that is missing.
fn where_equal(document: &RawDocument, name: &str) -> RawDocumentBuf {
    const NULL: u8 = 0x0A;
    let found = fields(document.as_bytes()).filter_map(Result::ok).find(|field| field.name == name.as_bytes());
    let (kind, value) = found.map_or((NULL, &[][..]), |field| (field.kind, field.value));
    let equal = document_of(kind, "$eq", value);
    RawDocumentBuf::from_bytes(document_of(0x03, name, &equal))
        .expect("it has its own length, and a zero byte at its end")
}

/// A document of one field (<https://bsonspec.org/spec.html>).
fn document_of(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let field = [&[kind], name.as_bytes(), &[0], value].concat();
    let length = u32::try_from(4 + field.len() + 1).expect("a document is no larger than the one that its field is of");
    [&length.to_le_bytes(), &field[..], &[0]].concat()
}

fn message(failure: &RawDocument) -> String {
    let found = fields(failure.as_bytes()).filter_map(Result::ok).find(|field| field.name == b"errmsg");
    let said = found.and_then(|field| field.text()).map(String::from_utf8_lossy);
    said.map_or_else(|| "it does not say why".to_owned(), |said| printable(&said).to_string())
}
