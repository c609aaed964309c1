//! Where the server programs are: on PATH, or where `make test` installs them.

use std::path::{Path, PathBuf};

const REDIS: [&str; 2] = ["redis-server", ".tools/redis/redis-server"];
const MONGO: [&str; 2] = ["mongod", ".tools/mongod/fiftyone/db/bin/mongod"];

/// Which server program cannot be found, in one line; `None` if all are there.
pub fn missing() -> Option<String> {
    [REDIS, MONGO].into_iter().find(|names| program(*names).is_none()).map(not_found)
}

/// The same of PostgreSQL.
pub fn missing_postgres() -> Option<String> {
    ["initdb", "postgres"].into_iter().find(|name| postgres(name).is_none()).map(no_postgres)
}

/// `initdb` or `postgres`.
pub(crate) fn postgres_program(name: &str) -> PathBuf {
    postgres(name).unwrap_or_else(|| panic!("{}", no_postgres(name)))
}

/// On PATH, or the newest that Debian's packages have put beside it.
fn postgres(name: &str) -> Option<PathBuf> {
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<PathBuf> = installed.map(|entry| entry.path()).collect();
    installed.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let newest = installed.into_iter().map(|folder| folder.join("bin").join(name)).find(|file| file.is_file());
    on_path(name).or(newest)
}

fn no_postgres(name: &str) -> String {
    format!("{name} of PostgreSQL is neither on PATH nor in /usr/lib/postgresql; `scripts/install` installs it")
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
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    on_path(name).or_else(|| Some(workspace.join(installed)).filter(|file| file.is_file()))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file())
}
