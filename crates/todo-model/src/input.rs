//! What clients send: `NewTodo` and `TodoPatch`, read from JSON.
//!
//! The bytes are parsed to a `Value` first: malformed JSON and a well-formed body with a wrong field are different
//! mistakes (HTTP 400 and 422), and the second must name the field.

use serde_json::{Map, Value};

use crate::error::{FieldError, InputError};
use crate::id::TodoId;
use crate::todo::{Todo, check_description, check_name};

/// A todo to be created or to replace another: `{id?, name, description?}`. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTodo {
    /// The id the client chose, or none.
    pub id: Option<TodoId>,
    /// Within its limits.
    pub name: String,
    /// Within its limits; `null` and a missing field are the same.
    pub description: Option<String>,
}

impl NewTodo {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`InputError::Syntax`] if it is not JSON, otherwise what is wrong with it and in which field.
    pub fn from_json(body: &[u8]) -> Result<Self, InputError> {
        let mut fields = object(body)?;
        Ok(Self {
            id: id_field(&mut fields)?,
            name: name_field(&mut fields)?.ok_or_else(|| FieldError::new("name", "is required"))?,
            description: description_field(&mut fields)?.flatten(),
        })
    }

    /// The todo under the client's own id, or under `otherwise()`.
    pub fn into_todo(self, otherwise: impl FnOnce() -> TodoId) -> Todo {
        Todo { id: self.id.unwrap_or_else(otherwise), name: self.name, description: self.description }
    }
}

/// A JSON merge patch (RFC 7396) of a todo's name and description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TodoPatch {
    /// The id as the client repeated it, or none. A patch cannot change it.
    pub id: Option<TodoId>,
    /// The new name; none leaves it.
    pub name: Option<String>,
    /// The new description; `Some(None)` (JSON `null`) removes it, none leaves it.
    pub description: Option<Option<String>>,
}

impl TodoPatch {
    /// Reads a request body.
    ///
    /// # Errors
    /// As [`NewTodo::from_json`]; besides, a name cannot be `null`, for a todo always has one.
    pub fn from_json(body: &[u8]) -> Result<Self, InputError> {
        let mut fields = object(body)?;
        Ok(Self {
            id: id_field(&mut fields)?,
            name: name_field(&mut fields)?,
            description: description_field(&mut fields)?,
        })
    }

    /// `todo` with the patch applied.
    pub fn apply(&self, todo: Todo) -> Todo {
        Todo {
            id: todo.id,
            name: self.name.clone().unwrap_or(todo.name),
            description: self.description.clone().unwrap_or(todo.description),
        }
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, InputError> {
    match serde_json::from_slice(body).map_err(|e| InputError::Syntax(e.to_string()))? {
        Value::Object(fields) => Ok(fields),
        other => Err(InputError::NotAnObject(type_name(&other))),
    }
}

fn id_field(fields: &mut Map<String, Value>) -> Result<Option<TodoId>, FieldError> {
    match fields.remove("id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => TodoId::try_from(id).map(Some),
        Some(other) => Err(wrong_type("id", "a string", &other)),
    }
}

fn name_field(fields: &mut Map<String, Value>) -> Result<Option<String>, FieldError> {
    match fields.remove("name") {
        None => Ok(None),
        Some(Value::String(name)) => check_name(&name).map(|()| Some(name)),
        Some(other) => Err(wrong_type("name", "a string", &other)),
    }
}

fn description_field(fields: &mut Map<String, Value>) -> Result<Option<Option<String>>, FieldError> {
    match fields.remove("description") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) => check_description(&text).map(|()| Some(Some(text))),
        Some(other) => Err(wrong_type("description", "a string or null", &other)),
    }
}

fn wrong_type(field: &'static str, wanted: &str, found: &Value) -> FieldError {
    FieldError::new(field, format!("must be {wanted}, not {}", type_name(found)))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
