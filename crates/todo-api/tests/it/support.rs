//! Services of a test's own, in this process, on a free port.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use command_line::parse_from;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use test_servers::{fresh_name, shared_mongo, shared_redis};
use todo_api::app::Application;
use todo_api::listen::{Bound, Listener};
use todo_api::live::Live;
use todo_api::settings::Settings;
use todo_api::todos::Todos;
use tokio::sync::oneshot;

/// Patient deadlines: the tests share two cores with their servers, and most are not about being fast.
const PATIENT: [&str; 8] =
    ["--redis-timeout", "5s", "--publish-timeout", "5s", "--store-timeout", "10s", "--store-soft-timeout", "10s"];

/// A running service; stopped when dropped.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) todos: Todos,
    live: Option<Live>,
    /// URL of the address that is for scrapes only.
    pub(crate) scrapes: Option<String>,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _folder: TempDir,
}

/// Over the embedded store and the in-process cache.
pub(crate) async fn embedded() -> Service {
    Service::start(&[]).await
}

/// Over MongoDB and Redis, with a database and a key prefix of its own.
pub(crate) async fn servers() -> Service {
    let (store, cache, name) = (shared_mongo().url(), shared_redis().url(), fresh_name("api"));
    Service::start(&["--store", &store, "--cache", &cache, "--database", &name, "--cache-prefix", &name]).await
}

impl Service {
    /// With these flags; what they do not say is patient, embedded and in process.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("redb:{}", folder.path().join("todos.redb").display());
        let mut words = vec!["todo-api", "--listen", "127.0.0.1:0"];
        let mut add = |flag: &'static [&'static str]| {
            for pair in flag.chunks(2) {
                if !flags.contains(&pair[0]) {
                    words.extend(pair);
                }
            }
        };
        add(&PATIENT);
        add(&["--workers", "2"]);
        if !flags.contains(&"--store") {
            words.extend(["--store", &store]);
        }
        words.extend(flags);
        let settings: Settings = parse_from(&words).unwrap();
        let (started, running) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let listener = Listener::bind(&settings.listen).unwrap();
                let application = Application::build(&settings, listener).await.unwrap();
                let Bound::Tcp(address) = *application.address() else { panic!("these tests speak TCP") };
                let scrapes = application.metrics_address().map(|address| address.url(false));
                let live = application.live().cloned();
                started.send((address, application.todos().clone(), scrapes, live)).unwrap();
                application
                    .run_until(async {
                        let _ = stopped.await;
                    })
                    .await
                    .unwrap();
            });
        });
        let (address, todos, scrapes, live) = running.recv().expect("the service starts");
        let client = Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().unwrap();
        Self { address, todos, scrapes, live, client, stop: Some(stop), thread: Some(thread), _folder: folder }
    }

    /// Looks without the way over HTTP.
    pub(crate) fn look(&self) -> todo_api::live::Viewer {
        self.live.as_ref().and_then(Live::look).expect("it is on, and few look")
    }

    /// Streams of pictures that are open.
    pub(crate) fn viewers(&self) -> usize {
        self.live.as_ref().map_or(0, Live::viewers)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, body: impl Into<String>) -> Response {
        let request = self.request(Method::POST, "/todos/").header("content-type", "application/json");
        request.body(body.into()).send().await.unwrap()
    }

    /// Creates a todo under this id.
    pub(crate) async fn create(&self, id: &str) {
        let response = self.post(format!(r#"{{"id":"{id}","name":"A","description":"B"}}"#)).await;
        assert_eq!(response.status(), 201);
    }

    pub(crate) fn stop(&mut self) {
        // Without its idle connections, which the service would give some time to end.
        self.client = Client::new();
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the service ends without a panic");
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Name of the todo; none if it is not there.
pub(crate) async fn name_of(service: &Service, id: &str) -> Option<String> {
    let response = service.get(&format!("/todos/{id}")).await;
    let todo: serde_json::Value = response.json().await.unwrap();
    todo["name"].as_str().map(str::to_owned)
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The outcome in `Cache-Status`, without the seconds left.
/// What a scrape says under this name, with its labels.
pub(crate) async fn metric(service: &Service, name: &str) -> f64 {
    let text = service.get("/metrics").await.text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("there is no {name}")).parse().unwrap()
}

pub(crate) fn cache_status(response: &Response) -> String {
    let parts = header(response, "cache-status").split("; ").skip(1).filter(|part| !part.starts_with("ttl="));
    parts.collect::<Vec<_>>().join("; ")
}

/// Checks problem details (RFC 9457), and gives their `detail`.
pub(crate) async fn detail(response: Response, status: u16) -> String {
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    let (answered, text) = (response.status().as_u16(), response.text().await.unwrap());
    assert_eq!(answered, status, "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], "about:blank");
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()));
    problem["detail"].as_str().unwrap().to_owned()
}

pub(crate) use test_servers::until;
