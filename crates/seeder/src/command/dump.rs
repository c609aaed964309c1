//! `seeder dump`: documents into a file.

use std::path::PathBuf;

use clap::Args;

use super::target::Target;

/// What is dumped, and where to.
#[derive(Debug, Clone, Args)]
pub struct Dump {
    /// The archive; `-` is standard output. It appears when it is whole; one that is there is replaced then.
    #[arg(env = "TODO_FILE", value_name = "FILE|-")]
    pub file: PathBuf,

    /// Where the documents are; also what the archive calls their database and collection.
    #[command(flatten)]
    pub target: Target,

    /// Compress the archive.
    #[arg(long, env = "TODO_GZIP")]
    pub gzip: bool,
}
