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
    next: Next,
}

/// What is to be sent next.
enum Next {
    Greeting,
    Past,
    Picture,
}

impl Viewer {
    pub(super) fn new(live: Live) -> Self {
        let (pictures, drain) = (live.0.pictures.subscribe(), Arc::clone(&live.0.metrics.drain));
        Self { live, pictures, drain, next: Next::Greeting }
    }

    /// What is to be sent next: after what was before, the newest picture. `None` when the process is about to end.
    pub async fn next(&mut self) -> Option<Bytes> {
        match self.next {
            Next::Greeting => {
                self.next = Next::Past;
                return Some(Bytes::from_static(FIRST));
            }
            Next::Past => {
                self.next = Next::Picture;
                return Some(self.live.past());
            }
            Next::Picture => {}
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
