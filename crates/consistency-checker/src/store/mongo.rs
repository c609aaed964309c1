//! MongoDB, where a foreign writer leaves out versions or copies old ones.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{ClientOptions, IndexOptions, ReadConcern};
use mongodb::{Client, Collection, Database, IndexModel};

use super::mongo_servers::MongoServers;
use super::{InsertAs, body};
use crate::error::CheckError;
use crate::history::Said;

/// How long a server may take to be found.
const PATIENCE: Duration = Duration::from_secs(5);

/// One database of a run's own.
pub struct Mongo {
    /// The collection that the service serves.
    pub todos: Collection<Document>,
    /// The servers, where they are the run's own.
    pub servers: MongoServers,
    client: Client,
}

impl Mongo {
    pub(crate) async fn open(url: &str, database: &str, servers: MongoServers) -> Result<Self, CheckError> {
        let mut options = ClientOptions::parse(url).await?;
        // Who writes past the service gives up before the run is over.
        options.server_selection_timeout = Some(PATIENCE);
        // What a deposed primary has is not what the store holds.
        options.read_concern = Some(ReadConcern::majority());
        let client = Client::with_options(options)?;
        Ok(Self { todos: client.database(database).collection("todos"), servers, client })
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

    /// Puts another collection in the place of the one that is served, in one stroke: these todos as they are told, without
    /// versions, and all others as they were.
    ///
    /// # Errors
    /// Nobody knows whether it happened.
    pub async fn swap(&self, todos: &[(&str, Option<String>)], how: SwapBy) -> Result<(), CheckError> {
        let database = self.database();
        let staged = database.collection::<Document>("todos_staged");
        staged.drop().await?;
        let ids: Vec<&str> = todos.iter().map(|(id, _)| *id).collect();
        let others = [doc! { "$match": { "id": { "$nin": ids } } }, doc! { "$out": staged.name() }];
        self.todos.aggregate(others).await?;
        let unique = IndexOptions::builder().unique(true).build();
        staged.create_index(IndexModel::builder().keys(doc! { "id": 1 }).options(unique).build()).await?;
        let told = todos.iter().filter_map(|(id, name)| Some(doc! { "_id": *id, "id": *id, "name": name.as_ref()? }));
        let told: Vec<Document> = told.collect();
        if !told.is_empty() {
            staged.insert_many(told).await?;
        }
        match how {
            SwapBy::Rename => {
                let (from, to) = (staged.namespace().to_string(), self.todos.namespace().to_string());
                let rename = doc! { "renameCollection": from, "to": to, "dropTarget": true };
                self.client.database("admin").run_command(rename).await?;
            }
            SwapBy::Out => {
                staged.aggregate([doc! { "$out": self.todos.name() }]).await?;
            }
        }
        Ok(())
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

/// How one collection takes the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwapBy {
    /// `renameCollection` with `dropTarget`.
    Rename,
    /// An aggregation that ends in `$out`.
    Out,
}
