//! `Cluster`: the real servers and processes of a run. All of them end with it.
//!
//! - [`node`]: one process of the service. [`redis`]: Redis as the run sees it: cells, and what can be done to them.

pub mod node;
pub mod redis;

use std::path::PathBuf;

use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection, Database};
use test_servers::{MongoServer, fresh_name};

use self::node::Node;
use self::redis::Redis;
use crate::error::CheckError;

/// What to start.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The service's program.
    pub api: PathBuf,
    /// How many processes of it.
    pub processes: u32,
    /// Flags that each gets besides its addresses.
    pub flags: Vec<String>,
    /// Variables that each gets.
    pub variables: Vec<(String, String)>,
    /// A MongoDB that runs already; by default one is started.
    pub mongo_url: Option<String>,
}

/// One Redis, one MongoDB, and processes of the service between clients and them.
pub struct Cluster {
    /// The processes.
    pub nodes: Vec<Node>,
    /// The cache.
    pub redis: Redis,
    /// The collection that the service serves.
    pub todos: Collection<Document>,
    client: Client,
    _mongo: Option<MongoServer>,
}

impl Cluster {
    /// Starts everything, and waits until every process answers.
    ///
    /// # Errors
    /// A program is missing, or does not answer.
    pub async fn start(options: &ClusterOptions) -> Result<Self, CheckError> {
        if let Some(missing) = test_servers::missing() {
            return Err(CheckError::Missing(missing));
        }
        if !options.api.is_file() {
            return Err(CheckError::NoService(options.api.clone()));
        }
        let given = options.mongo_url.clone();
        let (redis, mongo) =
            tokio::task::spawn_blocking(move || (Redis::start(), given.is_none().then(MongoServer::start))).await?;
        let mongo_url = options.mongo_url.clone().or(mongo.as_ref().map(MongoServer::url)).unwrap_or_default();
        let database = fresh_name("verify");
        let client = Client::with_uri_str(&mongo_url).await?;
        let todos = client.database(&database).collection("todos");
        let mut nodes = Vec::new();
        for number in 0..options.processes {
            let mut flags: Vec<String> =
                ["--store", &mongo_url, "--database", &database, "--cache", &redis.url()].map(str::to_owned).to_vec();
            flags.extend(options.flags.iter().cloned());
            let node = Node::start(number, &options.api, flags, options.variables.clone())?;
            node.wait_until_ready().await?;
            nodes.push(node);
        }
        Ok(Self { nodes, redis, todos, client, _mongo: mongo })
    }

    /// Lets the database note every operation from now on (MongoDB manual, "Database Profiler").
    ///
    /// # Errors
    /// MongoDB does not answer.
    pub async fn note_store_reads(&self) -> Result<(), CheckError> {
        self.database().run_command(doc! { "profile": 2 }).await?;
        Ok(())
    }

    /// How often the todo was looked for in the store since [`Cluster::note_store_reads`].
    ///
    /// # Errors
    /// MongoDB does not answer.
    pub async fn store_reads(&self, id: &str) -> Result<u64, CheckError> {
        let notes = self.database().collection::<Document>("system.profile");
        let namespace = self.todos.namespace().to_string();
        let reads = doc! { "op": "query", "ns": namespace, "command.filter.id": id };
        Ok(notes.count_documents(reads).await?)
    }

    fn database(&self) -> Database {
        self.client.database(&self.todos.namespace().db)
    }

    /// Forgets the database, where others go on to use the server.
    pub async fn drop_database(&self) {
        // A database that is left over costs disk until its server ends, nothing else.
        let _ = self.database().drop().await;
    }
}
