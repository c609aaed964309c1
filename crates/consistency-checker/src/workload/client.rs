//! `ApiClient`: sends a request through one of the nodes, waits, and writes down what came of it.

use std::sync::Arc;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use reqwest::{RequestBuilder, Response};

use super::plan::Request;
use super::{Shared, Tag, batch};
use crate::cluster::node::Node;
use crate::history::{Action, Condition, Marker, Operation, Outcome, Verb};

/// A batch read asks for so many ids at most.
const MANY: usize = 8;

pub(super) struct ApiClient {
    number: u32,
    shared: Arc<Shared>,
    random: ChaCha8Rng,
    done: Vec<Operation>,
}

impl ApiClient {
    pub(super) fn new(number: u32, shared: Arc<Shared>, random: ChaCha8Rng) -> Self {
        Self { number, shared, random, done: Vec::new() }
    }

    /// Goes on until it is told to stop.
    pub(super) async fn run(mut self) -> Vec<Operation> {
        while !self.shared.stopped() {
            self.step().await;
            let pause = self.shared.plan.pause.as_micros() as u64;
            tokio::time::sleep(std::time::Duration::from_micros(self.random.random_range(0..=pause))).await;
        }
        self.done
    }

    async fn step(&mut self) {
        let shared = Arc::clone(&self.shared);
        let id = shared.plan.draw_id(&mut self.random);
        let node = &shared.cluster.nodes[self.random.random_range(0..shared.cluster.nodes.len())];
        let (action, request) = match shared.plan.draw_request(&mut self.random) {
            Request::GetMany => return self.read_many(node, id).await,
            Request::Get => self.read(node, &id),
            Request::Write(verb) => self.write(node, &id, verb),
            Request::Delete => {
                let (condition, tag) = self.condition(&id, false);
                (Action::Delete { condition }, with_tag(node.http.delete(node.todo(&id)), tag))
            }
        };
        let _writes = if matches!(action, Action::Read { .. }) { None } else { Some(shared.writes.read().await) };
        let process = node.process();
        let sent = shared.clock.now();
        let answer = answer(request.send().await).await;
        let received = shared.clock.now();
        let problem = problem(&answer);
        let (outcome, status, cache_status, tag) = classify(&action, answer);
        if let (Some(text), Outcome::Value { version, .. }) = (tag, &outcome) {
            shared.saw(&id, Tag { version: *version, text });
        }
        let (client, process) = (self.number, Some(process));
        let operation =
            Operation { client, process, sent, received, id, action, outcome, status, cache_status, problem };
        self.shared.count(&operation);
        self.done.push(operation);
    }

    async fn read_many(&mut self, node: &Node, first: Arc<str>) {
        let shared = Arc::clone(&self.shared);
        let mut ids = vec![first];
        // Some ids come twice.
        ids.extend((0..self.random.random_range(0..MANY)).map(|_| shared.plan.draw_id(&mut self.random)));
        let process = Some(node.process());
        let sent = shared.clock.now();
        let answer = answer(node.http.get(node.many(&ids)).send().await).await;
        let received = shared.clock.now();
        let problem = problem(&answer);
        let (status, cache_status, outcomes) = match answer {
            Sent::Answered(Answer { status: 200, cache_status, body, .. }) => {
                (200, cache_status, batch::outcomes(&ids, &body))
            }
            Sent::Answered(Answer { status, cache_status, .. }) => {
                (status, cache_status, vec![Outcome::Failed; ids.len()])
            }
            Sent::Never | Sent::Perhaps => (0, "".into(), vec![Outcome::Failed; ids.len()]),
        };
        let (client, action) = (self.number, Action::ReadMany { of: ids.len() });
        for (id, outcome) in ids.into_iter().zip(outcomes) {
            let (cache_status, problem) = (Arc::clone(&cache_status), Arc::clone(&problem));
            let operation =
                Operation { client, process, sent, received, id, action, outcome, status, cache_status, problem };
            shared.count(&operation);
            self.done.push(operation);
        }
    }

    fn read(&mut self, node: &Node, id: &str) -> (Action, RequestBuilder) {
        let mut request = node.http.get(node.todo(id));
        let (mut min_version, mut no_cache, mut only_if_cached) = (0, false, false);
        if self.random.random_range(0..100) < self.shared.plan.no_cache_percent {
            no_cache = true;
            request = request.header("cache-control", "no-cache");
            return (Action::Read { min_version, no_cache, only_if_cached }, request);
        }
        match self.random.random_range(0..100) {
            0..6 => {
                only_if_cached = true;
                request = request.header("cache-control", "only-if-cached");
            }
            6..16 => {
                if let Some(tag) = self.shared.tag(id) {
                    min_version = tag.version;
                    request = request.header("min-version", min_version);
                }
            }
            _ => {}
        }
        (Action::Read { min_version, no_cache, only_if_cached }, request)
    }

