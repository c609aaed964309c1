//! Fills the primary database with todos.
