//! Removing an id whose slot is on its way to another server: key by key, wherever each is.

use deadpool_redis::redis::{Pipeline, Value, cmd};

use super::super::RedisCache;
use super::{ClusterCache, ask_at};
use crate::error::CacheError;
use crate::slot::Slot;

impl ClusterCache {
    /// Removes the lease first: whoever was at work until then stores nothing any more, and whoever begins after it reads what is
    /// in the store now. Each of both may be lost at any time without harm.
    pub(super) async fn remove_apart(&self, id: &str) -> Result<(), CacheError> {
        let keys = &self.shared.keys;
        for key in [keys.lease(id), keys.cell(id)] {
            self.delete(Slot::of_id(id), &key).await?;
        }
        self.at(Slot::of_id(id), |at| async move { at.cache.announce_removal(id).await }).await
    }

    async fn delete(&self, slot: Slot, key: &str) -> Result<(), CacheError> {
        let deleted = self.at(slot, |at| async move { at.cache.delete(key, false).await }).await;
        let Err(error) = deleted else { return Ok(()) };
        let target = ask_at(&error).and_then(|address| self.shared.nodes.at(address, None));
        let Some(target) = target else { return Err(error) };
        self.worker(&target).delete(key, true).await
    }
}

impl RedisCache {
    /// Deletes a key, also from a slot that is `coming` here and not served here yet (Redis manual, "ASKING").
    async fn delete(&self, key: &str, coming: bool) -> Result<(), CacheError> {
        let mut delete = cmd("DEL");
        delete.arg(key);
        if !coming {
            return self.change(async |mut connection| connection.send_packed_command(&delete).await).await.map(drop);
        }
        let mut both = Pipeline::with_capacity(2);
        both.add_command(cmd("ASKING")).add_command(delete);
        let answers = self
            .change(async |mut connection| connection.send_packed_commands(&both, 0, 2).await.map(Value::Array))
            .await?;
        drop(answers);
        Ok(())
    }

    /// As `remove.lua` does, which wakes only if somebody waits.
    async fn announce_removal(&self, id: &str) -> Result<(), CacheError> {
        let keys = &self.shared.keys;
        let mut both = Pipeline::with_capacity(2);
        both.cmd("PUBLISH").arg(keys.channel()).arg(format!("D0000000000000000{id}"));
        both.cmd("PUBLISH").arg(keys.control()).arg(format!("W{id}"));
        let sent = self
            .run(async |mut connection| {
                // One that is not allowed undoes nothing.
                connection.send_packed_commands(&both, 0, 2).await.map(|_| Value::Okay)
            })
            .await?;
        drop(sent);
        Ok(())
    }
}
