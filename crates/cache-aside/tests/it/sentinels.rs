//! The primary that sentinels name: failovers, passwords, names that nobody knows.

use std::time::{Duration, Instant};

use cache_aside::{AccessFiles, CacheAside, CacheUrl, ConnectError, Health, Outcome};
use deadpool_redis::redis::{Client, RedisResult, Value, cmd};
use test_servers::{Certificates, RedisServer, SentinelSet, SentinelSetup, free_port, lateness, until};

use crate::field::smallest_rule;
use crate::support::{FakeStore, Setup, body, builder, get, options, outcome, put, start};

fn engine(url: &str, store: &FakeStore, setup: Setup) -> CacheAside<FakeStore> {
    let url: CacheUrl = url.parse().unwrap();
    start(builder(&url, store, setup))
}

/// After so long at most everything is cached again, where servers are missed after half a second (`down-after-milliseconds`).
const HITS_BACK: Duration = Duration::from_secs(10);

async fn failure(url: &str) -> ConnectError {
    let engine = engine(url, &FakeStore::new(), options());
    assert_eq!(engine.health().await, Health::Down, "{url}");
    engine.connect_error().await.expect("there is no connection, and a reason")
}

/// Reads and writes one id until the cache answers, and sees that no answer is older than what was written.
async fn until_hit(engine: &CacheAside<FakeStore>, text: &'static str) {
    until("the cache answers again", async || {
        let answer = get(engine, "1").await;
        assert_eq!(body(&answer), Some(text), "{answer:?}");
        answer.outcome == Outcome::Hit
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_costs_hits_only_and_the_old_primary_that_comes_back_is_not_asked() {
    let (mut set, store) = (SentinelSet::start(), FakeStore::new());
    let setup = options();
    let engine_a = engine(&format!("{}?db=2", set.url()), &store, setup.clone());
    let engine_b = engine(&format!("{}?db=2", set.url()), &store, setup);
    put(&engine_a, "1", "one").await;
    until_hit(&engine_b, "one").await;
    let began = Instant::now();
    set.server_mut(0).stop();
    set.wait_for_primary(1);
    put(&engine_a, "1", "two").await;
    until_hit(&engine_a, "two").await;
    until_hit(&engine_b, "two").await;
    let took = began.elapsed();
    assert!(took < HITS_BACK + lateness(), "hits were back after {took:?}");
    // Started as it was before: a primary that knows of nothing, until the sentinels make it a replica.
    set.server_mut(0).restart();
    put(&engine_b, "1", "three").await;
    until_hit(&engine_a, "three").await;
    until("the old primary is a replica", async || {
        // The sentinels cut its connections off when they make it one.
        let role = || -> RedisResult<Vec<Value>> {
            cmd("ROLE").query(&mut Client::open(set.server(0).url())?.get_connection()?)
        };
        role().is_ok_and(|role| role[0] == Value::BulkString(b"slave".to_vec()))
    })
    .await;
    until_hit(&engine_b, "three").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_by_hand_moves_every_connection_and_loses_no_write() {
    let (set, store) = (SentinelSet::start(), FakeStore::new());
    let setup = options();
    let engines = [(); 2].map(|()| engine(&set.url(), &store, setup.clone()));
    put(&engines[0], "1", "one").await;
    until_hit(&engines[1], "one").await;
    set.fail_over();
    // Written all the while, by turns through both.
    for (round, text) in ["two", "three", "four", "five"].into_iter().cycle().take(200).enumerate() {
        put(&engines[round % 2], "1", text).await;
        let answer = get(&engines[round % 2], "1").await;
        assert_eq!(body(&answer), Some(text), "{round}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    set.wait_for_primary(1);
    put(&engines[0], "1", "six").await;
    for engine in &engines {
        until_hit(engine, "six").await;
    }
    let mut new = Client::open(set.server(1).url()).unwrap().get_connection().unwrap();
    let cells: i64 = cmd("DBSIZE").query(&mut new).unwrap();
    assert!(cells > 0, "the new primary holds the cells");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sentinel_that_is_away_does_not_matter_and_nobody_there_is_said() {
    let (mut set, store) = (SentinelSet::start(), FakeStore::new());
    set.stop_sentinel(0);
    let engine = engine(&set.url(), &store, options());
    assert_eq!(engine.health().await, Health::Up, "{:?}", engine.connect_error().await);
    put(&engine, "1", "one").await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);

    let error = failure(&format!("redis+sentinel://127.0.0.1:{}/mymaster", free_port())).await;
    assert!(matches!(&error, ConnectError::NoSentinel { causes } if causes.contains("refused")), "{error:?}");
    let plain = RedisServer::start();
    let error = failure(&format!("redis+sentinel://127.0.0.1:{}/mymaster", plain.port())).await;
    assert!(matches!(&error, ConnectError::NoSentinel { causes } if causes.contains("no sentinel")), "{error:?}");
    let error = failure(&format!("redis+sentinel://{}/yourmaster", set.addresses())).await;
    assert!(
        matches!(&error, ConnectError::UnknownName { name, known } if name == "yourmaster" && known == "\"mymaster\""),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_and_sentinels_have_passwords_of_their_own() {
    let setup = SentinelSetup {
        password: Some("of-servers".to_owned()),
        sentinel_password: Some("of-sentinels".to_owned()),
        ..SentinelSetup::default()
    };
    let (set, files) = (SentinelSet::start_with(&setup), Certificates::make());
    let (store, addresses) = (FakeStore::new(), set.addresses());
    let both = format!("redis+sentinel://:of-servers@{addresses}/mymaster?sentinel_password=of-sentinels");
    assert_eq!(engine(&both, &store, options()).health().await, Health::Up);
    let mut in_files = AccessFiles::default();
    in_files.password = Some(files.write("servers", "of-servers\n"));
    in_files.sentinel_password = Some(files.write("sentinels", "of-sentinels\n"));
    let url: CacheUrl = format!("redis+sentinel://{addresses}/mymaster").parse().unwrap();
    let engine = builder(&url, &store, options()).access_files(in_files).start().await.unwrap();
    assert_eq!(engine.health().await, Health::Up, "{:?}", engine.connect_error().await);

    let error = failure(&format!("redis+sentinel://:of-servers@{addresses}/mymaster")).await;
    assert!(matches!(&error, ConnectError::NoSentinel { causes } if causes.contains("wants a password")), "{error:?}");
    let error = failure(&format!("redis+sentinel://:x@{addresses}/mymaster?sentinel_password=of-sentinels")).await;
    assert!(matches!(error, ConnectError::WrongPassword { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smallest_rights_of_the_readme_are_enough() {
    let readme = include_str!("../../../../README.md");
    let of_sentinels = readme.lines().find(|line| line.starts_with("user todo on ")).expect("README has the line");
    let of_sentinels = of_sentinels.replace(">PASSWORD", ">of-sentinels");
    let setup = SentinelSetup { sentinel_lines: vec![of_sentinels], ..SentinelSetup::default() };
    let (set, store, options) = (SentinelSet::start_with(&setup), FakeStore::new(), options());
    for number in 0..2 {
        let mut admin = Client::open(set.server(number).url()).unwrap().get_connection().unwrap();
        let rule = smallest_rule(&options.prefix);
        cmd("ACL").arg("SETUSER").arg("small").arg(&rule).arg("+role").arg(">of-servers").exec(&mut admin).unwrap();
    }
    let url = format!(
        "redis+sentinel://small:of-servers@{}/mymaster?sentinel_user=todo&sentinel_password=of-sentinels",
        set.addresses()
    );
    let engine = engine(&url, &store, options);
    assert_eq!(engine.missing_rights().await, Some(Vec::new()));
    put(&engine, "1", "one").await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
    set.fail_over();
    set.wait_for_primary(1);
    put(&engine, "1", "two").await;
    until_hit(&engine, "two").await;
    let error = failure(&url.replace("mymaster", "other").replace("small:of-servers@", "")).await;
    assert!(matches!(&error, ConnectError::UnknownName { known, .. } if known == "\"mymaster\""), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_and_servers_are_reached_by_tls() {
    let certificates = Certificates::make();
    let (mut set, store) = (SentinelSet::start_with_tls(&certificates), FakeStore::new());
    let mut files = AccessFiles::default();
    files.authorities = Some(certificates.authority());
    let url = format!("rediss+sentinel://{}/mymaster?db=1", set.addresses());
    let builder = builder(&url.parse::<CacheUrl>().unwrap(), &store, options()).access_files(files);
    let engine = builder.start().await.unwrap();
    assert_eq!(engine.health().await, Health::Up, "{:?}", engine.connect_error().await);
    put(&engine, "1", "one").await;
    assert_eq!(outcome(&engine, "1").await, Outcome::Hit);
    set.server_mut(0).stop();
    set.wait_for_primary(1);
    put(&engine, "1", "two").await;
    until_hit(&engine, "two").await;
    let error = failure(&url).await;
    assert!(matches!(&error, ConnectError::NoSentinel { causes } if causes.contains("authority")), "{error:?}");
}
