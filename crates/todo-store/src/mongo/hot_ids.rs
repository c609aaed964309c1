//! The ids that are read most, as a cache in front of the collection keeps them: beside the collection, with what else is noted
//! there.

use mongodb::bson::{Bson, Document, doc};

use super::errors::OpKind;
use super::resume_point::notes;
use super::{MongoStore, within};
use crate::error::StoreError;

impl MongoStore {
    pub(crate) async fn hot_ids(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let found = within(self.timeout, OpKind::Read, notes(self).find_one(key(name)).into_future()).await?;
        let ids = found.and_then(|mut found| found.remove("ids"));
        let Some(Bson::Array(ids)) = ids else { return Ok(Vec::new()) };
        Ok(ids.into_iter().filter_map(|id| if let Bson::String(id) = id { Some(id) } else { None }).collect())
    }

    pub(crate) async fn save_hot_ids(&self, name: &str, ids: &[String]) -> Result<(), StoreError> {
        let set = doc! { "$set": { "ids": ids.to_vec() } };
        let notes = notes(self);
        let save = notes.update_one(key(name), set).upsert(true);
        within(self.timeout, OpKind::Write, save.into_future()).await.map(drop)
    }
}

/// Names of watchers have no space at their end.
fn key(name: &str) -> Document {
    doc! { "_id": format!("{name} hot ids") }
}
