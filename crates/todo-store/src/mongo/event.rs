//! An event of the change stream (MongoDB manual, "Change Events").

use mongodb::bson::{Bson, Document, Timestamp, doc};
use serde::Deserialize;
use todo_model::{TodoId, Version};

use crate::document;

/// Of an event only what is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Event {
    pub(crate) operation_type: String,
    pub(crate) cluster_time: Option<Timestamp>,
    /// `_id` of the document.
    pub(crate) key: Option<Bson>,
    /// Id of the document. An update says it only if it sets it: see [`Event::lacks_id`].
    pub(crate) id: Option<Bson>,
    /// Id before the event; only with pre-images.
    pub(crate) old_id: Option<Bson>,
    /// Id that an update set.
    new_id: Option<Bson>,
    /// Version of an inserted document.
    v: Option<Bson>,
    /// Version that an update set.
    new_v: Option<Bson>,
}

impl Event {
    /// The version that the write itself gave.
    pub(crate) fn version(&self) -> Option<Version> {
        let given = if self.operation_type == "update" { self.new_v.as_ref() } else { self.v.as_ref() };
        given.map(document::version_of)
    }

    /// Takes the id from wherever the event says it. True if it is of an update that does not: then it is to be looked up.
    pub(crate) fn lacks_id(&mut self) -> bool {
        if self.operation_type == "update" && self.id.is_none() {
            // An update that does not name the id leaves the one from before.
            self.id = self.new_id.take().or_else(|| self.old_id.clone());
            return self.id.is_none();
        }
        false
    }
}

/// The id of a todo, if this is one.
pub(crate) fn todo_id(value: Option<&Bson>) -> Option<TodoId> {
    value?.as_str()?.parse().ok()
}

/// Version and id are all that is needed of the documents, whose texts would travel for nothing.
pub(crate) fn fields() -> Document {
    doc! {
        "operationType": 1, "clusterTime": 1, "key": "$documentKey._id",
        "id": "$fullDocument.id", "oldId": "$fullDocumentBeforeChange.id", "newId": "$updateDescription.updatedFields.id",
        "v": "$fullDocument.v", "newV": "$updateDescription.updatedFields.v",
    }
}
