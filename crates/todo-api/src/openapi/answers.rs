//! The answers of an operation: those that are as they should be, problems, and refusals from below HTTP.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::operation::Operation;
use super::problems::Problem;
use super::{headers, problems, reference, refusals, schemas};
use crate::http::live::EVENT_STREAM;
use crate::http::routes::Resource;
use crate::metrics::Format;

/// One status with what is known of it.
#[derive(Default)]
struct Answer {
    description: String,
    headers: Vec<&'static str>,
    content: Map<String, Value>,
    problems: Vec<Problem>,
}

/// Responses by status.
pub(super) fn of(operation: Operation, resource: Resource, method: &Method) -> Value {
    let mut answers = as_they_should_be(operation, resource);
    for problem in problems::of(operation, method).into_iter().chain(refusals::all()) {
        answers.entry(problem.status).or_default().problems.push(problem);
    }
    let described = answers.into_iter().map(|(status, answer)| {
        let headers = headers_of(operation, status, &answer);
        (status.to_string(), answer.describe(status, headers, *method == Method::HEAD))
    });
    described.collect::<Map<_, _>>().into()
}

/// Responses to what is in no operation: paths and methods that are not there.
pub(super) fn elsewhere() -> Value {
    let described = problems::elsewhere().into_iter().map(|problem| {
        let (name, status) = (problem.name, problem.status);
        let answer = Answer { problems: vec![problem], ..Answer::default() };
        let headers = headers_of(Operation::Options, status, &answer);
        (name.to_owned(), answer.describe(status, headers, false))
    });
    described.collect::<Map<_, _>>().into()
}

fn headers_of(operation: Operation, status: u16, answer: &Answer) -> Vec<&'static str> {
    let mut all = answer.headers.clone();
    let from_problems = answer.problems.iter().flat_map(|problem| &problem.headers).copied();
    all.extend(from_problems.filter(|name| !answer.headers.contains(name)));
    if operation == Operation::Read && matches!(status, 404 | 412) {
        // Also what is not there is an answer of the cache.
        all.push("Cache-Status");
    }
    all.extend(headers::EVERYWHERE);
    all.dedup();
    all
}

impl Answer {
    fn describe(self, status: u16, headers: Vec<&'static str>, is_head: bool) -> Value {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        let description = if self.description.is_empty() { reason.to_owned() } else { self.description };
        let headers: Map<String, Value> =
            headers.into_iter().map(|name| (name.to_owned(), reference("headers", name))).collect();
        let mut content = self.content;
        if !self.problems.is_empty() {
            let examples: Map<String, Value> = self
                .problems
                .iter()
                .map(|problem| (problem.name.to_owned(), reference("examples", problem.name)))
                .collect();
            content.insert(
                "application/problem+json".to_owned(),
                json!({ "schema": reference("schemas", "Problem"), "examples": examples }),
            );
        }
        let mut response = Map::new();
        response.insert("description".to_owned(), description.into());
        response.insert("headers".to_owned(), headers.into());
        if !content.is_empty() && !is_head {
            response.insert("content".to_owned(), content.into());
        }
        response.into()
    }
}

fn as_they_should_be(operation: Operation, resource: Resource) -> BTreeMap<u16, Answer> {
    let json = |schema: &str, example: Value| {
        let content = json!({ "schema": reference("schemas", schema), "example": example });
        Map::from_iter([("application/json".to_owned(), content)])
    };
    let answer = |description: &str, headers: &[&'static str], content: Map<String, Value>| Answer {
        description: description.to_owned(),
        headers: headers.to_vec(),
        content,
        problems: Vec::new(),
    };
    let todo = || json("Todo", schemas::todo_example());
    let text = |media_type: &str, description: &str| {
        let content = json!({ "schema": { "type": "string", "description": description } });
        (media_type.to_owned(), content)
    };
    let answers = match operation {
        Operation::Read => vec![
            (200, answer("The todo.", &["ETag", "Cache-Status"], todo())),
            (
                304,
                answer(
                    "The sender has the todo already: `If-None-Match` names its tag.",
                    &["ETag", "Cache-Status"],
                    Map::new(),
                ),
            ),
        ],
        Operation::ReadMany => {
            vec![(
                200,
                answer(
                    "The todos, in the order asked for.",
                    &["Cache-Status"],
                    json("Todos", schemas::todos_example()),
                ),
            )]
        }
        Operation::Create => {
            vec![(201, answer("The todo was created.", &["Location", "ETag", "Cache-Status"], todo()))]
        }
        Operation::Replace => vec![
            (200, answer("The todo took the place of the old one.", &["ETag", "Cache-Status"], todo())),
            (201, answer("There was none, and the todo was created.", &["Location", "ETag", "Cache-Status"], todo())),
        ],
        Operation::Patch => vec![(200, answer("The todo as it is now.", &["ETag", "Cache-Status"], todo()))],
        Operation::Delete => vec![(204, answer("The todo is gone.", &["Cache-Status"], Map::new()))],
        Operation::Livez => {
            vec![(200, answer("The process is up.", &[], json("Live", schemas::live_example())))]
        }
        Operation::Readyz => vec![
            (200, answer("The service can answer.", &[], json("Ready", schemas::ready_example("ready", "up")))),
            (
                503,
                answer(
                    "The store does not answer, or the process is about to end.",
                    &[],
                    json("Ready", schemas::ready_example("not ready", "down")),
                ),
            ),
        ],
        Operation::Metrics => {
            let formats = [Format::OpenMetrics, Format::Prometheus];
            let content = formats.map(|format| text(format.content_type(), "One line for each sample."));
            vec![(200, answer("Everything that is counted.", &[], Map::from_iter(content)))]
        }
        Operation::Document => {
            let content = json!({ "schema": { "type": "object", "required": ["openapi", "info", "paths"] } });
            vec![(200, answer("This document.", &[], Map::from_iter([("application/json".to_owned(), content)])))]
        }
        Operation::Docs => {
            let content =
                Map::from_iter([text("text/html; charset=utf-8", "A page that needs nothing besides itself.")]);
            vec![(200, answer("The page.", &["Content-Security-Policy"], content))]
        }
        Operation::Live => {
            let content = [
                text("text/html; charset=utf-8", "A page that needs nothing besides itself."),
                text(EVENT_STREAM, "One event `picture` a second, whose data is JSON."),
            ];
            vec![(200, answer("The page, or what it shows.", &["Content-Security-Policy"], Map::from_iter(content)))]
        }
        Operation::Cell => {
            vec![(200, answer("What the cache holds.", &[], json("Cell", schemas::cell_example())))]
        }
        Operation::Forget => vec![(204, answer("The cache holds nothing of the id any more.", &[], Map::new()))],
        Operation::Options => {
            let allow = crate::http::error::list(resource.methods());
            vec![(204, answer(&format!("`Allow: {allow}`"), &["Allow"], Map::new()))]
        }
    };
    answers.into_iter().collect()
}
