//! An event of the change stream (MongoDB manual, "Change Events").

use mongodb::bson::{Bson, Document, Timestamp, doc};
use serde::Deserialize;
use todo_model::Version;

use crate::document;

/// Of an event only what is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Event {
    pub(crate) operation_type: String,
    pub(crate) cluster_time: Option<Timestamp>,
    /// `_id` of the document.
    pub(crate) key: Option<Bson>,
    pub(crate) id: Option<Bson>,
    pub(crate) old_id: Option<Bson>,
    /// Of an inserted document.
    v: Option<Bson>,
    /// Of an update that set it.
    new_v: Option<Bson>,
}

impl Event {
    /// The version that the write itself gave.
    pub(crate) fn version(&self) -> Option<Version> {
        let given = if self.operation_type == "update" { self.new_v.as_ref() } else { self.v.as_ref() };
        given.map(document::version_of)
    }
}

/// Version and id are all that is needed of the documents, whose texts would travel for nothing.
pub(crate) fn fields() -> Document {
    doc! {
        "operationType": 1, "clusterTime": 1, "key": "$documentKey._id",
        "id": "$fullDocument.id", "oldId": "$fullDocumentBeforeChange.id",
        "v": "$fullDocument.v", "newV": "$updateDescription.updatedFields.v",
    }
}
