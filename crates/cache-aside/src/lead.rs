//! `Lead`: what one process at a time does for all that share a cache.

use std::time::Duration;

use crate::options::Options;

/// What is led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lead {
    /// Following the change stream.
    ChangeStream,
    /// Filling an empty cache with the hottest ids.
    Warming,
}

impl Lead {
    /// How long it lasts when it is not renewed.
    pub(crate) fn lasts(self, options: &Options) -> Duration {
        match self {
            Self::ChangeStream => options.lead,
            // It is renewed before each batch, and one may take as long as a load may.
            Self::Warming => 2 * options.load_timeout + options.store_queue,
        }
    }
}
