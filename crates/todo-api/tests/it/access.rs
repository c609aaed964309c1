//! Flags for certificates and passwords of Redis, in the program that users get: what works, and the line of what does not.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use test_servers::{Certificates, Flaw, RedisCluster, RedisServer, free_port, fresh_name, until};

use crate::program::Program;

/// What no line may repeat.
const SECRET: &str = "hunter2";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The errors and warnings of the start.
fn said(flags: &[&str]) -> Vec<String> {
    let program = Program::start(&[&["--redis-timeout", "10s"], flags].concat());
    let lines = program.log();
    let lines = lines.into_iter().take_while(|line| !line.contains("\"listening\""));
    let levels = ["\"level\":\"ERROR\"", "\"level\":\"WARN\""];
    let lines: Vec<String> = lines.filter(|line| levels.iter().any(|level| line.contains(level))).collect();
    assert!(lines.iter().all(|line| !line.contains(SECRET)), "{lines:?}");
    lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].as_str().unwrap().to_owned())
        .collect()
}

/// The only line of an error or a warning that a start has with these flags; the service runs all the same.
fn line(flags: &[&str]) -> String {
    let lines = said(flags);
    let [line] = &lines[..] else { panic!("{flags:?}: {lines:?}") };
    line.clone()
}

#[tokio::test]
async fn tls_with_a_private_authority_a_client_certificate_and_a_password_from_a_file() {
    let (certificates, port) = (Certificates::make(), free_port());
    let mut arguments = certificates.redis_arguments_for_known_clients(port);
    arguments.extend(["--requirepass".to_owned(), "p@ss:w/ord?#%".to_owned()]);
    let _redis = RedisServer::start_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let client = certificates.client("todo-api");
    let password = certificates.write("password", "p@ss:w/ord?#%\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo-api"));
    command.env("TODO_CACHE_PASSWORD_FILE", &password);
    let (url, prefix) = (format!("rediss://localhost:{port}/"), fresh_name("access"));
    let flags = ["--cache", &url, "--cache-prefix", &prefix, "--redis-timeout", "10s", "--publish-timeout", "10s"];
    let (authorities, certificate) = (certificates.authority(), client.certificate);
    let files = [
        ["--cache-ca-file", text(&authorities)],
        ["--cache-cert-file", text(&certificate)],
        ["--cache-key-file", text(&client.key)],
    ];
    let program = Program::start_by(command, &[&flags[..], &files.concat()].concat());
    assert!(!program.log().iter().any(|line| line.contains("ERROR")), "{:?}", program.log());
    let todos = format!("http://{}/todos", program.address());
    let made = reqwest::Client::new().post(&todos).json(&serde_json::json!({"id": "1", "name": "Ada"})).send().await;
    assert_eq!(made.unwrap().status(), 201);
    until("it is a hit", async || {
        let answer = reqwest::get(format!("{todos}/1")).await.unwrap();
        answer.headers()["cache-status"].to_str().unwrap().starts_with("todo-api; hit")
    })
    .await;
}

