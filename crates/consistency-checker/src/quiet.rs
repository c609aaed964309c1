//! What everybody says once all is quiet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::cluster::node::Node;
use crate::cluster::redis::{look, look_in_cluster};
use crate::error::CheckError;
use crate::history::{CellSeen, LastWord};
use crate::workload::{Reply, ask};

/// How long a node may refuse to answer: longer than any lease. A replica that takes its primary's place may have one that was given
/// back, and reads wait for it then; it lasts as long as the deadlines of the store together.
const PATIENCE: Duration = Duration::from_secs(180);

/// Asks every node, the cell and the database for each id.
///
/// # Errors
/// One of them does not answer.
pub async fn last_words(cluster: &Cluster, ids: &[Arc<str>]) -> Result<Vec<LastWord>, CheckError> {
    let mut redis = if cluster.redis.is_cluster() { None } else { Some(cluster.redis.connect_async().await?) };
    let mut words = Vec::new();
    for id in ids {
        let mut nodes = Vec::new();
        for node in &cluster.nodes {
            nodes.push((node.process(), answer_of(node, id).await?));
        }
        let cell = match &mut redis {
            Some(redis) => look(redis, id).await?,
            None => {
                let look = || cluster.redis.with_cluster(|servers| look_in_cluster(servers, id));
                tokio::task::block_in_place(look).unwrap_or(CellSeen::Nothing)
            }
        };
        let store = cluster.store.find(id).await?;
        words.push(LastWord { id: Arc::clone(id), store, cell, nodes });
    }
    Ok(words)
}

async fn answer_of(node: &Node, id: &str) -> Result<Option<(u64, Arc<str>)>, CheckError> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match ask(node, id).await {
            Some(Reply::Todo { version, body, .. }) => return Ok(Some((version, body))),
            Some(Reply::Nothing) => return Ok(None),
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    Err(CheckError::NoAnswer { node: node.process().to_string(), log: format!("GET {id}") })
}
