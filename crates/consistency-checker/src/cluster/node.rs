//! `Node`: one process of the service, at one address over all its starts.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use test_servers::{Process as Running, free_port, fresh_name};

use super::network::Links;
use crate::error::CheckError;
use crate::history::Process;

/// How long a process may take until it answers.
const START: Duration = Duration::from_secs(120);
/// How often it is looked whether a process that does not answer has ended.
const LOOK: Duration = Duration::from_secs(1);

/// One address, and the process behind it.
pub struct Node {
    number: u32,
    starts: AtomicU32,
    base: String,
    api: PathBuf,
    flags: Vec<String>,
    variables: Vec<(String, String)>,
    log: PathBuf,
    running: Mutex<Option<Running>>,
    /// Its ways to the servers, if they are its own.
    pub links: Option<Links>,
    /// Connections to this node alone.
    pub http: reqwest::Client,
}

impl Node {
    pub(super) fn start(
        number: u32,
        api: &Path,
        mut flags: Vec<String>,
        variables: Vec<(String, String)>,
        links: Option<Links>,
    ) -> Result<Self, CheckError> {
        let address = format!("127.0.0.1:{}", free_port());
        flags.extend(["--listen".to_owned(), address.clone()]);
        let node = Self {
            number,
            starts: AtomicU32::new(0),
            base: format!("http://{address}"),
            api: api.to_owned(),
            flags,
            variables,
            log: std::env::temp_dir().join(fresh_name("verify-node")),
            running: Mutex::default(),
            links,
            http: reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build()?,
        };
        node.launch();
        Ok(node)
    }

    /// The process that answers now.
    pub fn process(&self) -> Process {
        Process { node: self.number, start: self.starts.load(Ordering::Acquire).saturating_sub(1) }
    }

    /// The process that runs now, and its number in the system.
    pub fn running_process(&self) -> Option<(Process, u32)> {
        let running = self.running();
        Some((self.process(), running.as_ref()?.pid()))
    }

    /// The address of what it counts.
    pub fn metrics(&self) -> String {
        format!("{}/metrics", self.base)
    }

    /// The address of a todo.
    pub fn todo(&self, id: &str) -> String {
        format!("{}/todos/{}", self.base, encoded(id))
    }

    /// The address of many todos at once.
    pub fn many(&self, ids: &[Arc<str>]) -> String {
        let ids: Vec<String> = ids.iter().map(|id| encoded(id)).collect();
        format!("{}/todos?ids={}", self.base, ids.join(","))
    }

    /// The address where todos are created.
    pub fn todos(&self) -> String {
        format!("{}/todos/", self.base)
    }

    /// Waits until it says that it is ready. If it has ended, it is started again, as a supervisor would: on a machine that is
    /// busy the store may not answer in time for its start.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn wait_until_ready(&self) -> Result<(), CheckError> {
        let (url, began) = (format!("{}/readyz", self.base), Instant::now());
        let mut looked = began;
        while began.elapsed() < START {
            let answer = self.http.get(&url).timeout(Duration::from_secs(10)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if looked.elapsed() > LOOK {
                looked = Instant::now();
                if !self.is_running() {
                    self.launch();
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(CheckError::NoAnswer { node: self.process().to_string(), log: self.end_of_log() })
    }

    /// Kills it (SIGKILL).
    pub fn kill(&self) {
        drop(self.running().take());
    }

    /// Starts it again at its address.
    pub fn launch(&self) {
        let mut running = self.running();
        *running = Some(Running::start_in(&self.api, &self.flags, &self.variables, &self.log));
        self.starts.fetch_add(1, Ordering::AcqRel);
    }

    /// Stops it without its knowing (SIGSTOP).
    pub fn suspend(&self) {
        if let Some(running) = &*self.running() {
            running.signal("STOP");
        }
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self) {
        if let Some(running) = &*self.running() {
            running.signal("CONT");
        }
    }

    fn is_running(&self) -> bool {
        self.running().as_ref().is_some_and(Running::is_running)
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().rev().take(3).collect::<Vec<_>>().join(" | ")
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        // The slot is whole between any two statements.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An id as a part of an address (RFC 3986 §2.3).
fn encoded(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_file(&self.log);
    }
}
