//! Where the server programs are: on PATH, or where `make test` installs them.

use std::path::{Path, PathBuf};

pub(crate) fn redis_server() -> PathBuf {
    program("redis-server", ".tools/redis/redis-server")
}

pub(crate) fn mongod() -> PathBuf {
    program("mongod", ".tools/mongod/fiftyone/db/bin/mongod")
}

/// One of the MongoDB Database Tools: `mongodump`, `mongorestore`, `mongoimport` or `mongoexport`.
pub fn mongo_tool(name: &str) -> PathBuf {
    program(name, &format!(".tools/{name}"))
}

fn program(name: &str, installed: &str) -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::split_paths(&on_path)
        .map(|folder| folder.join(name))
        .chain([workspace.join(installed)])
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is neither on PATH nor at {installed}; `make test` installs it"))
}
