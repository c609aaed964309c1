//! A Redis Cluster of a test's own: real servers in cluster mode.

use std::time::{Duration, Instant};

use crate::certificates::Certificates;
use crate::names::free_port;
use crate::redis::RedisServer;
use crate::resp::{Reply, Resp};

/// Slots of a cluster (Redis manual, "Redis cluster specification").
const SLOTS: usize = 16_384;
/// After so long a cluster on any machine has settled.
const DEADLINE: Duration = Duration::from_secs(180);

/// A cluster whose slots its first servers share evenly. The servers behind those are replicas, in the order of their primaries.
/// Stopped when dropped.
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    /// By which the servers know each other: those of TLS, where they speak it.
    ports: Vec<u16>,
    primaries: usize,
    tls: bool,
}

impl RedisCluster {
    /// Starts so many primaries, each with so many replicas, and waits until all agree about the slots.
    pub fn start(primaries: usize, replicas: usize) -> Self {
        Self::start_with(primaries, replicas, &[])
    }

    /// Starts one whose servers have further command-line arguments.
    pub fn start_with(primaries: usize, replicas: usize, args: &[&str]) -> Self {
        Self::launch(primaries, replicas, false, |_| args.iter().map(|&arg| arg.to_owned()).collect())
    }

    /// Starts one whose servers speak TLS to clients and to each other, and show certificates of this authority. Their plain ports
    /// are there for the test itself.
    pub fn start_with_tls(primaries: usize, replicas: usize, certificates: &Certificates, args: &[&str]) -> Self {
        Self::launch(primaries, replicas, true, |port| {
            let mut all = certificates.redis_arguments(port);
            all.extend(["--tls-cluster", "yes", "--tls-replication", "yes"].map(str::to_owned));
            all.extend(args.iter().map(|&arg| arg.to_owned()));
            all
        })
    }

