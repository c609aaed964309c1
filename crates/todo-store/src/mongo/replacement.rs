//! A collection that is filled under another name and then renamed (MongoDB manual, "renameCollection"). A change stream of
//! the old one ends by that; its watchers are told that anything may have changed.

use mongodb::bson::{Document, doc};

use super::errors::{self, OpKind};
use super::{MongoStore, within};
use crate::connection_string::ConnectionString;
use crate::error::StoreError;
use crate::options::StoreOptions;
use crate::printable;

/// The user may not do that (MongoDB manual, "Error Codes").
const UNAUTHORIZED: i32 = 13;

/// A collection that takes the place of another.
pub(crate) struct MongoReplacement {
    target: MongoStore,
    /// None if the user may not make another collection: then the target itself was emptied.
    beside: Option<MongoStore>,
}

impl MongoReplacement {
    pub(crate) async fn begin(
        url: &ConnectionString,
        options: &StoreOptions,
    ) -> Result<(Self, MongoStore), StoreError> {
        let target = MongoStore::connect(url, options).await?;
        let create = target.create_like_it().await?;
        let name = format!("{}.loading.{:08x}", target.todos.name(), rand::random::<u32>());
        let mut command = doc! { "create": &name };
        command.extend(create);
        match target.database.run_command(command).await {
            Ok(_) => {}
            Err(error) if errors::code(&error) == Some(UNAUTHORIZED) => {
                target.clear().await?;
                return Ok((Self { target: target.clone(), beside: None }, target));
            }
            Err(error) => return Err(errors::classify(error, OpKind::Write)),
        }
        let beside = MongoStore { todos: target.database.collection(&name), ..target.clone() };
        let replacement = Self { target, beside: Some(beside.clone()) };
        match beside.make_unique_index().await {
            Ok(()) => Ok((replacement, beside)),
            Err(error) => {
                replacement.discard().await;
                Err(error)
            }
        }
    }

    pub(crate) fn is_in_place(&self) -> bool {
        self.beside.is_none()
    }

    pub(crate) async fn publish(&self) -> Result<(), StoreError> {
        let Some(beside) = &self.beside else { return Ok(()) };
        let rename = doc! {
            "renameCollection": beside.todos.namespace().to_string(),
            "to": self.target.todos.namespace().to_string(),
            "dropTarget": true,
            "writeConcern": { "w": "majority" },
        };
        let admin = self.target.database.client().database("admin");
        within(self.target.bulk_timeout, OpKind::Write, admin.run_command(rename).into_future()).await.map(drop)
    }

    /// If it cannot be dropped, it is named: it takes room, but harms nobody.
    pub(crate) async fn discard(self) {
        let Some(beside) = &self.beside else { return };
        let dropped = within(beside.bulk_timeout, OpKind::Write, beside.todos.drop().into_future()).await;
        if let Err(error) = dropped {
            let why = error.with_cause();
            let line = format!(
                "the unfinished collection {} cannot be removed ({why}): drop it by hand",
                beside.todos.namespace()
            );
            tracing::warn!("{}", printable(&line));
        }
    }
}

impl MongoStore {
    /// Options of a collection like the one that is there: pre-images are for those who follow its changes.
    async fn create_like_it(&self) -> Result<Document, StoreError> {
        let name = self.todos.name();
        let list = doc! { "listCollections": 1, "filter": { "name": name } };
        let list = self.database.run_command(list);
        let listed = within(self.timeout, OpKind::Read, list.into_future()).await?;
        let first = listed.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
        let Some(found) = first.ok().and_then(|all| all.first()?.as_document()) else { return Ok(Document::new()) };
        let kind = found.get_str("type").unwrap_or("collection");
        if kind != "collection" {
            return Err(StoreError::Refused(format!("{} is no collection, but a {kind}", self.todos.namespace())));
        }
        let options = found.get_document("options").ok();
        let images = options.and_then(|options| options.get("changeStreamPreAndPostImages"));
        Ok(images.map(|images| doc! { "changeStreamPreAndPostImages": images }).unwrap_or_default())
    }
}
