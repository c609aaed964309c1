//! Every document of a store once. Ids are remembered as hashes of 128 bits: some 40 bytes of memory for each todo.

use std::collections::HashSet;

use bson::RawDocument;
use futures::{StreamExt, stream};
use todo_store::raw::{Documents, Reader, todo};
use todo_store::{Store, StoreError};
use xxhash_rust::xxh3::xxh3_128;

use super::matches::Matches;
use crate::bulk_load::tally::{Findings, problem};
use crate::todos;

/// The todos with the ids 1 to `count` of a seed.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// The seed.
    pub seed: u64,
    /// How many.
    pub count: u64,
}

/// What a store holds.
#[derive(Debug, Default)]
pub struct Seen {
    /// All.
    pub documents: u64,
    /// Those whose id stands more than once, without the first of each id.
    pub duplicates: Findings,
    /// Those that are no todos, also over the limits.
    pub no_todos: Findings,
    equal: u64,
    different: Findings,
    extra: Findings,
}

impl Seen {
    /// What of it is as expected; it was scanned with these expectations.
    pub fn against(&self, expected: Expected) -> Matches {
        let missing = expected.count.saturating_sub(self.equal + self.different.count);
        Matches {
            equal: self.equal,
            different: self.different.clone(),
            missing: Findings { count: missing, first: Vec::new() },
            extra: self.extra.clone(),
        }
    }
}

/// Reads all documents.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn scan(store: &Store, expected: Option<Expected>) -> Result<Seen, StoreError> {
    let (mut seen, mut ids) = (Seen::default(), HashSet::new());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut lots = Box::pin(
        documents(store.read_raw().await?)
            .map(|documents| tokio::task::spawn_blocking(move || documents.map(|some| look_at(&some, expected))))
            .buffered(cores),
    );
    while let Some(lot) = lots.next().await {
        let lot = lot.map_err(|panic| StoreError::Failed(std::sync::Arc::new(panic)))??;
        for Look { id, hash, problem, place } in lot {
            let at = seen.documents;
            seen.documents += 1;
            if let Some(problem) = problem {
                seen.no_todos.add(at, problem);
            }
            match place {
                _ if hash.is_some_and(|hash| !ids.insert(hash)) => seen.duplicates.add(at, format!("id {id}")),
                Place::Equal => seen.equal += 1,
                Place::Different => seen.different.add(at, format!("id {id}")),
                Place::Extra => seen.extra.add(at, format!("id {id}")),
            }
        }
    }
    Ok(seen)
}

/// What is known of a document by itself.
struct Look {
    /// Only where it is shown.
    id: String,
    hash: Option<u128>,
    problem: Option<String>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Also where nothing is expected.
    Equal,
    Different,
    Extra,
}

fn look_at(documents: &Documents, expected: Option<Expected>) -> Vec<Look> {
    documents.iter().map(|document| look(document, expected)).collect()
}

fn look(document: &[u8], expected: Option<Expected>) -> Look {
    let raw = RawDocument::from_bytes(document).ok();
    let id = raw.and_then(|raw| raw.get("id").ok().flatten());
    // Of another type, it is another id.
    let hash = id.map(|id| match id.as_str() {
        Some(text) => xxh3_128(text.as_bytes()),
        None => xxh3_128(format!("{id:?}").as_bytes()) ^ 1,
    });
    let found = todo(document);
    let place = match (&found, expected) {
        (_, None) => Place::Equal,
        (Err(_), Some(_)) => Place::Extra,
        (Ok(found), Some(Expected { seed, count })) => match found.todo.id.as_str().parse::<u64>() {
            Ok(n) if (1..=count).contains(&n) && n.to_string() == found.todo.id.as_str() => {
                if todos::todo(seed, n) == found.todo { Place::Equal } else { Place::Different }
            }
            _ => Place::Extra,
        },
    };
    let shown = id.map_or_else(|| "missing".to_owned(), |id| id.as_str().map_or(format!("{id:?}"), str::to_owned));
    Look { id: shown, hash, problem: found.err().map(|error| problem(&error)), place }
}

fn documents(reader: Reader) -> impl futures::Stream<Item = Result<Documents, StoreError>> {
    stream::unfold(reader, |mut reader| async move { reader.next().await.transpose().map(|some| (some, reader)) })
}
