//! Whether an answer is right. A 200 with a wrong body is a failure.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

/// A todo's JSON: exactly these fields, all there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "name")]
    _name: Cow<'a, str>,
    #[serde(borrow, rename = "description", deserialize_with = "present")]
    _description: Option<Cow<'a, str>>,
}

/// `null` is a description; a missing field is none.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    Option::deserialize(field)
}

#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow)]
    detail: Cow<'a, str>,
}

/// Checks the body of a found or created todo.
///
/// # Errors
/// What is wrong, without what changes from todo to todo, so that failures can be counted by message.
pub fn todo(body: &[u8], id: &str) -> Result<(), String> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| wrong(&error))?;
    if body.id == id { Ok(()) } else { Err("the body has another id than was asked for".to_owned()) }
}

/// Checks the body of a 404: its `detail` is `Item not found`.
///
/// # Errors
/// As [`todo`].
pub fn not_found(body: &[u8]) -> Result<(), String> {
    let body: Problem<'_> = serde_json::from_slice(body).map_err(|error| wrong(&error))?;
    if body.detail == "Item not found" {
        Ok(())
    } else {
        Err("the 404 has another detail than Item not found".to_owned())
    }
}

fn wrong(error: &serde_json::Error) -> String {
    if !error.is_data() {
        return "the body is not JSON".to_owned();
    }
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    // `invalid type: integer `5`, expected a string`: the value would make a group of each todo.
    match text.split_once(": ") {
        Some(("invalid type", rest)) => {
            let found = rest.split([' ', ',']).next().unwrap_or_default();
            let expected = rest.rsplit("expected ").next().unwrap_or_default();
            format!("the body has a field of a wrong type: {found}, expected {expected}")
        }
        _ => format!("the body is no todo: {text}"),
    }
}
