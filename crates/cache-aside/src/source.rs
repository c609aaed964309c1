//! `Source`: the store as the engine sees it.

use std::future::Future;

use bytes::Bytes;

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

/// Reads one value from the store. Must read from the primary: an old value read from a replica would be cached.
///
/// Clones share the store; every load has a deadline of its own, below the lease ([`crate::Options::lease`]).
pub trait Source: Clone + Send + Sync + 'static {
    /// Why a load failed. Clones go to every request that waited for the load.
    type Error: Clone + std::fmt::Debug + Send + Sync + 'static;

    /// What the store holds under `id` now.
    fn load(&self, id: &str) -> impl Future<Output = Result<Loaded, Self::Error>> + Send;
}
