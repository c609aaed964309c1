//! Many cells in one round trip.

use bytes::Bytes;
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Pipeline, RedisResult, Value, cmd};

use super::RedisCache;
use super::keys::Keys;
use crate::cell::Cell;
use crate::error::CacheError;

impl RedisCache {
    /// The cells of all ids by one `MGET`. A cell of another layout is none.
    pub(crate) async fn get_many(&self, ids: &[&str]) -> Result<Vec<Option<Cell>>, CacheError> {
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
            Value::Array(answers) if answers.len() == ids.len() => Ok(answers.into_iter().map(cell).collect()),
            _ => Err(CacheError::Layout(ids.join(" "))),
        }
    }
}

async fn get_each(mut connection: MultiplexedConnection, keys: &Keys, ids: &[&str]) -> RedisResult<Value> {
    let mut gets = Pipeline::with_capacity(ids.len());
    for id in ids {
        gets.cmd("GET").arg(keys.cell(id));
    }
    connection.send_packed_commands(&gets, 0, ids.len()).await.map(Value::Array)
}

fn cell(answer: Value) -> Option<Cell> {
    match answer {
        Value::BulkString(bytes) => Cell::decode(Bytes::from(bytes)),
        _ => None,
    }
}
