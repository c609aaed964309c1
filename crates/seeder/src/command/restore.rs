//! `seeder restore` and `seeder import`: documents from a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::loading::Loading;
use super::quoted;
use super::target::Target;
use crate::namespace::Pattern;

/// Which dump is restored.
#[derive(Debug, Clone, Args)]
pub struct Restore {
    /// An archive (`mongodump --archive`), a folder or a .bson file of mongodump; `-` is an archive or documents from
    /// standard input.
    #[arg(env = "TODO_FILE", value_name = "FILE|-")]
    pub file: PathBuf,

    /// Where the documents go.
    #[command(flatten)]
    pub target: Target,

    /// Which collection of the dump; `*` stands for any text [default: the one called todos, else the only one].
    #[arg(long, env = "TODO_NS", value_name = "DATABASE.COLLECTION")]
    pub ns: Option<Pattern>,

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

    /// What the file is made of.
    #[command(flatten)]
    pub text: TextOptions,

    /// How they are written.
    #[command(flatten)]
    pub loading: Loading,
}

/// What a text file is made of, and how it is read.
#[derive(Debug, Clone, Default, Args)]
pub struct TextOptions {
    /// What the file is made of [default: csv or tsv if its name ends so, perhaps with .gz behind it, else json].
    #[arg(long, env = "TODO_FORMAT")]
    pub format: Option<Format>,

    /// The fields of a table without a header, in the order of its columns: id,name,description.
    #[arg(long, env = "TODO_FIELDS", value_name = "NAMES", value_delimiter = ',')]
    pub fields: Option<Vec<String>>,

    /// Take what the mongo shell and old releases of mongoexport write instead of JSON, too: {a: ObjectId("…")}.
    #[arg(long, env = "TODO_LEGACY")]
    pub legacy: bool,
}

impl TextOptions {
    /// These flags, as a shell takes them.
    fn flags(&self) -> String {
        let mut flags = String::new();
        if let Some(format) = self.format.and_then(|format| format.to_possible_value()) {
            flags.push_str(&format!(" --format {}", format.get_name()));
        }
        if let Some(fields) = &self.fields {
            flags.push_str(&format!(" --fields {}", quoted(&fields.join(","))));
        }
        if self.legacy {
            flags.push_str(" --legacy");
        }
        flags
    }
}

/// What a text file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Objects one behind the other, or an array of objects; extended JSON.
    Json,
    /// Rows of text, with a header that names the fields.
    Csv,
    /// The same with tabs between the cells, and no quotes.
    Tsv,
}

impl Format {
    /// By the file's name.
    pub fn of(file: &std::path::Path) -> Self {
        let name = file.to_string_lossy().to_lowercase();
        match name.strip_suffix(".gz").unwrap_or(&name) {
            name if name.ends_with(".csv") => Self::Csv,
            name if name.ends_with(".tsv") => Self::Tsv,
            _ => Self::Json,
        }
    }
}

impl Import {
    /// The command line that goes on where this one stopped. A password in the URL is left out.
    pub fn resume_line(&self) -> String {
        let file = quoted(&self.file.display().to_string());
        let text = self.text.flags();
        format!("seeder import {file} {}{text}{}", self.target.flags(), self.loading.resume_flags())
    }
}
