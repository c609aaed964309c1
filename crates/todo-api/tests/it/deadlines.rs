//! Deadlines of the stages of a connection: its head, its body, and the time until the next request.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::program::{Answer, LIVEZ, PATIENCE, Program, ends, post, receive};

/// Tries on connections of their own until one gets its answer: on a slow machine this side may miss a deadline, too.
fn until_answered(program: &Program, attempt: impl Fn(&mut TcpStream) -> Option<Answer>) -> (TcpStream, Answer) {
    let began = Instant::now();
    loop {
        let mut stream = program.connect();
        if let Some(answer) = attempt(&mut stream) {
            return (stream, answer);
        }
        assert!(began.elapsed() < PATIENCE, "every connection ended without an answer");
    }
}

/// Sends, and receives one answer; `None` if the connection ends before it.
fn try_ask(stream: &mut TcpStream, request: &str) -> Option<Answer> {
    stream.write_all(request.as_bytes()).ok()?;
    receive(stream)
}

#[test]
fn heads_and_bodies_that_never_come_are_408_and_idle_connections_are_closed() {
    let program = &Program::start(&["--head-timeout", "300ms", "--body-timeout", "300ms", "--keep-alive", "300ms"]);
    let half_head = "GET /livez HTTP/1.1\r\nhost: te";
    let half_body =
        "POST /todos HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let half_chunk = "POST /todos HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{";
    let held_line = "GET /livez HTTP/1.1\r\nConnec";
    // All at once: each waits for a deadline.
    std::thread::scope(|scope| {
        for (sent, says) in [(half_head, "head"), (held_line, "head"), (half_body, "body"), (half_chunk, "body")] {
            for first in ["", LIVEZ] {
                scope.spawn(move || {
                    let (mut stream, answer) = until_answered(program, |stream| {
                        if !first.is_empty() {
                            assert_eq!(try_ask(stream, first)?.status(), 200);
                        }
                        try_ask(stream, sent)
                    });
                    assert_eq!(answer.status(), 408, "{sent:?} after {first:?}");
                    assert!(answer.problem().contains(says));
                    assert!(ends(&mut stream), "{sent:?}");
                });
            }
        }
        scope.spawn(|| {
            let mut silent = program.connect();
            assert!(ends(&mut silent), "without a word: a browser's spare connection is no request");
        });
        scope.spawn(|| {
            let (mut idle, answer) = until_answered(program, |stream| try_ask(stream, LIVEZ));
            assert_eq!(answer.status(), 200);
            assert!(ends(&mut idle));
        });
    });
}

#[test]
fn a_client_that_goes_on_sending_is_not_hurried_by_the_deadline_of_another_stage() {
    let program = Program::start(&["--head-timeout", "60s", "--body-timeout", "60s", "--keep-alive", "200ms"]);
    let (head, rest) = LIVEZ.split_at(10);
    let (_, answer) = until_answered(&program, |stream| {
        stream.write_all(head.as_bytes()).ok()?;
        // Longer than the idle deadline.
        std::thread::sleep(Duration::from_millis(600));
        try_ask(stream, rest)
    });
    assert_eq!(answer.status(), 200);
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

#[test]
fn a_request_that_was_answered_before_its_body_came_has_one_answer() {
    let program = Program::start(&["--body-timeout", "300ms"]);
    let unread = "GET /todos/1 HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab";
    let answered = |stream: &mut TcpStream| try_ask(stream, unread).filter(|answer| answer.status() != 408);
    let (mut stream, answer) = until_answered(&program, answered);
    assert_eq!(answer.status(), 404);
    assert!(ends(&mut stream), "a second answer to one request");
}

#[test]
fn a_body_that_was_asked_for_and_never_comes_is_408() {
    let program = Program::start(&["--body-timeout", "300ms"]);
    let request = post("Expect: 100-continue\r\n", 1);
    let head = &request[..request.find("\r\n\r\n").unwrap() + 4];
    let answered = |stream: &mut TcpStream| try_ask(stream, head).filter(|answer| answer.status() != 408);
    let (mut stream, answer) = until_answered(&program, answered);
    assert_eq!(answer.status(), 100);
    let answer = receive(&mut stream).expect("an answer");
    assert_eq!(answer.status(), 408);
    assert!(answer.problem().contains("body"));
}

#[test]
fn a_body_that_never_comes_behind_a_request_that_is_answered_is_408() {
    let program = Program::start(&["--body-timeout", "300ms"]);
    let half = &post("", 1)[..post("", 1).len() - 5];
    let (mut stream, first) = until_answered(&program, |stream| try_ask(stream, &format!("{LIVEZ}{half}")));
    assert_eq!(first.status(), 200);
    let second = receive(&mut stream).expect("an answer to the second");
    assert_eq!(second.status(), 408);
    assert!(second.problem().contains("body"));
}
