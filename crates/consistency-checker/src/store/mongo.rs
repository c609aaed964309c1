//! MongoDB, where a foreign writer leaves out versions or copies old ones.

use mongodb::bson::{Bson, Document, doc};
use mongodb::{Client, Collection, Database};
use test_servers::MongoServer;

use super::{InsertAs, body};
use crate::error::CheckError;
use crate::history::Said;

/// One database of a run's own.
pub struct Mongo {
    /// The collection that the service serves.
    pub todos: Collection<Document>,
    client: Client,
    _server: Option<MongoServer>,
}

impl Mongo {
    pub(crate) async fn open(url: &str, database: &str, server: Option<MongoServer>) -> Result<Self, CheckError> {
        let client = Client::with_uri_str(url).await?;
        Ok(Self { todos: client.database(database).collection("todos"), client, _server: server })
    }

    /// `$set` of the fields that a todo has; `v` stays as it is.
    pub(super) async fn update(&self, id: &str, name: &str) -> Result<bool, CheckError> {
        let set = doc! { "$set": { "name": name, "description": "by somebody else" } };
        Ok(self.todos.update_one(doc! { "id": id }, set).await?.matched_count > 0)
    }

    pub(super) async fn replace(&self, id: &str, name: &str) -> Result<bool, CheckError> {
        let Some(found) = self.todos.find_one(doc! { "id": id }).await? else { return Ok(false) };
        let mut document = doc! { "id": id, "name": name, "description": Bson::Null };
        if let Some(version) = found.get("v") {
            document.insert("v", version.clone());
        }
        Ok(self.todos.replace_one(doc! { "id": id }, document).await?.matched_count > 0)
    }

    /// Without `v`; oddly, with an `_id` that the database chooses.
    pub(super) async fn insert(&self, id: &str, name: &str, how: InsertAs) -> Result<bool, CheckError> {
        let mut document = doc! { "id": id, "name": name };
        if how == InsertAs::Usual {
            document.insert("_id", id);
        }
        match self.todos.insert_one(document).await {
            Ok(_) => Ok(true),
            Err(error) if error.to_string().contains("E11000") => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn delete(&self, ids: &[&str]) -> Result<(), CheckError> {
        match ids {
            [id] => self.todos.delete_one(doc! { "id": id }).await?,
            ids => self.todos.delete_many(doc! { "id": { "$in": ids } }).await?,
        };
        Ok(())
    }

    pub(super) async fn find(&self, id: &str) -> Result<Said, CheckError> {
        let found = self.todos.find_one(doc! { "id": id }).await?;
        Ok(found.map(|found| {
            let version = found.get_i64("v").ok().and_then(|version| u64::try_from(version).ok()).unwrap_or(0);
            let text = |field: &str| found.get_str(field).ok();
            (version, body(text("id"), text("name"), text("description")).into())
        }))
    }

    pub(super) async fn drop_database(&self) {
        let _ = self.database().drop().await;
    }

    /// Lets the database note every operation from now on (MongoDB manual, "Database Profiler").
    ///
    /// # Errors
    /// MongoDB does not answer.
    pub async fn note_reads(&self) -> Result<(), CheckError> {
        self.database().run_command(doc! { "profile": 2 }).await?;
        Ok(())
    }

    /// How often the todo was looked for since [`Mongo::note_reads`].
    ///
    /// # Errors
    /// MongoDB does not answer.
    pub async fn reads(&self, id: &str) -> Result<u64, CheckError> {
        let notes = self.database().collection::<Document>("system.profile");
        let namespace = self.todos.namespace().to_string();
        let reads = doc! { "op": "query", "ns": namespace, "command.filter.id": id };
        Ok(notes.count_documents(reads).await?)
    }

    fn database(&self) -> Database {
        self.client.database(&self.todos.namespace().db)
    }
}
