//! Where the service listens, and how it ends when it is told so twice.

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use crate::program::{LIVEZ, PATIENCE, Program, ask, receive};

#[test]
fn the_line_listening_has_the_address_that_it_got_and_a_url() {
    for listen in ["127.0.0.1:0", "localhost:0", ":0", "[::1]:0"] {
        if listen.starts_with('[') && std::net::TcpListener::bind("[::1]:0").is_err() {
            continue;
        }
        let program = Program::start(&["--listen", listen]);
        let address = program.address();
        assert_ne!(address.port(), 0, "{listen}");
        let url = program.listening["url"].as_str().unwrap();
        assert!(url.starts_with("http://") && url.contains(&address.port().to_string()), "{url}");
        let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/')).unwrap();
        assert_eq!(ask(&mut stream, LIVEZ).status(), 200, "{listen}");
    }
}

fn unix_livez(path: &std::path::Path) -> u16 {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(LIVEZ.as_bytes()).unwrap();
    receive(&mut stream).unwrap().status()
}

#[test]
fn a_socket_in_the_file_system_is_made_replaced_if_stale_and_removed_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("todo.sock");
    let listen = format!("unix:{}", path.display());
    // Stale: nobody listens any more.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let mut program = Program::start(&["--listen", &listen]);
    assert_eq!(program.listening["address"], listen);
    assert_eq!(unix_livez(&path), 200);

    let second = Command::new(env!("CARGO_BIN_EXE_todo-api"))
        .args(["--listen", &listen, "--store", &format!("redb:{}", folder.path().join("2.redb").display())])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8(second.stdout).unwrap().contains("somebody listens there"));
    assert_eq!(unix_livez(&path), 200, "the first one is not disturbed");

    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_socket_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "mine").unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_todo-api"))
        .args(["--listen", &format!("unix:{}", path.display())])
        .args(["--store", &format!("redb:{}", folder.path().join("todos.redb").display())])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (first, second, code) in [("TERM", "TERM", 143), ("INT", "INT", 130), ("TERM", "INT", 130)] {
        let mut program = Program::start(&["--shutdown-timeout", "1h", "--body-timeout", "1h"]);
        let mut stream = program.connect();
        // A request that never ends holds the first.
        stream
            .write_all(
                b"POST /todos HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
            )
            .unwrap();
        let mut other = program.connect();
        assert_eq!(ask(&mut other, LIVEZ).status(), 200);
        program.signal(first);
        program.wait_for_log("stopping");
        program.signal(second);
        assert_eq!(program.wait().code(), Some(code));
    }
}
