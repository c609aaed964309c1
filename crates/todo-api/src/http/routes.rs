//! `Resource`: what is at which path, and what can be done with it, in one table. The server's routes, `Allow` and the OpenAPI
//! document are made from it.

use actix_web::http::Method;
use actix_web::{HttpRequest, Route, web};

use crate::http::{Worker, cell, change, create, docs, get, health, list, live, metrics, openapi, other_method};

/// What has a path of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// One todo.
    Todo,
    /// All todos.
    Todos,
    /// Whether the process is up.
    Livez,
    /// Whether it can answer.
    Readyz,
    /// What it counts.
    Metrics,
    /// The OpenAPI document.
    Document,
    /// The page to read the document and to try each call.
    Docs,
    /// The page that shows the cache at work.
    Live,
    /// What the cache holds of one id.
    Cell,
}

/// What a listener may have besides todos and probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// `/metrics`.
    pub metrics: bool,
    /// `/docs` and the document.
    pub docs: bool,
    /// `/live` and what is below it.
    pub live: bool,
}

/// Resources of a service with these parts. Those that are asked for most come first.
pub fn resources(parts: Parts) -> Vec<Resource> {
    use Resource::{Cell, Docs, Document, Live, Livez, Metrics, Readyz, Todo, Todos};
    let metrics = parts.metrics.then_some(Metrics);
    let docs = if parts.docs { [Document, Docs].as_slice() } else { &[] };
    let live = if parts.live { [Live, Cell].as_slice() } else { &[] };
    [Todo, Todos, Livez, Readyz].into_iter().chain(metrics).chain(docs.iter().chain(live).copied()).collect()
}

impl Resource {
    /// Templates of its paths.
    pub fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Todo => &["/todos/{id}"],
            Self::Todos => &["/todos", "/todos/"],
            Self::Livez => &["/livez"],
            Self::Readyz => &["/readyz"],
            Self::Metrics => &["/metrics"],
            Self::Document => &["/openapi.json"],
            Self::Docs => &["/docs"],
            Self::Live => &["/live"],
            Self::Cell => &["/live/cells/{id}"],
        }
    }

    /// What is possible besides `OPTIONS`, in the order of `Allow`.
    pub fn methods(self) -> &'static [Method] {
        match self {
            Self::Todo => &[Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE],
            Self::Todos => &[Method::GET, Method::HEAD, Method::POST],
            Self::Cell => &[Method::GET, Method::HEAD, Method::DELETE],
            _ => &[Method::GET, Method::HEAD],
        }
    }

    /// The resource with its handlers.
    pub(super) fn service(self) -> actix_web::Resource {
        let resource = web::resource(self.paths().to_vec());
        let resource = self.methods().iter().fold(resource, |resource, method| resource.route(self.route(method)));
        resource.default_service(web::to(move |request: HttpRequest, worker: web::Data<Worker>| {
            other_method(request, worker, self.methods())
        }))
    }

    fn route(self, method: &Method) -> Route {
        let route = web::method(method.clone());
        match (self, method.as_str()) {
            (Self::Todo, "PUT") => route.to(change::put),
            (Self::Todo, "PATCH") => route.to(change::patch),
            (Self::Todo, "DELETE") => route.to(change::delete),
            (Self::Todo, _) => route.to(get::get),
            (Self::Todos, "POST") => route.to(create::create),
            (Self::Todos, _) => route.to(list::get),
            (Self::Livez, _) => route.to(health::livez),
            (Self::Readyz, _) => route.to(health::readyz),
            (Self::Metrics, _) => route.to(metrics::metrics),
            (Self::Document, _) => route.to(openapi::document),
            (Self::Docs, _) => route.to(docs::docs),
            (Self::Live, _) => route.to(live::live),
            (Self::Cell, "DELETE") => route.to(cell::delete),
            (Self::Cell, _) => route.to(cell::get),
        }
    }
}
