//! `seeder verify`: what a store should hold.

use std::path::PathBuf;

use clap::Args;

use super::restore::TextOptions;
use super::target::Target;
use super::{count, seed};
use crate::namespace::Pattern;

/// What a store should hold.
#[derive(Debug, Clone, Args)]
pub struct Verify {
    /// Where the todos are.
    #[command(flatten)]
    pub target: Target,

    /// The todos that this seed makes, and nothing else.
    #[arg(long, env = "TODO_SEED", value_name = "NUMBER", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// How many todos of the seed [default: as many as there are documents].
    #[arg(long, env = "TODO_COUNT", value_name = "N", value_parser = count, allow_negative_numbers = true, requires = "seed")]
    pub count: Option<u64>,

    /// The documents of this file, field by field, and nothing else: a dump as `restore` takes it, or text as
    /// `import` does, known by the ending .json, .ndjson, .jsonl, .csv or .tsv, each perhaps with .gz, or by --format.
    #[arg(long, env = "TODO_AGAINST", value_name = "FILE|-", conflicts_with = "seed")]
    pub against: Option<PathBuf>,

    /// How the file is read, if it is text.
    #[command(flatten)]
    pub text: TextOptions,

    /// Which collection of the dump; `*` stands for any text [default: the one called todos, else the only one].
    #[arg(long, env = "TODO_NS", value_name = "DATABASE.COLLECTION", requires = "against")]
    pub ns: Option<Pattern>,

    /// Take ids of the file that are whole numbers as their decimal text, as `restore --ids-as-text` stores them.
    #[arg(long, env = "TODO_IDS_AS_TEXT", requires = "against")]
    pub ids_as_text: bool,
}
