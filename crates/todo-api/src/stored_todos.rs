//! `StoredTodos`: the store as the cache engine sees it. What an id is and which documents are todos is known here, the
//! engine knows bytes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cache_aside::{ChangeSource, ChangeStream, Loaded, Source};
use futures::future::join_all;
use todo_model::TodoId;
use todo_store::{Change, Changes, Store, StoreError};

use crate::refused::Refused;

/// The store as the cache engine sees it: bytes under an id.
#[derive(Clone)]
pub struct StoredTodos {
    store: Store,
    refused: Arc<Refused>,
    batch: usize,
}

impl StoredTodos {
    /// The todos of a store, so many by one query. What is no todo is remembered for `absent`.
    pub(crate) fn new(store: Store, absent: Duration, batch: usize) -> Self {
        Self { store, refused: Arc::new(Refused::new(absent)), batch }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The documents that are no todos; a write makes them forgotten.
    pub(crate) fn refused(&self) -> &Arc<Refused> {
        &self.refused
    }
}

impl Source for StoredTodos {
    type Error = StoreError;

    fn identity(&self) -> Option<String> {
        Some(self.store.identity().to_owned())
    }

    fn is_same_store(&self, identity: &str) -> bool {
        self.store.is_same(identity)
    }

    fn is_outage(error: &StoreError) -> bool {
        matches!(error, StoreError::Unavailable(_) | StoreError::UnknownOutcome(_))
    }

    async fn load(&self, id: &str) -> Result<Loaded, StoreError> {
        // Nothing is stored under what is no id.
        let Ok(id) = id.parse::<TodoId>() else { return Ok(Loaded::Absent) };
        if let Some(refusal) = self.refused.get(id.as_str()) {
            return Err(refusal);
        }
        let writes = self.refused.writes();
        let found = self.store.find(&id).await.inspect_err(|error| self.refused.note(id.as_str(), error, writes))?;
        Ok(match found {
            Some(found) => Loaded::Value { version: found.version.0, body: found.todo.to_json().into() },
            None => Loaded::Absent,
        })
    }

    fn max_batch(&self) -> usize {
        self.batch
    }

    async fn load_many(&self, ids: &[&str]) -> Result<Vec<Result<Loaded, StoreError>>, StoreError> {
        // Nothing is stored under what is no id, and what was refused lately is not asked for again.
        let mut refused: HashMap<&str, StoreError> =
            ids.iter().filter_map(|&id| Some((id, self.refused.get(id)?))).collect();
        let asked = ids.iter().filter(|&&id| !refused.contains_key(id));
        let known: Vec<TodoId> = asked.filter_map(|id| id.parse().ok()).collect();
        let writes = self.refused.writes();
        let found = match self.store.find_each(&known).await {
            Ok(found) => found,
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
            // Perhaps one of the ids is what it fails on: each is tried alone.
            Err(_) => return Ok(join_all(ids.iter().map(|id| self.load(id))).await),
        };
        let (mut by_id, mut of_whom) = (HashMap::with_capacity(found.len()), false);
        for one in found {
            match one {
                Ok(found) => {
                    let loaded = Loaded::Value { version: found.version.0, body: found.todo.to_json().into() };
                    by_id.insert(found.todo.id.as_str().to_owned(), Ok(loaded));
                }
                Err(error) => match &error {
                    StoreError::NotATodo { id, .. } if ids.contains(&id.as_str()) => {
                        self.refused.note(id, &error, writes);
                        by_id.insert(id.clone(), Err(error));
                    }
                    // A document whose id is no text (MongoDB finds it by each member of a list).
                    _ => of_whom = true,
                },
            }
        }
        let loaded = ids.iter().map(|&id| {
            let known = refused.remove(id).map(Err).or_else(|| by_id.remove(id));
            async move {
                match known {
                    Some(known) => known,
                    None if of_whom => self.load(id).await,
                    None => Ok(Loaded::Absent),
                }
            }
        });
        Ok(join_all(loaded.collect::<Vec<_>>()).await)
    }
}

/// The store's changes as the cache engine sees them.
pub struct TodoChanges {
    changes: Changes,
    refused: Arc<Refused>,
}

impl ChangeSource for StoredTodos {
    type Stream = TodoChanges;
    type Error = StoreError;

    async fn open(&self, name: Option<&str>) -> Result<TodoChanges, StoreError> {
        let changes = self.store.changes(name).await?;
        Ok(TodoChanges { changes, refused: Arc::clone(&self.refused) })
    }
}

impl ChangeStream for TodoChanges {
    type Error = StoreError;

    fn is_complete(&self) -> bool {
        self.changes.is_complete()
    }

    async fn next(&mut self) -> Result<Option<cache_aside::Change>, StoreError> {
        let change = self.changes.next().await?;
        match &change {
            Some(Change::Written { id, .. } | Change::Deleted { id } | Change::Touched { id }) => {
                self.refused.remove(id.as_str())
            }
            Some(Change::Unknown) => self.refused.clear(),
            None => {}
        }
        Ok(change.map(|change| match change {
            Change::Written { id, version } => {
                cache_aside::Change::Written { id: id.as_str().to_owned(), version: version.0 }
            }
            Change::Deleted { id } => cache_aside::Change::Deleted { id: id.as_str().to_owned() },
            Change::Touched { id } => cache_aside::Change::Touched { id: id.as_str().to_owned() },
            Change::Unknown => cache_aside::Change::Unknown,
        }))
    }

    fn lag(&self) -> Duration {
        self.changes.lag()
    }

    async fn save(&mut self) -> Result<(), StoreError> {
        self.changes.save().await
    }
}
