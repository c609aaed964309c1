//! File descriptors: each user holds a connection open, and the usual soft limit is 1,024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::LoadgenError;

/// Files, pipes and the runtime's own, beside the users' connections.
const BESIDE: u64 = 64;

/// Raises the soft limit to what so many users need.
///
/// # Errors
/// The hard limit is below that; the line says both.
pub(crate) fn raise(users: usize) -> Result<(), LoadgenError> {
    let needed = users as u64 + BESIDE;
    let limit = getrlimit(Resource::Nofile);
    // No number means no limit.
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
    if limit.maximum.is_none_or(|maximum| maximum >= needed) && setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(());
    }
    Err(LoadgenError::Descriptors(format!(
        "--users {users}: needs {needed} file descriptors, and the system allows {}: raise its limit (ulimit -Hn {needed}, \
         LimitNOFILE={needed}), or ask for at most {} users",
        limit.maximum.or(limit.current).unwrap_or_default(),
        limit.maximum.or(limit.current).unwrap_or_default().saturating_sub(BESIDE),
    )))
}
