//! `StoredTodos`: the store as the cache engine sees it. What it loads is the very JSON that is answered.

use std::collections::HashMap;
use std::time::Duration;

use cache_aside::{ChangeSource, ChangeStream, Loaded, Source};
use futures::future::join_all;
use todo_model::TodoId;
use todo_store::{Change as StoreChange, Changes, Store, StoreError};

/// Bytes under an id, with their version.
#[derive(Clone)]
pub struct StoredTodos(Store);

impl StoredTodos {
    /// The todos of this store.
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// The store itself.
    pub fn store(&self) -> &Store {
        &self.0
    }
}

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

    async fn load_many(&self, ids: &[&str]) -> Result<Vec<Result<Loaded, StoreError>>, StoreError> {
        // One value that cannot be read must not hide the others, so a query that fails is tried for each id alone.
        let known: Vec<TodoId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let found = match self.0.find_many(&known).await {
            Ok(found) => found,
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
            Err(_) => return Ok(join_all(ids.iter().map(|id| self.load(id))).await),
        };
        let mut found: HashMap<_, _> = found.into_iter().map(|found| (found.todo.id.clone(), found)).collect();
        let loaded = |id: &&str| {
            let found = id.parse::<TodoId>().ok().and_then(|id| found.remove(&id));
            Ok(found.map_or(Loaded::Absent, |found| Loaded::Value {
                version: found.version.0,
                body: found.todo.to_json().into(),
            }))
        };
        Ok(ids.iter().map(loaded).collect())
    }
}

/// The store's changes as the cache engine sees them.
pub struct TodoChanges(Changes);

impl ChangeSource for StoredTodos {
    type Stream = TodoChanges;
    type Error = StoreError;

    async fn open(&self, name: Option<&str>) -> Result<TodoChanges, StoreError> {
        self.0.changes(name).await.map(TodoChanges)
    }
}

impl ChangeStream for TodoChanges {
    type Error = StoreError;

    fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    async fn next(&mut self) -> Result<Option<cache_aside::Change>, StoreError> {
        Ok(self.0.next().await?.map(|change| match change {
            StoreChange::Written { id, version } => {
                cache_aside::Change::Written { id: id.as_str().to_owned(), version: version.0 }
            }
            StoreChange::Deleted { id } => cache_aside::Change::Deleted { id: id.as_str().to_owned() },
            StoreChange::Touched { id } => cache_aside::Change::Touched { id: id.as_str().to_owned() },
            StoreChange::Unknown => cache_aside::Change::Unknown,
        }))
    }

    fn lag(&self) -> Duration {
        self.0.lag()
    }

    async fn save(&mut self) -> Result<(), StoreError> {
        self.0.save().await
    }
}
