//! Any lines as the headers of a request: refused, or understood within their limits.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use todo_api::http::request::{RequestId, read_options};
use todo_api::http::{body, etag};
use todo_model::Version;

pub(super) fn run(bytes: &[u8]) {
    let mut request = TestRequest::put().uri("/todos/1");
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (name, value) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.trim_ascii()));
        if let (Ok(name), Ok(value)) = (name, value) {
            request = request.append_header((name, value));
        }
    }
    let request = request.to_http_request();
    if let Ok(options) = read_options(&request) {
        assert!(options.min_version <= Version::MAX.0);
    }
    let _ = etag::preconditions(request.headers());
    let _ = body::json(&request, Ok("{}".into()));
    let id = RequestId::of(&request);
    assert!((1..=128).contains(&id.as_str().len()), "{:?}", id.as_str());
}
