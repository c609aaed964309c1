//! Every document of a file against those that a store has under its `_id` or id.

use std::collections::HashSet;
use std::path::Path;

use bson::RawDocument;
use futures::{StreamExt, stream};
use todo_store::raw::Documents;
use todo_store::{Store, StoreError};

use super::matches::Matches;
use crate::bulk_load::feed::{Batch, Fed, Ids, feed};
use crate::command::TextOptions;
use crate::error::SeederError;
use crate::import;
use crate::namespace::Pattern;
use crate::progress::Progress;
use crate::source::dump::Dump;
use crate::source::{Extent, Source};

/// Lookups under way at one time.
const AT_A_TIME: usize = 4;
/// Documents in one lookup.
const BATCH: usize = 1_000;

/// Opens a file by its name: what `import` takes, or what `restore` takes.
///
/// # Errors
/// [`SeederError::Read`], [`SeederError::Open`].
pub fn open(file: &Path, text: &TextOptions, ns: Option<&Pattern>) -> Result<(Source, Extent), SeederError> {
    let name = file.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let is_text = [".json", ".ndjson", ".jsonl", ".csv", ".tsv"].iter().any(|ending| name.ends_with(ending));
    if text.format.is_some() || is_text && !file.is_dir() {
        return import::open(file, text).map_err(SeederError::Read);
    }
    let dump = Dump::open(file, ns)?;
    Ok((dump.source, dump.extent))
}

/// Looks every document up.
///
/// # Errors
/// [`SeederError::Read`]: the file is damaged; inside, those of the store.
pub async fn compare(
    store: &Store,
    source: Source,
    extent: &Extent,
    ids: Ids,
) -> Result<Result<Matches, StoreError>, SeederError> {
    let mut progress = Progress::of_bytes(extent.total);
    let mut receiver = feed(source, extent, BATCH, ids);
    let fed = stream::poll_fn(move |context| receiver.poll_recv(context));
    let mut looked_up = Box::pin(
        fed.map(|fed| async move {
            match fed {
                Fed::Batch(batch) => (Some(batch.read), Ok(look_up(store, &batch).await)),
                Fed::Damaged(error) => (None, Err(SeederError::Read(error))),
                Fed::End => (None, Ok(Ok(Matches::default()))),
            }
        })
        .buffer_unordered(AT_A_TIME),
    );
    let mut all = Matches::default();
    while let Some((read, matches)) = looked_up.next().await {
        match matches? {
            Ok(matches) => all.merge(matches),
            Err(error) => return Ok(Err(error)),
        }
        read.into_iter().for_each(|read| progress.reach(read));
    }
    progress.end();
    Ok(Ok(all))
}

async fn look_up(store: &Store, batch: &Batch) -> Result<Matches, StoreError> {
    let there = store.find_raw(&batch.documents).await?;
    let same: HashSet<&[u8]> = there.iter().collect();
    let (mut matches, mut names) = (Matches::default(), None);
    for (document, &at) in batch.documents.iter().zip(&batch.begins) {
        if same.contains(document) {
            matches.equal += 1;
            continue;
        }
        // Only where something differs.
        let names = names.get_or_insert_with(|| names_of(&there));
        let [key, id] = names_of_one(document);
        let shown = id.clone().or_else(|| key.clone()).map(|(_, text)| text).unwrap_or_default();
        let is_there = [key, id].into_iter().flatten().any(|name| names.contains(&name));
        let findings = if is_there { &mut matches.different } else { &mut matches.missing };
        findings.add(at, format!("byte {at}: {shown}"));
    }
    Ok(matches)
}

/// A field and its value.
type Name = (&'static str, String);

fn names_of(documents: &Documents) -> HashSet<Name> {
    documents.iter().flat_map(names_of_one).flatten().collect()
}

fn names_of_one(document: &[u8]) -> [Option<Name>; 2] {
    let raw = RawDocument::from_bytes(document).ok();
    ["_id", "id"].map(|field| {
        let value = raw?.get(field).ok()??;
        Some((field, value.as_str().map_or_else(|| format!("{field} {value:?}"), |text| format!("{field} {text}"))))
    })
}
