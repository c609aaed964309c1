//! `Proxy`: a TCP connection between a program and a server, with everything that a network does to one.
//!
//! - [`Traffic`]: what one connection carries, by which faults are aimed. `link`: forwards one connection.
//!   `state`: what all of a proxy's connections are to do.

mod link;
mod state;
mod traffic;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use self::state::{Shared, State};
pub use self::traffic::Traffic;

/// Which bytes of a connection do not arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hole {
    /// Neither requests nor answers.
    #[default]
    Both,
    /// Requests arrive and are carried out; their answers do not come back.
    Answers,
}

/// Forwards connections to one server on 127.0.0.1. Faults last until [`Proxy::heal`]. All connections end when it is
/// dropped.
///
/// What a black hole held back arrives when it is healed, as after a partition of the network: a request may be carried out
/// long after its sender gave up.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    /// Keeps the port ours while nobody listens on it.
    _reserved: TcpSocket,
}

impl Proxy {
    /// Forwards to this port from a port of its own.
    pub fn to(target: u16) -> Self {
        Self::with(target, Vec::new(), reserve())
    }

    /// Proxies before all members of a replica set. What the members tell a driver of each other's addresses is rewritten, so
    /// that it goes on through the proxies. (A driver asks in the database `admin`; a program that asks in another is told
    /// the truth.)
    pub fn before_replica_set(members: &[u16]) -> Vec<Self> {
        let reserved: Vec<(TcpSocket, u16)> = members.iter().map(|_| reserve()).collect();
        let renamed: Vec<(String, String)> = members
            .iter()
            .zip(&reserved)
            .map(|(member, (_, proxy))| (format!("127.0.0.1:{member}"), format!("127.0.0.1:{proxy}")))
            .collect();
        members.iter().zip(reserved).map(|(member, own)| Self::with(*member, renamed.clone(), own)).collect()
    }

    fn with(target: u16, renamed: Vec<(String, String)>, (reserved, port): (TcpSocket, u16)) -> Self {
        let shared = Arc::new(Shared::new(target, renamed));
        let listener = listen(port);
        let accepting = RUNTIME.spawn(accept(Arc::clone(&shared), port, listener));
        Self { port, shared, accepting, _reserved: reserved }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the connections that are open now carry, oldest first.
    pub fn connections(&self) -> Vec<Traffic> {
        self.shared.state().links.values().map(|link| link.traffic.clone()).collect()
    }

    /// Every chunk takes so much longer, in each direction.
    pub fn delay(&self, latency: Duration) {
        self.shared.change(|state| state.latency = latency);
    }

    /// Nothing passes any more; nothing is closed. New connections are accepted, and hang as well.
    pub fn black_hole(&self, hole: Hole) {
        self.black_hole_where(hole, |_| true);
    }

    /// The same for the connections of which this is true now, or becomes true when a client sends on it: with the chunk
    /// for which it is, the connection falls silent. The others go on.
    pub fn black_hole_where(&self, hole: Hole, which: impl Fn(&Traffic) -> bool + Send + Sync + 'static) {
        self.shared.change(|state| {
            for link in state.links.values_mut() {
                if which(&link.traffic) {
                    link.hole = Some(hole);
                }
            }
            state.rule = Some((hole, Box::new(which)));
        });
    }

    /// Ends the connections of which this is true (RST), without a word to either side, and tells how many.
    pub fn cut_where(&self, which: impl Fn(&Traffic) -> bool) -> usize {
        let mut count = 0;
        self.shared.change(|state| {
            for link in state.links.values_mut().filter(|link| which(&link.traffic)) {
                link.is_cut = true;
                count += 1;
            }
        });
        count
    }

    /// Ends all connections (RST), and tells how many.
    pub fn cut(&self) -> usize {
        self.cut_where(|_| true)
    }

    /// Ends all connections, and refuses new ones (ECONNREFUSED). Returns when nobody listens any more.
    pub fn refuse(&self) {
        self.shared.change(|state| state.refuses = true);
        self.cut();
        self.await_listening(false);
    }

    /// Ends every fault. Returns when new connections are accepted.
    pub fn heal(&self) {
        self.shared.change(State::heal);
        self.await_listening(true);
    }

    fn await_listening(&self, wanted: bool) {
        while self.shared.state().listens != wanted {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

/// Tests begin and end runtimes of their own; proxies outlive those.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("proxies")
        .enable_all()
        .build()
        .expect("a runtime starts")
});

async fn accept(shared: Arc<Shared>, port: u16, listener: TcpListener) {
    let mut listener = Some(listener);
    let mut changes = shared.changes();
    loop {
        let refuses = shared.state().refuses;
        if refuses {
            listener = None;
        } else if listener.is_none() {
            listener = Some(listen(port));
        }
        shared.state().listens = !refuses;
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = accepted => {
                if let Ok((client, _)) = accepted {
                    tokio::spawn(link::forward(client, shared.open(), Arc::clone(&shared)));
                }
            }
            // The proxy itself holds the sender.
            _ = changes.changed() => {}
        }
    }
}

/// A port that stays ours whether we listen on it or not.
fn reserve() -> (TcpSocket, u16) {
    let socket = bind(0);
    let address = socket.local_addr().expect("a bound socket has an address");
    (socket, address.port())
}

fn listen(port: u16) -> TcpListener {
    let _entered = RUNTIME.enter();
    bind(port).listen(1024).expect("a socket that is ours can listen")
}

fn bind(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    socket.set_reuseaddr(true).expect("Linux knows SO_REUSEADDR");
    socket.set_reuseport(true).expect("Linux knows SO_REUSEPORT");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port))).expect("the port is free, or ours");
    socket
}
