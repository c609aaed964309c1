//! `Cors`: which web pages of others may call the service (Fetch Standard, "HTTP extensions"). Without `--cors-origin` none.

use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use url::Url;

/// The origins whose pages may call.
#[derive(Debug, Clone)]
pub struct Cors {
    any: bool,
    origins: Vec<String>,
}

impl Cors {
    /// `None` if there is no origin.
    pub fn new(origins: &[String]) -> Option<Self> {
        let any = origins.iter().any(|origin| origin == "*");
        (!origins.is_empty()).then(|| Self { any, origins: origins.to_vec() })
    }

    /// Says in a response whether the page that asks may see it.
    pub fn apply(&self, request: &HttpRequest, response: &mut HttpResponse) {
        let headers = response.headers_mut();
        if !self.any {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        let Some(origin) = request.headers().get(ORIGIN) else { return };
        if self.any {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else if self.origins.iter().any(|own| own.as_bytes() == origin.as_bytes()) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        } else {
            return;
        }
        if request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            let value = HeaderValue::from_static;
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, value("GET, HEAD, POST, PUT, PATCH, DELETE"));
            headers.insert(
                ACCESS_CONTROL_ALLOW_HEADERS,
                value("Content-Type, Authorization, If-Match, If-None-Match, Min-Version, Cache-Control, X-Request-Id"),
            );
            headers.insert(ACCESS_CONTROL_MAX_AGE, value("600"));
        } else {
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(
                    "ETag, Location, Cache-Status, Retry-After, Allow, WWW-Authenticate, X-Request-Id",
                ),
            );
        }
    }
}

/// Checks an origin as a browser sends it: scheme, host and port, and nothing more.
///
/// # Errors
/// What is allowed.
pub fn origin(text: &str) -> Result<String, String> {
    let is_origin = text == "*"
        || Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text);
    if is_origin {
        Ok(text.to_owned())
    } else {
        Err("must be *, or an origin like https://app.example:8443".to_owned())
    }
}
