//! What users ask for, and when they stop. All users share it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::keys::{Ids, KeySource};
use crate::options::Options;
use crate::request::Ask;
use crate::schedule::Schedule;

/// Ids that do not exist are drawn from so many.
const MISSING_IDS: u32 = 1_000_000;

/// When a request is to be sent.
pub(crate) enum Due {
    /// As soon as somebody can.
    Now,
    /// At this moment.
    At(Instant),
    /// Not at all: no more are due in this run.
    Never,
}

/// What users ask for, and when they stop.
pub(crate) struct Plan {
    keys: KeySource,
    missing: f64,
    write: f64,
    seed: Option<u64>,
    /// Makes new ids of this run different from those of others.
    run: u64,
    created: AtomicU64,
    run_time: Option<Duration>,
    /// When requests are due, if they become so by themselves.
    schedule: Option<Schedule>,
    /// Requests that somebody sends, or waits to send until they are due.
    taken: AtomicU64,
    /// Requests that may still be sent; None if their number is not limited.
    left: Option<AtomicU64>,
    /// When the first request was sent.
    began: OnceLock<Instant>,
    /// Whether a signal ended the run before its time.
    interrupted: AtomicBool,
}

impl Plan {
    pub(crate) fn new(options: &Options, ids: &Ids) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            keys: KeySource::new(ids, options.keys),
            missing: options.missing,
            write: options.write,
            seed: options.seed,
            run: since.as_micros() as u64,
            created: AtomicU64::new(0),
            run_time: options.time_limit(),
            schedule: options.schedule(),
            taken: AtomicU64::new(0),
            left: options.requests.map(|requests| AtomicU64::new(requests as u64)),
            began: OnceLock::new(),
            interrupted: AtomicBool::new(false),
        }
    }

    /// Whether one more request may be sent; it then has to be. The first call starts the clock.
    pub(crate) fn takes_one(&self) -> bool {
        self.began();
        !self.is_stopped() && self.left.as_ref().is_none_or(takes_one_of)
    }

    /// When the next request is due.
    pub(crate) fn next_due(&self) -> Due {
        let Some(schedule) = &self.schedule else { return Due::Now };
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        schedule.due_after(number).map_or(Due::Never, |after| Due::At(self.began() + after))
    }

    /// How many requests became due within so long, the first at once.
    pub(crate) fn due_within(&self, time: Duration, most: Option<usize>) -> Option<u64> {
        let due = self.schedule.as_ref()?.due_within(time);
        Some(due.min(most.map_or(u64::MAX, |most| most as u64)))
    }

    /// Whether no request is sent any more: the time is up, or a signal came. That all are sent is another matter: those
    /// have their own time.
    pub(crate) fn is_stopped(&self) -> bool {
        self.interrupted() || self.time_is_up()
    }

    /// Ends the run, unless it has just ended by itself.
    pub(crate) fn interrupt(&self) {
        // What waits until it is due is not sent.
        let all_taken = self.left.as_ref().is_some_and(|left| left.load(Ordering::Acquire) == 0);
        let all_sent = all_taken && self.schedule.is_none();
        if !all_sent && !self.time_is_up() {
            self.interrupted.store(true, Ordering::Release);
        }
    }

    /// Whether the run was ended before its time or number of requests was used up.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }

    fn time_is_up(&self) -> bool {
        let began = self.began.get();
        began.zip(self.run_time).is_some_and(|(began, limit)| began.elapsed() >= limit)
    }

    /// When the first request was sent; now, if none was.
    pub(crate) fn began(&self) -> Instant {
        *self.began.get_or_init(Instant::now)
    }

    /// When the first request was sent, if one was.
    pub(crate) fn has_begun(&self) -> Option<Instant> {
        self.began.get().copied()
    }

    /// The random numbers of one user: with a seed, the same in each run.
    pub(crate) fn rng(&self, user: usize) -> SmallRng {
        match self.seed {
            Some(seed) => SmallRng::seed_from_u64(seed.wrapping_add((user as u64) << 32)),
            None => SmallRng::from_rng(&mut rand::rng()),
        }
    }

    pub(crate) fn ask(&self, rng: &mut SmallRng) -> Ask {
        let dice: f64 = rng.random();
        if dice < self.write {
            let number = self.created.fetch_add(1, Ordering::Relaxed);
            Ask::Create(format!("loadgen-{}-{number}", self.run))
        } else if dice < self.write + self.missing {
            Ask::Missing(rng.random_range(0..MISSING_IDS))
        } else {
            Ask::Existing(self.keys.draw(rng))
        }
    }
}

fn takes_one_of(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok()
}
