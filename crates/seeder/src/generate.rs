//! Writing the todos of a seed: batches made on all cores, several under way at one time.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use todo_model::Todo;
use todo_store::{Receipt, Store, StoreError};
use tokio::sync::oneshot;

use crate::bulk_load::destination::{Destination, Progressed};
use crate::bulk_load::tally::may_be_written_in_part;
use crate::command::{Generate, WIDE_CACHE};
use crate::error::SeederError;
use crate::progress::Progress;
use crate::stop::stopped;
use crate::todos::todos;

/// What was done.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Written by this run.
    pub written: u64,
    /// There before (`--resume`).
    pub found: u64,
    /// Without opening the store.
    pub took: Duration,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        write!(f, "{} todos written in {seconds:.1} s, {:.0} todos/s", self.written, self.written as f64 / seconds)?;
        if self.found > 0 {
            write!(f, "; {} were there already", self.found)?;
        }
        Ok(())
    }
}

/// Writes the todos.
///
/// # Errors
/// See [`SeederError`]; each says how to go on.
pub async fn run(options: &Generate) -> Result<Done, SeederError> {
    let destination = Destination::open(&options.target, options.drop, options.resume, WIDE_CACHE).await?;
    let store = destination.store().clone();

    let (began, mut progress) = (Instant::now(), Progress::of_todos(options.count));
    let (mut commits, mut written, mut found, mut uncertain) = (Vec::new(), 0, 0, 0);
    let (give_up, given_up) = oneshot::channel::<()>();
    let mut give_up = Some(give_up);
    let seed = options.seed;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut batches = stream::iter(batches(options.count, store.batch_size() as u64))
        .take_until(Box::pin(futures::future::select(Box::pin(stopped()), given_up)))
        // Two stages, so that batches are made while others are written.
        .map(|numbers| tokio::task::spawn_blocking(move || todos(seed, numbers)))
        .buffered(cores)
        .map(|made| {
            let (store, options) = (store.clone(), options.clone());
            tokio::spawn(async move { write(&store, &options, made.map_err(|_| SeederError::Abandoned)?).await })
        })
        .buffer_unordered(options.jobs);
    let mut failure = None;
    while let Some(batch) = batches.next().await {
        match batch.unwrap_or(Err(SeederError::Abandoned)) {
            Ok(batch) => {
                commits.push((batch.receipt, batch.written));
                written += batch.written;
                found += batch.found;
                progress.add(batch.written + batch.found);
            }
            Err(error) => {
                if let SeederError::Store { source, .. } = &error
                    && may_be_written_in_part(source)
                {
                    uncertain += store.batch_size() as u64;
                }
                // No new batch; those under way end first, so that what is written is known.
                give_up = None;
                failure = failure.or(Some(error));
            }
        }
    }
    drop(give_up);
    let flushed = store.flush().await.map_err(|source| of_store(options, source));
    failure = failure.or(flushed.err());
    if failure.is_none() && written + found < options.count {
        failure = Some(SeederError::Stopped);
    }
    progress.end();
    match failure {
        None => {
            destination.finish(&options.target).await?;
            Ok(Done { written, found, took: began.elapsed() })
        }
        Some(other @ SeederError::OtherTodos { .. }) => Err(other),
        Some(source) => {
            let durable = commits.iter().filter(|(receipt, _)| store.is_durable(*receipt));
            let written = durable.map(|(_, count)| count).sum();
            let progressed = Progressed { written, uncertain, resume: options.resume_line() };
            Err(destination.abandon(&options.target, source, progressed).await)
        }
    }
}

/// One batch: written by this run, and there before.
struct Batch {
    receipt: Receipt,
    written: u64,
    found: u64,
}

async fn write(store: &Store, options: &Generate, made: Vec<Todo>) -> Result<Batch, SeederError> {
    let all = made.len() as u64;
    let missing = if options.resume { missing(store, options, made).await? } else { made };
    let receipt = if missing.is_empty() { Ok(Receipt::default()) } else { store.insert_many(&missing).await };
    let receipt = receipt.map_err(|source| of_store(options, source))?;
    let written = missing.len() as u64;
    Ok(Batch { receipt, written, found: all - written })
}

/// Those that are not there. One that is there, but different, was made from another seed, or changed since.
async fn missing(store: &Store, options: &Generate, made: Vec<Todo>) -> Result<Vec<Todo>, SeederError> {
    let ids: Vec<_> = made.iter().map(|todo| todo.id.clone()).collect();
    let there = store.find_many(&ids).await.map_err(|source| of_store(options, source))?;
    let there: HashMap<_, _> = there.into_iter().map(|found| (found.todo.id.clone(), found.todo)).collect();
    if let Some(other) = made.iter().find(|todo| there.get(&todo.id).is_some_and(|found| found != *todo)) {
        let (url, id) = (options.target.place(), other.id.to_string());
        return Err(SeederError::OtherTodos { url, seed: options.seed, id });
    }
    Ok(made.into_iter().filter(|todo| !there.contains_key(&todo.id)).collect())
}

/// 1 to `count`, cut in batches.
fn batches(count: u64, size: u64) -> impl Iterator<Item = Range<u64>> {
    (0..count.div_ceil(size)).map(move |n| n * size + 1..((n + 1) * size).min(count) + 1)
}

fn of_store(options: &Generate, source: StoreError) -> SeederError {
    SeederError::Store { url: options.target.place(), source }
}
