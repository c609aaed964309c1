//! `GET /docs`.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::docs::PAGE;
use crate::http::reply::Reply;
use crate::http::{Worker, page};

/// 200 with the page.
pub async fn docs(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    Reply::new(&request, &worker, "/docs").send(Ok(page::send(&PAGE)))
}
