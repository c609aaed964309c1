//! Pages, as they are sent.

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, HttpResponseBuilder};

use crate::page::Page;

/// Keeps windows of other origins from reaching into this one.
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// 200 with what a browser is to let the page do: nothing but what is in it, and calls of this service.
pub(super) fn ok(page: &'static Page) -> HttpResponseBuilder {
    let value = HeaderValue::from_static;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_SECURITY_POLICY, page.policy.as_str()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, value("nosniff")))
        .insert_header((REFERRER_POLICY, value("no-referrer")))
        .insert_header((CROSS_ORIGIN_OPENER_POLICY, value("same-origin")));
    response
}

/// 200 with the page.
pub(super) fn send(page: &'static Page) -> HttpResponse {
    ok(page)
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")))
        .body(page.html.as_str())
}
