//! Why the seeder stopped, and how to go on.

use std::io;

use thiserror::Error;
use todo_store::StoreError;

use crate::command::{Loading, Target};
use crate::input::error::ReadError;
use crate::source::dump::OpenError;

/// Each message is one line.
#[derive(Debug, Error)]
pub enum SeederError {
    /// The store cannot be opened or read, or a batch was not written.
    #[error("--store {url}: {}", source.with_cause())]
    Store {
        /// Database and collection that were used, without a password.
        url: String,
        /// Why.
        source: StoreError,
    },
    /// There are todos already.
    #[error("{url} holds {count} todos already: add --drop to remove them first, or --resume to add what is missing")]
    NotEmpty {
        /// Database and collection that were used, without a password.
        url: String,
        /// How many.
        count: u64,
    },
    /// There are todos under the same ids that this seed does not make.
    #[error(
        "todo {id} in {url} is not the one that seed {seed} makes: --resume needs the seed of the run it goes on with, \
         or add --drop instead to begin anew"
    )]
    OtherTodos {
        /// Database and collection that were used, without a password.
        url: String,
        /// The seed of this run.
        seed: u64,
        /// The first that differs.
        id: String,
    },
    /// The file is damaged, or none that can be read.
    #[error(transparent)]
    Read(ReadError),
    /// The dump cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A document is no todo, and `--strict` wants nothing else.
    #[error("{file}: byte {at}: the document that begins here is no todo: {problem} (without --strict it is stored)")]
    NoTodo {
        /// The file's name as the user gave it.
        file: String,
        /// Where the document begins, after decompression.
        at: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// Another document has the `_id` or the id.
    #[error(
        "{file}: byte {at}: the document {id} that begins here conflicts with another in {url} that has its _id or id: add \
         --on-conflict skip or --on-conflict replace"
    )]
    Taken {
        /// The file's name as the user gave it.
        file: String,
        /// Where the document begins, after decompression.
        at: u64,
        /// The document's id.
        id: String,
        /// Database and collection that were used, without a password.
        url: String,
    },
    /// The dump's definition of an index is wrong.
    #[error("the dump's definition of an index is wrong: {problem}; the documents are restored")]
    Index {
        /// What is wrong.
        problem: String,
    },
    /// An archive cannot be written.
    #[error("{file}: cannot be written: {source}")]
    Write {
        /// The file's name as the user gave it.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The archive would take the place of the store that it is made from.
    #[error("{0} is the store itself: an archive in its place would be all that is left; choose another file")]
    DumpOntoStore(String),
    /// SIGINT or SIGTERM while an archive was written.
    #[error("stopped; {0} was not written")]
    NoDump(String),
    /// The run cannot go on.
    #[error("{source}; {written} todos were written{}; to go on: {resume}", perhaps(*.uncertain))]
    Broken {
        /// So many are durable that this run wrote.
        written: u64,
        /// So many more may be there.
        uncertain: u64,
        /// The command line that goes on.
        resume: String,
        /// What happened.
        source: Box<SeederError>,
    },
    /// A run under `--drop` cannot go on.
    #[error("{source}; nothing was removed: {place} is as it was")]
    Unchanged {
        /// Database and collection, or the file.
        place: String,
        /// What happened.
        source: Box<SeederError>,
    },
    /// The last step of a run under `--drop` got no answer.
    #[error("{source}; {place} holds either what it held before, or all of the new: look before you go on")]
    EitherOr {
        /// Database and collection, or the file.
        place: String,
        /// What happened.
        source: Box<SeederError>,
    },
    /// A file that has nothing to replace anything with.
    #[error("{file}: there is no document in it; nothing was removed: {place} is as it was")]
    Empty {
        /// The file's name as the user gave it.
        file: String,
        /// Database and collection, or the file.
        place: String,
    },
    /// No threads can be started.
    #[error("cannot start: {0}")]
    NoRuntime(io::Error),
    /// SIGINT or SIGTERM.
    #[error("stopped")]
    Stopped,
    /// A thread panicked: a bug.
    #[error("a batch was given up")]
    Abandoned,
}

impl SeederError {
    /// Of a run that ended before it had a store; who wanted to `--drop` is told that nothing was removed.
    pub(crate) fn before_the_store(self, loading: &Loading, target: &Target) -> Self {
        if loading.drop { Self::Unchanged { place: target.place(), source: Box::new(self) } } else { self }
    }

    /// Whether who read from standard output has ended (`seeder dump - | head`): nobody is there to be told.
    pub fn is_broken_pipe(&self) -> bool {
        let Self::Write { file, source } = self else { return false };
        file == "standard output" && source.kind() == io::ErrorKind::BrokenPipe
    }
}

fn perhaps(uncertain: u64) -> String {
    match uncertain {
        0 => String::new(),
        more => format!(", and perhaps some of {more} more"),
    }
}
