//! Where the server programs are: on PATH, or where `make test` installs them.

use std::path::{Path, PathBuf};

const REDIS: [&str; 2] = ["redis-server", ".tools/redis/redis-server"];
const MONGO: [&str; 2] = ["mongod", ".tools/mongod/fiftyone/db/bin/mongod"];

/// Which server program cannot be found, in one line; `None` if all are there.
pub fn missing() -> Option<String> {
    [REDIS, MONGO].into_iter().find(|names| program(*names).is_none()).map(not_found)
}

pub(crate) fn redis_server() -> PathBuf {
    program(REDIS).unwrap_or_else(|| panic!("{}", not_found(REDIS)))
}

pub(crate) fn mongod() -> PathBuf {
    program(MONGO).unwrap_or_else(|| panic!("{}", not_found(MONGO)))
}

/// One of the MongoDB Database Tools: `mongodump`, `mongorestore`, `mongoimport` or `mongoexport`.
pub fn mongo_tool(name: &str) -> PathBuf {
    let names = [name, &format!(".tools/{name}")];
    program(names).unwrap_or_else(|| panic!("{name} is neither on PATH nor in .tools/; `make test` builds it"))
}

fn not_found([name, installed]: [&str; 2]) -> String {
    format!("{name} is neither on PATH nor at {installed}; `scripts/install` installs it")
}

fn program([name, installed]: [&str; 2]) -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::split_paths(&on_path)
        .map(|folder| folder.join(name))
        .chain([workspace.join(installed)])
        .find(|file| file.is_file())
}
