//! Where a run writes to. Under `--drop` that is a store beside the one that is there, which stays until the end.

use todo_store::{OpenMode, Replacement, Store, StoreError};

use crate::command::Target;
use crate::error::SeederError;

/// What is written, and how to go on, of a run that did not reach its end.
pub(crate) struct Progressed {
    /// How many todos are durable.
    pub(crate) written: u64,
    /// How many more may be there, since nobody knows what became of their batch.
    pub(crate) uncertain: u64,
    /// The command line that goes on.
    pub(crate) resume: String,
}

/// Where a run writes to.
pub(crate) enum Destination {
    /// To what is there, if there is anything.
    Added(Store),
    /// In the place of what is there.
    Replacing(Box<Replacement>),
}

impl Destination {
    /// Opens it: empty, or meant to be added to, or about to be replaced.
    pub(crate) async fn open(
        target: &Target,
        drop: bool,
        adds: bool,
        embedded_cache_bytes: usize,
    ) -> Result<Self, SeederError> {
        let of_store = |source| SeederError::Store { url: target.place(), source };
        let mut options = target.store_options(OpenMode::ReadWrite);
        options.embedded_cache_bytes = embedded_cache_bytes;
        if drop {
            let replacement = Replacement::begin(&target.store, &options).await.map_err(of_store)?;
            if replacement.is_in_place() {
                eprintln!(
                    "{} was emptied: the user may not make another collection, to be filled before it takes its place",
                    target.place()
                );
            }
            return Ok(Self::Replacing(Box::new(replacement)));
        }
        let store = Store::open(&target.store, &options).await.map_err(of_store)?;
        let count = if adds { 0 } else { store.count().await.map_err(of_store)? };
        if count > 0 {
            return Err(SeederError::NotEmpty { url: target.place(), count });
        }
        Ok(Self::Added(store))
    }

    /// The store to write to.
    pub(crate) fn store(&self) -> &Store {
        match self {
            Self::Added(store) => store,
            Self::Replacing(replacement) => replacement.store(),
        }
    }

    /// Ends a run that has reached its end.
    pub(crate) async fn finish(self, target: &Target) -> Result<(), SeederError> {
        let finished = match self {
            Self::Added(store) => store.flush().await,
            Self::Replacing(replacement) => match replacement.publish().await {
                Err(source @ StoreError::UnknownOutcome(_)) => {
                    let source = Box::new(SeederError::Store { url: target.place(), source });
                    return Err(SeederError::EitherOr { source, place: target.place() });
                }
                Err(source) => {
                    let source = Box::new(SeederError::Store { url: target.place(), source });
                    return Err(SeederError::Unchanged { source, place: target.place() });
                }
                Ok(()) => Ok(()),
            },
        };
        finished.map_err(|source| SeederError::Store { url: target.place(), source })
    }

    /// Ends a run that cannot go on; tells what is there now.
    pub(crate) async fn abandon(self, target: &Target, source: SeederError, progressed: Progressed) -> SeederError {
        let source = Box::new(source);
        match self {
            Self::Replacing(replacement) if !replacement.is_in_place() => {
                replacement.discard().await;
                SeederError::Unchanged { source, place: target.place() }
            }
            _ => {
                let Progressed { written, uncertain, resume } = progressed;
                SeederError::Broken { written, uncertain, resume, source }
            }
        }
    }
}
