//! `GET /metrics`.

use actix_web::http::header::{ACCEPT, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::Worker;
use crate::http::error::ApiError;
use crate::http::reply::Reply;
use crate::metrics::Format;

/// 200 with everything that is counted, in the text format that the client takes.
pub async fn metrics(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/metrics");
    let accept = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let format = Format::accepted_by(&accept.collect::<Vec<_>>().join(","));
    let Some(metrics) = &worker.metrics else {
        return reply.send(Err(ApiError::NoSuchResource(request.path().to_owned())));
    };
    let text = metrics.scrape(format);
    reply.send(Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, format.content_type())).body(text)))
}
