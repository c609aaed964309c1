//! `Viewer`: one stream of pictures, as server-sent events (WHATWG HTML, "Server-sent events"). Who is slow to take them misses
//! some; nothing waits for anybody.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::watch;

use super::Live;
use crate::drain::Drain;

/// How long a browser waits before it connects again, in milliseconds; sent at once, so that it knows the stream is there.
const FIRST: &[u8] = b"retry: 2000\n\n";

/// Somebody who looks.
pub struct Viewer {
    live: Live,
    pictures: watch::Receiver<Bytes>,
    drain: Arc<Drain>,
    has_begun: bool,
}

impl Viewer {
    pub(super) fn new(live: Live) -> Self {
        let (pictures, drain) = (live.0.pictures.subscribe(), Arc::clone(&live.0.metrics.drain));
        Self { live, pictures, drain, has_begun: false }
    }

    /// What is to be sent next: the newest picture. `None` when the process is about to end.
    pub async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Some(Bytes::from_static(FIRST));
        }
        tokio::select! {
            () = self.drain.begun() => None,
            changed = self.pictures.changed() => changed.is_ok().then(|| self.pictures.borrow_and_update().clone()),
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.live.0.viewers.fetch_sub(1, Ordering::AcqRel);
    }
}
