//! A Redis of a test's own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::find::redis_server;
use crate::names::free_port;
use crate::process::Process;
use crate::resp::{Reply, Resp};

/// A Redis without persistence. Stopped, and its folder removed, when dropped.
pub struct RedisServer {
    port: u16,
    args: Vec<String>,
    process: Option<Process>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts one, and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further command-line arguments.
    pub fn start_with(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let mut server = Self { port: free_port(), args, process: None, folder };
        server.restart();
        server
    }

    /// `redis://127.0.0.1:PORT/`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Its port, the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server runs").pid()
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// What it answers to a command.
    ///
    /// # Panics
    /// It does not answer.
    pub fn ask(&self, words: &[&str]) -> Reply {
        let said = Resp::connect(self.port).and_then(|mut server| server.call(words));
        said.unwrap_or_else(|error| panic!("redis-server does not answer {words:?}: {error}"))
    }

    /// Starts it again on the same port, empty unless its arguments make it persist; stops it first if it runs.
    pub fn restart(&mut self) {
        self.stop();
        let mut args = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"].map(str::to_owned).to_vec();
        args.extend(["--port".to_owned(), self.port.to_string()]);
        args.extend(["--dir".to_owned(), self.folder.path().display().to_string()]);
        args.extend(self.args.iter().cloned());
        let log = self.folder.path().join("log");
        self.process = Some(Process::start_with_folder(&redis_server(), &args, &self.folder));
        let began = Instant::now();
        while !self.answers() {
            assert!(
                began.elapsed() < Duration::from_secs(180),
                "redis-server does not answer: {}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it from answering (SIGSTOP) without closing its connections.
    pub fn suspend(&self) {
        self.process.as_ref().expect("the server runs").signal("STOP");
    }

    /// Lets it answer again (SIGCONT).
    pub fn resume(&self) {
        self.process.as_ref().expect("the server runs").signal("CONT");
    }

    fn answers(&self) -> bool {
        let ping = || -> std::io::Result<[u8; 5]> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 5];
            stream.read_exact(&mut answer)?;
            Ok(answer)
        };
        // One that wants a password says so.
        ping().is_ok_and(|answer| &answer == b"+PONG" || &answer == b"-NOAU")
    }
}

/// The Redis that all tests of this process share, by key prefixes of their own ([`crate::fresh_name`]). Nobody may
/// stop or flush it.
pub fn shared_redis() -> &'static RedisServer {
    static SHARED: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);
    &SHARED
}
