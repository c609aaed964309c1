//! One batch into the store. What is there already is never changed unless that was asked for.

use std::collections::{HashMap, HashSet};

use bson::RawDocument;
use todo_store::raw::{Documents, Field, fields, todo};
use todo_store::{Store, StoreError};

use super::feed::Batch;
use super::ids_as_text::has_numeric_id;
use super::tally::{Tally, may_be_written_in_part, problem};
use crate::command::OnConflict;

/// How batches are written.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What happens to a document whose place is taken.
    pub on_conflict: OnConflict,
    /// Whether what is no todo ends the run.
    pub strict: bool,
    /// Whether much may be there already: it is then asked for first, for a refused insertion costs ten lookups.
    pub look_first: bool,
}

/// The batch is not, or not wholly, written.
#[derive(Debug)]
pub enum NotWritten {
    /// The store failed.
    Store(StoreError),
    /// A document is no todo, and must be one.
    NotATodo {
        /// Where it begins.
        at: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The place of a document is taken.
    Conflict {
        /// Where it begins.
        at: u64,
        /// Its id, or what stands for it.
        id: String,
    },
}

impl From<StoreError> for NotWritten {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Writes a batch. The tally also counts what was written of one that failed.
///
/// # Errors
/// [`NotWritten`].
pub async fn write(store: &Store, batch: &Batch, rules: &Rules) -> (Tally, Result<(), NotWritten>) {
    let mut tally = Tally::default();
    let result = write_all(store, batch, rules, &mut tally).await;
    (tally, result)
}

async fn write_all(store: &Store, batch: &Batch, rules: &Rules, tally: &mut Tally) -> Result<(), NotWritten> {
    let mut not_todos: HashMap<usize, String> = HashMap::new();
    for (place, document) in batch.documents.iter().enumerate() {
        if let Err(error) = todo(document) {
            not_todos.insert(place, problem(&error));
        }
    }
    if rules.strict
        && let Some(place) = not_todos.keys().min()
    {
        return Err(NotWritten::NotATodo { at: batch.begins[*place], problem: not_todos[place].clone() });
    }
    let mut places: Vec<usize> = (0..batch.documents.len()).collect();
    if rules.look_first {
        places = not_there(store, &batch.documents, &places, tally).await?;
    }
    let inserted = if places.len() == batch.documents.len() {
        store.insert_raw(&batch.documents).await
    } else {
        store.insert_raw(&batch.documents.only(&places)).await
    };
    let inserted = inserted.map_err(|error| uncertain(error, places.len(), tally))?;
    tally.written = inserted.count;
    tally.commits.push((inserted.receipt, inserted.count));
    for (at, why) in inserted.refused {
        let (place, at) = (places[at], batch.begins[places[at]]);
        tally.numeric_ids += u64::from(has_numeric_id(batch.documents.get(place)));
        not_todos.remove(&place);
        tally.refused.add(at, format!("byte {at}: {why}"));
    }
    let taken: Vec<usize> = inserted.taken.into_iter().map(|at| places[at]).collect();
    let conflicts = not_there(store, &batch.documents, &taken, tally).await?;
    match rules.on_conflict {
        OnConflict::Replace => {
            let (count, last) = (conflicts.len(), last_of_each(&batch.documents, conflicts));
            let replaced = store.replace_raw(&batch.documents.only(&last)).await;
            let receipt = replaced.map_err(|error| uncertain(error, count, tally))?;
            tally.replaced = count as u64;
            tally.commits.push((receipt, count as u64));
        }
        OnConflict::Skip => {
            tally.skipped = conflicts.len() as u64;
            conflicts.iter().for_each(|place| drop(not_todos.remove(place)));
        }
        OnConflict::Fail => {
            if let Some(&place) = conflicts.first() {
                let (at, id) = (batch.begins[place], name(batch.documents.get(place)));
                return Err(NotWritten::Conflict { at, id });
            }
        }
    }
    for (place, problem) in not_todos {
        let at = batch.begins[place];
        tally.numeric_ids += u64::from(has_numeric_id(batch.documents.get(place)));
        tally.no_todos.add(at, format!("byte {at}: {problem}"));
    }
    Ok(())
}

fn uncertain(error: StoreError, count: usize, tally: &mut Tally) -> StoreError {
    if may_be_written_in_part(&error) {
        tally.uncertain += count as u64;
    }
    error
}

/// Those of `places` whose document is not there in these very bytes; the others are counted as found.
async fn not_there(
    store: &Store,
    documents: &Documents,
    places: &[usize],
    tally: &mut Tally,
) -> Result<Vec<usize>, StoreError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let there = store.find_raw(&documents.only(places)).await?;
    let there: HashSet<&[u8]> = there.iter().collect();
    let (found, others): (Vec<usize>, _) = places.iter().partition(|place| there.contains(documents.get(**place)));
    tally.found += found.len() as u64;
    Ok(others)
}

/// If an id stands more than once among them, the last one of the file stays.
fn last_of_each(documents: &Documents, mut places: Vec<usize>) -> Vec<usize> {
    let mut seen = HashSet::new();
    places.sort_unstable();
    places.reverse();
    places.retain(|&place| seen.insert(key(documents.get(place)).map(|key| (key.kind, key.value))));
    places.reverse();
    places
}

/// The field that says which document it is: `id`, else `_id`. Their texts need not be UTF-8.
fn key(document: &[u8]) -> Option<Field<'_>> {
    let find = |name: &[u8]| fields(document).filter_map(Result::ok).find(|field| field.name == name);
    find(b"id").or_else(|| find(b"_id"))
}

/// What a document is called in a message: its id, else its `_id`.
fn name(document: &[u8]) -> String {
    let Some(key) = key(document) else { return "without id".to_owned() };
    if let Some(text) = key.text() {
        return String::from_utf8_lossy(text).into_owned();
    }
    let raw = RawDocument::from_bytes(document);
    let value = raw.as_ref().ok().and_then(|raw| raw.get(std::str::from_utf8(key.name).ok()?).ok().flatten());
    value.map_or_else(|| "with an id that is not UTF-8".to_owned(), |value| format!("{value:?}"))
}
