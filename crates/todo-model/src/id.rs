//! `TodoId`: the key a todo is found by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::FieldError;

/// A todo's id: 1 to 128 bytes of UTF-8 without control characters and without `/`, and neither `.` nor `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TodoId(String);

impl TodoId {
    /// The longest id, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 128;

    /// The id as it stands in JSON, in the path and in the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check(text: &str) -> Result<(), FieldError> {
        let problem = match text.len() {
            0 => "must not be empty".to_owned(),
            n if n > Self::MAX_BYTES => format!("must be at most {} bytes of UTF-8, is {n}", Self::MAX_BYTES),
            // Browsers take these out of every path, so nobody could read the todo (RFC 3986 §5.2.4).
            _ if text == "." || text == ".." => "must not be `.` or `..`, which clients take out of paths".to_owned(),
            _ if text.contains('/') => "must not contain `/`".to_owned(),
            _ if text.contains(char::is_control) => "must not contain control characters".to_owned(),
            _ => return Ok(()),
        };
        Err(FieldError::new("id", problem))
    }
}

impl TryFrom<String> for TodoId {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        Self::check(&text)?;
        Ok(Self(text))
    }
}

impl FromStr for TodoId {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        Self::check(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl From<TodoId> for String {
    fn from(id: TodoId) -> Self {
        id.0
    }
}

impl AsRef<str> for TodoId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TodoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
