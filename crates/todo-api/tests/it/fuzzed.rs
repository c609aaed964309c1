//! Requests made up from damaged ones: heads, targets, ids, tags, numbers and bodies. Whatever comes is answered with what the API
//! says, or with a problem document, and the process goes on.
//!
//! The same each time; for another run or a longer one there are `TODO_FUZZ_SEED` and `TODO_FUZZ_REQUESTS`.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};
use todo_api::entity_tag::{EntityTag, TagList};

use crate::program::{LIVEZ, Program, ask, post};

const REQUESTS: u64 = 4_000;

/// What is damaged.
const HEADS: [&str; 8] = [
    "GET /todos/1 HTTP/1.1\r\nhost: a\r\nif-none-match: \"1-0a1b2c3d\", W/\"x\"\r\n\r\n",
    "HEAD /todos/%E2%82%AC%2F1 HTTP/1.1\r\nhost: a\r\ncache-control: no-cache, max-age=0\r\n\r\n",
    "GET /todos?ids=1,2,%2C,caf%C3%A9 HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip;q=0.5\r\n\r\n",
    "GET /todos/1 HTTP/1.1\r\nhost: a\r\nmin-version: 1882768805986343\r\ncache-control: only-if-cached\r\n\r\n",
    "DELETE /todos/2 HTTP/1.1\r\nhost: a\r\nif-match: *\r\nauthorization: Bearer x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nhost: a\r\norigin: https://a.example\r\naccess-control-request-method: PUT\r\n\r\n",
    "GET /live/cells/1 HTTP/1.1\r\nhost: [::1]:80\r\nconnection: keep-alive, upgrade\r\nupgrade: h2c\r\n\r\n",
    "POST /todos HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n12\r\n{\"id\":\"3\",\"name\":\"A\"}\r\n0\r\n\r\n",
];
const BODIES: [&str; 6] = [
    r#"{"id":"1","name":"Ada","description":null}"#,
    r#"{"name":"\ud83d\ude00 \u0000","description":"line\nline","more":[1,2.5e3,{"a":true}]}"#,
    r#"{"name":"x","name":"y"}"#,
    r#"{"description":"only"}"#,
    "[]",
    "\u{feff}{\"name\":\"A\"}",
];
/// What a piece is replaced by, besides random bytes.
const ODD: [&[u8]; 20] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b"\"",
    b"%",
    b"%00",
    b"%ff",
    b"/",
    b"\xff\xfe",
    b"-1",
    b"18446744073709551616",
    b"content-length: 5\r\n",
    b"transfer-encoding: chunked\r\n",
    b"\xc3\x28",
];

struct Random(TestRng);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % end.max(1) as u64) as usize
    }

    fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn request(&mut self) -> Vec<u8> {
        let mut request = if self.below(3) == 0 { self.write() } else { self.one_of(&HEADS).as_bytes().to_vec() };
        for _ in 0..self.below(4) {
            self.damage(&mut request);
        }
        request
    }

    fn write(&mut self) -> Vec<u8> {
        let mut body = self.one_of(&BODIES).as_bytes().to_vec();
        for _ in 0..self.below(3) {
            self.damage(&mut body);
        }
        let (line, of) = match self.below(3) {
            0 => ("POST /todos", "application/json"),
            1 => ("PUT /todos/1", "application/json; charset=utf-8"),
            _ => ("PATCH /todos/1", "application/merge-patch+json"),
        };
        let head =
            format!("{line} HTTP/1.1\r\nhost: a\r\ncontent-type: {of}\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), &body].concat()
    }

    /// Changes, takes away, repeats or puts in something.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(12)).min(bytes.len());
        match self.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].repeat(self.below(4) + 1);
                drop(bytes.splice(at..at, piece));
            }
            3 => {
                let noise: Vec<u8> = (0..self.below(9)).map(|_| self.0.next_u32() as u8).collect();
                drop(bytes.splice(at..end, noise));
            }
            _ => {
                let odd = self.one_of(&ODD).to_vec();
                drop(bytes.splice(at..end, odd));
            }
        }
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |number| number.parse().unwrap())
}

