//! One user: its connection, its request, and what came of it.

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use todo_model::Todo;
use url::Url;

use crate::check;
use crate::error::LoadgenError;
use crate::options::Options;
use crate::outcome::Outcome;
use crate::recorder::{Kind, Sample};

/// What is asked of the service.
pub(crate) enum Ask {
    /// A todo that is there.
    Existing(u64),
    /// A todo that is not.
    Missing(u32),
    /// A new todo under this id.
    Create(String),
}

/// A user's own: a connection, as its browser would have, and random numbers.
#[derive(Clone)]
pub(crate) struct User {
    client: Client,
    base: Url,
    pub(crate) rng: SmallRng,
}

/// What came with the status line, and whether it is right.
struct Answer {
    ended: Instant,
    status: u16,
    outcome: Outcome,
    right: Result<(), String>,
}

impl User {
    pub(crate) fn new(options: &Options, rng: SmallRng) -> Result<Self, LoadgenError> {
        let base = options.base();
        Ok(Self { client: build(&base, options.timeout)?, base, rng })
    }

    /// Sends a request, and judges the answer. The latency ends with the last byte of the body.
    pub(crate) async fn send(&self, ask: &Ask) -> Sample {
        let began = Instant::now();
        let (kind, answered) = match ask {
            Ask::Existing(id) => (Kind::Get, self.get(&id.to_string(), true).await),
            Ask::Missing(id) => (Kind::Get, self.get(&format!("missing-{id}"), false).await),
            Ask::Create(id) => (Kind::Post, self.create(id).await),
        };
        let (ended, status, outcome, failure) = match answered {
            Ok(answer) => (answer.ended, Some(answer.status), Some(answer.outcome), answer.right.err()),
            Err(error) => (Instant::now(), None, None, Some(message(&error))),
        };
        let is_read = kind == Kind::Get && matches!(status, Some(200 | 404));
        Sample { kind, ended, took: ended - began, status, outcome: outcome.filter(|_| is_read), failure }
    }

    async fn get(&self, id: &str, exists: bool) -> Result<Answer, reqwest::Error> {
        let response = self.client.get(self.url(id)).send().await?;
        let (status, outcome) = head(&response);
        let body = response.bytes().await?;
        let ended = Instant::now();
        let right = match (status, exists) {
            (200, true) => check::todo(&body, id),
            (404, false) => check::not_found(&body),
            (200, false) => Err("status 200 for an id that does not exist".to_owned()),
            (404, true) => Err("status 404 for an id that should exist".to_owned()),
            (status, _) => Err(format!("status {status}")),
        };
        Ok(Answer { ended, status, outcome, right })
    }

    async fn create(&self, id: &str) -> Result<Answer, reqwest::Error> {
        let todo = Todo {
            id: id.parse().expect("the ids that are made are letters, digits and dashes"),
            name: "Load Generator".to_owned(),
            description: Some("Written under load.".to_owned()),
        };
        let request = self.client.post(self.url("")).body(todo.to_json());
        let response = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).send().await?;
        let (status, outcome) = head(&response);
        let body = response.bytes().await?;
        let ended = Instant::now();
        let right = match status {
            201 => check::created(&body, &todo),
            status => Err(format!("status {status} to a POST")),
        };
        Ok(Answer { ended, status, outcome, right })
    }

    /// Only the path is set anew: parsing a whole URL for each request is a notable part of its cost.
    fn url(&self, id: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&[self.base.path(), "todos/", id].concat());
        url
    }
}

/// A client that sends nothing but what it is told: no proxy, no compression, no redirects.
pub(crate) fn build(base: &Url, timeout: Duration) -> Result<Client, LoadgenError> {
    let mut client =
        Client::builder().timeout(timeout).no_proxy().no_gzip().redirect(Policy::none()).http1_only().tcp_nodelay(true);
    if base.scheme() == "http" {
        // Reading the system's certificates takes milliseconds, for each user.
        client = client.tls_certs_only([]);
    }
    client.build().map_err(|error| LoadgenError::Client(message(&error)))
}

fn head(response: &Response) -> (u16, Outcome) {
    // Of several lines the last one names the nearest cache (RFC 9211 §2, RFC 9110 §5.3).
    let said = response.headers().get_all("cache-status").iter().next_back();
    let said = said.and_then(|value| value.to_str().ok());
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
    let what = if error.is_connect() { "no connection" } else { "connection lost" };
    match cause.downcast_ref::<io::Error>() {
        Some(io) => format!("{what}: {}", system_text(io)),
        None if error.is_connect() => format!("{what}: {cause}"),
        None => format!("no whole answer: {cause}"),
    }
}

/// `Connection refused (os error 111)` without the number.
fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or(&text).to_lowercase()
}
