//! The real program as a process of its own, and raw sockets to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take on a machine that does ten other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: test\r\n\r\n";

/// A request that creates a todo, with further lines in its head.
pub(crate) fn post(headers: &str, id: usize) -> String {
    let body = format!(r#"{{"id":"{id}","name":"A"}}"#);
    format!(
        "POST /todos HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The program, running.
pub(crate) struct Program {
    pub(crate) child: Child,
    /// What the line `listening` says.
    pub(crate) listening: Value,
    lines: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Program {
    /// With these flags, over the embedded store, on a free port if the flags say nothing else.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_todo-api")), flags)
    }

    /// By a command that has the program's path already.
    pub(crate) fn start_by(mut command: Command, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("redb:{}", folder.path().join("todos.redb").display());
        if !flags.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !flags.contains(&"--store") {
            command.args(["--store", &store]);
        }
        let mut child = command.args(flags).stdout(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let listening = loop {
            let line = log.next().expect("it says where it listens").unwrap();
            lines.lock().unwrap().push(line.clone());
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "listening" {
                break line;
            }
        };
        let rest = Arc::clone(&lines);
        std::thread::spawn(move || log.map_while(Result::ok).for_each(|line| rest.lock().unwrap().push(line)));
        Self { child, listening, lines, _folder: folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listening["address"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// What was logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for a line with this in it: a line comes a moment after what it tells of.
    pub(crate) fn wait_for_log(&self, text: &str) {
        self.wait_for_log_line(&[text]);
    }

    /// The same of a line with all of these in it.
    pub(crate) fn wait_for_log_line(&self, texts: &[&str]) {
        let began = Instant::now();
        while !self.log().iter().any(|line| texts.iter().all(|text| line.contains(text))) {
            assert!(began.elapsed() < PATIENCE, "no line has {texts:?}: {:?}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer: its head in lower case, and its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Checks that it is a problem document with a request id that no cache keeps; its `detail`.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        assert!(self.header("x-request-id").is_some_and(|id| !id.is_empty()), "{self:?}");
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status());
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// Reads one answer; `None` if the connection ends before it.
pub(crate) fn receive(stream: &mut (impl Read + ?Sized)) -> Option<Answer> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) => return None,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("no answer: {error}"),
        }
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let mut answer = Answer { head, body: String::new() };
    let length = answer.header("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    answer.body = String::from_utf8(body).unwrap();
    Some(answer)
}

/// Waits until the service has taken all that was sent from its socket.
pub(crate) fn wait_until_read(stream: &TcpStream) {
    let address = |of: SocketAddr| format!(":{:04X}", of.port());
    // A service that has hung up reads no more.
    let Ok(server) = stream.peer_addr() else { return };
    let ends = [address(stream.local_addr().unwrap()), address(server)];
    let began = Instant::now();
    // Each socket has its own address, the other's, its state, and how many bytes wait to be sent and to be read.
    let waits = |socket: Vec<&str>| {
        let is_one_of_ours = ends.iter().all(|end| socket[1].ends_with(end) || socket[2].ends_with(end));
        is_one_of_ours
            && if socket[1].ends_with(&ends[0]) {
                !socket[4].starts_with("00000000:")
            } else {
                !socket[4].ends_with(":00000000")
            }
    };
    while std::fs::read_to_string("/proc/net/tcp").unwrap().lines().any(|line| waits(line.split_whitespace().collect()))
    {
        assert!(began.elapsed() < PATIENCE, "the service does not read");
        std::thread::yield_now();
    }
}

/// Asks once.
pub(crate) fn ask(stream: &mut (impl Read + Write + ?Sized), request: &str) -> Answer {
    stream.write_all(request.as_bytes()).unwrap();
    receive(stream).expect("an answer before the end")
}

/// Whether the server ends the connection now.
pub(crate) fn ends(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}