/// Checks each answer in what a connection received.
fn check(mut received: &[u8], request: &[u8]) -> usize {
    let (sent, mut answers) = (request.escape_ascii(), 0);
    while !received.is_empty() {
        let end = received.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{sent} has no whole head: {}", received.escape_ascii())) + 4;
        let head = std::str::from_utf8(&received[..end]).unwrap().to_lowercase();
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        // `Min-Version` may be of a version that is not there yet.
        let may_be_too_old =
            status == 503 && request.to_ascii_lowercase().windows(11).any(|part| part == b"min-version");
        assert!(status < 500 || [501, 504, 505].contains(&status) || may_be_too_old, "{sent}: {head}");
        let length: usize = header("content-length: ").map_or(0, |length| length.parse().unwrap());
        received = &received[end..];
        // An answer to HEAD says how long the body would be, and the next answer follows.
        let has_body = !received.starts_with(b"HTTP/1.1 ");
        let body = if has_body { &received[..length.min(received.len())] } else { &[] };
        if status >= 400 {
            assert_eq!(header("content-type: "), Some("application/problem+json"), "{sent}: {head}");
            let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or(serde_json::Value::Null);
            assert!(body.is_empty() || problem["status"] == status, "{sent}: {head}{}", body.escape_ascii());
        }
        received = &received[body.len()..];
        answers += 1;
    }
    answers
}

#[test]
fn whatever_is_sent_is_answered_or_refused_with_a_problem_and_the_process_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let errors = folder.path().join("stderr");
    let mut command = Command::new(env!("CARGO_BIN_EXE_todo-api"));
    command.stderr(File::create(&errors).unwrap());
    let program = Program::start_by(command, &["--workers", "2", "--cors-origin", "https://a.example"]);
    let mut kept = program.connect();
    assert_eq!(ask(&mut kept, &post("", 1)).status(), 201);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("TODO_FUZZ_SEED", 1).to_le_bytes());
    let mut random = Random(TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let (requests, mut answers) = (number("TODO_FUZZ_REQUESTS", REQUESTS), 0);
    for _ in 0..requests {
        let (request, mut received) = (random.request(), Vec::new());
        let mut stream = program.connect();
        // One that was refused half way is not read to its end.
        let _ = stream.write_all(&request).and_then(|()| stream.shutdown(Shutdown::Write));
        let read = stream.read_to_end(&mut received);
        assert!(read.is_ok() || !received.is_empty() || request.is_empty() || was_reset(&read), "{read:?}");
        answers += check(&received, &request) as u64;
    }
    assert!(answers > requests * 9 / 10, "{answers} answers to {requests} requests");
    assert_eq!(ask(&mut program.connect(), LIVEZ).status(), 200);
    let errors = std::fs::read_to_string(errors).unwrap();
    assert_eq!(errors, "", "a panic would be there");
    assert!(!program.log().iter().any(|line| line.contains("\"ERROR\"")), "{:?}", program.log());
}

fn was_reset(read: &std::io::Result<usize>) -> bool {
    read.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_lines_are_a_list_of_tags_or_none(
        lines in prop::collection::vec("(\"[!#-~]{0,4}\"|W/|\\*|,|[ \t]|\"|.){0,8}", 0..3),
        version in any::<u64>(),
    ) {
        let current = EntityTag::of(version, b"{}");
        let parsed = TagList::parse(lines.iter().map(String::as_bytes));
        if let Ok(Some(list)) = &parsed {
            // Written down and read again it is the same list.
            let text = match list {
                TagList::Any => "*".to_owned(),
                TagList::Tags(tags) => tags.iter().map(EntityTag::to_string).collect::<Vec<_>>().join(", "),
            };
            let is_plain = !text.contains('\\');
            prop_assert!(!is_plain || TagList::parse([text.as_bytes()]).as_ref() == Ok(&Some(list.clone())), "{lines:?}");
            prop_assert!(list.has_weak(&current) || !list.has_strong(&current));
        }
        prop_assert_eq!(matches!(parsed, Ok(None)), lines.is_empty());
        let more = [lines.join(","), current.to_string()].join(",");
        if let Ok(Some(list)) = TagList::parse([more.as_bytes()]) {
            prop_assert!(list.has_strong(&current), "{more}");
        }
    }
}
