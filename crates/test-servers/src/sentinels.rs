//! A Redis, its replicas, and the sentinels that watch them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::find::redis_server;
use crate::names::free_port;
use crate::process::Process;
use crate::redis::RedisServer;

/// What the sentinels call their servers.
const NAME: &str = "mymaster";

/// The end of what a sentinel answers to one command and a `PING`.
const PONG: &str = "+PONG\r\n";

/// Two servers of which one is the primary, and three sentinels, which notice within half a second. Stopped when dropped.
pub struct SentinelSet {
    servers: Vec<RedisServer>,
    /// The ports by which the sentinels know them.
    ports: Vec<u16>,
    sentinels: Vec<Sentinel>,
}

struct Sentinel {
    port: u16,
    /// The port that clients are told of; the same, unless they speak TLS.
    announced: u16,
    process: Option<Process>,
    folder: TempDir,
}

/// How the servers and the sentinels are started.
#[derive(Debug, Clone, Default)]
pub struct SentinelSetup {
    /// Password of the servers' default user.
    pub password: Option<String>,
    /// Password of the sentinels.
    pub sentinel_password: Option<String>,
    /// Further lines of the sentinels' configuration.
    pub sentinel_lines: Vec<String>,
}

impl SentinelSet {
    /// Starts one, and waits until every sentinel knows the others and the replica.
    pub fn start() -> Self {
        Self::start_with(&SentinelSetup::default())
    }

    /// Starts one with passwords.
    pub fn start_with(setup: &SentinelSetup) -> Self {
        Self::launch(setup, None)
    }

