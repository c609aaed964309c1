//! `Todo`, and the limits of its fields.

use serde::{Deserialize, Serialize};

use crate::error::FieldError;
use crate::id::TodoId;

/// A todo as clients see it. Its JSON has exactly these fields in this order.
///
/// The fields are open because a store may hold todos of other origin that are over the limits; [`Todo::check`] tells.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Todo {
    /// The key it is found by.
    pub id: TodoId,
    /// 1 to 1,000 characters.
    pub name: String,
    /// Up to 10,000 characters, or none.
    pub description: Option<String>,
}

impl Todo {
    /// The longest name, in characters (Unicode scalar values).
    pub const MAX_NAME_CHARS: usize = 1_000;
    /// The longest description, in characters (Unicode scalar values).
    pub const MAX_DESCRIPTION_CHARS: usize = 10_000;

    /// The JSON that a `GET` answers with: compact, fields in order.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and an option of strings always serialize")
    }

    /// Whether the name and the description are within their limits; the id always is.
    ///
    /// # Errors
    /// The first field that is not, with what is allowed.
    pub fn check(&self) -> Result<(), FieldError> {
        check_name(&self.name)?;
        self.description.as_deref().map_or(Ok(()), check_description)
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), FieldError> {
    if name.is_empty() {
        return Err(FieldError::new("name", "must not be empty"));
    }
    at_most("name", name, Todo::MAX_NAME_CHARS)
}

pub(crate) fn check_description(description: &str) -> Result<(), FieldError> {
    at_most("description", description, Todo::MAX_DESCRIPTION_CHARS)
}

fn at_most(field: &'static str, text: &str, max: usize) -> Result<(), FieldError> {
    // A character is at least a byte, so most texts need no counting.
    if text.len() <= max {
        return Ok(());
    }
    match text.chars().count() {
        n if n > max => Err(FieldError::new(field, format!("must be at most {max} characters, is {n}"))),
        _ => Ok(()),
    }
}
