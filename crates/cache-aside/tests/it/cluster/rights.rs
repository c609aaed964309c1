//! What the user of a cluster must be allowed.

use cache_aside::{CacheUrl, Outcome};
use test_servers::{RedisCluster, until};

use super::{id_on, ids, until_hits};
use crate::field::smallest_rule;
use crate::support::{FakeStore, Setup, engine_at, options, outcome, put};

/// What README says is needed besides.
fn in_cluster() -> Vec<String> {
    let readme = include_str!("../../../../../README.md");
    let rules = readme.lines().find_map(|line| line.strip_prefix("In a Redis Cluster, besides: `")).unwrap();
    rules.split('`').next().unwrap().split(' ').map(str::to_owned).collect()
}

/// The URL for a user who is allowed this, on every server.
fn add_user(cluster: &RedisCluster, user: &str, rule: &[String]) -> CacheUrl {
    let rule: Vec<&str> = rule.iter().map(String::as_str).collect();
    for server in 0..cluster.size() {
        let added = cluster.ask(server, &[&["ACL", "SETUSER", user, ">s3cret/"][..], &rule].concat());
        assert_eq!(added.text(), "OK");
    }
    cluster.url().replace("redis+cluster://", &format!("redis+cluster://{user}:s3cret%2F@")).parse().unwrap()
}

fn rule(setup: &Setup) -> Vec<String> {
    [smallest_rule(&setup.prefix), in_cluster()].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smallest_rule_of_the_readme_is_enough_also_while_a_slot_moves() {
    let (cluster, store, setup) = (RedisCluster::start(3, 0), FakeStore::new(), options());
    let engine = engine_at(&add_user(&cluster, "small", &rule(&setup)), &store, setup.clone());
    assert_eq!(engine.missing_rights().await, Some(Vec::new()));
    for id in ids() {
        put(&engine, &id, "value").await;
    }
    until_hits(&engine, |_| true).await;
    let id = id_on(&cluster, 0, &setup);
    let slot = cluster.slot(&format!("{}:{{{id}}}", setup.prefix));
    cluster.begin_to_move(0, 1, slot);
    cluster.move_what_is_in(0, 1, slot);
    put(&engine, &id, "new").await;
    cluster.move_slots(0, 1, [slot]);
    until("it is cached where it is now", || async { outcome(&engine, &id).await == Outcome::Hit }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_missing_in_a_cluster_is_named() {
    let cluster = RedisCluster::start(3, 0);
    for taken in ["cluster|slots", "cluster|myid", "cluster|info", "asking"] {
        let setup = options();
        let rule: Vec<String> = rule(&setup).into_iter().filter(|rule| rule[1..] != *taken).collect();
        let url = add_user(&cluster, &taken.replace('|', "-"), &rule);
        let engine = engine_at(&url, &FakeStore::new(), setup);
        let missing = engine.missing_rights().await.expect("the servers answer");
        assert!(missing.len() == 1 && missing[0].contains(&format!("add +{taken} to its ACL")), "{taken}: {missing:?}");
    }
}
