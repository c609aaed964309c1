//! Clients that want no answer: slow ones by the thousand, and ones that ask for what is not there. Others are served meanwhile, and
//! what they cost has a bound.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use test_servers::{RedisServer, Reply};

use crate::program::{LIVEZ, PATIENCE, Program, ask, post};

/// So many at one time.
const SLOW: usize = 2_000;
/// What one of them may cost the process: its buffers, its place in the table, its task.
const BYTES_OF_A_SLOW_CLIENT: u64 = 32 * 1024;

/// Different ids that nothing is stored under.
const ABSENT: usize = 100_000;
/// With one request.
const TOGETHER: usize = 100;
const CLIENTS: usize = 4;
/// What Redis may keep of one of them, for as long as `--absent` says.
const BYTES_OF_AN_ABSENT_ID: u64 = 300;
/// What all of them may leave in the process: counters, buffers of connections, the allocator's reserve.
const BYTES_OF_ALL_ABSENT: u64 = 64 * 1024 * 1024;

/// Clients that ask for the longest lists and read nothing.
const SLOW_READERS: usize = 30;
const MOST_OF_LISTS: usize = 16 * 1024 * 1024;
/// What they may cost the process: the lists that there is room for, and what a few of them need while they are made. Without a bound
/// it is six megabytes each.
const BYTES_OF_SLOW_READERS: u64 = 100 * 1024 * 1024;

/// Memory of the process that is in use, in bytes.
fn resident(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn two_thousand_clients_that_send_a_byte_and_wait_keep_nobody_waiting() {
    let program = Program::start(&["--head-timeout", "1h", "--keep-alive", "1h", "--workers", "2"]);
    let mut kept = program.connect();
    assert_eq!(ask(&mut kept, &post("", 1)).status(), 201);
    let (read, before) = ("GET /todos/1 HTTP/1.1\r\nhost: test\r\n\r\n", resident(&program));
    let mut slow: Vec<TcpStream> = Vec::new();
    while slow.len() < SLOW {
        let mut stream = program.connect();
        stream.write_all(b"G").unwrap();
        slow.push(stream);
        if slow.len().is_multiple_of(100) {
            assert_eq!(ask(&mut program.connect(), LIVEZ).status(), 200, "beside {} slow clients", slow.len());
            assert_eq!(ask(&mut kept, read).status(), 200, "beside {} slow clients", slow.len());
        }
    }
    let grown = resident(&program).saturating_sub(before);
    assert!(grown < SLOW as u64 * BYTES_OF_A_SLOW_CLIENT, "{grown} bytes for {SLOW} slow clients");
    // None of them was sent away: there is room for 10,000.
    for stream in slow.iter_mut().step_by(20) {
        assert_eq!(ask(stream, &LIVEZ[1..]).status(), 200);
    }
}

#[test]
fn lists_that_nobody_takes_have_a_bound_and_cost_nobody_a_todo() {
    let program = Program::start(&["--max-list-bytes", &MOST_OF_LISTS.to_string(), "--body-timeout", "1h"]);
    let mut kept = program.connect();
    // The longest that may be written, and JSON makes six bytes of each letter.
    let todo = |id: usize| format!(r#"{{"id":"{id}","name":"A","description":"{}"}}"#, "\\u0001".repeat(10_000));
    for id in 0..TOGETHER {
        let (todo, head) = (todo(id), "POST /todos HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n");
        let sent = ask(&mut kept, &format!("{head}content-length: {}\r\n\r\n{todo}", todo.len()));
        assert_eq!(sent.status(), 201);
    }
    let ids: Vec<String> = (0..TOGETHER).map(|id| id.to_string()).collect();
    let list = format!("GET /todos?ids={} HTTP/1.1\r\nhost: test\r\n\r\n", ids.join(","));
    assert_eq!(ask(&mut kept, &list).body.len() / TOGETHER / 60_000, 1);
    let before = resident(&program);
    let mut slow_readers: Vec<TcpStream> = Vec::new();
    let refused = loop {
        // More than the system takes for a client that reads nothing.
        let mut stream = program.connect();
        stream.write_all(list.repeat(4).as_bytes()).unwrap();
        // Its first answer has begun.
        stream.read_exact(&mut [0]).unwrap();
        slow_readers.push(stream);
        let answer = ask(&mut kept, &list);
        if slow_readers.len() >= SLOW_READERS && answer.status() != 200 {
            break answer;
        }
        assert!(
            slow_readers.len() < 10 * SLOW_READERS,
            "a list is answered beside {} that nobody takes",
            slow_readers.len()
        );
    };
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")));
    for path in ["/todos/1", "/todos?ids=1"] {
        let read = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(ask(&mut kept, &read).status(), 200, "what is short is answered all the same");
    }
    let grown = resident(&program).saturating_sub(before);
    assert!(grown < BYTES_OF_SLOW_READERS, "{grown} bytes for {SLOW_READERS} lists that nobody takes");
    drop(slow_readers);
    let began = Instant::now();
    while ask(&mut kept, &list).status() != 200 {
        assert!(began.elapsed() < PATIENCE, "there is no room though nobody is left");
    }
}

#[test]
fn a_hundred_thousand_ids_that_are_not_there_fill_neither_the_process_nor_redis() {
    let redis = RedisServer::start();
    let url = redis.url();
    let patient = ["--redis-timeout", "60s", "--store-timeout", "60s", "--store-queue", "60s"];
    let program = Program::start(&[&["--cache", &url, "--absent", "1s", "--workers", "2"][..], &patient].concat());
    let of_redis = |field: &str| {
        let info = redis.ask(&["INFO"]);
        let line = info.text().lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|number| number.trim().parse::<u64>().ok()).unwrap()
    };
    let ask_for = |name: &str, many: usize| {
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let program = &program;
                scope.spawn(move || {
                    let mut stream = program.connect();
                    for first in (client * TOGETHER..many).step_by(CLIENTS * TOGETHER) {
                        let ids: Vec<String> = (first..first + TOGETHER).map(|n| format!("{name}-{n}")).collect();
                        let request = format!("GET /todos?ids={} HTTP/1.1\r\nhost: test\r\n\r\n", ids.join(","));
                        let answer = ask(&mut stream, &request);
                        assert_eq!(answer.status(), 200);
                        assert_eq!(answer.body.matches("\"status\":404").count(), TOGETHER, "{answer:?}");
                    }
                });
            }
        });
    };
    ask_for("warm", ABSENT / 20);
    let (before, used) = (resident(&program), of_redis("used_memory"));
    ask_for("absent", ABSENT);
    let (grown, held) = (resident(&program).saturating_sub(before), of_redis("used_memory").saturating_sub(used));
    assert!(grown < BYTES_OF_ALL_ABSENT, "{grown} bytes more in the process");
    assert!(held < ABSENT as u64 * BYTES_OF_AN_ABSENT_ID, "{held} bytes more in Redis");
    assert_eq!(ask(&mut program.connect(), LIVEZ).status(), 200);
    // What Redis keeps of them, it keeps for seconds: a flood costs what comes in that time, however long it lasts.
    let began = Instant::now();
    while !matches!(redis.ask(&["DBSIZE"]), Reply::Int(..100)) {
        assert!(began.elapsed() < PATIENCE, "{:?} keys are left", redis.ask(&["DBSIZE"]));
        std::thread::sleep(Duration::from_millis(50));
    }
}
