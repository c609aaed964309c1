//! A document has its `_id`, and has it first: so MongoDB stores it, and so bytes can be compared.

use std::borrow::Cow;

use todo_store::raw::fields;

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
    let (mut key, mut id) = (None, None);
    for field in fields(document) {
        let field = field.map_err(|error| error.to_string())?;
        match field.name {
            b"_id" => key = Some(field),
            b"id" => id = Some(field),
            _ => {}
        }
    }
    let Some(value) = key.or(id.filter(|id| id.text().is_some())) else { return Ok(Cow::Borrowed(document)) };
    let mut first = vec![0; 4];
    first.push(value.kind);
    first.extend_from_slice(b"_id\0");
    first.extend_from_slice(value.value);
    for field in fields(document) {
        let field = field.map_err(|error| error.to_string())?;
        if field.name != b"_id" {
            first.extend_from_slice(field.bytes);
        }
    }
    first.push(0);
    // A document that was read is far shorter than 4 GiB.
    let length = (first.len() as u32).to_le_bytes();
    first[..4].copy_from_slice(&length);
    Ok(Cow::Owned(first))
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
        let (name, key) = (&[2, b'n', 0, 2, 0, 0, 0, 0xE4, 0][..], &[10, b'_', b'i', b'd', 0][..]);
        let document = |fields: &[&[u8]]| [&[19, 0, 0, 0][..], &fields.concat(), &[0]].concat();
        assert_eq!(
            id_first(&document(&[name, key])).as_deref(),
            Ok(&document(&[key, name])[..]),
            "texts are not looked at"
        );
    }
}
