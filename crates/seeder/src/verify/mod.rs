//! `seeder verify`: what a store holds, and whether it is what it should hold. Nothing is changed.
//!
//! - [`scan`]: every document of the store, and the todos of a seed. [`against`]: every document of a file.
//!   [`mod@matches`]: what either of them found.

pub mod against;
pub mod matches;
pub mod scan;

use todo_store::{OpenMode, Store};

use self::matches::Matches;
use self::scan::{Expected, Seen};
use crate::bulk_load::feed::Ids;
use crate::command::Verify;
use crate::error::SeederError;
use crate::report::Report;

/// Looks at everything.
///
/// # Errors
/// See [`SeederError`]. That contents differ is no error, but the [report](Report) is not good then.
pub async fn run(options: &Verify) -> Result<Report, SeederError> {
    let of_store = |source| SeederError::Store { url: options.target.place(), source };
    // Opened before the store: a wrong file is said at once.
    let file = match &options.against {
        Some(file) => Some(against::open(file, &options.text, options.ns.as_ref())?),
        None => None,
    };
    let store = Store::open(&options.target.store, &options.target.lean_store_options(OpenMode::ReadOnly)).await;
    let store = store.map_err(of_store)?;
    let expected = match options.seed {
        Some(seed) => {
            let count = store.count().await.map_err(of_store)?;
            Some(Expected { seed, count: options.count.unwrap_or(count) })
        }
        None => None,
    };
    let seen = scan::scan(&store, expected).await.map_err(of_store)?;
    let mut report = seen.report();
    if let Some(expected) = expected {
        contents(&mut report, seen.against(expected), &format!("seed {}", expected.seed));
    }
    if let Some((source, extent)) = file {
        let ids = if options.ids_as_text { Ids::AsText } else { Ids::AsTheyAre };
        let matches = against::compare(&store, source, &extent, ids).await?;
        let matches = matches.map_err(of_store)?;
        let name = options.against.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        // What the file holds may be no todo.
        report.good = seen.duplicates.count == 0;
        contents(&mut report, matches.with_extra(seen.documents), &name);
    }
    Ok(report)
}

fn contents(report: &mut Report, matches: Matches, with: &str) {
    let Matches { equal, different, missing, extra } = &matches;
    if matches.all_equal() {
        report.lines.push(format!("contents equal those of {with}"));
        return;
    }
    report.good = false;
    report.lines.push(format!("contents do NOT equal those of {with}: {equal} equal"));
    for (findings, what) in [(different, "different"), (missing, "missing"), (extra, "too many")] {
        report.lines.extend(findings.lines(what));
    }
}

impl Seen {
    fn report(&self) -> Report {
        let Self { documents, duplicates, no_todos, .. } = self;
        let mut report = Report::of_line(format!("{documents} documents, {} todos", documents - no_todos.count));
        report.lines.extend(no_todos.lines("no todos"));
        report.lines.extend(duplicates.lines("with an id that another has, too"));
        report.good = duplicates.count == 0 && no_todos.count == 0;
        report
    }
}
