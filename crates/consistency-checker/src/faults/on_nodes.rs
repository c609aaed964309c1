//! What is done to processes of the service.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Fault;
use super::inject::{Injector, TAKE_OVER, Told};
use crate::error::CheckError;
use crate::history::Suspends;

impl Injector {
    pub(super) async fn on_nodes(&self, fault: Fault, random: &mut ChaCha8Rng) -> Result<Told, CheckError> {
        let number = random.random_range(0..self.cluster.nodes.len());
        let node = &self.cluster.nodes[number];
        let what = if fault == Fault::Stop {
            // Long enough, at times, for its leases to end while it holds them.
            let pause = Duration::from_millis(random.random_range(200..4_500));
            node.suspend();
            tokio::time::sleep(pause).await;
            node.resume();
            format!("node {number} stood still for {} ms", pause.as_millis())
        } else {
            let pause = Duration::from_millis(random.random_range(0..1_500));
            self.blocking(move |cluster| {
                cluster.nodes[number].kill();
                std::thread::sleep(pause);
                cluster.nodes[number].launch();
                Ok(())
            })
            .await?;
            node.wait_until_ready().await?;
            format!("node {number} was killed and started again")
        };
        Ok(Told::suspending(what, &[(Suspends::Repairs, TAKE_OVER)]))
    }
}
