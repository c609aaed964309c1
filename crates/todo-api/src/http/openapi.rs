//! `GET /openapi.json`.

use actix_web::http::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::Worker;
use crate::http::reply::Reply;

/// 200 with the OpenAPI document of this process.
pub async fn document(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/openapi.json");
    let document = worker.document.get_or_init(|| {
        let document = crate::openapi::document(&worker.resources);
        serde_json::to_vec(&document).expect("a JSON value always serializes").into()
    });
    reply.send(Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .body(document.clone())))
}
