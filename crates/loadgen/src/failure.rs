//! Why there was no answer, or not the one that was asked for, in words that are the same for all requests: without
//! ports, ids and values, so that failures can be counted by message.

use std::error::Error;
use std::io;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use url::Url;

use crate::request::Failure;

/// The message for a todo that is not there; the report says what is likely wrong if there are many.
pub(crate) const NO_SUCH_TODO: &str = "status 404 for an id that should exist";

/// The message for a 404 that is not worded as the todo service's: something else answers there.
pub(crate) const NOT_THE_SERVICE: &str = "status 404 for an id that should exist, not in the todo service's words";

/// What is shown of a redirect's target, at most.
const MAX_LOCATION: usize = 80;

/// No answer came.
pub(crate) fn message(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let cause = chain(error).last().unwrap_or(error);
    let what = if error.is_connect() { "no connection" } else { "connection lost" };
    let text = cause.to_string();
    if let Some(reason) = certificate(&text) {
        return format!("no connection: {reason}");
    }
    match chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last() {
        Some(io) => format!("{what}: {}", system_text(io)),
        None if error.is_connect() => format!("{what}: {cause}"),
        None if is_no_http(error) => format!("no whole answer: {cause}; is it HTTP, or is it https://?"),
        None => format!("no whole answer: {cause}"),
    }
}

/// Whether the connection was closed without a byte of an answer, as an idle one may be at any time (RFC 9112 §9.3.1).
pub(crate) fn is_closed_unanswered(error: &reqwest::Error) -> bool {
    if error.is_timeout() || error.is_connect() || error.is_body() || error.is_decode() {
        return false;
    }
    chain(error).any(|cause| {
        let hyper = cause.downcast_ref::<hyper::Error>();
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        hyper.is_some_and(|error| error.is_incomplete_message() || error.is_canceled() || error.is_closed())
            || matches!(
                io,
                Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted)
            )
    })
}

/// An answer came with a status that is a failure to every request.
pub(crate) fn status(status: StatusCode, headers: &HeaderMap, asked: &Url, id: &str) -> Failure {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let mut message = format!("status {}", status.as_u16());
    if let Some(reason) = status.canonical_reason() {
        message = format!("{message} {reason}");
    }
    let mut retry_after = None;
    if status.is_redirection()
        && let Some(location) = text(LOCATION)
    {
        message = format!("{message}, to {}", target(location, asked, id));
    } else if let Some(wait) = text(RETRY_AFTER) {
        retry_after = wait.trim().parse().ok();
        // Seconds are told as a range, whatever their number.
        message.push_str(if retry_after.is_some() { ", Retry-After" } else { ", Retry-After a date" });
    }
    Failure { message, retry_after }
}

/// Where a redirect leads, without what belongs to this one todo.
fn target(location: &str, asked: &Url, id: &str) -> String {
    let Ok(mut to) = asked.join(location) else { return "what is no URL".to_owned() };
    to.set_query(None);
    to.set_fragment(None);
    let _ = to.set_password(None).and_then(|()| to.set_username(""));
    let path = to.path().replace(id, "{id}");
    let shown = if to.origin() == asked.origin() { path } else { to.origin().ascii_serialization() + &path };
    shown.chars().filter(|letter| letter.is_ascii_graphic()).take(MAX_LOCATION).collect()
}

/// What rustls says of a certificate, and what to do.
fn certificate(text: &str) -> Option<String> {
    if text.contains("InvalidContentType") {
        return Some("the port does not speak TLS: is it http://?".to_owned());
    }
    let reason = text.strip_prefix("invalid peer certificate: ")?;
    let has = |word: &str| reason.contains(word);
    Some(if has("CaUsedAsEndEntity") {
        "the certificate is an authority's own (CA:TRUE), which no server may show: make it with basicConstraints=CA:FALSE, or \
         --insecure trusts any"
            .to_owned()
    } else if has("UnsupportedCertVersion") {
        "the certificate is of X.509 version 1: make it with an extension (openssl x509 -req -extfile FILE), or --insecure trusts any"
            .to_owned()
    } else if has("Expired") || has("expired") {
        "the certificate has expired: --insecure trusts any".to_owned()
    } else if has("NotValidForName") || has("not valid for name") {
        "the certificate is not for this host's name: --insecure trusts any".to_owned()
    } else {
        let reason: String = reason.chars().take_while(|letter| letter.is_ascii_alphanumeric()).collect();
        format!(
            "the certificate is self-signed, or of an authority that is not known here ({reason}): --ca-file FILE trusts it, \
             --insecure trusts any"
        )
    })
}

fn is_no_http(error: &reqwest::Error) -> bool {
    chain(error).any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse))
}

/// The error and its causes, the outermost first. An `io::Error` around another error tells it as its inner, not its
/// source.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

/// `Connection refused (os error 111)` without the number.
fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or(&text).to_lowercase()
}
