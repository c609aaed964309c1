//! Which store, and how it is opened.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use command_line::values;
use todo_store::{OpenMode, StoreOptions, StoreUrl};

use super::quoted;

/// Memory for pages of the embedded store that is enough for the part of the tree that a run of rising ids touches.
pub const WIDE_CACHE: usize = 256 << 20;
/// Memory for pages of the embedded store where documents may be large and their ids are in any order.
pub const LEAN_CACHE: usize = 16 << 20;

/// Where the todos are.
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

    /// MongoDB database [default: the one in the URL, else test].
    #[arg(long, env = "TODO_DATABASE", value_name = "NAME", value_parser = values::database_name)]
    pub database: Option<String>,

    /// Password of the user in MongoDB's connection string (mongodb://USER@HOST).
    #[arg(long, env = "TODO_STORE_PASSWORD_FILE", value_name = "FILE")]
    pub store_password_file: Option<PathBuf>,

    /// MongoDB collection.
    #[arg(long, env = "TODO_COLLECTION", default_value = "todos", value_name = "NAME", value_parser = values::collection_name)]
    pub collection: String,
}

impl Target {
    /// These flags, as a shell takes them; without a password, but with the options of the URL.
    pub fn flags(&self) -> String {
        let mut flags = format!("--store {}", quoted(&self.store.without_secrets()));
        if let Some(database) = &self.database {
            flags.push_str(&format!(" --database {}", quoted(database)));
        }
        if let Some(path) = &self.store_password_file {
            flags.push_str(&format!(" --store-password-file {}", quoted(&path.display().to_string())));
        }
        if self.collection != StoreOptions::default().collection {
            flags.push_str(&format!(" --collection {}", quoted(&self.collection)));
        }
        flags
    }

    /// Database and collection that are really used, for messages; without a password.
    pub fn place(&self) -> String {
        self.store.place(&self.store_options(OpenMode::ReadOnly))
    }

    /// The database that is really used; the embedded store has none, and its todos are called those of `test`.
    pub fn database(&self) -> &str {
        let named = match &self.store {
            StoreUrl::Mongo(url) => url.database(),
            StoreUrl::Embedded(_) => None,
        };
        self.database.as_deref().or(named).unwrap_or("test")
    }

    /// How the store is opened to generate: an unreachable one is reported within five seconds.
    pub fn store_options(&self, mode: OpenMode) -> StoreOptions {
        StoreOptions {
            mode,
            database: self.database.clone(),
            password_file: self.store_password_file.clone(),
            collection: self.collection.clone(),
            timeout: Duration::from_secs(4),
            bulk_timeout: Duration::from_secs(120),
            embedded_cache_bytes: WIDE_CACHE,
            ..StoreOptions::default()
        }
    }

    /// The same with little memory.
    pub fn lean_store_options(&self, mode: OpenMode) -> StoreOptions {
        StoreOptions { embedded_cache_bytes: LEAN_CACHE, ..self.store_options(mode) }
    }
}
