//! `Source`: the store as the engine sees it.

use std::future::Future;

use bytes::Bytes;
use futures::future::join_all;

/// What the store holds under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// The store holds a value.
    Value {
        /// Version of the value: for one id it never comes twice and never goes back, and it is below 2^53; 0 if the writer
        /// gave none.
        version: u64,
        /// Body of the value as it is answered; the cache keeps these bytes.
        body: Bytes,
    },
    /// The store holds nothing under the id.
    Absent,
}

/// Reads values from the store. Must read from the primary: an old value read from a replica would be cached.
///
/// Clones share the store. The deadline of a load is the engine's ([`crate::Options::load_timeout`]).
pub trait Source: Clone + Send + Sync + 'static {
    /// Why a load failed. Every request that waited for the load shares it.
    type Error: std::error::Error + Send + Sync + 'static;

    /// What the store holds under `id` now.
    fn load(&self, id: &str) -> impl Future<Output = Result<Loaded, Self::Error>> + Send;

    /// What the store holds under each of `ids` now: one answer for each, **in their order**. By default one
    /// [`Source::load`] each, concurrently; a store that can read many values by one query does that here.
    ///
    /// # Errors
    /// The outer error is one of the whole query, an inner one of a single value.
    fn load_many(
        &self,
        ids: &[&str],
    ) -> impl Future<Output = Result<Vec<Result<Loaded, Self::Error>>, Self::Error>> + Send {
        let loads: Vec<_> = ids.iter().map(|id| self.load(id)).collect();
        async { Ok(join_all(loads).await) }
    }
}
