//! What tests share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use consistency_checker::cluster::system::{Servers, System};
use consistency_checker::cluster::{CacheServers, Cluster, ClusterOptions};
use consistency_checker::faults::schedule::FaultPlan;
use consistency_checker::report::Report;
use consistency_checker::run::{RunOptions, run};
use consistency_checker::workload::Work;
use consistency_checker::workload::plan::Plan;
use test_servers::{fresh_name, shared_mongo, shared_postgres};

/// The service as it is built for tests.
pub(crate) fn api() -> PathBuf {
    program(System::TodoApi)
}

fn program(system: System) -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_consistency-checker")).with_file_name(system.program());
    assert!(beside.is_file(), "{} is not built: run `{}` first, as `make test` does", beside.display(), system.build());
    beside
}

/// Two processes with these flags.
pub(crate) async fn cluster(flags: &[&str]) -> Arc<Cluster> {
    cluster_of(api(), flags, &[]).await
}

/// Two processes over a Redis Cluster.
pub(crate) async fn over_redis_cluster(flags: &[&str]) -> Arc<Cluster> {
    over(CacheServers::Cluster, flags).await
}

/// Two processes over a Redis that sentinels watch.
pub(crate) async fn over_sentinels(flags: &[&str]) -> Arc<Cluster> {
    over(CacheServers::Sentinel, flags).await
}

async fn over(cache: CacheServers, flags: &[&str]) -> Arc<Cluster> {
    let store_url = tokio::task::spawn_blocking(|| shared_mongo().url()).await.unwrap();
    let options = options(System::TodoApi, store_url, api(), flags, &[]);
    Arc::new(Cluster::start(&ClusterOptions { cache, ..options }).await.unwrap())
}

/// Two processes of this program, with these flags and variables.
pub(crate) async fn cluster_of(api: PathBuf, flags: &[&str], variables: &[(&str, &str)]) -> Arc<Cluster> {
    let mongo_url = tokio::task::spawn_blocking(|| shared_mongo().url()).await.unwrap();
    cluster_over(mongo_url, api, flags, variables).await
}

/// Two processes of the example over PostgreSQL.
pub(crate) async fn postgres_cluster(flags: &[&str]) -> Arc<Cluster> {
    let url = tokio::task::spawn_blocking(|| shared_postgres().url("postgres")).await.unwrap();
    start(System::Postgres, url, program(System::Postgres), flags, &[]).await
}

/// Two processes with their own ways to Redis and to the MongoDB that tests share.
pub(crate) async fn linked_cluster() -> Arc<Cluster> {
    let url = tokio::task::spawn_blocking(|| shared_mongo().url()).await.unwrap();
    of_their_own(Servers::At(url)).await
}

/// Two processes with their own ways to Redis and to MongoDB, of which these servers are.
pub(crate) async fn of_their_own(store: Servers) -> Arc<Cluster> {
    linked_cluster_of(api(), store, &[], &[("TODO_LOG", "error")]).await
}

/// The same, of this program with these flags and variables.
pub(crate) async fn linked_cluster_of(
    api: PathBuf,
    store: Servers,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> Arc<Cluster> {
    let options =
        ClusterOptions { store, links: true, ..options(System::TodoApi, String::new(), api, flags, variables) };
    Arc::new(Cluster::start(&options).await.unwrap())
}

/// Two processes over this MongoDB.
pub(crate) async fn cluster_over(
    mongo_url: String,
    api: PathBuf,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> Arc<Cluster> {
    start(System::TodoApi, mongo_url, api, flags, variables).await
}

/// Three processes of this program, the first two with wall clocks that are so far ahead or behind.
pub(crate) async fn skewed_cluster(
    api: PathBuf,
    flags: &[&str],
    variables: &[(&str, &str)],
    clocks: [&str; 2],
) -> Arc<Cluster> {
    let store_url = tokio::task::spawn_blocking(|| shared_mongo().url()).await.unwrap();
    let clocks = clocks.map(str::to_owned).to_vec();
    let options = ClusterOptions { processes: 3, clocks, ..options(System::TodoApi, store_url, api, flags, variables) };
    Arc::new(Cluster::start(&options).await.unwrap())
}

async fn start(
    system: System,
    store_url: String,
    api: PathBuf,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> Arc<Cluster> {
    Arc::new(Cluster::start(&options(system, store_url, api, flags, variables)).await.unwrap())
}

fn options(
    system: System,
    store_url: String,
    api: PathBuf,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> ClusterOptions {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    ClusterOptions {
        system,
        api,
        processes: 2,
        flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
        variables: variables.iter().map(owned).collect(),
        clocks: Vec::new(),
        store: Servers::At(store_url),
        cache: CacheServers::Redis,
        links: false,
    }
}

/// Options of a short run that nobody writes past.
pub(crate) fn short(seconds: u64, faults: FaultPlan) -> RunOptions {
    let mut plan = Plan::new(&fresh_name("todo"));
    plan.foreign_ids.clear();
    RunOptions {
        duration: Duration::from_secs(seconds),
        at_least: Work { reads: 400, writes: 80, foreign: 0 },
        seed: 7,
        plan,
        faults,
        l1_ttl: Duration::ZERO,
        last_words: true,
    }
}

/// A run that must find nothing, and must have done something.
pub(crate) async fn must_be_clean(cluster: &Arc<Cluster>, options: &RunOptions) -> Report {
    let report = run(cluster, options).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(report.reads_checked > 200 && report.writes > 50, "hardly anything happened:\n{report}");
    assert!(!cfg!(target_os = "linux") || report.resources.len() >= cluster.nodes.len(), "{:?}", report.resources);
    report
}

pub(crate) use test_servers::until;
