//! Batch reads, `GET /todos?ids=a,b`: a JSON array with one `{"id", "status", "etag", "todo"}` for each id, in order. Each is
//! a read of its id, sent and answered with the others.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::{marker_of, version_of};
use crate::history::Outcome;

#[derive(Deserialize)]
struct Element<'a> {
    id: String,
    status: u16,
    etag: Option<String>,
    #[serde(borrow)]
    todo: Option<&'a RawValue>,
}

/// What an answer of 200 says of each id that was asked for. An answer that is not as it should be is a body that nobody
/// wrote: the check refuses it, and shows it.
pub fn outcomes(ids: &[Arc<str>], answer: &str) -> Vec<Outcome> {
    let wrong = |text: &str| Outcome::Value { version: 0, marker: None, body: text.into(), created: None };
    let elements: Vec<Element<'_>> = match serde_json::from_str(answer) {
        Ok(elements) => elements,
        Err(_) => return ids.iter().map(|_| wrong(answer)).collect(),
    };
    if !elements.iter().map(|element| element.id.as_str()).eq(ids.iter().map(|id| &**id)) {
        return ids.iter().map(|_| wrong(answer)).collect();
    }
    let outcome = |element: &Element<'_>| match (element.status, element.todo) {
        (200, Some(todo)) => match element.etag.as_deref().and_then(version_of) {
            Some(version) => {
                let body = todo.get();
                Outcome::Value { version, marker: marker_of(body), body: body.into(), created: None }
            }
            None => wrong(answer),
        },
        (404, None) => Outcome::Absent,
        (500.., None) => Outcome::Failed,
        _ => wrong(answer),
    };
    elements.iter().map(outcome).collect()
}
