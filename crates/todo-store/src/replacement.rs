//! Everything that a store holds, replaced by something else: what was there stays until all that is new is there.

use crate::embedded::EmbeddedReplacement;
use crate::mongo::MongoReplacement;
use crate::store::{self, Store};
use crate::{StoreError, StoreOptions, StoreUrl};

/// A store that is filled beside the one whose place it will take.
pub struct Replacement {
    store: Store,
    kind: Kind,
}

enum Kind {
    Mongo(MongoReplacement),
    Embedded(EmbeddedReplacement),
}

impl Replacement {
    /// Begins with an empty store: MongoDB, another collection of the database, with the unique index on `id`; embedded,
    /// another file beside the first, which nobody else can open until the end.
    ///
    /// # Errors
    /// As [`Store::open`]; the store is then as it was.
    pub async fn begin(url: &StoreUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        match url {
            StoreUrl::Mongo(url) => {
                let (replacement, store) = MongoReplacement::begin(url, options).await?;
                Ok(Self { store: Store(store::Kind::Mongo(store)), kind: Kind::Mongo(replacement) })
            }
            StoreUrl::Embedded(path) => {
                let (replacement, store) = EmbeddedReplacement::begin(path, options).await?;
                Ok(Self { store: Store(store::Kind::Embedded(store)), kind: Kind::Embedded(replacement) })
            }
        }
    }

    /// The store to fill.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether what was there is gone already: a user who may not make another collection in MongoDB has the first one
    /// emptied and filled in place.
    pub fn is_in_place(&self) -> bool {
        matches!(&self.kind, Kind::Mongo(replacement) if replacement.is_in_place())
    }

    /// Makes all that was written durable, and puts it in the place of what was there, in one step.
    ///
    /// # Errors
    /// [`StoreError::UnknownOutcome`]: one of the two is there, whole. After others the old one is there; what was written
    /// is gone.
    pub async fn publish(self) -> Result<(), StoreError> {
        let published = match self.store.flush().await {
            Ok(()) => match &self.kind {
                Kind::Mongo(replacement) => replacement.publish().await,
                Kind::Embedded(replacement) => replacement.publish(),
            },
            Err(error) => Err(error),
        };
        if published.is_err() {
            self.discard().await;
        }
        published
    }

    /// Takes away what was written; what was there stays.
    pub async fn discard(self) {
        match self.kind {
            Kind::Mongo(replacement) => replacement.discard().await,
            Kind::Embedded(replacement) => replacement.discard(),
        }
    }
}
