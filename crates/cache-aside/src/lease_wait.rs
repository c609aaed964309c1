//! Waiting for a lease: as long as it may take, since what another process fills is this read's own fill. Who waits is woken, and
//! looks by itself in case nobody told.

use std::time::Duration;

use tokio::time::Instant;

use crate::cell::Seen;
use crate::counters::Counter;
use crate::engine::CacheAside;
use crate::freshness::Freshness;
use crate::outcome::{Answer, ReadOptions};
use crate::put::Token;
use crate::rules::LeaseResult;
use crate::source::Source;
use crate::trace::{self, Step};

/// The pause between two looks at a lease in case its end was not announced: the first, doubled each time up to the last.
const POLLS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// What became of an attempt to get the right to fill.
pub(crate) enum Attempt {
    /// The caller has it, under this token.
    Ours(Token),
    /// Another reader fills, for so long at most.
    Held { left: Duration },
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
    /// Makes one attempt to get the right to fill.
    pub(crate) async fn acquire_lease(&self, id: &str, seen: Seen) -> Attempt {
        let token = Token::random();
        let step = trace::begin(Step::Lease);
        let result = self.backend.try_lease(id, token, seen).await;
        step.failure_of(&result);
        step.result_of(&result, |result| match result {
            LeaseResult::Taken => "taken",
            LeaseResult::Held { .. } => "held",
            LeaseResult::Filled => "filled",
        });
        drop(step);
        self.counters.lease(&result);
        match result {
            Ok(LeaseResult::Taken) => Attempt::Ours(token),
            Ok(LeaseResult::Held { left_ms }) => Attempt::Held { left: Duration::from_millis(left_ms) },
            Ok(LeaseResult::Filled) => Attempt::Filled,
            Err(_) => Attempt::Unreachable,
        }
    }

    /// Waits until the lease is free or the cell answers; not where writers overtake every fill, since what another process
    /// brings is of no use then.
    pub(crate) async fn wait_for_lease(&self, id: &str, how: &ReadOptions, attempt: Attempt) -> Turn {
        let step = trace::begin(Step::LeaseWait);
        let turn = step.around(self.wait_for_turn(id, how, attempt)).await;
        step.result(|| match turn {
            Turn::Ours(_) => "taken",
            Turn::Answered(_) => "answered",
            Turn::PastLease => "past_lease",
        });
        turn
    }

    async fn wait_for_turn(&self, id: &str, how: &ReadOptions, mut attempt: Attempt) -> Turn {
        // Who wants the store to be asked is not answered by the cell.
        if how.refetch {
            return Turn::PastLease;
        }
        let patience = self.options().lease_wait.unwrap_or(self.options().lease);
        let (began, mut poll, mut waiting, mut woken) = (Instant::now(), POLLS.0, None, false);
        let contention = &self.shared.flights.contention;
        loop {
            let rest = patience.saturating_sub(began.elapsed());
            match (attempt, &mut waiting) {
                (Attempt::Ours(token), _) => return Turn::Ours(token),
                (Attempt::Unreachable, _) => return Turn::PastLease,
                (Attempt::Held { .. } | Attempt::Filled, _) if rest.is_zero() => return Turn::PastLease,
                (Attempt::Filled, _) => {}
                // A fill ended, the cell does not answer, and another fill has begun: the one before stored nothing, and those of
                // other processes may come first every time.
                (Attempt::Held { .. }, _) if woken || contention.is_contended(id, Instant::now()) => {
                    return Turn::PastLease;
                }
                // What ended before it entered was not announced to it: it looks once more before it waits.
                (Attempt::Held { .. }, None) => {
                    self.counters.add(Counter::LeaseWait);
                    waiting = self.backend.wait(id);
                }
                (Attempt::Held { left }, Some(waiting)) => {
                    woken = waiting.pause(poll.min(rest).min(left)).await;
                    poll = (poll * 2).min(POLLS.1);
                }
            }
            let (freshness, seen) = self.lookup(id, how).await;
            if let Freshness::Fresh(answer) | Freshness::RefreshDue(answer) = freshness {
                return Turn::Answered(answer);
            }
            attempt = self.acquire_lease(id, seen).await;
        }
    }
}
