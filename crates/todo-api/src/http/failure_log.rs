//! The log of answers with 5xx: the first line of a failure has the cause, the hundredth is counted.

use std::error::Error;
use std::time::Duration;

use crate::http::error::ApiError;
use crate::http::request::RequestId;
use crate::limited_log::Limited;

/// Logs why a request failed on the side of the service.
pub(crate) fn log(
    error: &ApiError,
    request_id: &RequestId,
    route: &'static str,
    trace_id: impl Fn() -> Option<String>,
) {
    static AWAY: Limited = Limited::every(Duration::from_secs(1));
    static NO_TODO: Limited = Limited::every(Duration::from_secs(60));
    static FAILED: Limited = Limited::every(Duration::from_secs(1));
    if !error.status().is_server_error() {
        return;
    }
    let (request_id, status) = (request_id.as_str(), error.status().as_u16());
    let limited = match error {
        ApiError::NotCached | ApiError::TooOld | ApiError::CacheAway | ApiError::TooManyViewers => {
            tracing::debug!(request_id, trace_id = trace_id(), route, status, "{error}");
            return;
        }
        ApiError::NotATodo { .. } => &NO_TODO,
        ApiError::Unavailable(_) | ApiError::Overloaded | ApiError::UnknownOutcome(_) => &AWAY,
        _ => &FAILED,
    };
    if let Some(times) = limited.permit() {
        tracing::error!(request_id, trace_id = trace_id(), route, status, times, cause = causes(error), "{error}");
    }
}

/// The chain of sources, outermost first.
fn causes(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
