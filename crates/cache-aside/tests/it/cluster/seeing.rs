//! What can be seen of a cluster from outside, and as whom it is reached.

use std::time::Duration;

use cache_aside::inspect::Answers;
use cache_aside::{AccessFiles, ConnectError, Health, Outcome};
use test_servers::{Certificates, RedisCluster, until};

use super::{engine, hasty, id_on, warm};
use crate::support::{FakeStore, builder, options, outcome, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_id_is_looked_at_and_invalidated_where_it_is() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let engine = engine(&cluster, &store, &setup);
    warm(&engine, &store).await;
    for server in 0..3 {
        let id = id_on(&cluster, server, &setup);
        let found = engine.inspect(&id).await.expect("the server answers");
        let cell = found.cell.expect("it is cached");
        assert_eq!((cell.answers, cell.bytes, found.lease.len()), (Answers::Fresh, 5, 0));
        assert!(engine.invalidate(&id).await);
        assert_eq!(engine.inspect(&id).await.unwrap().cell, None);
        assert_eq!(outcome(&engine, &id).await, Outcome::Miss);
    }
    assert!(engine.stats().connections >= 3, "{}", engine.stats().connections);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_hear_what_others_say_whichever_server_they_listen_to() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let engines: Vec<_> = (0..4).map(|_| engine(&cluster, &store, &setup)).collect();
    for listener in &engines {
        let mut texts = listener.peer_texts().expect("the cache is shared");
        // The cluster's bus may lose some.
        until("it is heard", async || {
            assert!(engines[0].tell_peers("{\"a\": 1}").await);
            let heard = tokio::time::timeout(Duration::from_millis(200), texts.next()).await;
            heard.is_ok_and(|text| text.as_deref() == Some("{\"a\": 1}"))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_writes_is_read_only_until_it_takes_them_again() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let engine = engine(&cluster, &store, &setup);
    warm(&engine, &store).await;
    for server in 0..3 {
        cluster.ask(server, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
        cluster.ask(server, &["CONFIG", "SET", "maxmemory", "1"]);
        put(&engine, &id_on(&cluster, server, &setup), "new").await;
        assert_eq!(engine.health().await, Health::ReadOnly);
        assert!(engine.write_refusal().is_some_and(|cause| cause.contains("OOM")), "{:?}", engine.write_refusal());
        cluster.ask(server, &["CONFIG", "SET", "maxmemory", "0"]);
        // Nobody reads or writes meanwhile.
        until("writes are accepted again", || async { engine.health().await == Health::Up }).await;
        assert_eq!(engine.write_refusal(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_of_all_servers_may_stand_in_a_file_and_a_wrong_one_is_the_reason() {
    let (cluster, folder, setup) = (RedisCluster::start(3, 0), Certificates::make(), hasty());
    for server in 0..cluster.size() {
        let added = cluster.ask(server, &["ACL", "SETUSER", "todo", "on", "~*", "&*", "+@all", ">first"]);
        assert_eq!(added.text(), "OK");
    }
    let url = cluster.url().replace("redis+cluster://", "redis+cluster://todo@").parse().unwrap();
    let engine_with = async |file: &str, password: &str| {
        let mut files = AccessFiles::default();
        files.password = Some(folder.write(file, password));
        builder(&url, &FakeStore::new(), setup.clone()).access_files(files).start().await.unwrap()
    };
    let engine = engine_with("right", "first\n").await;
    until("it is reached", || async { engine.health().await == Health::Up }).await;
    for server in 0..3 {
        put(&engine, &id_on(&cluster, server, &setup), "value").await;
        assert_eq!(outcome(&engine, &id_on(&cluster, server, &setup)).await, Outcome::Hit);
    }
    assert_eq!(engine.connect_error().await, None);
    let stranger = engine_with("wrong", "other").await;
    assert_eq!(stranger.health().await, Health::Down);
    let error = stranger.connect_error().await.expect("there is a reason");
    assert!(matches!(&error, ConnectError::WrongPassword { user, .. } if user == "todo"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_a_cluster_has_no_use_for_are_refused() {
    let cluster_url = "redis+cluster://127.0.0.1:1".parse().unwrap();
    let mut files = AccessFiles::default();
    files.authorities = Some("ca.pem".into());
    let refused = builder(&cluster_url, &FakeStore::new(), options()).access_files(files).start().await;
    let error = refused.expect_err("there is no TLS").to_string();
    assert!(error.contains("rediss"), "{error}");
}
