//! What was wrong with an input, said so that the sender can mend it.

use thiserror::Error;

/// A field that is missing, of the wrong type, or outside its limits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {problem}")]
pub struct FieldError {
    /// The field's name as it stands in the JSON: `id`, `name` or `description`.
    pub field: &'static str,
    /// What was wrong and what is allowed.
    pub problem: String,
}

impl FieldError {
    pub(crate) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

/// Why a request body is no todo.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InputError {
    /// The bytes are not JSON (RFC 8259). Carries the parser's message with line and column.
    #[error("the body is not valid JSON: {0}")]
    Syntax(String),
    /// Valid JSON, but an array, a string, a number, a boolean or null.
    #[error("the body must be a JSON object, not {0}")]
    NotAnObject(&'static str),
    /// An object with a field that cannot be taken.
    #[error(transparent)]
    Field(#[from] FieldError),
}
