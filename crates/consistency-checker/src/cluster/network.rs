//! `Links`: what lies between one node and its servers, and can fail for this node alone.

use test_servers::{Hole, Proxy};

use super::system::System;

/// A node's own ways to Redis and to the store.
pub struct Links {
    /// To Redis.
    pub redis: Proxy,
    /// To each server of the store.
    pub store: Vec<Proxy>,
    store_ports: Vec<u16>,
    system: System,
}

impl Links {
    pub(super) fn to(redis: u16, store_ports: &[u16], system: System) -> Self {
        let store = match system {
            System::TodoApi => Proxy::before_replica_set(store_ports),
            System::Postgres => store_ports.iter().map(|port| Proxy::to(*port)).collect(),
        };
        Self { redis: Proxy::to(redis), store, store_ports: store_ports.to_vec(), system }
    }

    pub(super) fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.redis.port())
    }

    /// A connection string of the store that goes through the proxies.
    pub(super) fn store_url(&self, url: &str) -> String {
        let ports = self.store_ports.iter().zip(&self.store);
        ports.fold(url.to_owned(), |url, (port, proxy)| {
            url.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{}", proxy.port()))
        })
    }

    /// Whether this node follows the store's changes now.
    pub fn follows_changes(&self) -> bool {
        let follows = |proxy: &Proxy| proxy.connections().iter().any(|traffic| self.system.follows_changes(traffic));
        self.store.iter().any(follows)
    }

    /// Lets the connection fall silent by which the node follows the store's changes, and no other.
    pub fn silence_changes(&self) {
        let system = self.system;
        for proxy in &self.store {
            proxy.black_hole_where(Hole::Both, move |traffic| system.follows_changes(traffic));
        }
    }

    /// Lets the node's subscriptions fall silent, and no other connection to Redis.
    pub fn silence_subscriptions(&self) {
        self.redis.black_hole_where(Hole::Both, |traffic| traffic.opened_with("SUBSCRIBE"));
    }
}
