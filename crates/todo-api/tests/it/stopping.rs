//! SIGTERM under load loses no request: who could connect gets an answer.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::program::{PATIENCE, Program};

/// Asks once on an open connection; whether the connection may be used again.
fn ask(connection: &mut TcpStream) -> std::io::Result<bool> {
    connection.write_all(b"GET /todos/1 HTTP/1.1\r\nhost: test\r\n\r\n")?;
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = connection.read(&mut piece)?;
        if read == 0 {
            return Err(std::io::Error::new(ErrorKind::UnexpectedEof, "closed without an answer"));
        }
        answer.extend(&piece[..read]);
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len()
                >= head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse::<usize>().unwrap()
        {
            assert!(head.starts_with("http/1.1 404"), "{head}");
            return Ok(!head.contains("connection: close"));
        }
    }
}

fn connect(address: SocketAddr) -> Option<TcpStream> {
    let connection = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    Some(connection)
}

/// Loads the program with 20 clients, stops it in the middle, and counts requests that were sent and not answered.
fn requests_lost(keep_alive: bool) -> (u64, Vec<String>) {
    let mut program = Program::start(&[]);
    let (address, answered, stopped) = (program.address(), AtomicU64::new(0), AtomicBool::new(false));
    let mut lost = Vec::new();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| -> Result<(), String> {
                    while let Some(mut connection) = connect(address) {
                        loop {
                            let again = ask(&mut connection).map_err(|error| error.to_string())?;
                            answered.fetch_add(1, Ordering::SeqCst);
                            if !again || !keep_alive {
                                break;
                            }
                        }
                    }
                    assert!(stopped.load(Ordering::SeqCst), "refused before the stop");
                    Ok(())
                })
            })
            .collect();
        while answered.load(Ordering::SeqCst) < 2_000 {
            std::thread::sleep(Duration::from_millis(1));
        }
        stopped.store(true, Ordering::SeqCst);
        program.signal("TERM");
        lost.extend(clients.into_iter().filter_map(|client| client.join().unwrap().err()));
    });
    assert_eq!(program.wait().code(), Some(0));
    (answered.load(Ordering::SeqCst), lost)
}

#[test]
fn sigterm_loses_no_request_on_connections_that_are_kept() {
    let (answered, lost) = requests_lost(true);
    assert!(lost.is_empty(), "{answered} answered, lost: {lost:?}");
}

#[test]
fn sigterm_loses_no_request_on_connections_of_one_request_each() {
    let (answered, lost) = requests_lost(false);
    assert!(lost.is_empty(), "{answered} answered, lost: {lost:?}");
}

#[test]
fn sigint_ends_an_idle_service_at_once_though_connections_are_open() {
    let mut program = Program::start(&[]);
    let mut idle = connect(program.address()).unwrap();
    assert!(ask(&mut idle).unwrap());
    program.signal("INT");
    assert_eq!(program.wait().code(), Some(0));
}
