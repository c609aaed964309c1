//! `Source`: the store as the engine sees it.

use std::collections::HashMap;
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

impl Loaded {
    /// In one word, for those who trace a load.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Value { .. } => "value",
            Self::Absent => "absent",
        }
    }

    /// Puts what a query found into the order of the ids that were asked for, as [`Source::load_many`] has to. An id that the
    /// query did not find is absent; one that was not asked for is left out.
    ///
    /// ```
    /// use cache_aside::Loaded;
    /// let row = |body: &'static str| Loaded::Value { version: 1, body: body.into() };
    /// // `WHERE id IN (…)` answers in any order, and says nothing of ids that are not there.
    /// let found = Loaded::in_order::<std::io::Error>(&["a", "b", "c"], [("c", row("C")), ("a", row("A"))]);
    /// let found: Vec<Loaded> = found.into_iter().map(Result::unwrap).collect();
    /// assert_eq!(found, [row("A"), Loaded::Absent, row("C")]);
    /// ```
    pub fn in_order<E>(ids: &[&str], found: impl IntoIterator<Item = (impl AsRef<str>, Self)>) -> Vec<Result<Self, E>> {
        let places: HashMap<&str, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let mut loaded: Vec<_> = ids.iter().map(|_| Ok(Self::Absent)).collect();
        for (id, value) in found {
            if let Some(at) = places.get(id.as_ref()) {
                loaded[*at] = Ok(value);
            }
        }
        loaded
    }
}

/// Reads values from the store. Must read from the primary: an old value read from a replica would be cached.
///
/// Clones share the store. The deadline of a load is the engine's ([`crate::Options::load_timeout`]).
pub trait Source: Clone + Send + Sync + 'static {
    /// Why a load failed. Every request that waited for the load shares it.
    type Error: std::error::Error + Send + Sync + 'static;

    /// What the store holds under `id` now.
    fn load(&self, id: &str) -> impl Future<Output = Result<Loaded, Self::Error>> + Send;

    /// Whether this error says that the store as a whole is away or does not answer, as against one that concerns a single
    /// value, or a refusal that comes at once. After some of these in a row the store is left alone for a moment
    /// ([`crate::Options::breaker_failures`]), and while it is away values from before the cache was last invalidated as a
    /// whole are answered. `true`, the default, if nothing is known of the errors.
    fn is_outage(error: &Self::Error) -> bool {
        let _ = error;
        true
    }

    /// Names the store, the same in every process that reads it: caches of two stores under one prefix would answer for each
    /// other, and are noticed by this at the start and by the heartbeats of the change stream. `None`, the default, if that is not to be checked.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Whether an identity that another process has named is of this store: equal, by default. One that lists the servers of a
    /// store is, also when a server was added meanwhile or taken away.
    fn is_same_store(&self, identity: &str) -> bool {
        self.identity().is_none_or(|own| own == identity)
    }

    /// How many values one query of the store may be asked for, by reads that miss at the same moment: they are gathered over
    /// all threads into one [`Source::load_many`] while other loads are under way; a read that finds the store idle goes at once.
    /// Never more than half of [`crate::Options::store_concurrency`]. 1, the default, gathers none: right as long as
    /// `load_many` is as many loads. 64 is a good number where it is one query.
    fn max_batch(&self) -> usize {
        1
    }

    /// What the store holds under each of `ids` now: one answer for each, **in their order**. By default one
    /// [`Source::load`] each, concurrently; a store that can read many values by one query does that here,
    /// and puts what it found in order by [`Loaded::in_order`]. No id comes twice.
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
