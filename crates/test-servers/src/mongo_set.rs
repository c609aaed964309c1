//! Three MongoDB servers that are one replica set: one of them may fail, and another takes its place.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};

use crate::mongo::MongoServer;

/// A replica set of three members that elects within seconds. Stopped when dropped.
pub struct MongoSet {
    members: Vec<MongoServer>,
}

impl MongoSet {
    /// Starts one, and waits until it has a primary and every member follows it.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one whose members get further command-line arguments.
    pub fn start_with(args: &[&str]) -> Self {
        let set = Self { members: (0..3).map(|_| MongoServer::start_member(args)).collect() };
        let members: Vec<Document> =
            (0..).zip(&set.members).map(|(id, member)| doc! { "_id": id, "host": host(member) }).collect();
        let settings = doc! { "electionTimeoutMillis": 2_000, "heartbeatIntervalMillis": 500 };
        let config = doc! { "_id": "rs0", "members": members, "settings": settings };
        set.members[0].command(doc! { "replSetInitiate": config }).expect("a new replica set can be initiated");
        set.wait_until_whole();
        set
    }

    /// A connection string with all members.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.members.iter().map(host).collect();
        format!("mongodb://{}/?replicaSet=rs0", hosts.join(","))
    }

    /// The members' ports, the same over restarts.
    pub fn ports(&self) -> Vec<u16> {
        self.members.iter().map(MongoServer::port).collect()
    }

    /// Waits until there is a primary among the members that answer, and tells which.
    pub fn wait_for_primary(&self) -> usize {
        self.wait("there is a primary", || self.members.iter().any(MongoServer::is_primary));
        self.members.iter().position(MongoServer::is_primary).unwrap_or_default()
    }

    /// Waits until there is a primary, and every other member follows it.
    pub fn wait_until_whole(&self) {
        self.wait("every member follows a primary", || {
            let primaries = self.members.iter().filter(|member| member.is_primary()).count();
            primaries == 1 && self.members.iter().filter(|member| is_secondary(member)).count() == 2
        });
    }

    /// One member.
    pub fn member(&self, number: usize) -> &MongoServer {
        &self.members[number]
    }

    /// Kills one member (SIGKILL).
    pub fn kill(&mut self, member: usize) {
        self.members[member].stop();
    }

    /// Starts a member that was killed, with its data.
    pub fn start_again(&mut self, member: usize) {
        self.members[member].run();
    }

    /// Stops all members but one from answering (SIGSTOP).
    pub fn suspend_all_but(&self, member: usize) {
        self.others(member).for_each(MongoServer::suspend);
    }

    /// Lets all members but one answer again (SIGCONT).
    pub fn resume_all_but(&self, member: usize) {
        self.others(member).for_each(MongoServer::resume);
    }

    /// Kills one member (SIGKILL), and lets the others answer again.
    pub fn kill_and_resume_others(&mut self, member: usize) {
        self.members[member].stop();
        self.others(member).for_each(MongoServer::resume);
    }

    fn others(&self, member: usize) -> impl Iterator<Item = &MongoServer> {
        self.members.iter().enumerate().filter(move |(number, _)| *number != member).map(|(_, other)| other)
    }

    fn wait(&self, what: &str, ready: impl Fn() -> bool) {
        let began = Instant::now();
        while !ready() {
            assert!(began.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn host(member: &MongoServer) -> String {
    format!("127.0.0.1:{}", member.port())
}

fn is_secondary(member: &MongoServer) -> bool {
    member.command(doc! { "hello": 1 }).is_ok_and(|hello| hello.get_bool("secondary").unwrap_or(false))
}
