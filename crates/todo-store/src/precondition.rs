//! What a write demands of the todo that is there, and what it did.

use todo_model::{Todo, Version};

/// A todo and the version that its last write gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The todo itself.
    pub todo: Todo,
    /// Version of the todo; [`Version::UNVERSIONED`] if another program wrote it.
    pub version: Version,
}

/// What must be so for a write to happen; otherwise it fails with [`StoreError::Conflict`](crate::StoreError::Conflict).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// The write happens whatever there is.
    None,
    /// No todo has this id yet (`If-None-Match: *`).
    Absent,
    /// The todo is still this one: same version, name and description (`If-Match`). The content counts besides the
    /// version, since a writer that knows nothing of versions changes only the content.
    Unchanged(Versioned),
}

/// What a replace did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// Version that the todo has now.
    pub version: Version,
    /// Whether there was no todo with this id before.
    pub created: bool,
}