    /// Starts one whose servers and sentinels speak TLS among each other and with clients.
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        Self::launch(&SentinelSetup::default(), Some(certificates))
    }

    fn launch(setup: &SentinelSetup, certificates: Option<&Certificates>) -> Self {
        let (mut servers, mut ports): (Vec<RedisServer>, Vec<u16>) = Default::default();
        for _ in 0..2 {
            let mut arguments = Vec::new();
            if let Some(primary) = ports.first() {
                arguments.extend(["--replicaof".to_owned(), "127.0.0.1".to_owned(), primary.to_string()]);
            }
            if let Some(password) = &setup.password {
                arguments.extend(["--requirepass", password, "--masterauth", password].map(str::to_owned));
            }
            let port = free_port();
            arguments.extend(certificates.iter().flat_map(|certificates| tls(certificates, port)));
            let server = RedisServer::start_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            ports.push(if certificates.is_some() { port } else { server.port() });
            servers.push(server);
        }
        let sentinels = (0..3).map(|_| Sentinel::start(ports[0], setup, certificates)).collect();
        let set = Self { servers, ports, sentinels };
        set.wait("the sentinels know each other and the replica", || {
            set.sentinels.iter().all(|sentinel| {
                let known = sentinel.ask(setup.sentinel_password.as_deref(), &format!("SENTINEL MASTER {NAME}"));
                field(&known, "num-other-sentinels") == Some("2") && field(&known, "num-slaves") == Some("1")
            })
        });
        set
    }

    /// `redis+sentinel://127.0.0.1:A,127.0.0.1:B,127.0.0.1:C/mymaster`.
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/{NAME}", self.addresses())
    }

    /// The addresses of the sentinels, with commas between them.
    pub fn addresses(&self) -> String {
        let addresses: Vec<String> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.announced)).collect();
        addresses.join(",")
    }

    /// One of the servers; the first is the primary at the start.
    pub fn server(&self, number: usize) -> &RedisServer {
        &self.servers[number]
    }

    /// The same, to stop and start it.
    pub fn server_mut(&mut self, number: usize) -> &mut RedisServer {
        &mut self.servers[number]
    }

    /// The server that all sentinels name as the primary; `None` while they do not agree.
    pub fn primary(&self) -> Option<usize> {
        let first = self.sentinels[0].primary()?;
        let agreed = self.sentinels.iter().all(|sentinel| sentinel.primary() == Some(first));
        self.ports.iter().position(|port| agreed && *port == first)
    }

    /// Waits until all sentinels name this server as the primary.
    pub fn wait_for_primary(&self, number: usize) {
        self.wait("the other server is the primary", || self.primary() == Some(number));
    }

    /// Waits until all sentinels name the same server as the primary; which one.
    pub fn wait_for_any_primary(&self) -> usize {
        self.wait("there is a primary", || self.primary().is_some());
        self.primary().unwrap_or_default()
    }

    /// Waits until one server is the primary for all sentinels and the other a replica that has what it has, whichever is which: on
    /// a machine that is busy, sentinels replace a primary that is merely slow.
    pub fn wait_until_whole(&self) {
        self.wait("there is a primary with a replica", || {
            let Some(primary) = self.primary() else { return false };
            let replication = self.servers[1 - primary].ask(&["INFO", "replication"]);
            let is_linked = replication.text().contains("master_link_status:up");
            is_linked && replication.text().contains("role:slave") && self.sentinels.iter().all(Sentinel::has_replica)
        });
    }

    /// Asks a sentinel to make the other server the primary.
    pub fn fail_over(&self) {
        self.wait("a failover begins", || {
            self.sentinels[0].ask(None, &format!("SENTINEL FAILOVER {NAME}")).first().is_some_and(|said| said == "OK")
        });
    }

    /// The same until this server is the primary for all sentinels: on a machine that is busy a sentinel gives up in between.
    pub fn fail_over_to(&self, number: usize) {
        self.wait("the server is the primary", || {
            let sentinel = &self.sentinels[0];
            if sentinel.primary() != Some(self.ports[number]) {
                // While one is under way, this is refused.
                sentinel.ask(None, &format!("SENTINEL FAILOVER {NAME}"));
            }
            self.primary() == Some(number)
        });
    }

    /// Kills one sentinel.
    pub fn stop_sentinel(&mut self, number: usize) {
        self.sentinels[number].process = None;
    }

    fn wait(&self, what: &str, ready: impl Fn() -> bool) {
        let began = Instant::now();
        while !ready() {
            assert!(began.elapsed() < Duration::from_secs(180), "waited in vain until {what}: {}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn logs(&self) -> String {
        self.sentinels.iter().map(Sentinel::log).collect()
    }
}

impl Sentinel {
    fn start(primary: u16, setup: &SentinelSetup, certificates: Option<&Certificates>) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().expect("a temporary folder"));
        let announced = if certificates.is_some() { free_port() } else { port };
        let mut config = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {NAME} 127.0.0.1 {primary} 2\n\
             sentinel down-after-milliseconds {NAME} 500\nsentinel failover-timeout {NAME} 3000\n",
            folder.path().display()
        );
        if let Some(password) = &setup.password {
            config.push_str(&format!("sentinel auth-pass {NAME} {password}\n"));
        }
        if let Some(password) = &setup.sentinel_password {
            config.push_str(&format!("requirepass {password}\nsentinel sentinel-pass {password}\n"));
        }
        config.extend(setup.sentinel_lines.iter().map(|line| format!("{line}\n")));
        if let Some(certificates) = certificates {
            let lines = tls(certificates, announced);
            config.extend(lines.chunks(2).map(|pair| format!("{} {}\n", pair[0].trim_start_matches('-'), pair[1])));
        }
        // It writes what it learns into its own configuration.
        let file = folder.path().join("sentinel.conf");
        std::fs::write(&file, config).expect("the temporary folder can be written");
        let arguments = [file.display().to_string(), "--sentinel".to_owned()];
        let process = Some(Process::start_with_folder(&redis_server(), &arguments, &folder));
        Self { port, announced, process, folder }
    }

    /// The texts of its answer to a command in one line; none if it does not answer.
    fn ask(&self, password: Option<&str>, command: &str) -> Vec<String> {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            let auth = password.map(|password| format!("AUTH {password}\r\n")).unwrap_or_default();
            stream.write_all(format!("{auth}{command}\r\nPING\r\n").as_bytes())?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            let (mut answer, mut part) = (String::new(), [0; 4_096]);
            while !answer.ends_with(PONG) {
                let read = stream.read(&mut part)?;
                if read == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                answer.push_str(&String::from_utf8_lossy(&part[..read]));
            }
            answer.truncate(answer.len() - PONG.len());
            Ok(answer)
        };
        let answer = ask().unwrap_or_default();
        let answer = if password.is_some() { answer.strip_prefix("+OK\r\n").unwrap_or(&answer) } else { &answer };
        let texts = answer.lines().filter(|line| !line.starts_with(['*', '$']));
        texts.map(|line| line.trim_start_matches('+').to_owned()).collect()
    }

    /// Port of the primary that it names.
    fn primary(&self) -> Option<u16> {
        let said = self.ask(None, &format!("SENTINEL GET-MASTER-ADDR-BY-NAME {NAME}"));
        said.get(1).and_then(|port| port.parse().ok())
    }

    /// Whether it knows a replica that could take the primary's place.
    fn has_replica(&self) -> bool {
        let known = self.ask(None, &format!("SENTINEL REPLICAS {NAME}"));
        field(&known, "flags") == Some("slave") && field(&known, "master-link-status") == Some("ok")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// Arguments for TLS on this port, by pairs of name and value.
fn tls(certificates: &Certificates, port: u16) -> Vec<String> {
    let mut arguments = certificates.redis_arguments(port);
    arguments.extend(["--tls-replication", "yes"].map(str::to_owned));
    arguments
}

/// The value of a field in an answer that lists fields and values by turns.
fn field<'a>(answer: &'a [String], name: &str) -> Option<&'a str> {
    answer.chunks(2).find(|pair| pair[0] == name).and_then(|pair| pair.get(1)).map(String::as_str)
}
