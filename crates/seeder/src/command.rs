//! The command line. Every flag is also an environment variable: `TODO_` and the flag in capitals.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use command_line::values;
use todo_store::{StoreOptions, StoreUrl};

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
}

/// Where the todos go.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// The primary database: mongodb://…, mongodb+srv://… or redb:PATH.
    #[arg(
        long,
        env = "TODO_STORE",
        default_value = "redb:data/todos.redb",
        value_name = "URL",
        hide_env_values = true
    )]
    pub store: StoreUrl,

    /// MongoDB database.
    #[arg(long, env = "TODO_DATABASE", default_value = "test", value_name = "NAME")]
    pub database: String,

    /// MongoDB collection.
    #[arg(long, env = "TODO_COLLECTION", default_value = "todos", value_name = "NAME")]
    pub collection: String,
}

/// How fake todos are made.
#[derive(Debug, Clone, Args)]
pub struct Generate {
    /// Where the todos go.
    #[command(flatten)]
    pub target: Target,

    /// How many todos.
    #[arg(long, env = "TODO_COUNT", default_value = "1000000", value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub count: u64,

    /// What the todos are made from.
    #[arg(long, env = "TODO_SEED", default_value = "42", value_name = "NUMBER", value_parser = seed, allow_negative_numbers = true)]
    pub seed: u64,

    /// Remove what is there first.
    #[arg(long, env = "TODO_DROP", conflicts_with = "resume")]
    pub drop: bool,

    /// Go on where a run of the same seed stopped: only the todos that are missing are made.
    #[arg(long, env = "TODO_RESUME")]
    pub resume: bool,

    /// Batches under way at one time.
    #[arg(long, env = "TODO_JOBS", default_value = "4", value_name = "N", value_parser = values::positive, allow_negative_numbers = true)]
    pub jobs: usize,
}

impl Generate {
    /// The command line that goes on where this one stopped. A password in the URL is left out.
    pub fn resume_line(&self) -> String {
        format!("seeder generate {} --count {} --seed {} --resume", self.target.flags(), self.count, self.seed)
    }
}

impl Target {
    /// These flags, as a shell takes them; without a password.
    pub fn flags(&self) -> String {
        let Self { store, database, collection } = self;
        let mut flags = format!("--store {}", quoted(&store.to_string()));
        for (flag, value, default) in [("--database", database, "test"), ("--collection", collection, "todos")] {
            if value != default {
                flags.push_str(&format!(" {flag} {}", quoted(value)));
            }
        }
        flags
    }

    /// How the store is opened: an unreachable one is reported within five seconds.
    pub fn store_options(&self) -> StoreOptions {
        StoreOptions {
            database: self.database.clone(),
            collection: self.collection.clone(),
            timeout: Duration::from_secs(4),
            bulk_timeout: Duration::from_secs(120),
            // Enough for the part of the tree that a run of rising ids touches.
            embedded_cache_bytes: 256 << 20,
        }
    }
}

fn quoted(text: &str) -> String {
    if text.chars().all(|c| c.is_alphanumeric() || "-_./:@,=+%".contains(c)) {
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
