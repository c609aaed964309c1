//! A checker that cannot fail proves nothing: with any one guard of the engine switched off, it finds a violation; with
//! all of them on, and the same pauses where races have their windows, it finds none.
//!
//! The service is a build of its own (`--features teeth`), in a folder of its own, so that no other build has the switches.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use consistency_checker::checker::Invariant;
use consistency_checker::cluster::Cluster;
use consistency_checker::faults::Fault;
use consistency_checker::faults::schedule::FaultPlan;
use consistency_checker::report::Report;
use consistency_checker::run::{RunOptions, run};
use consistency_checker::workload::Work;
use consistency_checker::workload::plan::{Mix, Plan};
use test_servers::fresh_name;

use crate::support::cluster_of;

/// How long a guard may be missed without being noticed: both of it, so that a slow machine has its chance, too.
const PATIENCE: Duration = Duration::from_secs(60);
const ROUNDS: u64 = 20;
/// When a round ends. More than a hundred reads of each round must have been checked.
const ROUND: Work = Work { reads: 130, writes: 20, foreign: 0 };

/// How a race is made likely.
#[derive(Clone)]
struct Hunt {
    flags: Vec<&'static str>,
    delays: &'static str,
    faults: FaultPlan,
    l1_ttl: Duration,
    mix: Mix,
    ids: usize,
    no_cache_percent: u32,
}

/// Cells are lost all the time, and everybody pauses where a race has its window.
fn losing_cells() -> Hunt {
    Hunt {
        flags: vec!["--write-policy", "through"],
        delays: "after-load:40,before-publish:40",
        faults: FaultPlan { kinds: vec![Fault::Cell, Fault::Cell, Fault::Cell, Fault::Flush], pause_ms: 1..12 },
        l1_ttl: Duration::ZERO,
        mix: Mix { get: 70, get_many: 0, put: 20, patch: 0, post: 4, delete: 6 },
        ids: 2,
        no_cache_percent: 8,
    }
}

/// Writers raise the floor, and take no lease.
fn invalidating() -> Hunt {
    Hunt { flags: vec!["--write-policy", "invalidate"], ..losing_cells() }
}

/// Many writers of one todo, and nothing is lost: they publish in another order than they commit.
fn racing_writers() -> Hunt {
    Hunt {
        faults: FaultPlan::of(&[]),
        mix: Mix { get: 50, get_many: 0, put: 50, patch: 0, post: 0, delete: 0 },
        ids: 1,
        ..losing_cells()
    }
}

/// As that, and cells are lost: who publishes late finds no version to be compared with.
fn racing_writers_losing_cells() -> Hunt {
    Hunt { faults: FaultPlan { kinds: vec![Fault::Cell], pause_ms: 5..30 }, ..racing_writers() }
}

/// Nothing is lost; writers take long between commit and publish, and readers look past the cell meanwhile. These answer at
/// once: what they have seen must still be ahead of the cell when others look there.
fn looking_past_the_cell() -> Hunt {
    Hunt {
        delays: "before-publish:100",
        mix: Mix { get: 95, get_many: 0, put: 5, patch: 0, post: 0, delete: 0 },
        no_cache_percent: 20,
        ..racing_writers()
    }
}

/// Each process has an L1.
fn with_l1() -> Hunt {
    Hunt {
        flags: vec!["--l1-ttl", "1s"],
        delays: "before-l1:60",
        faults: FaultPlan { kinds: vec![Fault::Cell], pause_ms: 5..50 },
        l1_ttl: Duration::from_secs(1),
        mix: Mix { get: 80, get_many: 0, put: 20, patch: 0, post: 0, delete: 0 },
        ids: 2,
        no_cache_percent: 8,
    }
}

/// Many todos are lost at one time, and the store takes its time: those that are missed meanwhile are one query.
fn missing_many() -> Hunt {
    Hunt {
        delays: "during-load:30",
        faults: FaultPlan { kinds: vec![Fault::Flush], pause_ms: 10..60 },
        mix: Mix { get: 80, get_many: 0, put: 20, patch: 0, post: 0, delete: 0 },
        ids: 20,
        ..losing_cells()
    }
}

impl Hunt {
    /// With pauses that are so many times as long.
    async fn cluster(&self, off: &str, times: u64) -> Arc<Cluster> {
        let longer = |delay: &str| -> String {
            let (place, ms) = delay.split_once(':').unwrap();
            format!("{place}:{}", ms.parse::<u64>().unwrap() * times)
        };
        let delays = self.delays.split(',').map(longer).collect::<Vec<_>>().join(",");
        let variables = [("TODO_TEETH", off), ("TODO_TEETH_DELAY", &delays), ("TODO_LOG", "error")];
        cluster_of(service(), &self.flags, &variables).await
    }

