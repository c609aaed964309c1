//! Whether the service is there, before users are sent.

use std::time::Duration;

use crate::client;
use crate::error::LoadgenError;
use crate::options::Options;

/// How long the service may take to be found.
const FIND: Duration = Duration::from_secs(3);

/// Any HTTP answer will do: other services have no `/livez`.
pub(crate) async fn find(options: &Options) -> Result<(), LoadgenError> {
    let mut url = options.base();
    url.set_path(&format!("{}livez", url.path()));
    let found = client::build(&url, FIND)?.get(url).send().await;
    found.map(drop).map_err(|error| LoadgenError::NoServer {
        host: options.shown_host(),
        reason: if error.is_timeout() { format!("no answer within {FIND:?}") } else { client::message(&error) },
    })
}
