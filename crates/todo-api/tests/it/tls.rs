//! TLS to Redis and MongoDB, in the program that users get.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use test_servers::{Certificates, MongoServer, RedisServer, free_port, fresh_name, until};

/// The program over both servers; the authority is known to it or not.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    /// Ends it, and gives what it wrote to standard error.
    fn stderr(mut self) -> String {
        self.child.kill().unwrap();
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(store: &str, cache: &str, certificates: Option<&Certificates>) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo-api"));
    command
        .args(["--listen", "127.0.0.1:0", "--store", store, "--cache", cache, "--database", &fresh_name("tls")])
        .args(["--redis-timeout", "10s", "--publish-timeout", "10s", "--store-timeout", "20s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(certificates) = certificates {
        command.env("SSL_CERT_FILE", certificates.authority());
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = loop {
        let line: Value = serde_json::from_str(&lines.next().expect("it says where it listens").unwrap()).unwrap();
        if let Some(address) = line["address"].as_str() {
            break address.to_owned();
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    Program { child, address }
}

struct Servers {
    certificates: Certificates,
    _redis: RedisServer,
    _mongo: MongoServer,
    store: String,
    cache: String,
}

fn servers() -> Servers {
    let (certificates, port) = (Certificates::make(), free_port());
    let arguments = certificates.redis_arguments(port);
    let redis = RedisServer::start_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let arguments = certificates.mongod_arguments();
    let mongo = MongoServer::start_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let authority = certificates.authority().display().to_string();
    let store = format!("{}&tls=true&tlsCAFile={}", mongo.url(), authority.replace('/', "%2F"));
    Servers { certificates, _redis: redis, _mongo: mongo, store, cache: format!("rediss://127.0.0.1:{port}/") }
}

async fn status(program: &Program, id: &str) -> String {
    let url = format!("http://{}/todos/{id}", program.address);
    let answer = reqwest::get(url).await.unwrap();
    answer.headers()["cache-status"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn redis_and_mongodb_are_reached_by_tls_with_a_private_authority() {
    let servers = servers();
    let program = start(&servers.store, &servers.cache, Some(&servers.certificates));
    let url = format!("http://{}/todos", program.address);
    let made =
        reqwest::Client::new().post(url).json(&serde_json::json!({"id": "1", "name": "Ada"})).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let published = made.headers()["cache-status"].to_str().unwrap();
    assert!(!published.contains("publish-deferred"), "the create was published over TLS: {published}");
    // A machine that is busy may have had no time yet to follow the store's changes.
    until("a read is answered over TLS", async || status(&program, "1").await.starts_with("todo-api; hit")).await;
}

#[tokio::test]
async fn a_redis_whose_certificate_is_not_known_is_no_reason_to_panic_or_to_fail_reads() {
    let servers = servers();
    let program = start(&servers.store, &servers.cache, None);
    assert!(status(&program, "1").await.contains("fwd=bypass"));
    assert_eq!(program.stderr(), "", "a panic would be there");
}
