//! One request, and what came of it.

use std::error::Error;
use std::time::Instant;

use reqwest::{Client, Response};
use serde::Serialize;
use url::Url;

use crate::check;
use crate::outcome::Outcome;
use crate::recorder::{Kind, Sample};

/// What is asked of the service.
pub(crate) enum Ask {
    /// A todo that is there.
    Existing(u64),
    /// A todo that is not.
    Missing(String),
    /// A new todo under this id.
    Create(String),
}

#[derive(Serialize)]
struct NewTodo<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
}

/// What came with the status line, and whether it is right.
struct Answer {
    status: u16,
    outcome: Outcome,
    right: Result<(), String>,
}

/// Sends a request to the service at `base` (which ends with a `/`), and judges the answer. The latency ends with the
/// last byte of the body.
pub(crate) async fn send(client: &Client, base: &Url, ask: &Ask) -> Sample {
    let began = Instant::now();
    let (kind, answered) = match ask {
        Ask::Existing(id) => (Kind::Get, get(client, base, &id.to_string(), true).await),
        Ask::Missing(id) => (Kind::Get, get(client, base, id, false).await),
        Ask::Create(id) => (Kind::Post, post(client, base, id).await),
    };
    let took = began.elapsed();
    match answered {
        Ok(answer) => Sample {
            kind,
            took,
            status: Some(answer.status),
            outcome: (kind == Kind::Get && matches!(answer.status, 200 | 404)).then_some(answer.outcome),
            failure: answer.right.err(),
        },
        Err(error) => Sample { kind, took, status: None, outcome: None, failure: Some(message(&error)) },
    }
}

async fn get(client: &Client, base: &Url, id: &str, exists: bool) -> Result<Answer, reqwest::Error> {
    let response = client.get(format!("{base}todos/{id}")).send().await?;
    let (status, outcome) = head(&response);
    let body = response.bytes().await?;
    let right = match (status, exists) {
        (200, true) => check::todo(&body, id),
        (404, false) => check::not_found(&body),
        (200, false) => Err("status 200 for an id that does not exist".to_owned()),
        (404, true) => Err("status 404 for an id that should exist".to_owned()),
        (status, _) => Err(format!("status {status}")),
    };
    Ok(Answer { status, outcome, right })
}

async fn post(client: &Client, base: &Url, id: &str) -> Result<Answer, reqwest::Error> {
    let todo = NewTodo { id, name: "Load Generator", description: "written under load" };
    let response = client.post(format!("{base}todos/")).json(&todo).send().await?;
    let (status, outcome) = head(&response);
    let body = response.bytes().await?;
    let right = match status {
        201 => check::todo(&body, id),
        status => Err(format!("status {status} to a POST")),
    };
    Ok(Answer { status, outcome, right })
}

fn head(response: &Response) -> (u16, Outcome) {
    let said = response.headers().get("cache-status").and_then(|value| value.to_str().ok());
    (response.status().as_u16(), said.map_or(Outcome::Unknown, Outcome::of))
}

/// Without URL and port, which would make a group of each request.
pub(crate) fn message(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<std::io::Error>() {
        Some(io) if error.is_connect() => format!("no connection: {}", io.kind()),
        Some(io) => format!("connection lost: {}", io.kind()),
        None if error.is_connect() => "no connection".to_owned(),
        None => format!("no answer: {cause}"),
    }
}
