//! A Redis Cluster whose servers speak TLS.

use cache_aside::{AccessFiles, CacheAside, CacheUrl, ConnectError, Health, StartError};
use test_servers::{Certificates, RedisCluster, Reply, until};

use super::{ids, owner, until_hits, url};
use crate::support::{FakeStore, Setup, body, builder, get, options, put};

fn trusting(certificates: &Certificates) -> AccessFiles {
    let mut files = AccessFiles::default();
    files.authorities = Some(certificates.authority());
    files
}

async fn engine(url: &CacheUrl, store: &FakeStore, setup: &Setup, files: AccessFiles) -> CacheAside<FakeStore> {
    builder(url, store, setup.clone()).access_files(files).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_is_reached_by_tls_also_one_that_takes_anothers_place() {
    let (certificates, store, setup) = (Certificates::make(), FakeStore::new(), super::hasty());
    let mut cluster = RedisCluster::start_with_tls(3, 1, &certificates, &[]);
    let url = url(&cluster);
    let engine = || engine(&url, &store, &setup, trusting(&certificates));
    let engines = [engine().await, engine().await];
    for id in ids() {
        put(&engines[0], &id, "old").await;
    }
    until_hits(&engines[1], |_| true).await;
    for server in 0..3 {
        let Reply::Int(keys) = cluster.ask(server, &["DBSIZE"]) else { panic!("no number of keys") };
        assert!(keys > 5, "server {server} has its share, but {keys}");
    }
    assert_eq!(engines[1].health().await, Health::Up);

    let slots = cluster.slots_of(1).into_iter().take(100);
    cluster.move_slots(1, 2, slots);
    for id in ids() {
        put(&engines[1], &id, "new").await;
    }
    until_hits(&engines[0], |_| true).await;

    cluster.node_mut(0).stop();
    cluster.wait_until("its replica has taken its place", |cluster| {
        ids().iter().all(|id| owner(cluster, 1, &setup, id).is_some_and(|at| at != 0))
    });
    until_hits(&engines[1], |_| true).await;
    for id in ids() {
        assert_eq!(body(&get(&engines[1], &id).await), Some("new"), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_is_named_and_costs_no_answer() {
    let (certificates, store, setup) = (Certificates::make(), FakeStore::new(), options());
    let cluster = RedisCluster::start_with_tls(3, 0, &certificates, &[]);
    store.set("1", "one");
    for files in [AccessFiles::default(), trusting(&Certificates::make())] {
        let engine = engine(&url(&cluster), &store, &setup, files).await;
        assert_eq!(body(&get(&engine, "1").await), Some("one"));
        assert_eq!(engine.health().await, Health::Down);
        let error = engine.connect_error().await;
        assert!(matches!(error, Some(ConnectError::UnknownAuthority { .. })), "{error:?}");
    }
    // Its plain ports are announced to whoever comes by one of them.
    let plain = format!("redis+cluster://127.0.0.1:{}", cluster.node(0).port());
    let files = builder(&plain.parse().unwrap(), &store, setup).access_files(trusting(&certificates));
    let error = files.start().await.expect_err("files of certificates are for TLS");
    assert!(matches!(&error, StartError::Unsupported(text) if text.contains("rediss")), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_want_a_certificate_and_a_password_get_them_and_a_new_password_from_its_file() {
    let (certificates, store, setup) = (Certificates::make(), FakeStore::new(), options());
    // Without TLS the test itself comes in, and needs no password.
    let known = ["--tls-auth-clients", "yes"];
    let cluster = RedisCluster::start_with_tls(3, 0, &certificates, &known);
    let on_each = |words: &[&str]| {
        for server in 0..3 {
            assert_eq!(cluster.ask(server, words).text(), "OK");
        }
    };
    on_each(&["ACL", "SETUSER", "todo", "on", "~*", "&*", "+@all", ">first/"]);
    let client = certificates.client("todo-api");
    let mut files = trusting(&certificates);
    files.password = Some(certificates.write("password", "first/\n"));
    let url: CacheUrl = cluster.url().replace("://", "://todo@").parse().unwrap();

    let error = engine(&url, &store, &setup, files.clone()).await.connect_error().await;
    assert!(matches!(error, Some(ConnectError::ClientCertificate { .. })), "{error:?}");

    (files.certificate, files.key) = (Some(client.certificate), Some(client.key));
    let engine = engine(&url, &store, &setup, files).await;
    assert_eq!(engine.health().await, Health::Up, "{:?}", engine.connect_error().await);
    for id in ids() {
        put(&engine, &id, "value").await;
    }
    until_hits(&engine, |_| true).await;

    on_each(&["ACL", "SETUSER", "todo", ">second"]);
    certificates.write("password", "second");
    on_each(&["ACL", "SETUSER", "todo", "<first/"]);
    for server in 0..3 {
        cluster.ask(server, &["CLIENT", "KILL", "USER", "todo"]);
    }
    until("all are reached by the new password", async || engine.health().await == Health::Up).await;
    until_hits(&engine, |_| true).await;
}
