//! Connections: offers to upgrade, and where a request ends.

use std::io::Write;
use std::net::Shutdown;

use crate::program::{LIVEZ, Program, ask, ends, post, receive};

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
    let long_option = format!("GET /livez HTTP/1.1\r\nhost: t\r\nConnection: {}upgrade\r\n\r\n", "x, ".repeat(5_000));
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
