//! What a service will need of MongoDB and would not get, found out without leaving anything behind.

use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use todo_model::{Todo, TodoId};

use super::errors::{self, OpKind};
use super::reader::Reader;
use super::updates::Clock;
use super::{MongoStore, within};
use crate::error::StoreError;

/// Privileges on the collection of todos, and what each is for.
const ON_TODOS: [(&str, &str); 5] = [
    ("find", "todos are read"),
    ("insert", "todos are created"),
    ("update", "todos are changed"),
    ("remove", "todos are deleted"),
    ("createIndex", "the unique index on id is made"),
];
/// Further ones, where the change stream is followed.
const ON_CHANGES: [(&str, &str); 1] = [("changeStream", "what others write is noticed")];
/// Those on the collection that remembers how far it was followed.
const ON_PLACES: [(&str, &str); 3] = [
    ("find", "a change stream goes on where it was left"),
    ("insert", "a change stream goes on where it was left"),
    ("update", "a change stream goes on where it was left"),
];
/// For documents whose `_id` is not their id.
const PRE_IMAGES: (&str, &str) =
    ("collMod", "pre-images are switched on, without which a delete by others does not say of which todo it was");

/// How long ids that stand twice are looked for.
const DUPLICATES: Duration = Duration::from_secs(2);

impl MongoStore {
    /// What is missing for a service, a line each.
    pub(crate) async fn missing(&self, follows: bool) -> Result<Vec<String>, StoreError> {
        let (todos, places) = (self.todos.name().to_owned(), format!("{}.change_stream", self.todos.name()));
        let mut needed: Vec<(&str, (&str, &str))> = ON_TODOS.iter().map(|one| (todos.as_str(), *one)).collect();
        if follows {
            needed.extend(ON_CHANGES.iter().map(|one| (todos.as_str(), *one)));
            needed.extend(ON_PLACES.iter().map(|one| (places.as_str(), *one)));
        }
        let mut missing = Vec::new();
        let Some(privileges) = self.privileges().await? else { return self.missing_index().await };
        let allows = |collection: &str, action: &str| {
            privileges.iter().any(|privilege| covers(privilege, self.database.name(), collection, action))
        };
        if allows(&todos, "find") && follows && self.has_foreign_documents().await? {
            needed.push((&todos, PRE_IMAGES));
        }
        for (collection, (action, what_for)) in needed {
            if !allows(collection, action) {
                let role = if action == PRE_IMAGES.0 { "dbAdmin" } else { "readWrite" };
                missing.push(format!(
                    "the user lacks the privilege {action} on {database}.{collection}, by which {what_for}: grant it, or the role \
                     {role} on {database}",
                    database = self.database.name(),
                ));
            }
        }
        if missing.is_empty() {
            missing = self.missing_index().await?;
        }
        Ok(missing)
    }

    /// Creates a todo as the service would, and takes it back in the same transaction. A standalone server has none.
    pub(crate) async fn try_to_create(&self, id: &TodoId) -> Result<(), StoreError> {
        if self.clock == Clock::Wall {
            return Ok(());
        }
        let todo = Todo { id: id.clone(), name: "check".to_owned(), description: None };
        let tried = async {
            let mut session = self.database.client().start_session().await?;
            session.start_transaction().await?;
            let inserted = self.insert(&todo).session(&mut session).await.map(drop);
            // The server would end it by itself a minute later.
            let _ = session.abort_transaction().await;
            inserted
        };
        within(self.timeout, OpKind::Read, tried).await
    }

    /// Opens a change stream, and leaves it. One that is followed notes where it is, and that would be left behind.
    pub(crate) async fn try_to_follow(&self) -> Result<(), StoreError> {
        let begun = Reader::begin(self, None).await?;
        begun.map(drop).map_err(|error| errors::classify(error, OpKind::Read))
    }

    /// Privileges of the user; `None` where nobody has to log in.
    async fn privileges(&self) -> Result<Option<Vec<Document>>, StoreError> {
        let status = self.database.run_command(doc! { "connectionStatus": 1, "showPrivileges": true });
        let status = within(self.timeout, OpKind::Read, status.into_future()).await?;
        let list = |name: &str| status.get_document("authInfo").and_then(|info| info.get_array(name));
        if list("authenticatedUsers").is_ok_and(Vec::is_empty) {
            return Ok(None);
        }
        let Ok(privileges) = list("authenticatedUserPrivileges") else { return Ok(None) };
        Ok(Some(privileges.iter().filter_map(Bson::as_document).cloned().collect()))
    }

    /// Whether the unique index is there, or could be made.
    async fn missing_index(&self) -> Result<Vec<String>, StoreError> {
        let names = self.database.list_collection_names().filter(doc! { "name": self.todos.name() });
        if within(self.timeout, OpKind::Read, names.into_future()).await?.is_empty() {
            return Ok(Vec::new());
        }
        let indexes = async { self.todos.list_indexes().await?.try_collect::<Vec<_>>().await };
        let indexes = within(self.timeout, OpKind::Read, indexes).await?;
        let on_id = indexes.iter().find(|index| index.keys == doc! { "id": 1 });
        let namespace = self.todos.namespace();
        match on_id.map(|index| index.options.as_ref().and_then(|options| options.unique).unwrap_or(false)) {
            Some(true) => Ok(Vec::new()),
            Some(false) => Ok(vec![format!(
                "{namespace} has an index on id that is not unique; drop it (db.{}.dropIndex({{id: 1}}))",
                self.todos.name()
            )]),
            None => Ok(self.duplicate().await.into_iter().collect()),
        }
    }

    /// One id that stands more than once, if there is one that is found in time.
    async fn duplicate(&self) -> Option<String> {
        let twice = [
            doc! { "$group": { "_id": "$id", "count": { "$sum": 1 } } },
            doc! { "$match": { "count": { "$gt": 1 } } },
            doc! { "$limit": 1 },
        ];
        let twice = self.todos.aggregate(twice).allow_disk_use(true).max_time(DUPLICATES);
        let found = within(DUPLICATES, OpKind::Read, async { twice.await?.try_next().await }).await.ok().flatten()?;
        let id = match found.get("_id") {
            Some(Bson::String(id)) => id.clone(),
            other => other.map(Bson::to_string).unwrap_or_default(),
        };
        Some(StoreError::Duplicates { collection: self.todos.namespace().to_string(), id }.to_string())
    }
}

/// Whether a privilege allows an action on the collection (MongoDB manual, "Resource Document").
fn covers(privilege: &Document, database: &str, collection: &str, action: &str) -> bool {
    let allowed =
        privilege.get_array("actions").is_ok_and(|actions| actions.iter().any(|one| one.as_str() == Some(action)));
    let Ok(resource) = privilege.get_document("resource") else { return false };
    let is = |field: &str, name: &str| resource.get_str(field).is_ok_and(|named| named.is_empty() || named == name);
    allowed && (resource.get_bool("anyResource").unwrap_or(false) || is("db", database) && is("collection", collection))
}
