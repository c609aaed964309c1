//! `HotTodos`: which todos are read most is kept in the store, so that a service that starts over an empty cache knows them.

use cache_aside::HotIdStore;
use todo_store::{Store, StoreError};

/// Most ids that are kept: with 128 bytes each, one document of MongoDB (16 MiB) holds them.
const MOST: usize = 100_000;

/// How many ids are kept.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count <= MOST);
    count.ok_or_else(|| format!("must be a whole number from 0 to {MOST}"))
}

/// The ids of a service that has its keys under this prefix.
pub(crate) struct HotTodos {
    pub(crate) store: Store,
    pub(crate) prefix: String,
}

impl HotIdStore for HotTodos {
    type Error = StoreError;

    async fn load(&self) -> Result<Vec<String>, StoreError> {
        self.store.hot_ids(&self.prefix).await
    }

    async fn save(&self, ids: &[String]) -> Result<(), StoreError> {
        self.store.save_hot_ids(&self.prefix, ids).await
    }
}
