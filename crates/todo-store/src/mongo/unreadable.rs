//! Documents that the driver refuses to send, for it wants to read their `_id` first: texts before it, or in it, are not
//! UTF-8. The server takes every byte, so they go to it in a command of our own.

use mongodb::bson::{Bson, Document, RawArrayBuf, RawDocument, rawdoc, serialize_to_raw_document_buf};

use super::errors::{DUPLICATE_KEY, OpKind};
use super::{MongoStore, within};
use crate::error::StoreError;

/// What became of a document.
pub(super) enum Outcome {
    Inserted,
    /// Another document has the `_id` or the id.
    Taken,
    Refused(String),
}

/// Whether the driver can find out if the document has an `_id`.
pub(super) fn is_readable(document: &RawDocument) -> bool {
    matches!(document.get("_id"), Ok(key) if key.is_none_or(|key| Bson::try_from(key).is_ok()))
}

impl MongoStore {
    pub(super) async fn insert_unreadable(&self, document: &RawDocument) -> Result<Outcome, StoreError> {
        let mut documents = RawArrayBuf::new();
        documents.push(document.to_owned());
        let mut command = rawdoc! { "insert": self.todos.name(), "documents": documents };
        let concern = self.todos.write_concern().and_then(|concern| serialize_to_raw_document_buf(concern).ok());
        if let Some(concern) = concern {
            command.append(mongodb::bson::cstr!("writeConcern"), concern);
        }
        let insert = self.database.run_raw_command(command).into_future();
        let answer = within(self.bulk_timeout, OpKind::Write, insert).await?;
        if let Ok(concern) = answer.get_document("writeConcernError") {
            return Err(StoreError::Refused(message(concern)));
        }
        let failure = answer.get_array("writeErrors").ok().and_then(|errors| errors.first()?.as_document());
        Ok(match failure {
            None => Outcome::Inserted,
            Some(failure) if failure.get_i32("code").is_ok_and(|code| code == DUPLICATE_KEY) => Outcome::Taken,
            Some(failure) => Outcome::Refused(message(failure)),
        })
    }
}

fn message(failure: &Document) -> String {
    failure.get_str("errmsg").unwrap_or("it does not say why").to_owned()
}
