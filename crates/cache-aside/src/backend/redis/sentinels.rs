//! Which server is the primary, as sentinels tell (Redis manual, "Guidelines for Redis clients with support for Redis Sentinel").
//! All of them are asked at once, for one alone may be cut off from the others and still name the old one.

use std::cmp::Reverse;
use std::time::Duration;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Value, cmd, from_redis_value};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use super::access::Credentials;
use super::causes;
use crate::connect_error::ConnectError;
use crate::redis_url::{Address, Login, Sentinels};

/// How long the slower sentinels are waited for once one has answered.
const LATER_ANSWERS: Duration = Duration::from_millis(200);

/// The servers that sentinels name as the primary: first the one that most of them name. Those that know of no failover yet name
/// another one than those that made it.
pub(super) async fn candidates(sentinels: &Sentinels, credentials: &Credentials) -> Result<Vec<Address>, ConnectError> {
    let mut asked: FuturesUnordered<_> = sentinels.addresses.iter().map(|at| ask(sentinels, credentials, at)).collect();
    let mut named: Vec<(Address, usize)> = Vec::new();
    let (mut refusals, mut unknown) = (Vec::new(), None);
    let mut until = Instant::now() + credentials.timeout() * 2;
    while let Ok(Some(answer)) = timeout_at(until, asked.next()).await {
        match answer {
            Ok(Said::Primary(address)) => {
                until = until.min(Instant::now() + LATER_ANSWERS);
                let place = named.iter().position(|(known, _)| *known == address).unwrap_or_else(|| {
                    named.push((address, 0));
                    named.len() - 1
                });
                named[place].1 += 1;
                if named[place].1 * 2 > sentinels.addresses.len() {
                    break;
                }
            }
            Ok(Said::Unknown { known }) => unknown = Some(known),
            Err(error) => refusals.push(error.to_string()),
        }
    }
    named.sort_by_key(|(_, times)| Reverse(*times));
    match (named.is_empty(), unknown) {
        (false, _) => Ok(named.into_iter().map(|(address, _)| address).collect()),
        (true, Some(known)) => Err(ConnectError::UnknownName { name: sentinels.name.clone(), known }),
        (true, None) => Err(ConnectError::NoSentinel { causes: refusals.join("; ") }),
    }
}

/// What one sentinel says.
enum Said {
    Primary(Address),
    /// It watches nothing of that name, but these.
    Unknown {
        known: String,
    },
}

async fn ask(sentinels: &Sentinels, credentials: &Credentials, at: &Address) -> Result<Said, ConnectError> {
    let mut connection = credentials.connect_to_sentinel(at, sentinels).await?;
    let failed = |error| causes::of_sentinel(&error, at, &sentinels.login);
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinels.name);
    let answer: Option<(String, u16)> = question.query_async(&mut connection).await.map_err(failed)?;
    match answer {
        Some((host, port)) => Ok(Said::Primary(Address { host, port })),
        None => Ok(Said::Unknown { known: known_names(&mut connection).await }),
    }
}

/// The names of what a sentinel watches, for a message.
async fn known_names(connection: &mut MultiplexedConnection) -> String {
    let Ok(masters) = cmd("SENTINEL").arg("MASTERS").query_async::<Vec<Vec<String>>>(connection).await else {
        return "they may not say what else there is".to_owned();
    };
    let name =
        |fields: &Vec<String>| fields.chunks(2).find(|pair| pair[0] == "name").map(|pair| format!("{:?}", pair[1]));
    let names: Vec<String> = masters.iter().filter_map(name).collect();
    if names.is_empty() { "nothing at all".to_owned() } else { names.join(", ") }
}

/// Refuses a server that is no primary, or not any more (Redis manual, "ROLE"). A user who may not ask is not kept from going on:
/// the first script on the connection looks again, in its own way.
pub(super) async fn check_role(connection: &mut MultiplexedConnection, at: &Address) -> Result<(), ConnectError> {
    let role = match cmd("ROLE").query_async::<Vec<Value>>(connection).await {
        Ok(parts) => parts.into_iter().next().and_then(|role| from_redis_value::<String>(role).ok()),
        Err(error) if error.code() == Some("NOPERM") => return Ok(()),
        Err(error) => return Err(causes::of(&error, at, &Login::default())),
    };
    match role.as_deref() {
        Some("master") => Ok(()),
        Some("slave") => Err(ConnectError::Replica { at: at.to_string() }),
        other => {
            let cause = format!("its role is {}", other.unwrap_or("unknown"));
            Err(ConnectError::Refused { at: at.to_string(), cause })
        }
    }
}
