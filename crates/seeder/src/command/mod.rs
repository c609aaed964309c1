//! The command line. Every flag is also an environment variable: `TODO_` and the flag in capitals.
//!
//! - `target`: where the todos are. `generate`, `loading`, `restore`, `dump`, `verify`: the flags of each command.

mod dump;
mod generate;
mod loading;
mod restore;
mod target;
mod verify;

use clap::{Parser, Subcommand};

pub use self::dump::Dump;
pub use self::generate::Generate;
pub use self::loading::{Loading, OnConflict};
pub use self::restore::{Format, Import, Restore, TextOptions};
pub use self::target::{LEAN_CACHE, Target, WIDE_CACHE};
pub use self::verify::Verify;

/// Fills the primary database with todos.
#[derive(Debug, Clone, Parser)]
#[command(version, about)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Make fake todos with the ids 1 to COUNT; the same seed makes the same todos.
    Generate(Generate),
    /// Take the documents of a mongodump: an archive, a folder, a .bson file; plain or gzip.
    Restore(Restore),
    /// Take documents as mongoimport does: JSON objects one behind the other or in an array, or CSV or TSV; plain or gzip.
    Import(Import),
    /// Write an archive that `mongorestore --archive` takes. What is changed meanwhile in MongoDB may be in it or not; the
    /// options of the collection are not.
    Dump(Dump),
    /// Count, look for duplicates and for what is no todo, compare with a seed or a file; changes nothing.
    Verify(Verify),
}

impl Command {
    /// Where the todos are.
    pub fn target(&self) -> &Target {
        match self {
            Self::Generate(options) => &options.target,
            Self::Restore(options) => &options.target,
            Self::Import(options) => &options.target,
            Self::Dump(options) => &options.target,
            Self::Verify(options) => &options.target,
        }
    }
}

/// As a shell takes it.
fn quoted(text: &str) -> String {
    if !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_./:@,=+%".contains(c)) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn count(text: &str) -> Result<u64, String> {
    let parsed = text.parse().ok().filter(|count| (1..=1_000_000_000).contains(count));
    parsed.ok_or_else(|| "must be a whole number from 1 to 1000000000".to_owned())
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "must be a whole number from 0 to 18446744073709551615".to_owned())
}
