//! A Redis that comes back as it was before: nothing of what it brings back is served.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_aside::{Health, Outcome};
use deadpool_redis::redis::{Client, cmd};
use test_servers::RedisServer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::{FakeStore, body, engine_at, get, options, outcome, put, redis_url, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_from_an_old_snapshot_brings_no_old_value_back() {
    let (store, mut redis) = (FakeStore::new(), RedisServer::start());
    let options = options();
    let engine = engine_at(&redis_url(&redis), &store, options.clone());
    put(&engine, "1", "old").await;
    put(&engine, "2", "same").await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
    cmd("SAVE").exec(&mut Client::open(redis.url()).unwrap().get_connection().unwrap()).unwrap();
    put(&engine, "1", "new").await;
    redis.restart();
    let held: Vec<u8> = cmd("GET")
        .arg(format!("{}:{{1}}", options.prefix))
        .query(&mut Client::open(redis.url()).unwrap().get_connection().unwrap())
        .unwrap();
    assert!(held.ends_with(b"old"), "the snapshot did bring it back");
    until("the cache answers again", || async {
        let answer = get(&engine, "1").await;
        assert_eq!(body(&answer), Some("new"), "{answer:?}");
        answer.outcome == Outcome::Hit
    })
    .await;
    // Also to a process that starts only now.
    let late = engine_at(&redis_url(&redis), &store, options);
    assert_eq!(outcome(&late, "2").await, Outcome::Miss);
    assert_eq!(outcome(&late, "2").await, Outcome::Hit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_restart_and_a_flush_cost_hits_only() {
    let (store, mut redis) = (FakeStore::new(), RedisServer::start());
    let engine = engine_at(&redis_url(&redis), &store, options());
    put(&engine, "1", "one").await;
    let flush = |redis: &RedisServer| {
        cmd("FLUSHALL").exec(&mut Client::open(redis.url()).unwrap().get_connection().unwrap()).unwrap();
    };
    flush(&redis);
    assert_eq!(outcome(&engine, "1").await, Outcome::Miss);
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
    redis.restart();
    until("the cache answers again", || async { outcome(&engine, "1").await == Outcome::Hit }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_no_cache() {
    let primary = RedisServer::start();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let store = FakeStore::new();
    let engine = engine_at(&redis_url(&replica), &store, options());
    assert_eq!(engine.health().await, Health::Down);
    store.set("1", "one");
    assert_eq!(outcome(&engine, "1").await, Outcome::Bypass);
    cmd("REPLICAOF")
        .arg(&["NO", "ONE"])
        .exec(&mut Client::open(replica.url()).unwrap().get_connection().unwrap())
        .unwrap();
    until("it is used when it is promoted", || async { outcome(&engine, "1").await == Outcome::Hit }).await;
}

/// One address behind which another server can be put, as a virtual IP or a load balancer does.
struct Switch {
    port: u16,
    target: Arc<AtomicU16>,
    links: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Switch {
    async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let switch = Self {
            port: listener.local_addr().unwrap().port(),
            target: Arc::new(AtomicU16::new(target)),
            links: Arc::default(),
        };
        let (target, links) = (Arc::clone(&switch.target), Arc::clone(&switch.links));
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let target = target.load(Ordering::SeqCst);
                links.lock().unwrap().push(tokio::spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                }));
            }
        });
        switch
    }

    /// New connections go there, and old ones end.
    fn switch_to(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
        self.links.lock().unwrap().drain(..).for_each(|link| link.abort());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_to_the_old_primary_while_the_new_one_answered_is_answered_by_nobody_any_more() {
    let old = RedisServer::start();
    let new = RedisServer::start_with(&["--replicaof", "127.0.0.1", &old.port().to_string()]);
    let mut new_admin = connection_to(&new);
    // Longer than anybody waits here: nothing but an invalidation brings the newer value.
    let options = options().with(|options| options.fresh = Duration::from_secs(3_600));
    let (store, switch) = (FakeStore::new(), Switch::to(old.port()).await);
    let late = engine_at(&format!("redis://127.0.0.1:{}", switch.port).parse().unwrap(), &store, options.clone());
    put(&late, "1", "one").await;
    until("the replica has it", || async { cmd("DBSIZE").query::<u64>(&mut connection_to(&new)).unwrap() > 1 }).await;
    cmd("REPLICAOF").arg(&["NO", "ONE"]).exec(&mut new_admin).unwrap();
    let early = engine_at(&redis_url(&new), &store, options);
    assert_eq!(outcome(&early, "1").await, Outcome::Miss, "another Redis than it was filled in");
    assert_eq!(outcome(&early, "1").await, Outcome::Hit);
    // The old one does not know yet that it was replaced.
    put(&late, "1", "two").await;
    switch.switch_to(new.port());
    until("the other process has come over", || async { outcome(&late, "2").await != Outcome::Bypass }).await;
    until("it is known to both", || async { body(&get(&early, "1").await) == Some("two") }).await;
    assert_eq!(body(&get(&late, "1").await), Some("two"));
}

fn connection_to(redis: &RedisServer) -> deadpool_redis::redis::Connection {
    Client::open(redis.url()).unwrap().get_connection().unwrap()
}
