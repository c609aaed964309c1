//! Names and ports that no other test has.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Ports below are those of services that a machine may have.
const FIRST: u16 = 10_000;

/// `prefix` and what makes it unique; valid as a MongoDB database name and as a Redis key prefix.
pub fn fresh_name(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A TCP port that nobody listens on now. It is below those that the system gives to connections: one of them could take it
/// before the server does, or while the server is stopped, and hold it for minutes.
pub fn free_port() -> u16 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let span = u32::from(first_of_connections() - FIRST);
    // Test programs that run at the same time begin at places that are far apart.
    let begin = std::process::id().wrapping_mul(7_919);
    for _ in 0..span {
        let at = begin.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed)) % span;
        let port = FIRST + u16::try_from(at).expect("below a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {FIRST} on is free");
}

/// The first port that the system gives to connections.
fn first_of_connections() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|first| first.parse().ok());
    first.filter(|first| *first > FIRST + 2_000).unwrap_or(32_768)
}
