//! `seeder restore` and `seeder import`: documents from a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::loading::Loading;
use super::quoted;
use super::target::Target;
use crate::namespace::Namespace;

/// Which dump is restored.
#[derive(Debug, Clone, Args)]
pub struct Restore {
    /// An archive (`mongodump --archive`), a folder or a .bson file of mongodump; `-` is an archive from standard input.
    #[arg(env = "TODO_FILE", value_name = "FILE|-")]
    pub file: PathBuf,

    /// Where the documents go.
    #[command(flatten)]
    pub target: Target,

    /// Which collection of the dump [default: the one called todos, else the only one].
    #[arg(long, env = "TODO_NS", value_name = "DATABASE.COLLECTION")]
    pub ns: Option<Namespace>,

    /// How they are written.
    #[command(flatten)]
    pub loading: Loading,
}

impl Restore {
    /// The command line that goes on where this one stopped. A password in the URL is left out.
    pub fn resume_line(&self) -> String {
        let file = quoted(&self.file.display().to_string());
        let ns = self.ns.as_ref().map(|ns| format!(" --ns {}", quoted(&ns.to_string()))).unwrap_or_default();
        format!("seeder restore {file} {}{ns}{}", self.target.flags(), self.loading.resume_flags())
    }
}

/// Which text is imported.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// The file; `-` is standard input.
    #[arg(env = "TODO_FILE", value_name = "FILE|-")]
    pub file: PathBuf,

    /// Where the documents go.
    #[command(flatten)]
    pub target: Target,

    /// What the file is made of [default: csv if its name ends with .csv or .csv.gz, else json].
    #[arg(long, env = "TODO_FORMAT")]
    pub format: Option<Format>,

    /// How they are written.
    #[command(flatten)]
    pub loading: Loading,
}

/// What a text file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Objects one behind the other, or an array of objects; extended JSON.
    Json,
    /// Rows of text, with a header that names the fields.
    Csv,
}

impl Format {
    /// By the file's name.
    pub fn of(file: &std::path::Path) -> Self {
        let name = file.to_string_lossy().to_lowercase();
        if name.ends_with(".csv") || name.ends_with(".csv.gz") { Self::Csv } else { Self::Json }
    }
}

impl Import {
    /// The command line that goes on where this one stopped. A password in the URL is left out.
    pub fn resume_line(&self) -> String {
        let file = quoted(&self.file.display().to_string());
        let format = match self.format {
            Some(Format::Csv) => " --format csv",
            Some(Format::Json) => " --format json",
            None => "",
        };
        format!("seeder import {file} {}{format}{}", self.target.flags(), self.loading.resume_flags())
    }
}
