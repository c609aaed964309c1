//! `Waiters`: reads that wait until nobody else is at work on their id any more. They are woken when that is announced, and look
//! again by themselves in case it was not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Who waits in this process. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiters(Arc<Mutex<HashMap<Box<str>, watch::Sender<()>>>>);

/// A read that waits; it leaves when it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    waiters: Waiters,
    id: Box<str>,
    woken: watch::Receiver<()>,
}

impl Waiters {
    /// Whatever is announced from now on wakes.
    pub(crate) fn enter(&self, id: &str) -> Waiting {
        let woken = self.lock().entry(id.into()).or_insert_with(|| watch::Sender::new(())).subscribe();
        Waiting { waiters: self.clone(), id: id.into(), woken }
    }

    pub(crate) fn wake(&self, id: &str) {
        if let Some(sender) = self.lock().get(id) {
            sender.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, watch::Sender<()>>> {
        // Insertions and removals are single statements: a panic elsewhere leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Returns when it was woken since the last time, and then `true`, or when the pause is over.
    pub(crate) async fn pause(&mut self, pause: Duration) -> bool {
        matches!(tokio::time::timeout(pause, self.woken.changed()).await, Ok(Ok(())))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiters = self.waiters.lock();
        // This one still counts.
        if waiters.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            waiters.remove(&self.id);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_entered_is_woken_also_if_it_pauses_later_and_leaves_nothing_behind() {
        let (waiters, long) = (Waiters::default(), Duration::from_secs(600));
        let (mut one, mut two) = (waiters.enter("1"), waiters.enter("1"));
        waiters.wake("2");
        waiters.wake("1");
        assert!(one.pause(long).await && two.pause(long).await);
        assert!(!one.pause(Duration::ZERO).await);
        assert!(!one.woken.has_changed().unwrap(), "once each time");
        drop(one);
        assert_eq!(waiters.lock().len(), 1);
        drop(two);
        assert!(waiters.lock().is_empty());
    }
}
