//! `Todos`: cache and store joined.

use cache_aside::{Answer, CacheAside, Commit, Health, Loaded, ReadError, ReadOptions, Source, Written};
use todo_model::{NewTodo, TodoId};
use todo_store::{Store, StoreError};
use uuid::Uuid;

/// Every todo. One for each worker: see [`Todos::per_worker`].
#[derive(Clone)]
pub struct Todos {
    engine: CacheAside<StoredTodos>,
}

/// The store as the cache engine sees it: bytes under an id.
#[derive(Clone)]
pub struct StoredTodos(Store);

impl Source for StoredTodos {
    type Error = StoreError;

    async fn load(&self, id: &str) -> Result<Loaded, StoreError> {
        // Nothing is stored under what is no id.
        let Ok(id) = id.parse::<TodoId>() else { return Ok(Loaded::Absent) };
        Ok(match self.0.find(&id).await? {
            Some(found) => Loaded::Value { version: found.version.0, body: found.todo.to_json().into() },
            None => Loaded::Absent,
        })
    }
}

impl Todos {
    /// Joins a store and the cache in front of it.
    ///
    /// # Errors
    /// The cache's URL is none that its client takes.
    pub fn new(
        store: Store,
        cache: &cache_aside::CacheUrl,
        options: cache_aside::Options,
    ) -> Result<Self, cache_aside::CacheError> {
        CacheAside::new(cache, StoredTodos(store), options).map(|engine| Self { engine })
    }

    /// A handle for one worker thread, with a connection to the cache of its own.
    #[must_use]
    pub fn per_worker(&self) -> Self {
        Self { engine: self.engine.per_worker() }
    }

    /// The todo's JSON, from the cache or else from the store.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(&self, id: &TodoId, how: ReadOptions) -> Result<Answer, ReadError<StoreError>> {
        self.engine.read(id.as_str(), how).await
    }

    /// Adds a todo, under a new UUIDv7 if the client chose no id.
    ///
    /// # Errors
    /// [`StoreError::Exists`] and those of the store; `None` if the write was given up half way.
    pub async fn create(&self, new: NewTodo) -> Result<(TodoId, Written), Option<StoreError>> {
        let todo = new.into_todo(new_id);
        let (store, id) = (self.engine.source().0.clone(), todo.id.clone());
        let commit = async move {
            match store.create(&todo).await {
                Ok(version) => Commit::Value { version: version.0, body: todo.to_json().into() },
                Err(error @ StoreError::UnknownOutcome(_)) => Commit::Unknown(error),
                Err(error) => Commit::Nothing(error),
            }
        };
        let written = self.engine.write(id.as_str(), commit).await?;
        Ok((id, written))
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// Why not.
    pub async fn store_health(&self) -> Result<(), StoreError> {
        self.engine.source().0.ping().await
    }

    /// Whether the cache answers.
    pub async fn cache_health(&self) -> Health {
        self.engine.health().await
    }

    /// How many times the store was read, over all workers.
    pub fn store_reads(&self) -> u64 {
        self.engine.store_reads()
    }
}

fn new_id() -> TodoId {
    Uuid::now_v7().to_string().parse().expect("a UUID is 36 visible characters")
}
