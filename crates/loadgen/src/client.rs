//! One user: its connection, its request, and what came of it.

use std::time::Instant;

use rand::rngs::SmallRng;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode};
use todo_model::Todo;
use url::Url;

use crate::check;
use crate::connector::Connector;
use crate::error::LoadgenError;
use crate::failure::{self, NO_SUCH_TODO, NOT_THE_SERVICE};
use crate::outcome::Outcome;
use crate::request::{Ask, Failure, Kind, Sample};

/// How gzip begins (RFC 1952 §2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b];

/// A user's own: a connection, as its browser would have, and random numbers.
#[derive(Clone)]
pub(crate) struct User {
    client: Client,
    base: Url,
    /// Whether the last answer was whole, so that the next request goes out on its connection.
    reuses: bool,
    pub(crate) rng: SmallRng,
}

/// What came with the status line, and whether it is right.
struct Answer {
    ended: Instant,
    status: u16,
    outcome: Outcome,
    right: Result<(), Failure>,
}

/// An answer as it came.
struct Whole {
    ended: Instant,
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    /// Whether the rest of the body was left.
    is_cut: bool,
}

/// More than any todo has; a body without an end would fill the memory.
const LONGEST_BODY: usize = 1 << 20;

impl User {
    pub(crate) fn new(connector: &Connector, base: Url, rng: SmallRng) -> Result<Self, LoadgenError> {
        Ok(Self { client: connector.user()?, base, reuses: false, rng })
    }

    /// Sends a request, and judges the answer. The latency begins with the moment that is given, and ends with the last byte of
    /// the body.
    pub(crate) async fn send(&mut self, ask: &Ask, began: Instant) -> Sample {
        let mut retried = false;
        let answered = match ask {
            Ask::Existing(id) => self.get(&id.to_string(), true, &mut retried).await,
            Ask::Missing(id) => self.get(&format!("missing-{id}"), false, &mut retried).await,
            Ask::Create(id) => self.create(id).await,
        };
        self.reuses = answered.is_ok();
        let (ended, status, outcome, failure) = match answered {
            Ok(answer) => (answer.ended, Some(answer.status), Some(answer.outcome), answer.right.err()),
            Err(error) => (Instant::now(), None, None, Some(failure::message(&error).into())),
        };
        let is_read = ask.kind() == Kind::Get && matches!(status, Some(200 | 404));
        let outcome = outcome.filter(|_| is_read);
        Sample { kind: ask.kind(), ended, took: ended - began, status, outcome, failure, retried }
    }

    async fn get(&mut self, id: &str, exists: bool, retried: &mut bool) -> Result<Answer, reqwest::Error> {
        let url = self.url(id);
        let mut sent = self.client.get(url.clone()).send().await;
        // A service may close an idle connection just when a request goes out on it. What was never answered and changes
        // nothing is sent again, once, on a new one (RFC 9112 §9.3.1).
        if self.reuses && sent.as_ref().is_err_and(failure::is_closed_unanswered) {
            *retried = true;
            sent = self.client.get(url.clone()).send().await;
        }
        let answer = whole(sent?).await?;
        let right = match (answer.status.as_u16(), exists) {
            (200 | 404, _) if answer.packed().is_some() => answer.packed().map_or(Ok(()), Err),
            (200, true) => check::todo(&answer.body, id).map_err(Failure::from),
            (404, false) => check::not_found(&answer.body).map_err(Failure::from),
            (200, false) => Err("status 200 for an id that does not exist".to_owned().into()),
            (404, true) if check::not_found(&answer.body).is_ok() => Err(NO_SUCH_TODO.to_owned().into()),
            (404, true) => Err(NOT_THE_SERVICE.to_owned().into()),
            _ => Err(failure::status(answer.status, &answer.headers, &url, id)),
        };
        Ok(answer.judged(right))
    }

    async fn create(&self, id: &str) -> Result<Answer, reqwest::Error> {
        let todo = Todo {
            id: id.parse().expect("the ids that are made are letters, digits and dashes"),
            name: "Load Generator".to_owned(),
            description: Some("Written under load.".to_owned()),
        };
        let url = self.url("");
        let request = self.client.post(url.clone()).body(todo.to_json());
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = whole(request.send().await?).await?;
        let right = if answer.status == StatusCode::CREATED {
            answer
                .packed()
                .map_or(Ok(()), Err)
                .and_then(|()| check::created(&answer.body, &todo).map_err(Failure::from))
        } else {
            let failure = failure::status(answer.status, &answer.headers, &url, id);
            Err(Failure { message: failure.message + " to a POST", ..failure })
        };
        Ok(answer.judged(right))
    }

    /// Only the path is set anew: parsing a whole URL for each request is a notable part of its cost.
    fn url(&self, id: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&[self.base.path(), "todos/", id].concat());
        url
    }
}

async fn whole(mut response: Response) -> Result<Whole, reqwest::Error> {
    let (status, headers) = (response.status(), response.headers().clone());
    let (mut body, mut is_cut) = (Vec::new(), false);
    while let Some(chunk) = response.chunk().await? {
        is_cut = body.len() + chunk.len() > LONGEST_BODY;
        if is_cut {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Whole { ended: Instant::now(), status, headers, body, is_cut })
}

impl Whole {
    /// A body that is compressed although no request says that it may be.
    fn packed(&self) -> Option<Failure> {
        let coding = self.headers.get(CONTENT_ENCODING).map(|coding| coding.as_bytes().to_ascii_lowercase());
        let says = match coding.as_deref() {
            None | Some(b"identity") if self.body.starts_with(GZIP) => " (gzip, and it does not say so)",
            None | Some(b"identity") => return None,
            Some(b"gzip" | b"x-gzip") => " (Content-Encoding: gzip)",
            Some(b"br") => " (Content-Encoding: br)",
            Some(b"zstd") => " (Content-Encoding: zstd)",
            Some(b"deflate") => " (Content-Encoding: deflate)",
            Some(_) => " (by its Content-Encoding)",
        };
        Some(format!("the body is compressed{says}, which was not asked for").into())
    }

    fn judged(self, right: Result<(), Failure>) -> Answer {
        // Of several lines the last one names the nearest cache (RFC 9211 §2, RFC 9110 §5.3).
        let said = self.headers.get_all("cache-status").iter().next_back();
        let outcome = said.and_then(|value| value.to_str().ok()).map_or(Outcome::Unknown, Outcome::of);
        let right = match right {
            _ if self.is_cut => Err(format!("the body is longer than {LONGEST_BODY} bytes, and no todo is").into()),
            right => right,
        };
        Answer { ended: self.ended, status: self.status.as_u16(), outcome, right }
    }
}
