//! Documents of other origin: which have an `_id` that is not their id, so that events about them do not say of what; and a
//! collection that others put in the place of ours, without its index.

use std::collections::HashMap;

use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

use super::errors::{self, OpKind};
use super::event::Event;
use super::{Deadline, MongoStore, within};
use crate::error::StoreError;
use crate::printable;

/// There is no such collection (MongoDB manual, "Error Codes").
const NOT_THERE: i32 = 26;

impl MongoStore {
    /// Whether there are documents whose `_id` cannot be their id: answered from the index on `_id`.
    pub(super) async fn has_foreign_documents(&self) -> Result<bool, StoreError> {
        let foreign =
            self.todos.find_one(doc! { "_id": { "$not": { "$type": "string" } } }).projection(doc! { "_id": 1 });
        Ok(within(self.bulk_timeout, OpKind::Read, foreign.into_future()).await?.is_some())
    }

    /// Whether the collection is there, and not its unique index on `id`.
    pub(super) async fn lacks_index(&self) -> Result<bool, StoreError> {
        let list = async { self.todos.list_indexes().await?.try_collect::<Vec<_>>().await };
        match Deadline::after(self.timeout).bare(OpKind::Read, list).await? {
            Ok(indexes) => Ok(!indexes.iter().any(|index| {
                let unique = index.options.as_ref().and_then(|options| options.unique);
                index.keys == doc! { "id": 1 } && unique == Some(true)
            })),
            Err(error) if errors::code(&error) == Some(NOT_THERE) => Ok(false),
            Err(error) => Err(errors::classify(error, OpKind::Read)),
        }
    }

    /// Looks up the ids of documents that were updated, many in one query: the server's own `updateLookup` is a query for
    /// each event. As with that, it is the id of now, and of a document that is gone there is none.
    pub(super) async fn look_up_ids(&self, events: &mut [&mut Event]) -> Result<(), StoreError> {
        let mut lacking: Vec<&mut Event> =
            events.iter_mut().filter_map(|event| event.lacks_id().then_some(&mut **event)).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let mut keys: Vec<&Bson> = lacking.iter().filter_map(|event| event.key.as_ref()).collect();
        keys.dedup();
        let find = self.todos.clone_with_type::<Document>();
        let find = find.find(doc! { "_id": { "$in": keys } }).projection(doc! { "_id": 1, "id": 1 });
        let found = within(self.timeout, OpKind::Read, async { find.await?.try_collect::<Vec<_>>().await }).await?;
        // Bson has no hash; its text is one to one.
        let ids: HashMap<String, Bson> = found
            .into_iter()
            .filter_map(|mut document| Some((document.remove("_id")?.to_string(), document.remove("id")?)))
            .collect();
        for event in &mut lacking {
            event.id = event.key.as_ref().and_then(|key| ids.get(&key.to_string()).cloned());
        }
        Ok(())
    }

    /// Makes the unique index, behind what goes on meanwhile: without it every read that misses looks at every document.
    pub(super) fn make_unique_index_behind(&self) {
        let store = self.clone();
        tokio::spawn(async move {
            if let Err(error) = store.make_unique_index().await {
                tracing::error!(
                    error = %printable(&error.with_cause()),
                    "another collection took the place of {}, and the unique index on id cannot be made: each read that \
                     misses looks at every document",
                    printable(store.todos.name())
                );
            }
        });
    }

    /// A delete of a document whose `_id` is not its id says of what only with pre-images (MongoDB manual, "Change
    /// Streams with Document Pre- and Post-Images"). They cost the server a write for each update and delete, so they
    /// are asked for only where such documents are. False if that is to be tried again, as while an index is built.
    pub(super) async fn switch_pre_images_on(&self) -> bool {
        let name = self.todos.name();
        let ask = doc! { "collMod": name, "changeStreamPreAndPostImages": { "enabled": true } };
        let ask = self.database.run_command(ask);
        match within(self.timeout, OpKind::Write, ask.into_future()).await {
            Ok(_) => true,
            Err(error @ StoreError::Refused(_)) => {
                tracing::warn!(
                    error = %printable(&error.with_cause()),
                    "documents in {} have an _id that is not their id, and pre-images cannot be switched on: after the \
                     delete of such a one nothing that was cached before is served",
                    printable(name)
                );
                true
            }
            Err(error) => {
                let error = printable(&error.with_cause()).to_string();
                tracing::info!(%error, "pre-images cannot be switched on yet: it is tried again at the next such document");
                false
            }
        }
    }
}
