//! Waiting for a lease: behind a fill as long as it may take, since that is this read's own fill in another process; behind a
//! writer only shortly. Who waits is woken, and looks by itself in case nobody told.

use std::time::{Duration, Instant};

use crate::cell::Seen;
use crate::counters::Counter;
use crate::engine::CacheAside;
use crate::freshness::Freshness;
use crate::options::Options;
use crate::outcome::{Answer, ReadOptions};
use crate::put::Token;
use crate::rules::{Holder, LeaseResult};
use crate::source::Source;

/// How long a read waits at most for a writer who is at work. What the change stream tells of a write may come a little before its
/// publish; whoever waited longer would be slower than without a cache.
const WRITER_PATIENCE: Duration = Duration::from_millis(5);
/// The pause between two looks at a lease in case its end was not announced: the first, doubled each time up to the last.
const POLLS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));
/// What became of an attempt to get the right to fill.
pub(crate) enum Attempt {
    /// The caller has it, under this token.
    Ours(Token),
    /// Somebody else is at work.
    Held { by: Holder, left: Duration },
    /// The cell was filled meanwhile.
    Filled,
    /// The cache does not answer.
    Unreachable,
}

/// What came of waiting for a lease.
pub(crate) enum Turn {
    /// The lease became free, and is the caller's under this token.
    Ours(Token),
    /// The cell answers.
    Answered(Answer),
    /// It is not worth waiting for.
    PastLease,
}

impl<S: Source> CacheAside<S> {
    /// One attempt.
    pub(crate) async fn acquire_lease(&self, id: &str, seen: Seen) -> Attempt {
        let token = Token::random();
        let result = self.backend.try_lease(id, token, seen).await;
        self.counters.lease(&result);
        match result {
            Ok(LeaseResult::Taken) => Attempt::Ours(token),
            Ok(LeaseResult::Held { by, left_ms }) => Attempt::Held { by, left: Duration::from_millis(left_ms) },
            Ok(LeaseResult::Filled) => Attempt::Filled,
            Err(_) => Attempt::Unreachable,
        }
    }

    /// Waits until the lease is free or the cell answers, for as long as it makes sense.
    pub(crate) async fn wait_for_lease(&self, id: &str, how: &ReadOptions, mut attempt: Attempt) -> Turn {
        // Who wants the store to be asked is not answered by the cell.
        if how.refetch {
            return Turn::PastLease;
        }
        let (began, mut poll, mut waiting) = (Instant::now(), POLLS.0, None);
        loop {
            match attempt {
                Attempt::Ours(token) => return Turn::Ours(token),
                Attempt::Unreachable => return Turn::PastLease,
                Attempt::Filled if began.elapsed() > self.options().lease => return Turn::PastLease,
                Attempt::Filled => {}
                Attempt::Held { by, left } => {
                    let patience = self.patience(by, left, began.elapsed());
                    match &mut waiting {
                        _ if patience.is_zero() => return Turn::PastLease,
                        // What ended before it entered was not announced to it: it looks once more before it waits.
                        None => {
                            self.counters.add(Counter::LeaseWait);
                            waiting = self.backend.wait(id);
                        }
                        Some(waiting) => {
                            waiting.pause(poll.min(patience).min(left)).await;
                            poll = (poll * 2).min(POLLS.1);
                        }
                    }
                }
            }
            let (freshness, seen) = self.lookup(id, how).await;
            if let Freshness::Fresh(answer) | Freshness::RefreshDue(answer) = freshness {
                return Turn::Answered(answer);
            }
            attempt = self.acquire_lease(id, seen).await;
        }
    }

    /// How much longer a read that has waited for so long waits behind who is at work. A fill in another process is this read's
    /// own fill. A writer who has been at it for long may be gone: nobody waits for it again.
    fn patience(&self, by: Holder, left: Duration, waited: Duration) -> Duration {
        let Options { lease, lease_wait, .. } = *self.options();
        match by {
            Holder::Filler => lease_wait.unwrap_or(lease).saturating_sub(waited),
            Holder::Writer => WRITER_PATIENCE.saturating_sub(waited.max(lease.saturating_sub(left))),
        }
    }
}
