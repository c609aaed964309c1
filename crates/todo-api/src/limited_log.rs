//! `Limited`: what happens often is logged now and then, with a count.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The permits of one kind of log line.
#[derive(Debug)]
pub struct Limited {
    every: Duration,
    /// Milliseconds since the start of the process at which the next line is due.
    due_ms: AtomicU64,
    unlogged: AtomicU64,
}

impl Limited {
    /// At most one line in this time.
    pub const fn every(every: Duration) -> Self {
        Self { every, due_ms: AtomicU64::new(0), unlogged: AtomicU64::new(0) }
    }

    /// Counts an occurrence; how many there were since the last line, this one included, if a line is due.
    pub fn permit(&self) -> Option<u64> {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let count = self.unlogged.fetch_add(1, Ordering::Relaxed);
        let (now, due) = (START.elapsed().as_millis() as u64, self.due_ms.load(Ordering::Relaxed));
        let next = now + self.every.as_millis() as u64;
        if now < due || self.due_ms.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return None;
        }
        self.unlogged.fetch_sub(count + 1, Ordering::Relaxed);
        Some(count + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_logged_and_the_rest_counted() {
        let limited = Limited::every(Duration::from_secs(3_600));
        assert_eq!(limited.permit(), Some(1));
        assert_eq!([limited.permit(), limited.permit()], [None, None]);
        limited.due_ms.store(0, Ordering::Relaxed);
        assert_eq!(limited.permit(), Some(3));
    }
}
