//! Which primary there is. A new one answers reads, also those of majority concern, from before the writes that the last one
//! acknowledged, until a write of its own term is known to a majority (MongoDB manual, "Read Concern majority").

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mongodb::bson::{Document, Timestamp, doc, oid::ObjectId};
use mongodb::event::EventHandler;
use mongodb::event::sdam::SdamEvent;
use mongodb::{Collection, ServerType};
use serde::{Deserialize, Serialize};
use todo_model::Version;

use super::clock::version_at;
use super::errors::OpKind;
use super::{MongoStore, within};
use crate::error::StoreError;

/// Counts how often the driver has met a primary that it did not know: it may be a new one, or the old one back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Primaries(Arc<AtomicU64>);

impl Primaries {
    pub(crate) fn met(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// To be told by the driver of what it finds.
    pub(crate) fn handler(&self) -> EventHandler<SdamEvent> {
        let met = Arc::clone(&self.0);
        EventHandler::callback(move |event| {
            if let SdamEvent::ServerDescriptionChanged(change) = event
                && change.new_description.server_type() == ServerType::RsPrimary
                && change.previous_description.server_type() != ServerType::RsPrimary
            {
                met.fetch_add(1, Ordering::AcqRel);
            }
        })
    }
}

/// What the primary says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Term {
    /// Of the election that it won; none if it is no member of a replica set.
    pub(crate) election: Option<ObjectId>,
    /// A version above all that were given until now, and below all that will be.
    #[serde(skip, default = "unversioned")]
    pub(crate) clock: Version,
}

fn unversioned() -> Version {
    Version::UNVERSIONED
}

impl MongoStore {
    pub(crate) async fn term(&self) -> Result<Term, StoreError> {
        let hello = self.database.run_command(doc! { "hello": 1 });
        let hello = within(self.timeout, OpKind::Read, hello.into_future()).await?;
        let time = hello.get_document("$clusterTime").and_then(|time| time.get_timestamp("clusterTime"));
        let time =
            time.or_else(|_| hello.get_timestamp("operationTime")).unwrap_or(Timestamp { time: 0, increment: 0 });
        Ok(Term { election: hello.get_object_id("electionId").ok(), clock: version_at(time) })
    }

    /// Returns when every read sees every write that was acknowledged before the present primary was elected.
    pub(crate) async fn settle(&self, notes: &Collection<Document>) -> Result<(), StoreError> {
        let touch = doc! { "$currentDate": { "at": true } };
        let touch = notes.update_one(doc! { "_id": "settled" }, touch).upsert(true);
        within(self.timeout, OpKind::Write, touch.into_future()).await.map(drop)
    }
}
