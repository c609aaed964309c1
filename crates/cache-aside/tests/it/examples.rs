//! The examples run, and do what their comments say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use test_servers::{RedisServer, fresh_name};

/// Where `cargo test` puts it.
fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(program.is_file(), "the example is not built: run `cargo build -p cache-aside --examples` first");
    program
}

/// An example that listens. Killed when dropped.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(example(name)).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect("it says where it listens").to_owned();
        Self { child, address }
    }

    /// The answer as it comes: head and body.
    fn ask(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(stream, "{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn memory_and_typed_find_what_they_assert() {
    for name in ["memory", "typed"] {
        let output = Command::new(example(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
}

#[test]
fn axum_answers_a_miss_then_hits_and_a_write_is_a_hit_at_once() {
    let redis = RedisServer::start();
    for cache in ["memory:", &redis.url()] {
        let example = Running::start("axum", &[cache, "127.0.0.1:0"]);
        let nothing = example.ask("GET /books/1", "");
        assert!(nothing.starts_with("HTTP/1.1 404") && nothing.contains("cache-status: miss"), "{nothing}");
        assert!(example.ask("GET /books/1", "").contains("cache-status: absent"));
        assert!(example.ask("PUT /books/1", "old title").starts_with("HTTP/1.1 201"));
        assert!(example.ask("PUT /books/1", "new title").starts_with("HTTP/1.1 204"));
        let found = example.ask("GET /books/1", "");
        assert!(found.ends_with("new title"), "{found}");
        // Where the machine is too busy for the example's deadlines, a write is published later, and read from the store until
        // then.
        let is_hit_at_once = |title: &str| {
            assert!(example.ask("PUT /books/1", title).starts_with("HTTP/1.1 204"));
            let found = example.ask("GET /books/1", "");
            assert!(found.ends_with(title), "{found}");
            found.contains("cache-status: hit")
        };
        assert!((0..100).any(|number| is_hit_at_once(&format!("title {number}"))), "{cache}");
    }
}

#[test]
fn two_processes_of_actix_read_the_store_once() {
    let redis = RedisServer::start();
    let url = redis.url();
    let (one, other) =
        (Running::start("actix", &[&url, "127.0.0.1:0"]), Running::start("actix", &[&url, "127.0.0.1:0"]));
    let first = one.ask("GET /books/978-0", "");
    assert!(first.contains("cache-status: miss") && first.ends_with("by read 1 of the store"), "{first}");
    for example in [&one, &other] {
        let hit = example.ask("GET /books/978-0", "");
        assert!(hit.contains("cache-status: hit") && hit.ends_with("by read 1 of the store"), "{hit}");
    }
}

#[test]
fn sqlite_shows_each_write_as_a_hit() {
    let redis = RedisServer::start();
    let file = std::env::temp_dir().join(fresh_name("users"));
    let run = |cache: &str| Command::new(example("sqlite")).arg(&file).arg(cache).output().unwrap();
    let told =
        ["miss: nobody of that name", "hit: ada@example.org", "hit: lovelace@example.org", "hit: lovelace@example.org"];
    assert_eq!(lines_of(&run("memory:")), told);
    // Another process, and another cache: what is in the file is there from the beginning.
    // On a machine that is too busy for the example's deadlines Redis is not asked.
    let first_read = || {
        let mut told = (0..100).map(|_| lines_of(&run(&redis.url())).swap_remove(0));
        told.find(|told| !told.starts_with("bypass")).expect("Redis is asked at last")
    };
    assert_eq!(first_read(), "miss: lovelace@example.org");
    assert_eq!(first_read(), "hit: lovelace@example.org");
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
}
