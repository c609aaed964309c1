//! A service to fire at, which remembers what it was asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::Method;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    pub(crate) agent: String,
    /// `Host` and `X-Key` as they came.
    pub(crate) host: String,
    pub(crate) key: String,
}

/// Listens on a port of its own until it is dropped.
pub(crate) struct Target {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    server: ServerHandle,
}

impl Seen {
    /// What stands behind the last slash.
    pub(crate) fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    fn is_probe(&self) -> bool {
        self.agent.ends_with("(probe)")
    }
}

impl Target {
    /// Answers everything but the probe so.
    pub(crate) fn start(answer: fn(&Seen) -> HttpResponse) -> Self {
        Self::start_slow(Duration::ZERO, answer)
    }

    /// As [`Self::start`], on the loopback address of IPv6; `None` where there is none.
    pub(crate) fn start_on_ipv6(answer: fn(&Seen) -> HttpResponse) -> Option<Self> {
        Self::start_on(Ipv6Addr::LOCALHOST.into(), Duration::ZERO, answer)
    }

    /// As [`Self::start`], after a pause.
    pub(crate) fn start_slow(pause: Duration, answer: fn(&Seen) -> HttpResponse) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), pause, answer).unwrap()
    }

    fn start_on(address: IpAddr, pause: Duration, answer: fn(&Seen) -> HttpResponse) -> Option<Self> {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let all = Arc::clone(&seen);
        let server = HttpServer::new(move || {
            let all = Arc::clone(&all);
            App::new().default_service(web::to(move |request: HttpRequest, body: web::Bytes| {
                let header = |name: &str| {
                    let value = request.headers().get(name).and_then(|value| value.to_str().ok());
                    value.unwrap_or_default().to_owned()
                };
                let seen = Seen {
                    method: request.method().clone(),
                    path: request.path().to_owned(),
                    body: body.to_vec(),
                    agent: header("user-agent"),
                    host: header("host"),
                    key: header("x-key"),
                };
                let all = Arc::clone(&all);
                async move {
                    if seen.is_probe() {
                        return if seen.path.ends_with("/livez") { HttpResponse::Ok().finish() } else { answer(&seen) };
                    }
                    all.lock().unwrap().push(seen.clone());
                    actix_web::rt::time::sleep(pause).await;
                    answer(&seen)
                }
            }))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(0).bind((address, 0)).ok()?;
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Some(Self { address, seen, server: handle })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far, without probes.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Closes the port and all connections.
    pub(crate) async fn stop(&self) {
        self.server.stop(false).await;
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

/// What the service should answer.
pub(crate) fn honest(seen: &Seen) -> HttpResponse {
    if seen.method == Method::POST {
        return HttpResponse::Created().json(serde_json::from_slice::<Value>(&seen.body).unwrap());
    }
    if seen.id().starts_with("missing-") { not_found("Item not found") } else { todo(seen.id()) }
}

/// 200 with the todo of this id.
pub(crate) fn todo(id: &str) -> HttpResponse {
    HttpResponse::Ok().json(json!({"id": id, "name": "Ann", "description": null}))
}

/// 404 as a problem with this detail.
pub(crate) fn not_found(detail: &str) -> HttpResponse {
    let problem = json!({"type": "about:blank", "title": "Not Found", "status": 404, "detail": detail});
    HttpResponse::NotFound().content_type("application/problem+json").body(problem.to_string())
}
