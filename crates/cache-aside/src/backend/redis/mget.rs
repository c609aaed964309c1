//! Many cells in one round trip.

use std::sync::Arc;

use bytes::Bytes;
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Pipeline, RedisResult, Value, cmd};

use super::RedisCache;
use super::keys::Keys;
use crate::cell::Cell;
use crate::error::CacheError;
use crate::timeline::{Criteria, Found};

/// What Redis says of one key. Everything else is so for all, unless others are answered in the same round trip: a slot that
/// nobody serves, a key that the user may not read.
const OF_ONE_KEY: [&str; 4] = ["WRONGTYPE", "MOVED", "ASK", "TRYAGAIN"];

impl RedisCache {
    /// The cells of all ids by one `MGET`. A cell of another layout is none.
    pub(crate) async fn get_many(&self, ids: &[&str]) -> Result<Vec<Option<Found>>, CacheError> {
        let (mut mget, mut key, keys) = (cmd("MGET"), String::new(), &self.shared.keys);
        for id in ids {
            key.clear();
            keys.push_cell(&mut key, id);
            mget.arg(&key);
        }
        let answers = self
            .run(async |mut connection| match connection.send_packed_command(&mget).await {
                // A server in cluster mode takes keys of one slot only: then as many `GET`s, still in one round trip.
                Err(error) if error.code() == Some("CROSSSLOT") => get_each(connection, keys, ids).await,
                Ok(Value::ServerError(error)) if error.code() == "CROSSSLOT" => get_each(connection, keys, ids).await,
                answer => answer,
            })
            .await?;
        match answers {
            Value::Array(answers) if answers.len() == ids.len() => {
                let criteria = self.shared.timeline.criteria();
                Ok(ids.iter().zip(answers).map(|(id, answer)| found(&criteria, id, answer)).collect())
            }
            _ => Err(CacheError::Layout(ids.join(" "))),
        }
    }
}

impl RedisCache {
    /// The cells of all ids by one `GET` each, in one round trip; an error for those that another server of the cluster has, or that
    /// are of another type.
    pub(crate) async fn get_each(&self, ids: &[&str]) -> Result<Vec<Result<Option<Found>, CacheError>>, CacheError> {
        let (keys, mut elsewhere) = (&self.shared.keys, Vec::new());
        let answers = self
            .run(async |connection| {
                let mut answers = get_each(connection, keys, ids).await?;
                if let Value::Array(answers) = &mut answers {
                    let is_some_answered = answers.iter().any(|answer| !matches!(answer, Value::ServerError(_)));
                    for (at, answer) in answers.iter_mut().enumerate() {
                        if let Value::ServerError(error) = answer {
                            let is_of_key = is_some_answered || OF_ONE_KEY.contains(&error.code());
                            let answer = std::mem::replace(answer, Value::Nil);
                            if !is_of_key {
                                return answer.extract_error();
                            }
                            elsewhere.push((at, answer));
                        }
                    }
                }
                Ok(answers)
            })
            .await?;
        let Value::Array(answers) = answers else { return Err(CacheError::Layout(ids.join(" "))) };
        let criteria = self.shared.timeline.criteria();
        let mut found: Vec<_> = ids.iter().zip(answers).map(|(id, answer)| Ok(found(&criteria, id, answer))).collect();
        for (at, answer) in elsewhere {
            if let Err(error) = answer.extract_error() {
                found[at] = Err(CacheError::Redis(Arc::new(error)));
            }
        }
        Ok(found)
    }
}

fn found(criteria: &Criteria, id: &str, answer: Value) -> Option<Found> {
    match answer {
        Value::BulkString(bytes) => Some(criteria.found(id, Cell::decode(Bytes::from(bytes))?)),
        _ => None,
    }
}

async fn get_each(mut connection: MultiplexedConnection, keys: &Keys, ids: &[&str]) -> RedisResult<Value> {
    let mut gets = Pipeline::with_capacity(ids.len());
    for id in ids {
        gets.cmd("GET").arg(keys.cell(id));
    }
    connection.send_packed_commands(&gets, 0, ids.len()).await.map(Value::Array)
}
