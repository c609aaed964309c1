//! A todo as a BSON document: `{_id, id, name, description, v}`. Both stores hold these bytes.
//!
//! Documents of other origin are read, too: another `_id`, further fields, no `v` (version 0), no `description` (none).

use mongodb::bson::{Bson, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use todo_model::{FieldError, Todo, TodoId, Version};

use crate::error::StoreError;
use crate::precondition::Versioned;

/// The document of a todo that we write. Its `_id` is its id, so that a change event names the todo even when it is a
/// delete (MongoDB manual, "Change Events": a delete carries nothing but the document key).
pub(crate) fn of(todo: &Todo, version: Version) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), todo.id.as_str());
    append_fields(&mut document, todo, version);
    document
}

/// Sets the version in the bytes of a document that [`of`] made: its last field, before the closing zero (BSON
/// specification, <https://bsonspec.org/spec.html>).
pub(crate) fn stamp(document: &mut [u8], version: Version) {
    let end = document.len() - 1;
    document[end - 8..end].copy_from_slice(&(version.0 as i64).to_le_bytes());
}

/// The fields of `todo` in place of those of `old`; `_id` and what the todo does not know stay.
pub(crate) fn replaced(old: &RawDocument, todo: &Todo, version: Version) -> Result<RawDocumentBuf, StoreError> {
    let mut document = RawDocumentBuf::new();
    for field in old {
        let (key, value) = field.map_err(|error| not_a_todo(todo.id.as_str(), error.to_string()))?;
        if !matches!(key.as_str(), "id" | "name" | "description" | "v") {
            document.append(key, value);
        }
    }
    append_fields(&mut document, todo, version);
    Ok(document)
}

fn append_fields(document: &mut RawDocumentBuf, todo: &Todo, version: Version) {
    document.append(cstr!("id"), todo.id.as_str());
    document.append(cstr!("name"), todo.name.as_str());
    match &todo.description {
        Some(description) => document.append(cstr!("description"), description.as_str()),
        None => document.append(cstr!("description"), RawBsonRef::Null),
    }
    document.append(cstr!("v"), version.0 as i64);
}

/// Reads a document.
///
/// # Errors
/// [`StoreError::NotATodo`] names the field.
pub(crate) fn read(document: &RawDocument) -> Result<Versioned, StoreError> {
    let id = id(document)?;
    let name = match get(document, "name") {
        Some(RawBsonRef::String(name)) => name.to_owned(),
        _ => return Err(not_a_todo(id.as_str(), "name must be a string")),
    };
    let description = match get(document, "description") {
        Some(RawBsonRef::String(description)) => Some(description.to_owned()),
        None | Some(RawBsonRef::Null | RawBsonRef::Undefined) => None,
        Some(_) => return Err(not_a_todo(id.as_str(), "description must be a string or null")),
    };
    Ok(Versioned { version: version(document), todo: Todo { id, name, description } })
}

/// The id alone.
///
/// # Errors
/// [`StoreError::NotATodo`].
pub(crate) fn id(document: &RawDocument) -> Result<TodoId, StoreError> {
    match get(document, "id") {
        Some(RawBsonRef::String(id)) => id.parse().map_err(|error: FieldError| not_a_todo(id, error.to_string())),
        _ => Err(not_a_todo("?", "id must be a string")),
    }
}

/// The version, 0 if there is none or it is none of ours.
pub(crate) fn version(document: &RawDocument) -> Version {
    get(document, "v").map_or(Version::UNVERSIONED, number)
}

/// As [`version`], of the value of the field.
pub(crate) fn version_of(value: &Bson) -> Version {
    match *value {
        Bson::Int64(v) => number(RawBsonRef::Int64(v)),
        Bson::Int32(v) => number(RawBsonRef::Int32(v)),
        Bson::Double(v) => number(RawBsonRef::Double(v)),
        _ => Version::UNVERSIONED,
    }
}

fn number(value: RawBsonRef<'_>) -> Version {
    let number = match value {
        RawBsonRef::Int64(number) => u64::try_from(number).unwrap_or(0),
        RawBsonRef::Int32(number) => u64::try_from(number).unwrap_or(0),
        // The mongo shell writes doubles.
        RawBsonRef::Double(number) if number >= 1.0 && number.fract() == 0.0 => number as u64,
        _ => 0,
    };
    if number <= Version::MAX.0 { Version(number) } else { Version::UNVERSIONED }
}

fn get<'a>(document: &'a RawDocument, field: &str) -> Option<RawBsonRef<'a>> {
    document.get(field).ok().flatten()
}

pub(crate) fn not_a_todo(id: &str, problem: impl Into<String>) -> StoreError {
    StoreError::NotATodo { id: id.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_the_version_and_nothing_else() {
        let todo = Todo { id: "1".parse().expect("an id"), name: "A".into(), description: None };
        let mut document = of(&todo, Version::UNVERSIONED).into_bytes();
        stamp(&mut document, Version::MAX);
        assert_eq!(document, of(&todo, Version::MAX).into_bytes());
    }
}
