//! `GET /docs`.

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::docs::PAGE;
use crate::http::Worker;
use crate::http::reply::Reply;

/// Keeps windows of other origins from reaching into this one.
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// 200 with the page, which may load and run nothing but what is in it, and may call this service only.
pub async fn page(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/docs");
    let value = HeaderValue::from_static;
    reply.send(Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, value("text/html; charset=utf-8")))
        .insert_header((CONTENT_SECURITY_POLICY, PAGE.policy.as_str()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, value("nosniff")))
        .insert_header((REFERRER_POLICY, value("no-referrer")))
        .insert_header((CROSS_ORIGIN_OPENER_POLICY, value("same-origin")))
        .body(PAGE.html.as_str())))
}
