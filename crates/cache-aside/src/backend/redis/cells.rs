//! Cells in Redis. What cannot be read, and what is in the way of a put or an invalidation, is removed: that is always safe.

use bytes::Bytes;
use deadpool_redis::redis::{Pipeline, Value, cmd};

use super::scripts::{self, By};
use super::{RedisCache, Shared, word};
use crate::cell::{Cell, Kind, ZeroPadded};
use crate::error::CacheError;
use crate::options::jittered_ms;
use crate::put::{Put, Token};
use crate::rules::PutResult;
use crate::timeline::Found;

impl RedisCache {
    /// One cell by itself. What cannot be read is removed.
    pub(super) async fn get_one(&self, id: &str) -> Result<Option<Found>, CacheError> {
        let key = self.shared.keys.cell(id);
        let mut get = cmd("GET");
        get.arg(&key);
        match self.run(async |mut connection| connection.send_packed_command(&get).await).await {
            Ok(Value::Nil) => Ok(None),
            Ok(Value::BulkString(bytes)) => match Cell::decode(Bytes::from(bytes)) {
                Some(cell) => Ok(Some(self.shared.timeline.criteria().found(id, cell))),
                None => Box::pin(self.remove_unreadable(id, &key)).await,
            },
            // In a box, so that hits carry no room for it.
            Err(error) if error.is_wrong_type() => Box::pin(self.remove_unreadable(id, &key)).await,
            Ok(_) => Err(CacheError::Layout(key)),
            Err(error) => Err(error),
        }
    }

    /// What cannot be read is removed, as if it had been evicted: it would be in the way of every fill.
    async fn remove_unreadable(&self, id: &str, key: &str) -> Result<Option<Found>, CacheError> {
        tracing::debug!(key, "what Redis holds here is no cell of this release: it is removed");
        self.remove(id).await.map(|()| None)
    }

    pub(crate) async fn put(&self, id: &str, token: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        let result = match self.try_put(id, token, put).await {
            Err(error) if error.is_mended_by_removal() => self.remove(id).await.map(|()| PutResult::Raised),
            result => result,
        };
        if let Ok(PutResult::Stored) = result {
            self.shared.refusals.accepted();
        }
        result
    }

    async fn try_put(&self, id: &str, token: Option<Token>, put: &Put) -> Result<PutResult, CacheError> {
        let Shared { keys, options, timeline, .. } = &*self.shared;
        let token = token.map_or_else(Default::default, |token| token.text().to_vec());
        let stage = keys.stage(id, std::str::from_utf8(&token).unwrap_or_default());
        let names = [&*keys.cell(id), &keys.lease(id), &stage];
        let dated = put.dated(timeline);
        let cell = dated.encode();
        let ttl_ms = put.ttl_ms.to_string();
        let tombstone_ms = jittered_ms(options.tombstone, 0.5).to_string();
        let version: [u8; 16] = put.cell.version.zero_padded();
        let floors_since: [u8; 14] = timeline.floors_since_ms(id, dated.filled_at_ms).zero_padded();
        let (kind, header_rest) = match put.cell.kind {
            Kind::Value => (&b"V"[..], &b""[..]),
            Kind::Absent | Kind::Tombstone => (&b"N"[..], &cell[18..]),
        };
        let args = [
            &*token,
            kind,
            &version,
            ttl_ms.as_bytes(),
            tombstone_ms.as_bytes(),
            keys.channel().as_bytes(),
            id.as_bytes(),
            header_rest,
            &floors_since,
            keys.control().as_bytes(),
        ];
        // Without a token nothing can be stored, so there is nothing to stage.
        if put.cell.kind != Kind::Value || token.is_empty() {
            return self.call(&scripts::PUT, &names, &args).await.and_then(put_result);
        }
        let mut staged = cmd("SET");
        staged.arg(&stage).arg(&cell).arg("PX").arg(&ttl_ms);
        self.change(async |mut connection| {
            let mut answer = Value::Nil;
            for by in [By::Digest, By::Text] {
                let mut both = Pipeline::with_capacity(2);
                both.add_command(staged.clone()).add_command(scripts::PUT.call(by, &names, &args));
                let mut answers = connection.send_packed_commands(&both, 0, 2).await?;
                answer = answers.pop().unwrap_or(Value::Nil);
                if !scripts::is_unknown(&answer) {
                    break;
                }
            }
            Ok(answer)
        })
        .await
        .and_then(put_result)
    }

    /// Raises the floor to `version`.
    pub(crate) async fn invalidate(&self, id: &str, version: u64) -> Result<(), CacheError> {
        let Shared { keys, options, timeline, .. } = &*self.shared;
        let (version, floors_since): ([u8; 16], [u8; 14]) =
            (version.zero_padded(), timeline.floors_now_ms(id).zero_padded());
        let tombstone_ms = jittered_ms(options.tombstone, 0.5).to_string();
        let args = [&version[..], tombstone_ms.as_bytes(), keys.channel().as_bytes(), id.as_bytes(), &floors_since[..]];
        match self.call(&scripts::INVALIDATE, &[&keys.cell(id), &keys.lease(id)], &args).await {
            Err(error) if error.is_mended_by_removal() => self.remove(id).await,
            done => done.map(drop),
        }
    }

    /// Removes the cell and the lease of the id.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), CacheError> {
        let keys = &self.shared.keys;
        let args = [keys.channel().as_bytes(), id.as_bytes(), keys.control().as_bytes()];
        self.call(&scripts::REMOVE, &[&keys.cell(id), &keys.lease(id)], &args).await.map(drop)
    }
}

fn put_result(answer: Value) -> Result<PutResult, CacheError> {
    match word(answer)?.as_str() {
        "stored" => Ok(PutResult::Stored),
        "raised" => Ok(PutResult::Raised),
        _ => Ok(PutResult::Refused),
    }
}
