//! What the flags say, as the engine and the store take it.

use std::time::Duration;

use cache_aside::{Options, Warming, WritePolicy};
use todo_store::StoreOptions;

use crate::settings::{Settings, WritePolicyFlag};

impl Settings {
    pub(crate) fn engine_options(&self) -> Options {
        let mut options = Options::default();
        options.fresh = self.fresh;
        options.fresh_live = self.fresh_live.unwrap_or(options.fresh_live.max(self.fresh));
        options.stale_if_error = self.keep;
        options.absent = self.absent;
        options.load_timeout = self.store_timeout;
        options.load_soft_timeout = self.store_soft_timeout;
        // The right to fill must outlast the slowest fill.
        options.lease = self.store_queue + self.store_timeout + Duration::from_millis(500);
        options.redis_timeout = self.redis_timeout;
        options.publish_timeout = self.publish_timeout;
        options.write_policy = match self.write_policy {
            WritePolicyFlag::Through => WritePolicy::Through,
            WritePolicyFlag::Invalidate => WritePolicy::Invalidate,
            WritePolicyFlag::None => WritePolicy::None,
        };
        options.store_concurrency = self.store_concurrency;
        options.store_queue = self.store_queue;
        options.l1_max_bytes = self.l1_max_bytes;
        options.memory_max_bytes = self.cache_max_bytes;
        options
    }

    /// How an empty cache is filled; `None` if it is left to those who read.
    pub(crate) fn warming(&self) -> Option<Warming> {
        let mut warming = Warming::default();
        (warming.ids, warming.rate) = (self.warm_ids, self.warm_rate);
        (self.warm_ids > 0 && self.warm_rate > 0).then_some(warming)
    }

    pub(crate) fn store_options(&self) -> StoreOptions {
        StoreOptions {
            database: self.database.clone(),
            password_file: self.store_password_file.clone(),
            collection: self.collection.clone(),
            concurrency: Some(self.store_concurrency),
            timeout: self.store_timeout,
            ..StoreOptions::default()
        }
    }
}
