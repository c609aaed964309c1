//! Reading and writing at once, until the end, a failure or a signal; what was written is known in each case.

use std::path::Path;

use futures::{StreamExt, stream};
use todo_store::{OpenMode, Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use super::feed::{Batch, Fed, feed};
use super::tally::Tally;
use super::write::{NotWritten, write};
use crate::command::{Filling, Target};
use crate::error::SeederError;
use crate::progress::Progress;
use crate::source::{Extent, Source};
use crate::stop::stopped;

/// Documents on their way.
pub struct Way<'a> {
    /// Where they come from; shown in errors.
    pub file: &'a Path,
    /// Where they go.
    pub target: &'a Target,
    /// How.
    pub filling: &'a Filling,
    /// The command line that goes on.
    pub resume: String,
}

impl Way<'_> {
    /// Opens the store, which must be empty, be emptied, or be meant to be added to.
    ///
    /// # Errors
    /// [`SeederError::Store`], [`SeederError::NotEmpty`].
    pub async fn open(&self) -> Result<Store, SeederError> {
        let url = &self.target.store;
        // Duplicates that forbid the index go, too.
        let mode = if self.filling.drop { OpenMode::BeforeClear } else { OpenMode::ReadWrite };
        let store = Store::open(url, &self.target.lean_store_options(mode)).await;
        let store = store.map_err(|source| self.of_store(source))?;
        if self.filling.drop {
            store.clear().await.map_err(|source| self.of_store(source))?;
            return Ok(store);
        }
        let count =
            if self.filling.adds() { 0 } else { store.count().await.map_err(|source| self.of_store(source))? };
        if count > 0 {
            return Err(SeederError::NotEmpty { url: self.target.place(), count });
        }
        Ok(store)
    }

    pub(crate) fn of_store(&self, source: StoreError) -> SeederError {
        SeederError::Store { url: self.target.place(), source }
    }

    /// What happened, with what was written until then.
    pub(crate) fn broken(&self, tally: &Tally, source: SeederError) -> SeederError {
        let written = tally.written + tally.replaced;
        SeederError::Broken { written, resume: self.resume.clone(), source: Box::new(source) }
    }

    fn of_batch(&self, error: NotWritten) -> SeederError {
        let (file, url) = (self.file.display().to_string(), self.target.place());
        match error {
            NotWritten::Store(source) => SeederError::Store { url, source },
            NotWritten::Strange { at, problem } => SeederError::NoTodo { file, at, problem },
            NotWritten::Conflict { at, id } => SeederError::Taken { file, at, id, url },
        }
    }
}

/// Writes all documents of a source.
///
/// # Errors
/// [`SeederError`]; after the first batch it says what was written, and how to go on.
pub async fn fill(store: &Store, source: Source, extent: &Extent, way: &Way<'_>) -> Result<Tally, SeederError> {
    let mut progress = Progress::of_bytes(extent.total);
    let (give_up, given_up) = oneshot::channel::<()>();
    let mut give_up = Some(give_up);
    let rules = way.filling.rules();
    let size = store.batch_size().min(10_000);
    let mut batches = Box::pin(
        batches(feed(source, extent, size))
            .take_until(futures::future::select(Box::pin(stopped()), given_up))
            .map(|fed| {
                let (store, rules) = (store.clone(), rules.clone());
                tokio::spawn(async move {
                    match fed {
                        Fed::Batch(batch) => Done::of(&batch, write(&store, &batch, &rules).await),
                        Fed::Damaged(error) => Done::Damaged(error),
                        Fed::End => Done::End,
                    }
                })
            })
            .buffer_unordered(way.filling.at_a_time()),
    );
    let (mut tally, mut failure) = (Tally::default(), None);
    while let Some(done) = batches.next().await {
        let error = match done {
            Ok(Done::Written { part, result, read }) => {
                tally.merge(part);
                progress.reach(read);
                result.err().map(|error| way.of_batch(error))
            }
            Ok(Done::Damaged(error)) => Some(SeederError::Read(error)),
            Ok(Done::End) => {
                tally.ended = true;
                None
            }
            Err(_) => Some(SeederError::Abandoned),
        };
        if error.is_some() {
            // No new batch; those under way end first, so that what is written is known.
            give_up = None;
            failure = failure.or(error);
        }
    }
    drop(give_up);
    let flushed = store.flush().await.map_err(|source| way.of_store(source));
    failure = failure.or(flushed.err());
    progress.end();
    match failure {
        Some(source) => Err(way.broken(&tally, source)),
        None if tally.ended => Ok(tally),
        None => Err(SeederError::Stopped { written: tally.written + tally.replaced, resume: way.resume.clone() }),
    }
}

enum Done {
    Written { part: Tally, result: Result<(), NotWritten>, read: u64 },
    Damaged(crate::source::error::ReadError),
    End,
}

impl Done {
    fn of(batch: &Batch, (part, result): (Tally, Result<(), NotWritten>)) -> Self {
        Self::Written { part, result, read: batch.read }
    }
}

fn batches(mut receiver: mpsc::Receiver<Fed>) -> impl futures::Stream<Item = Fed> {
    stream::poll_fn(move |context| receiver.poll_recv(context))
}
