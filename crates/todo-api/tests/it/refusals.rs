//! Refusals: what is no request of HTTP/1.1 is answered with the rule that it broke.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::program::{LIVEZ, Program, ask, ends, post, receive, wait_until_read};

#[test]
fn what_is_no_request_is_answered_with_a_problem_and_is_no_error_in_the_log() {
    let program = Program::start(&[]);
    let get = |rest: &str| format!("GET /todos/1 HTTP/1.1\r\nhost: a\r\n{rest}\r\n\r\n");
    let post = |rest: &str| format!("POST /todos HTTP/1.1\r\nhost: a\r\n{rest}\r\n\r\nab");
    let many: String = (0..100).map(|field| format!("x{field}: 1\r\n")).collect();
    let long = "x".repeat(70_000);
    for (garbage, status, says) in [
        ("this is no http\r\n\r\n", 400, "one space"),
        ("nonsense\r\n\r\n", 400, "METHOD TARGET HTTP/1.1"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2"),
        ("GET / HTTP/3.0\r\nhost: a\r\n\r\n", 505, "version"),
        ("GET /todos/1\r\n\r\n", 400, "does not end with a version"),
        ("GET /todos/1 FTP/1.1\r\nhost: a\r\n\r\n", 400, "does not end with a version"),
        ("GET  /todos/1 HTTP/1.1\r\nhost: a\r\n\r\n", 400, "one space"),
        ("GET /todos/a b HTTP/1.1\r\nhost: a\r\n\r\n", 400, "%20"),
        ("GET /todos/<a> HTTP/1.1\r\nhost: a\r\n\r\n", 400, "percent-encoded"),
        ("G\u{e4}T /todos/1 HTTP/1.1\r\nhost: a\r\n\r\n", 400, "begin with a method"),
        ("GET /todos/1 HTTP/1.1\rhost: a\r\r", 400, "first line has a carriage return that no line feed follows"),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}", 400, "TLS"),
        ("GET /todos/1 HTTP/1.1\r\n\r\n", 400, "Host is missing"),
        ("GET /todos/1 HTTP/1.1\r\nhost : a\r\n\r\n", 400, "line 2 of the head has white space between"),
        ("GET /todos/1 HTTP/1.1\r\n host: a\r\n\r\n", 400, "line 2 of the head begins with white space"),
        ("GET /todos/1 HTTP/1.1\r\nhost: a b\r\n\r\n", 400, "Host is no HOST"),
        ("GET /todos/1 HTTP/1.1\r\nhost: http://a/\r\n\r\n", 400, "Host is no HOST"),
        (&get("host: b"), 400, "Host is given twice"),
        (&get("x: 1\r\nno colon"), 400, "line 4 of the head is no header field: it has no colon"),
        (&get("x y: 1"), 400, "line 3 of the head has a field name"),
        (&get(": 1"), 400, "line 3 of the head has a field name"),
        (&get("x: a\r\n b"), 400, "line 4 of the head begins with white space"),
        (&get("x: a\rb"), 400, "line 3 of the head has a carriage return"),
        (&get("x: a\0b"), 400, "line 3 of the head has a control character"),
        (&get("transfer-encoding: chunked\r\n\r\nxyz\r\n"), 400, "chunk"),
        (&get("transfer-encoding: chunked\r\n\r\n0x1\r\n"), 400, "chunk"),
        (&get("transfer-encoding: chunked\r\n\r\n1\nx"), 400, "chunk"),
        // The parser waits for a carriage return here, for ever.
        (&get("transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ny: 1\n\n"), 400, "chunk"),
        (&get(&format!("transfer-encoding: chunked\r\n\r\n1;{long}")), 400, "chunk"),
        (&get("transfer-encoding: chunked\r\n\r\n1\r\nxyz\r\n"), 400, "chunk"),
        (&post("content-length: 1\r\ncontent-length: 2"), 400, "Content-Length is given twice"),
        (&post("content-length: -1"), 400, "Content-Length is no whole number"),
        (&post("content-length: 2, 2"), 400, "Content-Length is no whole number"),
        (&post("content-length: 99999999999999999999"), 400, "no body can have"),
        (&post("content-length: 2\r\ntransfer-encoding: chunked"), 400, "both given"),
        (&post("transfer-encoding: chunked\r\ntransfer-encoding: chunked"), 400, "Transfer-Encoding is given twice"),
        (&post("transfer-encoding: gzip"), 501, "Transfer-Encoding"),
        (&post("transfer-encoding: gzip, chunked"), 501, "Transfer-Encoding"),
        ("POST /todos HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400, "needs HTTP/1.1"),
        ("POST /todos HTTP/1.0\r\n\r\n", 411, "Content-Length"),
        (&get(&many), 431, "more than 96"),
        (&get(&format!("x: {long}")), 431, "line 3 of the head is longer"),
        // A name as long as that is a panic in the library.
        (&get(&format!("{long}: 1")), 431, "line 3 of the head is longer"),
        (&get(&format!("{long}: 1")).replacen("GET /todos/1", "CONNECT a:1", 1), 431, "line 3 of the head is longer"),
        (&get(&format!("x: {long}\r\n").replace(&long, &long[..60_000]).repeat(4)), 431, "larger than 128 KiB"),
        (&get(&format!("connection: {}", &long[..2_000])), 431, "line 3 of the head, connection, is longer than 1000"),
        (
            &get(&format!("Content-Length: {}1", &"0".repeat(2_000))),
            431,
            "line 3 of the head, Content-Length, is longer",
        ),
        (&get(&format!("Upgrade: {}", &long[..20_000])), 431, "line 3 of the head, Upgrade, is longer than 1000"),
        (&format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"), 414, "first line"),
    ] {
        let shown: String = garbage.chars().take(80).collect();
        // Alone, and behind a good request in two pieces, of which the first may be enough to refuse it.
        for pieces in [1, 2] {
            let mut stream = program.connect();
            if pieces == 2 {
                assert_eq!(ask(&mut stream, LIVEZ).status(), 200);
            }
            for piece in garbage.as_bytes().chunks(garbage.len().div_ceil(pieces)) {
                // The server may have hung up before all of it was sent.
                let _ = stream.write_all(piece);
                std::thread::yield_now();
            }
            let answer = receive(&mut stream).unwrap_or_else(|| panic!("no answer to {shown:?}"));
            assert_eq!(answer.status(), status, "{shown:?}: {answer:?}");
            assert!(answer.problem().contains(says) || pieces == 2, "{shown:?}: {answer:?}");
            assert_eq!(answer.header("connection"), Some("close"), "{shown:?}");
            assert!(ends(&mut stream), "{shown:?}");
        }
    }
    // HEAD is answered without a body.
    for head in ["host: a\r\nhost: b", "host: a\r\nx y: 1", "host: a b"] {
        let mut stream = program.connect();
        stream.write_all(format!("HEAD /todos/1 HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("\r\n\r\n"), "{head:?}: {answer}");
    }
    // Behind a good request on the same connection, in one piece.
    let mut stream = program.connect();
    assert_eq!(ask(&mut stream, &format!("{LIVEZ}nonsense\r\n\r\n")).status(), 200);
    assert!(receive(&mut stream).expect("an answer to the second").problem().contains("METHOD TARGET"));

    program.wait_for_log("refused");
    let log = program.log().join("\n");
    assert!(!log.contains("ERROR") && !log.contains("panic"), "{log}");
    assert!(log.contains("request_id"), "{log}");
}

/// The parser looks at the size of a head only between two reads: a head that is too large was served if its end came with the rest.
#[test]
fn a_head_that_is_too_large_is_refused_in_whatever_pieces_it_comes() {
    let program = Program::start(&[]);
    let head = |size: usize| {
        let (begin, end) = ("GET /todos/1 HTTP/1.1\r\nhost: a\r\n", "\r\n");
        let mut fields = format!("x: {}\r\n", "x".repeat(50_000)).repeat(size / 50_005);
        let rest = size - begin.len() - fields.len() - end.len();
        fields += &format!("x: {}\r\n", "x".repeat(rest - 5));
        format!("{begin}{fields}{end}")
    };
    let (fits, large) = (head(128 * 1024), head(240_000));
    let line = LIVEZ.replace("\r\n\r\n", &format!("\r\nx: {}\r\n\r\n", "x".repeat(70_000)));
    for (sent, status) in [(&fits, 404), (&head(128 * 1024 + 1), 431), (&large, 431), (&line, 431)] {
        for first in [1, 1_024, 8_191, 8_192, 65_535, 65_536, 130_049, 130_600, 131_071, sent.len() - 1] {
            // Behind a good request the parser's buffer begins elsewhere.
            for behind in [false, true] {
                let mut stream = program.connect();
                if behind {
                    assert_eq!(ask(&mut stream, LIVEZ).status(), 200);
                }
                let (first, second) = sent.as_bytes().split_at(first.min(sent.len() - 1));
                let _ = stream.write_all(first);
                wait_until_read(&stream);
                let _ = stream.write_all(second);
                let answer = receive(&mut stream).expect("an answer");
                assert_eq!(answer.status(), status, "{} bytes behind {}: {answer:?}", second.len(), first.len());
            }
        }
    }
}

#[test]
fn a_tunnel_is_refused_with_a_problem() {
    let program = Program::start(&["--body-timeout", "300ms"]);
    let mut stream = program.connect();
    let answer = ask(&mut stream, "CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n");
    assert!((400..500).contains(&answer.status()), "{answer:?}");
    answer.problem();
    while !ends(&mut stream) {}
}

#[test]
fn a_client_that_stops_in_the_middle_of_a_request_is_told_what_is_missing() {
    let program = Program::start(&[]);
    let json = "POST /todos HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    for (sent, says) in [
        ("GET /todos/1 HT".to_owned(), "empty line"),
        ("GET /todos/1 HTTP/1.1\r\nhost: a\r\n".to_owned(), "empty line"),
        (format!("{json}content-length: 100\r\n\r\n{{}}"), "before it was complete"),
        (format!("{json}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n"), "before it was complete"),
    ] {
        let mut stream = program.connect();
        stream.write_all(sent.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = receive(&mut stream).unwrap_or_else(|| panic!("no answer to {sent:?}"));
        assert_eq!(answer.status(), 400, "{sent:?}");
        assert!(answer.problem().contains(says), "{sent:?}: {answer:?}");
        assert!(ends(&mut stream), "one answer to {sent:?}");
    }
}

#[test]
fn a_request_id_that_looks_like_a_status_line_is_a_request_id() {
    let program = Program::start(&[]);
    let mut stream = program.connect();
    assert_eq!(ask(&mut stream, &post("", 1)).status(), 201);
    for id in ["http/1.1-400", "http/1.1:431", "http/1.1.408-x"] {
        let sent = id.to_uppercase();
        for (line, fields, status) in [
            ("GET /livez", "", 200),
            ("GET /todos/1", "if-none-match: *\r\n", 304),
            ("DELETE /todos/none", "", 404),
            ("OPTIONS /todos/1", "", 204),
        ] {
            let request = format!("{line} HTTP/1.1\r\nhost: a\r\nx-request-id: {sent}\r\n{fields}\r\n");
            let answer = ask(&mut stream, &request);
            assert_eq!((answer.status(), answer.header("x-request-id")), (status, Some(id)), "{request:?}: {answer:?}");
        }
    }
    // Nothing is left over of any of them.
    assert_eq!(ask(&mut stream, LIVEZ).status(), 200);
}
