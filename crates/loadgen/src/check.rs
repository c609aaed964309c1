//! Whether an answer is right. A 200 with a wrong body is a failure.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use todo_model::Todo;

/// A todo's JSON: exactly these fields, all there. Borrowed where it can be, since every answer is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, deserialize_with = "present")]
    description: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow)]
    detail: Text<'a>,
}

/// An own type, because an option of `Cow` alone is never borrowed.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// `null` is a description; a missing field is none.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(field: D) -> Result<Option<Text<'a>>, D::Error> {
    Option::deserialize(field)
}

/// Checks the body of a found todo.
///
/// # Errors
/// What is wrong, without what changes from todo to todo, so that failures can be counted by message.
pub fn todo(body: &[u8], id: &str) -> Result<(), String> {
    same_id(&object::<Body<'_>>(body)?, id)
}

/// Checks the body of a created todo: it is the one that was sent.
///
/// # Errors
/// As [`todo()`].
pub fn created(body: &[u8], sent: &Todo) -> Result<(), String> {
    let body: Body<'_> = object(body)?;
    same_id(&body, sent.id.as_str())?;
    let description = body.description.as_ref().map(|text| &*text.0);
    if body.name.0 == sent.name && description == sent.description.as_deref() {
        Ok(())
    } else {
        Err("the body has another name or description than was sent".to_owned())
    }
}

/// Checks the body of a 404: its `detail` is `Item not found`.
///
/// # Errors
/// As [`todo()`].
pub fn not_found(body: &[u8]) -> Result<(), String> {
    let problem: Problem<'_> = object(body)?;
    if problem.detail.0 == "Item not found" {
        Ok(())
    } else {
        Err("the 404 has another detail than Item not found".to_owned())
    }
}

fn same_id(body: &Body<'_>, id: &str) -> Result<(), String> {
    if body.id.0 == id { Ok(()) } else { Err("the body has another id than was asked for".to_owned()) }
}

/// Serde would take an array of the fields' values too.
fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    match serde_json::from_slice(body) {
        Err(error) => Err(wrong(&error)),
        Ok(_) if body.trim_ascii_start().first() != Some(&b'{') => Err("the body is no JSON object".to_owned()),
        Ok(read) => Ok(read),
    }
}

/// What serde says, without values, which would make a group of each todo.
fn wrong(error: &serde_json::Error) -> String {
    if !error.is_data() {
        return "the body is not JSON".to_owned();
    }
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    match text.split_once(": ") {
        Some((_, rest)) if rest.contains("expected struct") => "the body is no JSON object".to_owned(),
        Some(("invalid type", rest)) => {
            let found = rest.split([' ', ',']).next().unwrap_or_default();
            format!("the body has a field of a wrong type: {found}")
        }
        _ if text.starts_with("unknown field") => "the body has a field that a todo does not have".to_owned(),
        _ => format!("the body is no todo: {text}"),
    }
}