    fn launch(primaries: usize, replicas: usize, tls: bool, args: impl Fn(u16) -> Vec<String>) -> Self {
        let started = (0..primaries * (1 + replicas)).map(|_| {
            let (bus, port) = (free_port().to_string(), free_port());
            let mode = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "2000"];
            let more = args(port);
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            let node = RedisServer::start_with(&[&mode, &more[..]].concat());
            let port = if tls { port } else { node.port() };
            (node, port)
        });
        let (nodes, ports) = started.unzip();
        let cluster = Self { nodes, ports, primaries, tls };
        cluster.join(replicas);
        cluster
    }

    /// `redis+cluster://127.0.0.1:PORT,…`, or `rediss+cluster://…`, with the addresses of the first primaries.
    pub fn url(&self) -> String {
        let addresses: Vec<_> = self.ports[..self.primaries].iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!("redis{}+cluster://{}", if self.tls { "s" } else { "" }, addresses.join(","))
    }

    /// One of the servers.
    pub fn node(&self, at: usize) -> &RedisServer {
        &self.nodes[at]
    }

    /// One of the servers, to be stopped or started again.
    pub fn node_mut(&mut self, at: usize) -> &mut RedisServer {
        &mut self.nodes[at]
    }

    /// How many servers there are.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// What the server answers to a command.
    ///
    /// # Panics
    /// It does not answer.
    pub fn ask(&self, at: usize, words: &[&str]) -> Reply {
        self.try_to_ask(at, words).unwrap_or_else(|error| panic!("server {at} does not answer {words:?}: {error}"))
    }

    /// Which of the servers serves the slot, as the server `by` knows it; `None` if none does.
    pub fn owner(&self, by: usize, slot: u16) -> Option<usize> {
        self.try_owner(by, slot).ok().flatten()
    }

    /// Which of the servers says that it serves the slot itself. After a move, others may believe otherwise for a moment.
    pub fn server_of(&self, slot: u16) -> Option<usize> {
        (0..self.size()).find(|&at| self.owner(at, slot) == Some(at))
    }

    /// The slots that a server says it serves itself; none if it does not answer.
    pub fn slots_of(&self, at: usize) -> Vec<u16> {
        let Ok(slots) = self.try_to_ask(at, &["CLUSTER", "SLOTS"]) else { return Vec::new() };
        let port = Reply::Int(i64::from(self.nodes[at].port()));
        let own = slots.list().iter().filter_map(|range| match range.list() {
            [Reply::Int(first), Reply::Int(last), owner, ..] if owner.list().get(1) == Some(&port) => {
                Some(*first..=*last)
            }
            _ => None,
        });
        own.flatten().filter_map(|slot| u16::try_from(slot).ok()).collect()
    }

    /// The slot of a key.
    pub fn slot(&self, key: &str) -> u16 {
        let answers = (0..self.size()).find_map(|at| self.try_to_ask(at, &["CLUSTER", "KEYSLOT", key]).ok());
        let Some(Reply::Int(slot)) = answers else { panic!("no server says the slot of {key}") };
        u16::try_from(slot).expect("a slot")
    }

    /// Moves slots with all that is in them, as `redis-cli --cluster reshard` does, and waits until all agree about them: of
    /// moves that overtake the news of those before, a cluster loses slots.
    pub fn move_slots(&self, from: usize, to: usize, slots: impl IntoIterator<Item = u16>) {
        let (mut source, mut target) = (self.connect(from), self.connect(to));
        let (source_id, target_id) = (self.id(from), self.id(to));
        let others: Vec<usize> = (0..self.size()).filter(|at| ![from, to].contains(at)).collect();
        for slot in slots {
            let slot = slot.to_string();
            say(&mut target, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source_id]);
            say(&mut source, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target_id]);
            self.move_keys(&mut source, to, &slot);
            say(&mut target, &["CLUSTER", "SETSLOT", &slot, "NODE", &target_id]);
            say(&mut source, &["CLUSTER", "SETSLOT", &slot, "NODE", &target_id]);
            for &other in &others {
                // A replica refuses, and a server that was stopped does not answer: both hear of it from the others.
                let _ = self.try_to_ask(other, &["CLUSTER", "SETSLOT", &slot, "NODE", &target_id]);
            }
        }
        self.wait_until("all agree about the slots", Self::is_agreed);
    }

    /// Whether all servers that answer say the same of who serves what, and since which epoch.
    fn is_agreed(&self) -> bool {
        let views: Vec<Vec<String>> = (0..self.size())
            .filter_map(|at| self.try_to_ask(at, &["CLUSTER", "NODES"]).ok())
            .map(|nodes| {
                // Name, flags, epoch, and slots: fields 0, 2, 6 and from 8 on (Redis manual, "CLUSTER NODES").
                let mut primaries: Vec<String> = nodes
                    .text()
                    .lines()
                    .map(|line| line.split(' ').collect::<Vec<_>>())
                    .filter(|fields| fields.get(2).is_some_and(|flags| flags.contains("master")))
                    .map(|fields| format!("{} {} {}", fields[0], fields[6], fields[8..].join(" ")))
                    .collect();
                primaries.sort();
                primaries
            })
            .collect();
        views.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Begins to move a slot, and leaves what is in it where it is.
    pub fn begin_to_move(&self, from: usize, to: usize, slot: u16) {
        let slot = slot.to_string();
        say(&mut self.connect(to), &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &self.id(from)]);
        say(&mut self.connect(from), &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &self.id(to)]);
    }

    /// Moves what is in a slot that is being moved.
    pub fn move_what_is_in(&self, from: usize, to: usize, slot: u16) {
        self.move_keys(&mut self.connect(from), to, &slot.to_string());
    }

    /// Waits until the condition holds of the cluster.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !condition(self) {
            assert!(began.elapsed() < DEADLINE, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn move_keys(&self, source: &mut Resp, to: usize, slot: &str) {
        let port = self.ports[to].to_string();
        loop {
            let keys = source.call(&["CLUSTER", "GETKEYSINSLOT", slot, "100"]).expect("an answer");
            let keys: Vec<&str> = keys.list().iter().map(Reply::text).collect();
            if keys.is_empty() {
                return;
            }
            let migrate = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "REPLACE", "KEYS"];
            say(source, &[&migrate[..], &keys].concat());
        }
    }

    fn join(&self, replicas: usize) {
        let share = SLOTS.div_ceil(self.primaries);
        for at in 0..self.size() {
            say(&mut self.connect(at), &["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
        }
        for at in 0..self.primaries {
            let (first, last) = (share * at, SLOTS.min(share * (at + 1)) - 1);
            say(&mut self.connect(at), &["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
        }
        for (node, port) in self.nodes.iter().zip(&self.ports).skip(1) {
            say(&mut self.connect(0), &["CLUSTER", "MEET", "127.0.0.1", &port.to_string(), &bus(node)]);
        }
        self.wait_until("all servers know each other", |this| {
            (0..this.size()).all(|at| this.ask(at, &["CLUSTER", "NODES"]).text().lines().count() == this.size())
        });
        for at in self.primaries..self.size() {
            let primary = self.id((at - self.primaries) / replicas);
            say(&mut self.connect(at), &["CLUSTER", "REPLICATE", &primary]);
        }
        self.wait_until("the cluster has settled", |this| {
            (0..this.size()).all(|at| {
                let info = this.ask(at, &["CLUSTER", "INFO"]);
                let linked = this.ask(at, &["INFO", "replication"]).text().contains("master_link_status:up");
                info.text().contains("cluster_state:ok") && (at < this.primaries || linked) && this.sees_all(at)
            })
        });
    }

    /// Whether the server knows who serves what, and who is a replica. (A replica of an empty primary is not among the slots.)
    fn sees_all(&self, at: usize) -> bool {
        let replicas = self.ask(at, &["CLUSTER", "NODES"]).text().matches("slave").count();
        self.ask(at, &["CLUSTER", "SLOTS"]).list().len() == self.primaries && self.primaries + replicas == self.size()
    }

    fn id(&self, at: usize) -> String {
        self.ask(at, &["CLUSTER", "MYID"]).text().to_owned()
    }

    fn try_owner(&self, by: usize, slot: u16) -> std::io::Result<Option<usize>> {
        let slots = self.try_to_ask(by, &["CLUSTER", "SLOTS"])?;
        let owner = slots.list().iter().find_map(|range| match range.list() {
            [Reply::Int(first), Reply::Int(last), owner, ..] if (*first..=*last).contains(&i64::from(slot)) => {
                owner.list().get(1).cloned()
            }
            _ => None,
        });
        let Some(Reply::Int(port)) = owner else { return Ok(None) };
        Ok(self.nodes.iter().position(|node| i64::from(node.port()) == port))
    }

    fn try_to_ask(&self, at: usize, words: &[&str]) -> std::io::Result<Reply> {
        Resp::connect(self.nodes[at].port())?.call(words)
    }

    fn connect(&self, at: usize) -> Resp {
        Resp::connect(self.nodes[at].port()).unwrap_or_else(|error| panic!("server {at} is not there: {error}"))
    }
}

/// The port by which the server talks to the others.
fn bus(node: &RedisServer) -> String {
    let said = Resp::connect(node.port()).and_then(|mut server| server.call(&["CONFIG", "GET", "cluster-port"]));
    said.expect("an answer").list().get(1).map(Reply::text).unwrap_or_default().to_owned()
}

fn say(server: &mut Resp, words: &[&str]) {
    let answer = server.call(words);
    assert!(!matches!(answer, Err(_) | Ok(Reply::Error(_))), "{words:?}: {answer:?}");
}
