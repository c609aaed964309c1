//! More connections than there may be, and few file descriptors: those who ask get answers.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::{LIVEZ, PATIENCE, Program, ask, post, receive};

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
