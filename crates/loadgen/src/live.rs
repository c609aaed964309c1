//! The report as a page while the run goes on: `--live`. One small server of its own, so that nothing else listens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::LoadgenError;
use crate::report;
use crate::summary::Summary;

/// The longest head of a request.
const MAX_HEAD: usize = 16 * 1024;
/// How long a browser may take to ask, or to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A page of another origin cannot send this header: it cannot stop the run.
const STOPS: &str = "x-loadgen: stop";
/// Nor this one, by which the number of users is changed.
const CHANGES: &str = "x-loadgen: users";
/// Below which the number stands.
const USERS: &str = "/users/";

/// What there is to see, and how it is stopped.
pub(crate) trait Watched: Send + Sync + 'static {
    /// What the run comes to so far.
    fn so_far(&self) -> Summary;
    /// Ends it, with its report.
    fn stop(&self);
    /// From now on so many users send requests; as an error, how many can.
    fn change_users(&self, users: usize) -> Result<(), usize>;
}

/// The place of the page, before there is a run.
pub(crate) struct LivePage(TcpListener);

/// Serves the page until it is dropped.
pub(crate) struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl LivePage {
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, LoadgenError> {
        let bound = TcpListener::bind(address).await;
        bound.map(Self).map_err(|source| LoadgenError::Live { address, source })
    }

    /// Where it is, for a person.
    pub(crate) fn url(&self) -> Option<String> {
        self.0.local_addr().ok().map(|address| format!("http://{address}/"))
    }

    pub(crate) fn serve(self, run: Arc<impl Watched>) -> Serving {
        Serving(tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = self.0.accept().await else {
                    // Without a descriptor now there may be one in a moment.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let run = Arc::clone(&run);
                tokio::spawn(async move {
                    let _ = timeout(PATIENCE, answer(stream, &*run)).await;
                });
            }
        }))
    }
}

async fn answer(mut stream: TcpStream, run: &impl Watched) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MAX_HEAD {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split_whitespace();
    let may_stop = head.lines().any(|line| line.eq_ignore_ascii_case(STOPS));
    let may_change = head.lines().any(|line| line.eq_ignore_ascii_case(CHANGES));
    let (status, media_type, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/")) => ("200 OK", "text/html; charset=utf-8", page(&run.so_far())),
        (Some("GET"), Some("/summary.json")) => ("200 OK", "application/json", report::json_text(&run.so_far())),
        (Some("POST"), Some("/stop")) if may_stop => {
            run.stop();
            ("200 OK", "text/plain", "the run ends, with its report\n".to_owned())
        }
        (Some("POST"), Some("/stop")) => ("403 Forbidden", "text/plain", format!("the header {STOPS} is missing\n")),
        (Some("POST"), Some(path)) if path.starts_with(USERS) => {
            if may_change {
                change_users(run, &path[USERS.len()..])
            } else {
                ("403 Forbidden", "text/plain", format!("the header {CHANGES} is missing\n"))
            }
        }
        _ => {
            let there = "there are /, /summary.json, POST /stop and POST /users/NUMBER\n";
            ("404 Not Found", "text/plain", there.to_owned())
        }
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\nx-frame-options: DENY\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

fn change_users(run: &impl Watched, number: &str) -> (&'static str, &'static str, String) {
    // Of what is no number, too, it is said how many there can be.
    match run.change_users(number.parse().unwrap_or(0)) {
        Ok(()) => ("200 OK", "text/plain", format!("{number} users send requests now\n")),
        Err(most) => ("400 Bad Request", "text/plain", format!("users must be a whole number from 1 to {most}\n")),
    }
}

/// The page of the report, which looks again every other second.
fn page(so_far: &Summary) -> String {
    let script = format!("<script>{}</script></body>", include_str!("live.js"));
    report::page::html(so_far).replace("</body>", &script)
}
