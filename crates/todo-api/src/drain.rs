//! Ending without losing a request.
//!
//! A server that just closes its connections at SIGTERM loses the requests that are on the way to it. So, in this
//! order: no new connection is begun, every reply closes its connection, and when no connection has a request any
//! more the server stops.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::listen::{Bound, Listener};

/// How long a connection may be silent before it counts as idle.
const QUIET: Duration = Duration::from_millis(250);
/// How long nobody may have been there before the end.
const SETTLED: Duration = Duration::from_millis(30);
/// How often the connections are counted.
const STEP: Duration = Duration::from_millis(10);

/// Whether the process is about to end, and how many connections are open.
#[derive(Debug, Default)]
pub struct Drain {
    on: AtomicBool,
    begun: Notify,
    connections: AtomicUsize,
}

/// Where new connections come in.
#[derive(Debug)]
pub enum Gate {
    /// A second handle of the listening socket.
    Tcp(TcpListener),
    /// The path by which clients find the socket.
    Unix(PathBuf),
}

/// Lives as long as its connection.
#[derive(Debug)]
pub struct OpenConnection(Arc<Drain>);

impl Gate {
    /// The gate of a listener.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub fn of(listener: &Listener) -> std::io::Result<Self> {
        Ok(match (listener, listener.address()?) {
            (Listener::Tcp(listener), _) => Self::Tcp(listener.try_clone()?),
            (Listener::Unix(..), Bound::Unix(path)) => Self::Unix(path),
            (Listener::Unix(..), Bound::Tcp(_)) => unreachable!("a path is the address of a socket in the file system"),
        })
    }

    /// Whether connections wait to be accepted, as they do where all workers are busy.
    fn has_waiting(&self) -> bool {
        let Self::Tcp(listener) = self else { return false };
        let mut waiting = [PollFd::new(listener, PollFlags::IN)];
        poll(&mut waiting, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|count| count > 0)
    }

    fn close(&self) {
        match self {
            Self::Tcp(listener) => refuse_new_connections(listener),
            Self::Unix(path) => drop(std::fs::remove_file(path)),
        }
    }
}

impl Drain {
    /// Whether replies are to close their connections.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Counts a connection until the guard goes.
    pub fn opened(self: &Arc<Self>) -> OpenConnection {
        self.connections.fetch_add(1, Ordering::AcqRel);
        OpenConnection(Arc::clone(self))
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// Waits until the process is about to end.
    pub async fn begun(&self) {
        let begun = self.begun.notified();
        // It may have begun before anybody waited.
        if !self.is_on() {
            begun.await;
        }
    }

    /// Begins the end, and waits until the open connections have had their last reply, at most `patience`. Idle
    /// connections are not waited for.
    pub async fn run(&self, gate: Gate, patience: Duration) {
        gate.close();
        // Connections that were made before are accepted meanwhile.
        tokio::time::sleep(STEP).await;
        self.on.store(true, Ordering::Release);
        self.begun.notify_waiters();
        let (began, mut changed, mut open) = (Instant::now(), Instant::now(), 0);
        while began.elapsed() < patience {
            let (now, wait) = (self.connections(), gate.has_waiting());
            if now != open || wait {
                (open, changed) = (now, Instant::now());
            }
            // Between the listening socket and its worker a connection is in nobody's count.
            let quiet = if now == 0 { SETTLED } else { QUIET };
            if changed.elapsed() >= quiet {
                break;
            }
            tokio::time::sleep(STEP).await;
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Lets the kernel drop every packet to the listening socket (Linux manual socket(7), `SO_ATTACH_FILTER`): a client that
/// connects now tries again a second later, and finds the next process or a closed port. Without it, connections that
/// the kernel accepts between the last `accept` and the close are reset with their request in them.
#[cfg(target_os = "linux")]
fn refuse_new_connections(listener: &TcpListener) {
    // One instruction, `BPF_RET | BPF_K` with 0: pass no byte.
    let drop_all = [socket2::SockFilter::new(0x06, 0, 0, 0)];
    if let Err(error) = socket2::SockRef::from(listener).attach_filter(&drop_all) {
        tracing::debug!(%error, "new connections cannot be held off while the server stops");
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_new_connections(_: &TcpListener) {}
