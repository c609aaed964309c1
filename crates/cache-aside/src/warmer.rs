//! The warmer: an empty cache is filled with the ids that are read most, before anybody asks for them. One process at a time does
//! it, at a set rate, and by the reads that everybody makes: with a lease for each id, a bounded part of the store's turns, and a
//! put that a newer write overtakes. What it does twice does no harm.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::clock::now_ms;
use crate::engine::CacheAside;
use crate::error::with_causes;
use crate::events::EventKind;
use crate::lead::Lead;
use crate::outcome::{Outcome, ReadOptions};
use crate::put::Token;
use crate::source::Source;
use crate::warming::{HotIdStore, Warming};

/// How often it is looked whether the cache is another, and before what failed is tried again.
const LOOK: Duration = Duration::from_millis(250);
const AGAIN: Duration = Duration::from_secs(1);
/// Before the hottest ids are saved for the first time, and at most between two times: twice as long each time.
const SAVE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// How often what was counted is halved.
const FADE: Duration = Duration::from_secs(60);
/// Ids that are read at one time, at least and at most.
const BATCH: (usize, usize) = (8, 64);
/// How often a batch is tried of which the store gives nothing.
const ATTEMPTS: u32 = 30;

/// How a walk over the hottest ids ended.
#[derive(Debug, PartialEq, Eq)]
enum Walk {
    /// All of them were looked at.
    Done,
    /// It has to begin again: another process is at it, the cache does not answer, or it was emptied once more.
    Again,
}

/// What a walk has loaded, and since when.
struct Loaded {
    count: u64,
    since: Instant,
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ids were loaded in {:.1} s", self.count, self.since.elapsed().as_secs_f64())
    }
}

/// The warmer of one process.
pub(crate) struct Warmer<S: Source, K> {
    engine: CacheAside<S>,
    kept: K,
    warming: Warming,
    token: Token,
    /// The last list, first that which was kept when this process started; `None` until that is known.
    known: Option<Vec<String>>,
    /// When that is asked for again.
    ask_at: Instant,
    /// How long it is waited for that.
    pause: Duration,
    warned: bool,
}

impl<S: Source, K: HotIdStore> Warmer<S, K> {
    pub(crate) fn new(engine: CacheAside<S>, warming: Warming, kept: K) -> Self {
        let (token, ask_at) = (Token::random(), Instant::now());
        Self { engine, kept, warming, token, known: None, ask_at, pause: AGAIN, warned: false }
    }

    /// Fills the cache now, if it lacks something, and whenever it has lost all that it held.
    pub(crate) async fn run(mut self) {
        let (mut looks, mut emptied, mut due) = (interval(LOOK), 0, true);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = SAVE.0;
        let (mut save_at, mut fade_at) = (Instant::now() + pause, Instant::now() + FADE);
        let mut looked = Instant::now();
        loop {
            looks.tick().await;
            if looked.elapsed() >= LOOK {
                self.engine.counters.adapt_samples(looked.elapsed());
                looked = Instant::now();
            }
            due |= self.remember().await;
            let times = self.engine.shared.validity.times_emptied();
            due |= std::mem::replace(&mut emptied, times) != times;
            if due {
                match self.walk(times).await {
                    Walk::Done => due = false,
                    Walk::Again => sleep(AGAIN).await,
                }
            }
            if Instant::now() >= save_at {
                self.save().await;
                pause = SAVE.1.min(2 * pause);
                save_at = Instant::now() + pause;
            }
            if Instant::now() >= fade_at {
                self.engine.counters.hot().ids.fade();
                fade_at = Instant::now() + FADE;
            }
        }
    }

    /// Asks for what was kept, now and then until it is told; whether it was now.
    async fn remember(&mut self) -> bool {
        if self.known.is_some() || Instant::now() < self.ask_at {
            return false;
        }
        match self.kept.load().await {
            Ok(ids) => self.known = Some(ids),
            Err(error) => {
                self.ask_at = Instant::now() + self.pause;
                self.pause = SAVE.1.min(2 * self.pause);
                self.warn(
                    &error,
                    "which ids are read most cannot be read where that is kept: this process finds out by itself",
                );
            }
        }
        self.known.is_some()
    }

    /// Of processes that share a cache the one that follows the change stream saves, or each where none does.
    async fn save(&mut self) {
        if self.known.is_none() {
            // What was kept is not overwritten before it is known.
            return;
        }
        let ids = self.hottest();
        // What is counted fades; who was hot before a quiet night still is, behind those that are now.
        self.known = Some(ids.clone());
        let shared = &self.engine.shared;
        if ids.is_empty() || (shared.validity.expects_heartbeats() && !shared.leading.load(Ordering::Relaxed)) {
            return;
        }
        match self.kept.save(&ids).await {
            Ok(()) => self.warned = false,
            Err(error) => {
                self.warn(&error, "which ids are read most cannot be kept: processes that start will not know")
            }
        }
    }

