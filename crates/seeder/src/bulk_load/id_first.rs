//! A document has its `_id`, and has it first: so MongoDB stores it, and so bytes can be compared.

use std::borrow::Cow;

use bson::raw::RawDocument;
use bson::{RawDocumentBuf, cstr};

/// The document with `_id` first. One without takes the id of its todo, as all that we write do; if it has none of these
/// either, MongoDB gives it one.
///
/// # Errors
/// What is wrong with the bytes. Only what must be looked at to find the `_id` is.
pub fn id_first(document: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    // After its length, a document is a type, a name, a zero byte, a value (https://bsonspec.org/spec.html).
    if document.get(5..9) == Some(b"_id\0") {
        return Ok(Cow::Borrowed(document));
    }
    let raw = RawDocument::from_bytes(document).map_err(|error| error.to_string())?;
    let (mut key, mut id) = (None, None);
    for field in raw {
        match field.map_err(|error| error.to_string())? {
            (name, value) if name == cstr!("_id") => key = Some(value),
            (name, value) if name == cstr!("id") => id = Some(value),
            _ => {}
        }
    }
    let Some(value) = key.or(id.filter(|id| id.as_str().is_some())) else { return Ok(Cow::Borrowed(document)) };
    let mut first = RawDocumentBuf::new();
    first.append(cstr!("_id"), value);
    for field in raw {
        let (name, value) = field.map_err(|error| error.to_string())?;
        if name != cstr!("_id") {
            first.append(name, value);
        }
    }
    Ok(Cow::Owned(first.into_bytes()))
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    #[test]
    fn the_id_of_the_todo_stands_for_a_missing_key_and_the_key_stands_first() {
        for (given, expected) in [
            (rawdoc! { "_id": 7, "id": "1" }, rawdoc! { "_id": 7, "id": "1" }),
            (rawdoc! { "id": "1", "x": true, "_id": 7 }, rawdoc! { "_id": 7, "id": "1", "x": true }),
            (rawdoc! { "name": "A", "id": "1" }, rawdoc! { "_id": "1", "name": "A", "id": "1" }),
            (rawdoc! { "id": 5 }, rawdoc! { "id": 5 }),
            (rawdoc! {}, rawdoc! {}),
        ] {
            assert_eq!(id_first(given.as_bytes()).as_deref(), Ok(expected.as_bytes()));
        }
        assert!(id_first(&[9, 0, 0, 0, 2, b'a', 0, 9, 0]).is_err());
        assert!(id_first(&[]).is_err());
    }
}
