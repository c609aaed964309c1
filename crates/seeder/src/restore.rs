//! `seeder restore`: what is not restored is named: other collections, options, indexes, documents.

use std::time::Instant;

use todo_store::Store;

use crate::archive::metadata::Metadata;
use crate::bulk_load::ImportJob;
use crate::command::{Restore, Target};
use crate::error::SeederError;
use crate::namespace::{Kind, Namespace};
use crate::report::Report;
use crate::source::dump::Dump;

/// Restores the dump. Nothing is removed or written before it is clear that it is one, and which collection is meant.
///
/// # Errors
/// See [`SeederError`]; each says how to go on.
pub async fn run(options: &Restore) -> Result<Report, SeederError> {
    let dump = Dump::open(&options.file, options.ns.as_ref()).map_err(SeederError::from);
    let dump = dump.map_err(|error| error.before_the_store(&options.loading, &options.target))?;
    let job = ImportJob {
        file: &options.file,
        target: &options.target,
        loading: &options.loading,
        resume: options.resume_line(),
    };
    let began = Instant::now();
    let loaded = job.run(dump.source, &dump.extent).await?;
    let indexes = match make_indexes(loaded.store(), &options.target, &dump.metadata).await {
        Ok(indexes) => indexes,
        Err(error) => return Err(loaded.abandon(error).await),
    };
    let tally = loaded.finish().await?;
    let mut report =
        Report::of_tally(&tally, options.loading.skip_invalid, &dump.namespace.to_string(), began.elapsed());
    report.lines.extend(indexes);
    report.lines.extend(left_out(&dump.metadata, &dump.others));
    Ok(report)
}

/// After the documents, as mongorestore does: a sorted run is faster than a million insertions.
async fn make_indexes(store: &Store, target: &Target, metadata: &Metadata) -> Result<Option<String>, SeederError> {
    let of_dump = |problem| SeederError::Index { problem };
    let indexes = metadata.indexes().map_err(of_dump)?;
    if indexes.is_empty() {
        return Ok(None);
    }
    let names = metadata.index_names().join(", ");
    if !store.supports_indexes() {
        return Ok(Some(format!("not made, for this store finds todos by id only: the indexes {names}")));
    }
    let made = store.make_indexes(&indexes).await;
    made.map_err(|source| SeederError::Store { url: target.place(), source })?;
    Ok(Some(format!("made the indexes {names}")))
}

/// One line for each thing that the dump has and the store has not.
fn left_out(metadata: &Metadata, others: &[(Namespace, Kind)]) -> Vec<String> {
    let mut lines = Vec::new();
    let options = metadata.options();
    if !options.is_empty() {
        lines.push(format!("not restored: the collection's options {}", options.join(", ")));
    }
    let on_id = metadata.other_indexes_on_id();
    if !on_id.is_empty() {
        lines.push(format!("not made, for the store has its own on id: the indexes {}", on_id.join(", ")));
    }
    let names: Vec<_> = others
        .iter()
        .map(|(namespace, kind)| match kind {
            Kind::Collection => namespace.to_string(),
            Kind::View => format!("{namespace} (a view)"),
            Kind::TimeSeries => format!("{namespace} (time-series)"),
        })
        .collect();
    if !names.is_empty() {
        lines.push(format!("not restored: {}", names.join(", ")));
    }
    lines
}
