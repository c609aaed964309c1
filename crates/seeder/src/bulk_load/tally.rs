//! What became of the documents: every one is counted, and the first ones that need attention are shown.

use todo_store::{Receipt, Store, StoreError};

use super::remarked::Remarked;

/// So many of a kind are shown.
pub const SHOWN: usize = 5;

/// Documents that need attention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many.
    pub count: u64,
    /// The first [`SHOWN`], by their position.
    pub first: Vec<Finding>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it stands; orders them.
    pub at: u64,
    /// What is to be said.
    pub problem: String,
}

impl Findings {
    /// One more.
    pub fn add(&mut self, at: u64, problem: String) {
        self.merge(Self { count: 1, first: vec![Finding { at, problem }] });
    }

    /// A line that counts them, and one for each of the first.
    pub fn lines(&self, what: &str) -> Vec<String> {
        if self.count == 0 {
            return Vec::new();
        }
        let first = self.first.iter().map(|finding| format!("  {}", finding.problem));
        [format!("{} {what}", self.count)].into_iter().chain(first).collect()
    }

    /// These, too.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        if !other.first.is_empty() {
            self.first.extend(other.first);
            self.first.sort();
            self.first.truncate(SHOWN);
        }
    }
}

/// What became of the documents of a file, or of a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// In the store now, and were not before.
    pub written: u64,
    /// Were there already, byte by byte.
    pub found: u64,
    /// Left out: another has their place.
    pub skipped: u64,
    /// Took the place of another.
    pub replaced: u64,
    /// In the store, though they are no todos.
    pub no_todos: Findings,
    /// The store cannot hold them.
    pub refused: Findings,
    /// Those of both whose id is a number: `--ids-as-text` makes todos of them.
    pub numeric_ids: u64,
    /// Of which something is to be said.
    pub remarked: Remarked,
    /// Commits of what was written, and of what took the place of another.
    pub commits: Vec<(Receipt, u64)>,
    /// In batches of which nobody knows what became of them.
    pub uncertain: u64,
    /// The file was read to its end.
    pub ended: bool,
}

impl Tally {
    /// These, too.
    pub fn merge(&mut self, other: Self) {
        self.written += other.written;
        self.found += other.found;
        self.skipped += other.skipped;
        self.replaced += other.replaced;
        self.commits.extend(other.commits);
        self.uncertain += other.uncertain;
        self.no_todos.merge(other.no_todos);
        self.refused.merge(other.refused);
        self.numeric_ids += other.numeric_ids;
        self.remarked.merge(other.remarked);
        self.ended |= other.ended;
    }

    /// How many of the written ones stay, whatever happens.
    pub fn durable(&self, store: &Store) -> u64 {
        self.commits.iter().filter(|(receipt, _)| store.is_durable(*receipt)).map(|(_, count)| count).sum()
    }

    /// One line for each thing that is worth one.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (count, what) in [
            (self.found, "were there already"),
            (self.skipped, "left out: another document has their _id or id"),
            (self.replaced, "took the place of another with their _id or id"),
        ] {
            if count > 0 {
                lines.push(format!("{count} {what}"));
            }
        }
        lines.extend(self.no_todos.lines("are no todos, but stored"));
        lines.extend(self.remarked.lines());
        lines.extend(self.refused.lines("NOT STORED, for the store cannot hold them"));
        if self.numeric_ids > 0 {
            lines.push(format!(
                "{} of these have a number as their id: --ids-as-text stores it as text, so that they are found by it",
                self.numeric_ids
            ));
        }
        lines
    }
}

/// Whether some of a batch may be in the store though its write has failed so.
pub fn may_be_written_in_part(error: &StoreError) -> bool {
    matches!(error, StoreError::UnknownOutcome(_) | StoreError::Exists(_) | StoreError::Refused(_))
}

/// Why a document is no todo, in a few words.
pub fn problem(error: &StoreError) -> String {
    match error {
        StoreError::NotATodo { id, problem } if id == "?" => problem.clone(),
        StoreError::NotATodo { id, problem } => format!("id {id:?}: {problem}"),
        other => other.to_string(),
    }
}
