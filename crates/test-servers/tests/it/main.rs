//! What the servers of tests do themselves.
//!
//! - `proxy`: what a network does to connections. `redis_cluster`: several Redis servers that are one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod proxy;
mod redis_cluster;
