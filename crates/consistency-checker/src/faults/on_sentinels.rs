//! What is done to a Redis that sentinels watch: its replica takes its place, and it comes back.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use test_servers::SentinelSet;

use super::Fault;
use super::inject::{Injector, Told};
use crate::error::CheckError;

impl Injector {
    pub(super) async fn on_sentinels(&self, fault: Fault, random: &mut ChaCha8Rng) -> Result<Told, CheckError> {
        let pause = Duration::from_millis(random.random_range(0..1_500));
        let _away = self.redis.write().await;
        let act = move |set: &mut SentinelSet| fail_over(set, fault, pause);
        let what = self.blocking(move |cluster| Ok(cluster.redis.with_sentinels(act))).await?;
        Ok(Told::healthy(what.unwrap_or_default()))
    }
}

fn fail_over(set: &mut SentinelSet, fault: Fault, pause: Duration) -> String {
    let before = set.wait_for_any_primary();
    let after = 1 - before;
    let how = match fault {
        Fault::FailoverKill => {
            set.server_mut(before).stop();
            set.wait_for_primary(after);
            std::thread::sleep(pause);
            set.server_mut(before).restart();
            "was killed, and came back"
        }
        Fault::FailoverStop => {
            set.server(before).suspend();
            set.wait_for_primary(after);
            std::thread::sleep(pause);
            set.server(before).resume();
            "stood still, and went on"
        }
        _ => {
            set.fail_over_to(after);
            "gave its place away"
        }
    };
    // The next failover needs a replica.
    set.wait_until_whole();
    format!("server {before}, which the sentinels named as the primary, {how}; server {after} took its place")
}
