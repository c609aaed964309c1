//! The ids that are read most, as a cache in front of the collection keeps them: beside the collection, with what else is noted
//! there.

use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::errors::OpKind;
use super::resume_point::notes;
use super::{MongoStore, within};
use crate::error::StoreError;

#[derive(Debug, Serialize, Deserialize)]
struct HotIds {
    ids: Vec<String>,
}

impl MongoStore {
    pub(crate) async fn hot_ids(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let notes = notes(self).clone_with_type::<HotIds>();
        let found = within(self.timeout, OpKind::Read, notes.find_one(key(name)).into_future()).await?;
        Ok(found.map(|found| found.ids).unwrap_or_default())
    }

    pub(crate) async fn save_hot_ids(&self, name: &str, ids: &[String]) -> Result<(), StoreError> {
        let (notes, kept) = (notes(self).clone_with_type::<HotIds>(), HotIds { ids: ids.to_vec() });
        let save = notes.replace_one(key(name), &kept).upsert(true);
        within(self.timeout, OpKind::Write, save.into_future()).await.map(drop)
    }
}

/// Told apart from the place of the watcher of that name.
fn key(name: &str) -> Document {
    doc! { "_id": format!("{name} hot ids") }
}
