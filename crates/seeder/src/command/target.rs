//! Which store, and how it is opened.

use std::time::Duration;

use clap::Args;
use todo_store::{OpenMode, StoreOptions, StoreUrl};

use super::quoted;

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

    /// MongoDB database.
    #[arg(long, env = "TODO_DATABASE", default_value = "test", value_name = "NAME")]
    pub database: String,

    /// MongoDB collection.
    #[arg(long, env = "TODO_COLLECTION", default_value = "todos", value_name = "NAME")]
    pub collection: String,
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

    /// How the store is opened to generate: an unreachable one is reported within five seconds.
    pub fn store_options(&self) -> StoreOptions {
        StoreOptions {
            mode: OpenMode::ReadWrite,
            database: self.database.clone(),
            collection: self.collection.clone(),
            timeout: Duration::from_secs(4),
            bulk_timeout: Duration::from_secs(120),
            // Enough for the part of the tree that a run of rising ids touches.
            embedded_cache_bytes: 256 << 20,
        }
    }

    /// The same with little memory.
    pub fn lean_store_options(&self, mode: OpenMode) -> StoreOptions {
        StoreOptions { mode, embedded_cache_bytes: 16 << 20, ..self.store_options() }
    }
}