    fn warn(&mut self, error: &dyn std::error::Error, what: &str) {
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(reason = with_causes(error), "{what}");
        }
    }

    /// The ids that are read most, by what was counted here and then by what was kept.
    fn hottest(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.engine.counters.hot().ids.hottest().into_iter().map(str::to_owned).collect();
        if let Some(known) = self.known.as_ref().filter(|_| ids.len() < self.warming.ids) {
            let counted: HashSet<&str> = ids.iter().map(String::as_str).collect();
            let more: Vec<_> = known.iter().filter(|id| !counted.contains(id.as_str())).cloned().collect();
            ids.extend(more);
            ids.truncate(self.warming.ids);
        }
        ids
    }

    /// Reads all of them, as long as this process has the lead.
    async fn walk(&mut self, emptied: u64) -> Walk {
        // A change stream that begins may invalidate everything, and what is loaded while it is silent is fresh for moments only.
        if !(self.engine.shared.validity.is_live(now_ms()) && self.engine.backend.are_fills_valid()) {
            return Walk::Again;
        }
        if !matches!(self.engine.backend.lead(Lead::Warming, self.token).await, Ok(true)) {
            return Walk::Again;
        }
        let ids = self.hottest();
        if ids.is_empty() {
            let _ = self.engine.backend.release_lead(Lead::Warming, self.token).await;
            return Walk::Done;
        }
        let progress = &self.engine.shared.warming;
        progress.of.store(ids.len() as u64, Ordering::Relaxed);
        progress.done.store(0, Ordering::Relaxed);
        progress.running.store(true, Ordering::Relaxed);
        let (walk, gone) = self.read_all(&ids, emptied).await;
        self.engine.shared.warming.running.store(false, Ordering::Relaxed);
        for id in gone {
            self.engine.counters.hot().ids.forget(&id);
            self.known.iter_mut().for_each(|known| known.retain(|known| *known != id));
        }
        let _ = self.engine.backend.release_lead(Lead::Warming, self.token).await;
        walk
    }

    /// How it ended, and the ids under which there is nothing any more.
    async fn read_all(&self, ids: &[String], emptied: u64) -> (Walk, Vec<String>) {
        let shared = &self.engine.shared;
        let (mut loaded, mut gone) = (Loaded { count: 0, since: Instant::now() }, Vec::new());
        let mut next = Instant::now();
        for batch in ids.chunks(shared.source.max_batch().clamp(BATCH.0, BATCH.1)) {
            sleep_until(next).await;
            next = next.max(Instant::now());
            let Some(found) = self.read(batch, emptied).await else { return (Walk::Again, gone) };
            gone.extend(found.gone);
            if found.loaded > 0 {
                if loaded.count == 0 {
                    tracing::info!("the cache is empty: up to {} of the ids that are read most are loaded", ids.len());
                    shared.validity.events().note(EventKind::WarmingBegan, "");
                }
                loaded.count += found.loaded;
            }
            next += Duration::from_secs(found.loaded + found.refreshed) / self.warming.rate;
            shared.warming.loaded.fetch_add(found.loaded, Ordering::Relaxed);
            shared.warming.done.fetch_add(batch.len() as u64, Ordering::Relaxed);
        }
        if loaded.count > 0 {
            tracing::info!("the cache is warm: {loaded}");
            shared.validity.events().note(EventKind::WarmingEnded, loaded.to_string());
        }
        (Walk::Done, gone)
    }

    /// Reads some ids as a client would. `None`: begin again.
    async fn read(&self, batch: &[String], emptied: u64) -> Option<Batch> {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        for _ in 0..ATTEMPTS {
            let lead = self.engine.backend.lead(Lead::Warming, self.token).await;
            if !matches!(lead, Ok(true)) || self.engine.shared.validity.times_emptied() != emptied {
                return None;
            }
            let answers = self.engine.read_many_shared(&batch, ReadOptions::default()).await;
            if answers.iter().all(Result::is_err) {
                sleep(AGAIN).await;
                continue;
            }
            let mut found = Batch::default();
            for (id, answer) in batch.iter().zip(answers) {
                let Ok(answer) = answer else { continue };
                match answer.outcome {
                    Outcome::Bypass => return None,
                    Outcome::Miss => found.loaded += 1,
                    // Behind the answer, and a load as well.
                    Outcome::Stale => found.refreshed += 1,
                    Outcome::Hit | Outcome::Absent => {}
                }
                if answer.entry.is_none() {
                    found.gone.push((*id).to_owned());
                }
            }
            return Some(found);
        }
        None
    }
}

/// What a batch has brought.
#[derive(Default)]
struct Batch {
    loaded: u64,
    refreshed: u64,
    gone: Vec<String>,
}
