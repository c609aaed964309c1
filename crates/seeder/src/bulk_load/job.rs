//! `ImportJob`: reading and writing at once, until the end, a failure or a signal; what was written is known in each case.

use std::path::Path;

use futures::future::{Either, select};
use futures::{StreamExt, stream};
use todo_store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use super::destination::{Destination, Progressed};
use super::feed::{Batch, Fed, feed};
use super::tally::Tally;
use super::write::{NotWritten, write};
use crate::command::{LEAN_CACHE, Loading, Target};
use crate::error::SeederError;
use crate::input::error::ReadError;
use crate::progress::Progress;
use crate::source::{Extent, Source};
use crate::stop::stopped;

/// Documents of a file that are to be written.
pub struct ImportJob<'a> {
    /// Where they come from; shown in errors.
    pub file: &'a Path,
    /// Where they go.
    pub target: &'a Target,
    /// How they are written.
    pub loading: &'a Loading,
    /// The command line that goes on.
    pub resume: String,
}

/// Documents that are written, but perhaps not yet in their place.
pub struct Loaded<'a> {
    job: ImportJob<'a>,
    destination: Destination,
    /// What became of them.
    pub tally: Tally,
}

impl<'a> ImportJob<'a> {
    /// Writes all documents of a source. Nothing is removed before the first was read.
    ///
    /// # Errors
    /// [`SeederError`]; it says what is there now, and how to go on.
    pub async fn run(self, source: Source, extent: &Extent) -> Result<Loaded<'a>, SeederError> {
        let (drop, adds) = (self.loading.drop, self.loading.adds());
        let ids = self.loading.ids();
        let mut fed = None;
        let size = |store: &Store| store.batch_size().min(10_000);
        let (destination, mut receiver) = if drop {
            let mut receiver = feed(source, extent, 1_000, ids);
            fed = Some(self.first(&mut receiver).await?);
            (Destination::open(self.target, drop, adds, LEAN_CACHE).await?, receiver)
        } else {
            let destination = Destination::open(self.target, drop, adds, LEAN_CACHE).await?;
            let receiver = feed(source, extent, size(destination.store()), ids);
            (destination, receiver)
        };
        let batches = stream::iter(fed).chain(stream::poll_fn(move |context| receiver.poll_recv(context)));
        let (tally, failure) = self.write(destination.store(), batches, extent).await;
        match failure {
            None => Ok(Loaded { job: self, destination, tally }),
            Some(source) => Err(self.abandon(destination, &tally, source).await),
        }
    }

    /// The first documents of a file whose documents shall replace others.
    async fn first(&self, receiver: &mut mpsc::Receiver<Fed>) -> Result<Fed, SeederError> {
        let unchanged = |source| SeederError::Unchanged { place: self.target.place(), source: Box::new(source) };
        let first = select(Box::pin(receiver.recv()), Box::pin(stopped())).await;
        let Either::Left((first, _)) = first else { return Err(unchanged(SeederError::Stopped)) };
        match first {
            Some(batch @ Fed::Batch(_)) => Ok(batch),
            Some(Fed::Damaged(error)) => Err(unchanged(SeederError::Read(error))),
            Some(Fed::End) => {
                Err(SeederError::Empty { file: self.file.display().to_string(), place: self.target.place() })
            }
            None => Err(unchanged(SeederError::Abandoned)),
        }
    }

    async fn write(
        &self,
        store: &Store,
        batches: impl futures::Stream<Item = Fed> + Send,
        extent: &Extent,
    ) -> (Tally, Option<SeederError>) {
        let mut progress = Progress::of_bytes(extent.total);
        let (give_up, given_up) = oneshot::channel::<()>();
        let mut give_up = Some(give_up);
        let rules = self.loading.rules();
        let mut batches = Box::pin(
            batches
                .take_until(select(Box::pin(stopped()), given_up))
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
                .buffer_unordered(self.loading.at_a_time()),
        );
        let (mut tally, mut failure) = (Tally::default(), None);
        while let Some(done) = batches.next().await {
            let error = match done {
                Ok(Done::Written { part, result, read }) => {
                    tally.merge(part);
                    progress.reach(read);
                    result.err().map(|error| self.of_batch(error))
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
        let flushed = store.flush().await.map_err(|source| self.of_store(source));
        failure = failure.or(flushed.err());
        if failure.is_none() && !tally.ended {
            failure = Some(SeederError::Stopped);
        }
        progress.end();
        (tally, failure)
    }

    async fn abandon(&self, destination: Destination, tally: &Tally, source: SeederError) -> SeederError {
        let written = tally.durable(destination.store());
        let progressed = Progressed { written, uncertain: tally.uncertain, resume: self.resume.clone() };
        destination.abandon(self.target, source, progressed).await
    }

    fn of_store(&self, source: StoreError) -> SeederError {
        SeederError::Store { url: self.target.place(), source }
    }

    fn of_batch(&self, error: NotWritten) -> SeederError {
        let (file, url) = (self.file.display().to_string(), self.target.place());
        match error {
            NotWritten::Store(source) => SeederError::Store { url, source },
            NotWritten::NotATodo { at, problem } => SeederError::NoTodo { file, at, problem },
            NotWritten::Conflict { at, id } => SeederError::Taken { file, at, id, url },
        }
    }
}

impl Loaded<'_> {
    /// Where they are.
    pub fn store(&self) -> &Store {
        self.destination.store()
    }

    /// Puts them in their place.
    ///
    /// # Errors
    /// [`SeederError`]; it says what is there now.
    pub async fn finish(self) -> Result<Tally, SeederError> {
        self.destination.finish(self.job.target).await?;
        Ok(self.tally)
    }

    /// Ends a run that cannot be finished.
    pub async fn abandon(self, source: SeederError) -> SeederError {
        self.job.abandon(self.destination, &self.tally, source).await
    }
}

enum Done {
    Written { part: Tally, result: Result<(), NotWritten>, read: u64 },
    Damaged(ReadError),
    End,
}

impl Done {
    fn of(batch: &Batch, (mut part, result): (Tally, Result<(), NotWritten>)) -> Self {
        part.remarked.merge(batch.remarks.clone());
        Self::Written { part, result, read: batch.read }
    }
}
