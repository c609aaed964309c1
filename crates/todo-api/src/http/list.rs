//! `GET /todos?ids=1,2,3`: many todos by one request, each with a status of its own.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use cache_aside::Answer;
use serde_json::Value;
use todo_model::TodoId;

use crate::entity_tag::EntityTag;
use crate::http::Worker;
use crate::http::cache_status::{self, CACHE_STATUS};
use crate::http::error::ApiError;
use crate::http::reply::Reply;
use crate::http::request::{decoded, read_options};

/// The most ids of one request.
pub const MAX_IDS: usize = 100;

/// 200 with an array in the order of the ids; 400 or 422 if they are none; 503 or 504 if none of them can be answered.
pub async fn get(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/todos");
    let answered = answer(&request, &worker, &reply).await;
    reply.send(answered)
}

async fn answer(request: &HttpRequest, worker: &Worker, reply: &Reply<'_>) -> Result<HttpResponse, ApiError> {
    reply.admit()?;
    let ids = ids(request.query_string())?;
    let how = read_options(request)?;
    let answers = reply.traced(worker.todos.read_many(&ids, how)).await;
    let answers: Vec<Result<Answer, ApiError>> =
        answers.into_iter().map(|answer| answer.map_err(ApiError::from)).collect();
    let status = cache_status::of_many(answers.iter().map(|answer| answer.as_ref().ok()));
    if answers.iter().all(Result::is_err) {
        // There is at least one id, and what hinders all of them is nearly always the same.
        return Err(answers.into_iter().find_map(Result::err).unwrap_or(ApiError::Failed(None)));
    }
    let mut body = Vec::with_capacity(2 + ids.len() * 256);
    for (id, answer) in ids.iter().zip(&answers) {
        body.push(if body.is_empty() { b'[' } else { b',' });
        add_member(&mut body, id, answer);
    }
    body.push(b']');
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_STATUS, status))
        .insert_header((CACHE_CONTROL, worker.cache_control.clone()))
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(worker.admission.unsent.hold(body)?))
}

/// Adds `{"id","status","etag","todo"}`: the status and the tag are those that a `GET` of this todo alone would have. The
/// todo's JSON goes in as it is stored, without being parsed.
fn add_member(body: &mut Vec<u8>, id: &TodoId, answer: &Result<Answer, ApiError>) {
    let (status, entry) = match answer {
        Ok(answer) => (if answer.entry.is_some() { 200 } else { 404 }, answer.entry.as_ref()),
        Err(error) => {
            tracing::debug!(error = error as &dyn std::error::Error, "one todo of many cannot be answered");
            (error.status().as_u16(), None)
        }
    };
    let etag = entry.map(|entry| EntityTag::of(entry.version, &entry.body).to_string());
    let (id, etag) = (Value::from(id.as_str()), Value::from(etag));
    body.extend_from_slice(format!(r#"{{"id":{id},"status":{status},"etag":{etag},"todo":"#).as_bytes());
    body.extend_from_slice(entry.map_or(b"null", |entry| &entry.body));
    body.push(b'}');
}

/// The ids in the order asked for, each decoded by itself after the list was split: `%2C` is a comma inside an id.
fn ids(query: &str) -> Result<Vec<TodoId>, ApiError> {
    let lists: Vec<&str> = query.split('&').filter_map(|pair| pair.strip_prefix("ids=")).collect();
    if lists.iter().all(|list| list.is_empty()) {
        return Err(ApiError::Ids("name up to 100 todos as /todos?ids=1,2,3".to_owned()));
    }
    let sent: Vec<&str> = lists.iter().flat_map(|list| list.split(',')).collect();
    if sent.len() > MAX_IDS {
        return Err(ApiError::Ids(format!("must be at most {MAX_IDS}, are {}", sent.len())));
    }
    let id = |(position, sent): (usize, &&str)| {
        let wrong = |problem| ApiError::IdInList { position: position + 1, problem };
        let text = decoded(sent).map_err(|problem| wrong(problem.to_owned()))?;
        TodoId::try_from(text.into_owned()).map_err(|error| wrong(error.problem))
    };
    sent.iter().enumerate().map(id).collect()
}
