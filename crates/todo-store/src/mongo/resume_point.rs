//! Where a watcher goes on that has ended, under its name: beside the collection, so that who restores one restores both.

use std::time::Duration;

use mongodb::Collection;
use mongodb::bson::{Document, doc};
use mongodb::change_stream::event::ResumeToken;
use serde::{Deserialize, Serialize};

use super::election::Term;
use super::errors::OpKind;
use super::{MongoStore, within};
use crate::error::StoreError;

/// The place of one watcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ResumePoint {
    #[serde(rename = "_id")]
    name: String,
    pub(crate) token: ResumeToken,
    #[serde(flatten)]
    pub(crate) term: Term,
}

/// The places of the watchers of one name; without a name nothing is kept.
pub(crate) struct ResumePoints {
    pub(crate) notes: Collection<Document>,
    name: Option<String>,
    timeout: Duration,
}

/// Where a service notes what it wants to know again.
pub(super) fn notes(store: &MongoStore) -> Collection<Document> {
    store.database.collection(&format!("{}.change_stream", store.todos.name()))
}

impl ResumePoints {
    pub(crate) fn of(store: &MongoStore, name: Option<&str>) -> Self {
        Self { notes: notes(store), name: name.map(str::to_owned), timeout: store.timeout }
    }

    pub(crate) async fn last(&self) -> Result<Option<ResumePoint>, StoreError> {
        let Some(name) = &self.name else { return Ok(None) };
        let points = self.notes.clone_with_type::<ResumePoint>();
        within(self.timeout, OpKind::Read, points.find_one(doc! { "_id": name }).into_future()).await
    }

    pub(crate) async fn save(&self, token: &ResumeToken, term: Term) -> Result<(), StoreError> {
        let Some(name) = &self.name else { return Ok(()) };
        let point = ResumePoint { name: name.clone(), token: token.clone(), term };
        let points = self.notes.clone_with_type::<ResumePoint>();
        let save = points.replace_one(doc! { "_id": name }, &point).upsert(true);
        within(self.timeout, OpKind::Write, save.into_future()).await.map(drop)
    }

    /// Otherwise the next watcher would begin at the same place, and fail again.
    pub(crate) async fn forget(&self) -> Result<(), StoreError> {
        let Some(name) = &self.name else { return Ok(()) };
        let forget = self.notes.delete_one(doc! { "_id": name });
        within(self.timeout, OpKind::Write, forget.into_future()).await.map(drop)
    }
}
