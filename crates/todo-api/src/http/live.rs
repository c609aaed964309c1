//! `GET /live`: the page, or the stream of pictures that it shows.

use std::convert::Infallible;

use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use futures::stream;

use crate::http::error::ApiError;
use crate::http::reply::Reply;
use crate::http::{Worker, page};
use crate::live::PAGE;

/// The media type of server-sent events.
pub const EVENT_STREAM: &str = "text/event-stream";

/// 200 with the page; with a stream of events to who accepts one, as browsers ask for it.
pub async fn live(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let reply = Reply::new(&request, &worker, "/live");
    let accepts = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let mut answered = if accepts.into_iter().any(|accept| accept.contains(EVENT_STREAM)) {
        events(&request, &worker)
    } else {
        Ok(page::send(&PAGE))
    };
    if let Ok(response) = &mut answered {
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    }
    reply.send(answered)
}

fn events(request: &HttpRequest, worker: &Worker) -> Result<HttpResponse, ApiError> {
    let mut response = page::ok(&PAGE);
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM)));
    // A body that goes on for ever would be read to its end, though nothing of it is sent.
    if *request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    let live = worker.live.as_ref().ok_or_else(|| ApiError::NoSuchResource(request.path().to_owned()))?;
    let viewer = live.look().ok_or(ApiError::TooManyViewers)?;
    let pictures = stream::unfold(viewer, async |mut viewer| {
        let picture = viewer.next().await?;
        Some((Ok::<_, Infallible>(picture), viewer))
    });
    // Proxies that collect answers before they pass them on are asked not to (nginx, X-Accel-Buffering).
    Ok(response.insert_header(("x-accel-buffering", "no")).streaming(Box::pin(pictures)))
}