#[test]
fn a_redis_that_is_not_reached_is_one_line_that_names_the_flag_and_what_to_do() {
    let (certificates, port) = (Certificates::make(), free_port());
    let mut arguments = certificates.redis_arguments(port);
    arguments.extend(["--requirepass".to_owned(), format!("{SECRET}-right")]);
    let redis = RedisServer::start_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let (plain, tls) = (format!("127.0.0.1:{}", redis.port()), format!("rediss://:{SECRET}-right@127.0.0.1:{port}"));
    let expired = Certificates::make_with(Flaw::Expired);
    let expired_port = free_port();
    let arguments = expired.redis_arguments(expired_port);
    let _expired = RedisServer::start_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let (authorities, of_expired) = (certificates.authority(), expired.authority());
    let sentinels = format!("redis+sentinel://:{SECRET}@127.0.0.1:{}/mymaster", free_port());
    let alone = RedisServer::start();
    let cases: [(&[&str], &[&str]); 8] = [
        (
            &["--cache", &format!("redis+cluster://127.0.0.1:{}", alone.port())],
            &["no server of a Redis Cluster", "redis://"],
        ),
        (&["--cache", &tls], &["authority", "--cache-ca-file"]),
        (&["--cache", &format!("redis://{plain}")], &["wants a password", "--cache-password-file"]),
        (&["--cache", &format!("redis://:{SECRET}@{plain}")], &["password", "default", "--cache-password-file"]),
        (&["--cache", &format!("redis://ada:{SECRET}@{plain}")], &["password", "ada", "--cache-password-file"]),
        (
            &["--cache", &format!("rediss://127.0.0.1:{expired_port}"), "--cache-ca-file", text(&of_expired)],
            &["has expired", "another certificate"],
        ),
        (&["--cache", &sentinels], &["no sentinel", "refused", "--cache"]),
        (&["--cache", &format!("redis://127.0.0.1:{}", free_port())], &["cannot be reached", "refused"]),
    ];
    for (flags, says) in cases {
        let line = line(flags);
        assert!(line.starts_with("--cache redis") && says.iter().all(|part| line.contains(part)), "{flags:?}: {line}");
    }
    assert_eq!(said(&["--cache", &tls, "--cache-ca-file", text(&authorities)]), [""; 0]);
}

#[test]
fn a_cluster_whose_authority_is_not_known_is_one_line_also_where_several_servers_are_named() {
    let certificates = Certificates::make();
    let cluster = RedisCluster::start_with_tls(3, 0, &certificates, &[]);
    let (url, others) = (cluster.url(), Certificates::make());
    for flags in [&["--cache", &url][..], &["--cache", &url, "--cache-ca-file", text(&others.authority())]] {
        let line = line(flags);
        assert!(line.starts_with("--cache rediss+cluster://127.0.0.1:"), "{line}");
        assert!(line.contains("authority") && line.contains("--cache-ca-file"), "{line}");
    }
    assert_eq!(said(&["--cache", &url, "--cache-ca-file", text(&certificates.authority())]), [""; 0]);
}

#[test]
fn a_file_that_is_no_use_ends_the_start_with_a_line_that_names_its_flag() {
    let certificates = Certificates::make();
    let (client, other) = (certificates.client("a"), certificates.client("b"));
    let (empty, password) = (certificates.write("empty", ""), certificates.write("password", SECRET));
    let missing = certificates.authority().with_file_name("missing");
    let one = |flag: &'static str, path: &PathBuf| vec![flag.to_owned(), text(path).to_owned()];
    let pair = |certificate, key| [one("--cache-cert-file", certificate), one("--cache-key-file", key)].concat();
    for (flags, says) in [
        (one("--cache-ca-file", &missing), ["--cache-ca-file", "cannot be read"]),
        (one("--cache-ca-file", &empty), ["--cache-ca-file", "is empty"]),
        (one("--cache-ca-file", &password), ["--cache-ca-file", "no certificate"]),
        (pair(&client.certificate, &other.key), ["--cache-key-file", "is not the key"]),
        (pair(&password, &client.key), ["--cache-cert-file", "no certificate"]),
        (one("--cache-password-file", &empty), ["--cache-password-file", "is empty"]),
        (one("--cache-cert-file", &client.certificate), ["--cache", "private key"]),
        (one("--cache-sentinel-password-file", &password), ["--cache", "redis+sentinel://"]),
        (one("--store-password-file", &password), ["--store", "MongoDB"]),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_todo-api"))
            .args(["--listen", "127.0.0.1:0", "--cache", "rediss://127.0.0.1:1", "--store"])
            .arg(format!("redb:{}", certificates.authority().with_file_name("todos.redb").display()))
            .args(&flags)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{flags:?}: {said}");
        assert!(says.iter().all(|part| said.contains(part)) && !said.contains(SECRET), "{flags:?}: {said}");
    }
}
