//! Why the seeder stopped, and how to go on.

use thiserror::Error;
use todo_store::{StoreError, StoreUrl};

/// Each message is one line.
#[derive(Debug, Error)]
pub enum SeederError {
    /// The store cannot be opened or read, or a batch was not written.
    #[error("--store {url}: {}", with_cause(source))]
    Store {
        /// Shown without its password.
        url: StoreUrl,
        /// Why.
        source: StoreError,
    },
    /// There are todos already.
    #[error("{url} holds {count} todos already: add --drop to remove them first, or --resume to add what is missing")]
    NotEmpty {
        /// Shown without its password.
        url: StoreUrl,
        /// How many.
        count: u64,
    },
    /// There are todos under the same ids that this seed does not make.
    #[error(
        "todo {id} in {url} is not the one that seed {seed} makes: --resume needs the seed of the run it goes on with, \
         or add --drop instead to begin anew"
    )]
    OtherTodos {
        /// Shown without its password.
        url: StoreUrl,
        /// The seed of this run.
        seed: u64,
        /// The first that differs.
        id: String,
    },
    /// A batch failed.
    #[error("{source}; {written} todos were written; to go on: {resume}")]
    Broken {
        /// By this run.
        written: u64,
        /// The command line that goes on.
        resume: String,
        /// What happened.
        source: Box<SeederError>,
    },
    /// SIGINT or SIGTERM.
    #[error("stopped; {written} todos were written; to go on: {resume}")]
    Stopped {
        /// By this run.
        written: u64,
        /// The command line that goes on.
        resume: String,
    },
    /// A generator thread panicked: a bug.
    #[error("a batch was given up")]
    Abandoned,
}

fn with_cause(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
