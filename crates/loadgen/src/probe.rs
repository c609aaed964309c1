//! Whether the service is there, and the todos that are asked for, before users are sent.

use std::time::Duration;

use reqwest::{Client, StatusCode};

use crate::check;
use crate::connector::Connector;
use crate::error::LoadgenError;
use crate::failure;
use crate::keys::Ids;
use crate::options::Options;

/// How long the service may take to be found.
const FIND: Duration = Duration::from_secs(3);
/// What is asked for if nothing else is said.
const LAST: u64 = 199_999;

/// What was found.
pub(crate) struct Found {
    /// The ids to ask for.
    pub(crate) ids: Ids,
    /// What a person should know before the run.
    pub(crate) note: Option<String>,
}

/// Looks for the service: any HTTP answer will do, other services have no `/livez`. Then for the todos: those of the
/// seeder have the ids from 1 to their number, so the last one tells how many there are.
///
/// # Errors
/// Nobody answers, or there is no todo at all.
pub(crate) async fn find(options: &Options, connector: &Connector) -> Result<Found, LoadgenError> {
    let service = Service { client: connector.probe(FIND)?, options };
    service.ask("livez").await.map_err(|error| LoadgenError::NoServer {
        host: options.shown_host(),
        reason: if error.is_timeout() { format!("no answer within {FIND:?}") } else { failure::message(&error) },
    })?;
    let ids = options.ids.clone().unwrap_or(Ids(1..=LAST));
    if !options.reads() || !service.lacks(*ids.0.end()).await {
        return Ok(Found { ids, note: None });
    }
    let host = options.shown_host();
    if options.ids.is_some() {
        let note = format!("{host} has no todo {}, the last of --ids {ids}: requests for it will fail", ids.0.end());
        return Ok(Found { ids, note: Some(note) });
    }
    if service.lacks(1).await {
        return Err(LoadgenError::NoTodos(format!(
            "{host} has no todo 1: fill its store first (seeder generate, make seed), or name the todos that are there (--ids)"
        )));
    }
    let last = service.last().await;
    let note = format!("ids 1..{last}: {host} has no more");
    Ok(Found { ids: Ids(1..=last), note: Some(note) })
}

struct Service<'a> {
    client: Client,
    options: &'a Options,
}

impl Service<'_> {
    async fn ask(&self, path: &str) -> Result<reqwest::Response, reqwest::Error> {
        let mut url = self.options.base();
        url.set_path(&format!("{}{path}", url.path()));
        self.client.get(url).send().await
    }

    /// Whether the todo service says that there is no such todo. Who does not say so may have it.
    async fn lacks(&self, id: u64) -> bool {
        let Ok(answer) = self.ask(&format!("todos/{id}")).await else { return false };
        answer.status() == StatusCode::NOT_FOUND
            && answer.bytes().await.is_ok_and(|body| check::not_found(&body).is_ok())
    }

    /// The last todo without a gap before it, of those between 1, which is there, and [`LAST`], which is not.
    async fn last(&self) -> u64 {
        let (mut there, mut lacking) = (1, LAST);
        while lacking - there > 1 {
            let middle = u64::midpoint(there, lacking);
            if self.lacks(middle).await { lacking = middle } else { there = middle }
        }
        there
    }
}