    fn write(&mut self, node: &Node, id: &str, verb: Verb) -> (Action, RequestBuilder) {
        let marker = self.shared.marker();
        let name = marker.to_string();
        let description = self.random.random_bool(0.8).then(|| format!("by client {}", self.number));
        let (condition, tag) =
            if verb == Verb::Post { (Condition::None, None) } else { self.condition(id, verb == Verb::Put) };
        let (request, body) = match verb {
            Verb::Post => (
                node.http.post(node.todos()),
                serde_json::json!({ "id": id, "name": name, "description": description }),
            ),
            Verb::Patch => (node.http.patch(node.todo(id)), serde_json::json!({ "name": name })),
            _ => (node.http.put(node.todo(id)), serde_json::json!({ "name": name, "description": description })),
        };
        let request = with_tag(request, tag).json(&body);
        let request = if condition == Condition::Absent { request.header("if-none-match", "*") } else { request };
        (Action::Write { verb, marker, condition }, request)
    }

    fn condition(&mut self, id: &str, may_create: bool) -> (Condition, Option<String>) {
        match self.random.random_range(0..100) {
            0..25 => match self.shared.tag(id) {
                Some(tag) => (Condition::Version(tag.version), Some(tag.text)),
                None => (Condition::None, None),
            },
            25..35 if may_create => (Condition::Absent, None),
            _ => (Condition::None, None),
        }
    }
}

fn with_tag(request: RequestBuilder, tag: Option<String>) -> RequestBuilder {
    match tag {
        Some(tag) => request.header("if-match", tag),
        None => request,
    }
}

/// An answer as far as it is looked at.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) tag: Option<String>,
    pub(crate) cache_status: Arc<str>,
    pub(crate) body: Arc<str>,
}

pub(crate) enum Sent {
    Answered(Answer),
    /// Nobody took it.
    Never,
    /// It was sent, and no answer came.
    Perhaps,
}

pub(crate) async fn answer(response: Result<Response, reqwest::Error>) -> Sent {
    let response = match response {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Sent::Never,
        Err(_) => return Sent::Perhaps,
    };
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (status, tag) = (response.status().as_u16(), header("etag"));
    let cache_status = header("cache-status").unwrap_or_default();
    // The cache's own name comes first (RFC 9211 §2).
    let cache_status = cache_status.split_once("; ").map_or("", |(_, says)| says).into();
    match response.text().await {
        Ok(body) => Sent::Answered(Answer { status, tag, cache_status, body: body.into() }),
        Err(_) => Sent::Perhaps,
    }
}

/// What a failure says of itself (RFC 9457 §3.1.4).
fn problem(sent: &Sent) -> Arc<str> {
    let Sent::Answered(Answer { status: 500.., body, .. }) = sent else { return "".into() };
    let document: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    document.get("detail").and_then(serde_json::Value::as_str).unwrap_or("no problem document").into()
}

/// The version in a tag: `"VERSION-HASH"`.
pub(crate) fn version_of(tag: &str) -> Option<u64> {
    tag.trim_matches('"').split('-').next()?.parse().ok()
}

/// Who wrote a body.
pub(crate) fn marker_of(body: &str) -> Option<Marker> {
    let todo: serde_json::Value = serde_json::from_str(body).ok()?;
    Marker::in_name(todo.get("name")?.as_str()?)
}

fn classify(action: &Action, sent: Sent) -> (Outcome, u16, Arc<str>, Option<String>) {
    let reads = matches!(action, Action::Read { .. });
    let answer = match sent {
        Sent::Answered(answer) => answer,
        Sent::Never if !reads => return (Outcome::Refused, 0, "".into(), None),
        Sent::Perhaps if !reads => return (Outcome::Unknown, 0, "".into(), None),
        Sent::Never | Sent::Perhaps => return (Outcome::Failed, 0, "".into(), None),
    };
    let Answer { status, tag, cache_status, body } = answer;
    let outcome = match (status, tag.as_deref().and_then(version_of)) {
        (200 | 201, Some(version)) => {
            let created = if reads { None } else { Some(status == 201) };
            Outcome::Value { version, marker: marker_of(&body), body, created }
        }
        (404, _) if reads => Outcome::Absent,
        (204, _) => Outcome::Absent,
        _ if reads => Outcome::Failed,
        (400..500, _) => Outcome::Refused,
        _ => Outcome::Unknown,
    };
    (outcome, status, cache_status, tag)
}
