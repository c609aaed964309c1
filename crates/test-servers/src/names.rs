//! Names and ports that no other test has.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};

/// `prefix` and what makes it unique; valid as a MongoDB database name and as a Redis key prefix.
pub fn fresh_name(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A TCP port that nobody listens on now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has free ports");
    listener.local_addr().expect("a bound listener has an address").port()
}
