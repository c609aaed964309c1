//! How a store is opened: where the todos are in it, how long operations may take, what may be changed.

use std::path::PathBuf;
use std::time::Duration;

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// What opening may make or change.
    pub mode: OpenMode,
    /// MongoDB database; by default the one that the connection string names, else `test`. Not used by the embedded store.
    pub database: Option<String>,
    /// File with the password of the user that the MongoDB connection string names; one line end behind it does not count. It is
    /// read when the store is opened. Not used by the embedded store.
    pub password_file: Option<PathBuf>,
    /// MongoDB collection. Not used by the embedded store.
    pub collection: String,
    /// Reads that may be under way at one time. MongoDB: the pool has a connection for each, and a reserve for writes, the
    /// change stream and probes, so that none of these waits behind reads; without it, and without `maxPoolSize` in the
    /// connection string, the pool is as large as the driver makes it. Not used by the embedded store.
    pub concurrency: Option<usize>,
    /// Deadline of every operation on single todos; also of finding the store at the start.
    pub timeout: Duration,
    /// Deadline of every operation on many todos.
    pub bulk_timeout: Duration,
    /// Memory for the embedded store's pages, in bytes.
    pub embedded_cache_bytes: usize,
}

/// What opening a store may make or change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenMode {
    /// Makes what is missing: the file, and the unique index on `id`.
    #[default]
    ReadWrite,
    /// Makes and changes nothing; a file must be there.
    ReadOnly,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            mode: OpenMode::default(),
            database: None,
            password_file: None,
            collection: "todos".to_owned(),
            concurrency: None,
            timeout: Duration::from_secs(2),
            bulk_timeout: Duration::from_secs(30),
            embedded_cache_bytes: 16 << 20,
        }
    }
}
