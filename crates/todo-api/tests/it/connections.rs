//! Connections: offers, deadlines and crowds.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::{PATIENCE, Program, ask, ends, receive};

const LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: test\r\n\r\n";

fn post(headers: &str, id: usize) -> String {
    let body = format!(r#"{{"id":"{id}","name":"A"}}"#);
    format!(
        "POST /todos HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What JDK 11 to 24 send with every request in the clear unless told otherwise.
const JAVA: &str = "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\n";

#[test]
fn offers_to_upgrade_are_ignored_and_the_connection_goes_on() {
    let program = Program::start(&[]);
    let mut stream = program.connect();
    for id in 0..200 {
        let answer = ask(&mut stream, &post(JAVA, id));
        assert_eq!(answer.status(), 201, "{answer:?}");
        assert_eq!((answer.header("connection"), answer.header("upgrade")), (None, None), "{answer:?}");
    }
    for offer in [
        JAVA,
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGVzdA==\r\n",
        "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
        "connection: UPGRADE\r\nupgrade: h2c,websocket\r\n",
        "Connection: Upgrade\r\n",
        "Upgrade: TLS/1.0\r\nConnection: upgrade\r\n",
        "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: foo/2\r\n",
    ] {
        let get = format!("GET /todos/7 HTTP/1.1\r\nhost: test\r\n{offer}\r\n");
        assert_eq!(ask(&mut stream, &get).status(), 200, "{offer}");
        let head = format!("DELETE /todos/none HTTP/1.1\r\nhost: test\r\n{offer}\r\n");
        assert_eq!(ask(&mut stream, &head).status(), 404, "{offer}");
        assert_eq!(ask(&mut stream, &post(offer, 7)).status(), 409, "with a body: {offer}");
    }
    // In single bytes, too, so that a field comes in pieces.
    for byte in post(JAVA, 1_000).bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(receive(&mut stream).unwrap().status(), 201);
    // An offer beside `close` closes.
    let closing = "GET /livez HTTP/1.1\r\nhost: test\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n";
    assert_eq!(ask(&mut stream, closing).header("connection"), Some("close"));
    assert!(ends(&mut stream));
}

#[test]
fn what_looks_like_an_offer_in_a_body_is_stored_as_it_was_sent() {
    let program = Program::start(&[]);
    let mut stream = program.connect();
    let body = "{\"id\":\"1\",\r\nConnection: upgrade\r\n\"name\":\"A\"}";
    let sent = format!(
        "POST /todos HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    assert_eq!(ask(&mut stream, &sent).status(), 400, "no JSON, and no less broken for it");
    assert_eq!(ask(&mut stream, LIVEZ).status(), 200, "the connection is in step");
}

#[test]
fn heads_and_bodies_that_never_come_are_408_and_idle_connections_are_closed() {
    let program = Program::start(&["--head-timeout", "300ms", "--body-timeout", "300ms", "--keep-alive", "300ms"]);
    let half_head = "GET /livez HTTP/1.1\r\nhost: te";
    let half_body =
        "POST /todos HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let half_chunk = "POST /todos HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{";
    let held_line = "GET /livez HTTP/1.1\r\nConnec";
    for (sent, says) in [(half_head, "head"), (held_line, "head"), (half_body, "body"), (half_chunk, "body")] {
        for first in ["", LIVEZ] {
            let mut stream = program.connect();
            if !first.is_empty() {
                assert_eq!(ask(&mut stream, first).status(), 200);
            }
            let answer = ask(&mut stream, sent);
            assert_eq!(answer.status(), 408, "{sent:?} after {first:?}");
            assert!(answer.problem().contains(says));
            assert!(ends(&mut stream), "{sent:?}");
        }
    }
    let mut silent = program.connect();
    assert!(ends(&mut silent), "without a word: a browser's spare connection is no request");
    let mut idle = program.connect();
    assert_eq!(ask(&mut idle, LIVEZ).status(), 200);
    assert!(ends(&mut idle));
}

#[test]
fn a_client_that_goes_on_sending_is_not_hurried_by_the_deadline_of_another_stage() {
    let program = Program::start(&["--head-timeout", "60s", "--body-timeout", "60s", "--keep-alive", "200ms"]);
    let mut stream = program.connect();
    let (head, rest) = LIVEZ.split_at(10);
    stream.write_all(head.as_bytes()).unwrap();
    // Longer than the idle deadline.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(ask(&mut stream, rest).status(), 200);
}

/// Asks on connections of their own until an answer comes.
fn livez(program: &Program) -> u16 {
    let began = Instant::now();
    loop {
        let mut stream = program.connect();
        let sent = stream.write_all(LIVEZ.as_bytes());
        if let (Ok(()), Some(answer)) = (sent, receive(&mut stream)) {
            return answer.status();
        }
        assert!(began.elapsed() < PATIENCE, "/livez is out of reach");
    }
}

/// Whether an answer or the end is there.
fn was_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    !peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn bodies_that_never_come_keep_nobody_out() {
    let program = Program::start(&["--max-connections", "40", "--body-timeout", "1h", "--workers", "2"]);
    let half = post("", 1).replace("content-length: 21", "content-length: 99");
    let mut crowd: Vec<TcpStream> = Vec::new();
    for _ in 0..300 {
        let mut stream = program.connect();
        let _ = stream.write_all(half.as_bytes());
        crowd.push(stream);
        if crowd.len().is_multiple_of(20) {
            assert_eq!(livez(&program), 200, "beside {} connections", crowd.len());
        }
    }
    // Of 300 at most the bound and those that are just leaving are still there.
    let (began, mut gone) = (Instant::now(), Vec::new());
    while gone.len() < 200 {
        assert!(began.elapsed() < PATIENCE, "{} of 300 were sent away", gone.len());
        let (heard, silent): (Vec<_>, Vec<_>) = crowd.into_iter().partition(was_answered);
        gone.extend(heard);
        crowd = silent;
        std::thread::sleep(Duration::from_millis(10));
    }
    let told = gone.iter_mut().filter_map(receive).inspect(|answer| {
        assert_eq!(answer.status(), 408, "{answer:?}");
        assert!(answer.problem().contains("too many connections"));
    });
    assert!(told.count() > 100, "those that had to go were told why");
    program.wait_for_log("--max-connections");
}

#[test]
fn with_few_file_descriptors_it_says_so_and_goes_on_answering() {
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -n 100; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_todo-api")]);
    let program = Program::start_by(command, &["--body-timeout", "1h", "--workers", "2"]);
    program.wait_for_log("fewer file descriptors");
    let mut kept = program.connect();
    assert_eq!(ask(&mut kept, LIVEZ).status(), 200);
    let crowd: Vec<_> = (0..300)
        .map(|_| {
            let mut stream = program.connect();
            let _ = stream.write_all(b"POST /todos HTTP/1.1\r\nhost: t\r\ncontent-length: 9\r\n\r\n{");
            stream
        })
        .collect();
    assert_eq!(livez(&program), 200);
    drop(crowd);
    assert_eq!(livez(&program), 200);
    let log = program.log().join("\n");
    assert!(!log.contains("Too many open files"), "{log}");
}

#[test]
fn the_soft_limit_is_raised_to_what_is_needed() {
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -Sn 100; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_todo-api")]);
    let program = Program::start_by(command, &["--max-connections", "300"]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.child.id())).unwrap();
    let soft = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert!(soft.split_whitespace().nth(3).unwrap().parse::<u64>().unwrap() >= 300, "{soft}");
}

#[test]
fn a_client_that_half_closes_gets_its_answer() {
    let program = Program::start(&[]);
    let mut stream = program.connect();
    stream.write_all(LIVEZ.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(receive(&mut stream).unwrap().status(), 200);
}

#[test]
fn requests_are_told_apart_however_they_are_sent() {
    let program = Program::start(&[]);
    let mut stream = program.connect();
    let body = r#"{"name":"A"}"#;
    let json = "host: t\r\ncontent-type: application/json\r\n";
    let chunked = format!("POST /todos HTTP/1.1\r\n{json}Transfer-Encoding: chunked\r\n\r\nc\r\n{body}\r\n0\r\n\r\n");
    let chunked_by_bytes: String = format!("POST /todos HTTP/1.1\r\n{json}Transfer-Encoding: chunked\r\n\r\n")
        + &body.chars().map(|byte| format!("1;ext=\"x\"\r\n{byte}\r\n")).collect::<String>()
        + "0\r\n\r\n";
    let leading_lines = format!("\r\n\r\n{}", post("", 1));
    let long_target = format!("GET /todos/{} HTTP/1.1\r\nhost: t\r\n\r\n", "x".repeat(9_000));
    let long_option = format!("GET /livez HTTP/1.1\r\nhost: t\r\nConnection: {}upgrade\r\n\r\n", "x, ".repeat(500));
    let absolute = "GET http://other.example/livez HTTP/1.1\r\nhost: other.example\r\n\r\n".to_owned();
    let bare_lines = "GET /livez HTTP/1.1\nhost: t\n\n".to_owned();
    for (sent, status) in [
        (LIVEZ.to_owned(), 200),
        (chunked, 201),
        (chunked_by_bytes, 201),
        (leading_lines, 201),
        (long_target, 422),
        (long_option, 200),
        (absolute, 200),
        (bare_lines, 200),
    ] {
        for piece in [sent.len(), 7, 1] {
            for part in sent.as_bytes().chunks(piece) {
                stream.write_all(part).unwrap();
            }
            let answer = receive(&mut stream).unwrap();
            let again = piece != sent.len() && status == 201 && answer.status() == 409;
            assert!(answer.status() == status || again, "{sent:.80?} in pieces of {piece}: {answer:?}");
        }
    }
    // Three at once.
    stream.write_all(format!("{LIVEZ}{}{LIVEZ}", post("", 50)).as_bytes()).unwrap();
    let answers: Vec<_> = (0..3).map(|_| receive(&mut stream).unwrap().status()).collect();
    assert_eq!(answers, [200, 201, 200]);
    // An answer before the body.
    let waiting = post("Expect: 100-continue\r\n", 51);
    let (head, rest) = waiting.split_at(waiting.find("\r\n\r\n").unwrap() + 4);
    assert_eq!(ask(&mut stream, head).status(), 100);
    assert_eq!(ask(&mut stream, rest).status(), 201);
    // HTTP/1.0 closes, unless it asks not to.
    assert_eq!(ask(&mut stream, "GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").status(), 200);
    assert_eq!(ask(&mut stream, "GET /livez HTTP/1.0\r\n\r\n").status(), 200);
    assert!(ends(&mut stream));
}

#[test]
fn a_body_that_drips_is_no_body_that_comes() {
    let program = Program::start(&["--body-timeout", "500ms"]);
    let mut stream = program.connect();
    stream.write_all(post("", 1).replace("content-length: 21", "content-length: 60000").as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let began = Instant::now();
    while stream.peek(&mut [0]).is_err() {
        assert!(began.elapsed() < PATIENCE, "a byte at a time holds it for ever");
        let _ = stream.write_all(b" ");
    }
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(receive(&mut stream).unwrap().status(), 408);
}
