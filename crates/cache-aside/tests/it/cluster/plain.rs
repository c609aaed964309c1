use std::time::Duration;

use cache_aside::{Change, Detail, Health, Outcome, Published, ReadOptions, Source};
use test_servers::{RedisCluster, Reply, until};

use super::{engine, id_on, ids, url, warm};
use crate::fake_changes::FakeChanges;
use crate::support::{FakeStore, body, builder, delete, get, loads, options, outcome, put, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_writes_and_reads_of_many_go_to_the_server_of_each_id() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let engines = [(); 2].map(|()| engine(&cluster, &store, &setup));
    warm(&engines[0], &store).await;
    assert_eq!(engines[1].health().await, Health::Up);
    for server in 0..3 {
        let Reply::Int(keys) = cluster.ask(server, &["DBSIZE"]) else { panic!("no number of keys") };
        assert!(keys > 5, "server {server} has its share, but {keys}");
    }
    let loaded = loads(&engines[1]);
    let all = engines[1].read_many(&ids(), ReadOptions::default()).await;
    assert!(all.iter().all(|answer| answer.as_ref().unwrap().outcome == Outcome::Hit));
    assert_eq!(loads(&engines[1]), loaded);

    for id in ids() {
        assert_eq!(put(&engines[0], &id, "new").await.published, Published::Yes);
        let answer = get(&engines[1], &id).await;
        assert_eq!((answer.outcome, body(&answer)), (Outcome::Hit, Some("new")), "{id}");
    }
    delete(&engines[1], "7").await;
    assert_eq!(outcome(&engines[0], "7").await, Outcome::Absent);
    // An id without letters lies together with its lease all the same.
    store.set("", "nameless");
    assert_eq!(outcome(&engines[0], "").await, Outcome::Miss);
    assert_eq!(outcome(&engines[1], "").await, Outcome::Hit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalidations_reach_the_l1_of_every_process_whichever_server_it_listens_to() {
    let (cluster, store, mut setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    // So long that only an announcement ends an entry.
    setup.l1 = Some(Duration::from_secs(600));
    let engines = [(); 4].map(|()| engine(&cluster, &store, &setup));
    for server in 0..3 {
        let id = id_on(&cluster, server, &setup);
        put(&engines[0], &id, "old").await;
        for engine in &engines {
            until("L1 answers", || async { get(engine, &id).await.detail == Some(Detail::L1) }).await;
        }
        put(&engines[server], &id, "new").await;
        for engine in &engines {
            until("the announcement arrives", || async { body(&get(engine, &id).await) == Some("new") }).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_is_noticed_on_every_server() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let changes = FakeChanges::new(true);
    let engine = start(builder(&url(&cluster), &store, setup.clone()).follow_changes(changes.clone()));
    assert!(engine.wait_until_live(Duration::from_secs(180)).await);
    warm(&engine, &store).await;
    for server in 0..3 {
        let id = id_on(&cluster, server, &setup);
        let version = store.set(&id, "foreign");
        changes.tell(Change::Written { id: id.clone(), version });
        until("it is noticed", || async { body(&get(&engine, &id).await) == Some("foreign") }).await;
    }
    // One stroke for all servers.
    for id in ids() {
        store.set(&id, "swapped");
    }
    changes.tell(Change::Unknown);
    for id in ids() {
        until("nothing of before is answered", || async { body(&get(&engine, &id).await) == Some("swapped") }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_no_cluster_is_no_cache_and_costs_no_answer() {
    let (redis, store) = (test_servers::RedisServer::start(), FakeStore::new());
    let url = format!("redis+cluster://127.0.0.1:{}", redis.port()).parse().unwrap();
    let engine = crate::support::engine_at(&url, &store, options());
    store.set("1", "one");
    assert_eq!(outcome(&engine, "1").await, Outcome::Bypass);
    assert_eq!(engine.health().await, Health::Down);
    assert!(store.load("1").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_auditor_walks_over_the_cells_of_all_servers() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let engine = start(builder(&url(&cluster), &store, setup.clone()).audit(1_000));
    warm(&engine, &store).await;
    // One on each server, one after the other, is not what the store holds any more.
    for server in 0..3 {
        let (id, counted) = (id_on(&cluster, server, &setup), engine.stats().audit.wrong_1s);
        store.set(&id, "foreign");
        until("it is found", || async { engine.stats().audit.wrong_1s > counted }).await;
        put(&engine, &id, "right").await;
    }
}