    async fn round(&self, cluster: &Arc<Cluster>, seed: u64) -> Report {
        let name = fresh_name("todo");
        let mut plan = Plan::new(&name);
        plan.hot_ids = (0..self.ids).map(|number| format!("{name}-{number}").into()).collect();
        plan.more_ids.clear();
        plan.foreign_ids.clear();
        plan.clients = 24;
        plan.pause = Duration::from_millis(2);
        plan.mix = self.mix;
        plan.no_cache_percent = self.no_cache_percent;
        let options = RunOptions {
            duration: Duration::ZERO,
            at_least: ROUND,
            seed,
            plan,
            faults: self.faults.clone(),
            l1_ttl: self.l1_ttl,
            last_words: false,
        };
        run(cluster, &options).await.unwrap()
    }
}

/// The build with switches.
pub(crate) fn service() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_consistency-checker")).ancestors().nth(2).unwrap();
    let service = target.join("teeth/debug/todo-api");
    assert!(
        service.is_file(),
        "the service with switches is not built. Run: cargo build --locked -p todo-api --features teeth --target-dir {}",
        target.join("teeth").display()
    );
    service
}

/// Switches one guard off and waits until the checker notices. A pause that is long on an idle machine is short beside what
/// all else takes on a busy one: then longer ones are tried.
async fn bites(off: &str, hunt: Hunt, expected: &[Invariant]) {
    for times in [1, 8, 40] {
        let cluster = hunt.cluster(off, times).await;
        let found = is_noticed(&cluster, &hunt, expected).await;
        cluster.store.drop_database().await;
        if let Some(found) = found {
            eprintln!("{off} was missed, with pauses {times} times as long:\n{found}");
            return;
        }
    }
    panic!("{off} is switched off, and nobody noticed");
}

/// What the checker finds first, if it is found within [`PATIENCE`] and so many rounds.
async fn is_noticed(cluster: &Arc<Cluster>, hunt: &Hunt, expected: &[Invariant]) -> Option<String> {
    let began = Instant::now();
    for seed in 1.. {
        let report = hunt.round(cluster, seed).await;
        if let Some(found) = report.violations.iter().find(|found| expected.contains(&found.invariant)) {
            return Some(format!("round {seed}: {found}"));
        }
        if began.elapsed() > PATIENCE && seed >= ROUNDS {
            eprintln!("nothing was found in {seed} rounds; the last one:\n{report}");
            break;
        }
    }
    None
}

/// All guards on, the same pauses: nothing may be found.
async fn is_clean(hunt: Hunt) {
    let cluster = hunt.cluster("", 1).await;
    for seed in 1..=3 {
        let report = hunt.round(&cluster, seed).await;
        assert!(report.is_clean(), "{report}");
        assert!(report.reads_checked > 100, "hardly anything happened:\n{report}");
    }
    cluster.store.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_an_entry_in_the_lease_stores() {
    bites("token", losing_cells(), &[Invariant::I3, Invariant::I9]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_enters_the_lease_before_it_commits() {
    bites("lease-before-commit", racing_writers_losing_cells(), &[Invariant::I3, Invariant::I9]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fill_has_a_token_of_its_own() {
    bites("token-per-fill", losing_cells(), &[Invariant::I3, Invariant::I9]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_notes_what_others_have_seen() {
    bites("lease-notes", racing_writers_losing_cells(), &[Invariant::I3, Invariant::I9]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_below_the_version_of_the_cell() {
    bites("version-test", racing_writers(), &[Invariant::I3, Invariant::I9]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_from_the_store_passes_the_put_before_it_is_answered() {
    bites("put-before-answer", looking_past_the_cell(), &[Invariant::I3, Invariant::I9]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flight_is_shared_only_if_no_writer_came_between() {
    bites("share-only-if-stored", invalidating(), &[Invariant::I3, Invariant::I9]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l1_takes_nothing_whose_read_began_before_an_invalidation() {
    bites("l1-record", with_l1(), &[Invariant::I5]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_never_comes_twice() {
    bites("version-reuse", losing_cells(), &[Invariant::I1, Invariant::I2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_query_for_many_each_gets_its_own() {
    bites("batch-ids", missing_many(), &[Invariant::I1, Invariant::I2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_query_for_many_each_has_its_own_version() {
    bites("batch-versions", missing_many(), &[Invariant::I1, Invariant::I2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_guards_on_nothing_is_found_when_misses_gather() {
    is_clean(missing_many()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_guards_on_nothing_is_found_when_writers_publish() {
    is_clean(losing_cells()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_guards_on_nothing_is_found_when_writers_invalidate() {
    is_clean(invalidating()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_guards_on_nothing_is_found_when_writers_race() {
    is_clean(racing_writers()).await;
    is_clean(racing_writers_losing_cells()).await;
    is_clean(looking_past_the_cell()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_guards_on_nothing_is_found_with_l1() {
    is_clean(with_l1()).await;
}
