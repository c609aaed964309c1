//! The read path, from top to bottom in the order it happens.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::cache::{Cache, Put, Token};
use crate::cell::{Cell, Kind, MAX_VERSION};
use crate::engine::CacheAside;
use crate::error::ReadError;
use crate::flight::{Boarding, Leader};
use crate::options::{Options, jittered_ms};
use crate::outcome::{Answer, Detail, Entry, Outcome};
use crate::rules::PutResult;
use crate::source::{Loaded, Source};

/// Waits between looks at a cell that somebody else is filling.
const POLLS: [Duration; 4] =
    [Duration::from_millis(10), Duration::from_millis(20), Duration::from_millis(40), Duration::from_millis(80)];
/// How often a request joins flights whose result it may not take, before it reads the store by itself.
const ROUNDS: usize = 3;

/// What the reader asks for besides the id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Read the store whatever the cache holds, and fill the cache (HTTP `Cache-Control: no-cache`).
    pub refetch: bool,
    /// Do not read the store ([`ReadError::NotCached`] if the cache has no answer; HTTP `only-if-cached`).
    pub only_if_cached: bool,
    /// The answer must be of this version or above ([`ReadError::TooOld`]); 0 asks for nothing.
    pub min_version: u64,
}

/// What a flight ends with.
#[derive(Debug, Clone)]
pub(crate) struct Landed<E: std::fmt::Debug> {
    answer: Result<Answer, ReadError<E>>,
    /// Whether it is right for everybody who boarded: no writer came between the read of the store and the put.
    shareable: bool,
}

/// What a look at the cache gave.
enum Look {
    /// The answer.
    Answer(Answer),
    /// The answer, and it is time for a new one.
    Due(Answer),
    /// No answer; perhaps an old value to fall back on.
    Nothing(Option<Answer>),
}

impl<S: Source> CacheAside<S> {
    /// Answers from the cache, or else from the store, and then the cache is filled.
    ///
    /// # Errors
    /// See [`ReadError`]. A cache that fails is no error: the outcome is [`Outcome::Bypass`].
    pub async fn read(&self, id: &str, how: ReadOptions) -> Result<Answer, ReadError<S::Error>> {
        let mut fallback = None;
        for _ in 0..ROUNDS {
            match self.look(id, &how).await {
                Look::Answer(answer) => return Ok(answer),
                Look::Due(answer) => {
                    self.refresh_in_background(id);
                    return Ok(answer);
                }
                Look::Nothing(_) if how.only_if_cached => return Err(ReadError::NotCached),
                Look::Nothing(old) => fallback = old.or(fallback),
            }
            if let Some(answer) = self.fill_or_join(id, how).await {
                return or_stale(new_enough(answer, &how), fallback);
            }
        }
        or_stale(new_enough(self.load_and_put(id, None, || {}).await.answer, &how), fallback)
    }

    /// One `GET`.
    async fn look(&self, id: &str, how: &ReadOptions) -> Look {
        if how.refetch {
            return Look::Nothing(None);
        }
        // A cache that fails is not a miss: the fill finds out, and answers as a bypass.
        let Ok(Some(cell)) = self.cache.get(id).await else { return Look::Nothing(None) };
        if cell.version < how.min_version || self.shared.repair.suspects(id) {
            return Look::Nothing(None);
        }
        judge(cell, now_ms(), self.options())
    }

    /// One fill per id: the first to come leads, the others wait. `None`: look again.
    async fn fill_or_join(&self, id: &str, how: ReadOptions) -> Option<Result<Answer, ReadError<S::Error>>> {
        if let Cache::Off = self.cache {
            return Some(self.load_past_cache(id, Detail::CacheOff).await);
        }
        match self.shared.flights.board(id) {
            Boarding::Lead(leader) => Some(self.lead(leader, id, how).await),
            Boarding::Join(joined) => {
                let landed = joined.landed().await?;
                landed.shareable.then(|| landed.answer.map(collapsed))
            }
            Boarding::Late(joined) => {
                joined.landed().await;
                None
            }
        }
    }

    /// In a task of its own: a client that goes away must not take the fill away from those who wait for it.
    async fn lead(
        &self,
        leader: Leader<Landed<S::Error>>,
        id: &str,
        how: ReadOptions,
    ) -> Result<Answer, ReadError<S::Error>> {
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        let fill = tokio::spawn(async move {
            let landed = this.fill(&leader, &id, how).await;
            leader.land(landed.clone());
            landed.answer
        });
        fill.await.unwrap_or(Err(ReadError::Abandoned))
    }

    /// Takes the lease, reads the store, puts. Who does not get the lease waits for who has it.
    async fn fill(&self, leader: &Leader<Landed<S::Error>>, id: &str, how: ReadOptions) -> Landed<S::Error> {
        let token = Token::random();
        let lease = match self.cache.try_lease(id, token).await {
            Ok(true) => Some(token),
            Ok(false) => {
                if let Some(answer) = self.wait_for_other_fill(id, &how).await {
                    return Landed { answer: Ok(answer), shareable: false };
                }
                None
            }
            Err(_) => {
                let answer = self.load_past_cache(id, Detail::CacheError).await;
                return Landed { answer, shareable: true };
            }
        };
        self.load_and_put(id, lease, || leader.seal()).await
    }

    /// Another process has the lease: its fill will be in the cell soon.
    async fn wait_for_other_fill(&self, id: &str, how: &ReadOptions) -> Option<Answer> {
        if how.refetch {
            return None;
        }
        for wait in POLLS {
            tokio::time::sleep(wait).await;
            if let Look::Answer(answer) | Look::Due(answer) = self.look(id, how).await {
                return Some(answer);
            }
        }
        None
    }

    /// What is read from the store passes the put **before** the answer leaves: once somebody saw a version, the cache
    /// accepts nothing below it.
    async fn load_and_put(&self, id: &str, lease: Option<Token>, before_put: impl FnOnce()) -> Landed<S::Error> {
        let began = Instant::now();
        let loaded = match self.load(id).await {
            Ok(loaded) => loaded,
            Err(error) => {
                if let Some(token) = lease {
                    // Unless it is given back, others wait for it in vain until it ends by itself.
                    let _ = self.cache.release(id, token).await;
                }
                return Landed { answer: Err(error), shareable: true };
            }
        };
        before_put();
        let put = self.put_of(&loaded, began.elapsed());
        let (outcome, detail, stored) = match self.cache.put(id, lease, &put).await {
            Ok(PutResult::Stored) => (Outcome::Miss, Some(Detail::Stored), true),
            Ok(PutResult::Raised | PutResult::Refused) => (Outcome::Miss, None, false),
            Err(_) => (Outcome::Bypass, Some(Detail::CacheError), false),
        };
        Landed { answer: Ok(from_store(loaded, outcome, detail)), shareable: stored }
    }

    /// The cache is off or does not answer.
    async fn load_past_cache(&self, id: &str, why: Detail) -> Result<Answer, ReadError<S::Error>> {
        self.load(id).await.map(|loaded| from_store(loaded, Outcome::Bypass, Some(why)))
    }

    /// Every read of the store comes through here, and only so many at a time.
    async fn load(&self, id: &str) -> Result<Loaded, ReadError<S::Error>> {
        let turn = tokio::time::timeout(self.options().store_queue, self.shared.store_turns.acquire());
        let Ok(Ok(_turn)) = turn.await else { return Err(ReadError::Overloaded) };
        self.shared.store_reads.fetch_add(1, Ordering::Relaxed);
        self.shared.source.load(id).await.map_err(ReadError::Source)
    }

    /// Once per process by the flight, once per cluster by the lease.
    fn refresh_in_background(&self, id: &str) {
        let Boarding::Lead(leader) = self.shared.flights.board(id) else { return };
        let (this, id): (_, Arc<str>) = (self.clone(), id.into());
        tokio::spawn(async move {
            let token = Token::random();
            if let Ok(true) = this.cache.try_lease(&id, token).await {
                let landed = this.load_and_put(&id, Some(token), || leader.seal()).await;
                leader.land(landed);
            }
        });
    }

    /// The cell to be put for what the store gave.
    pub(crate) fn put_of(&self, loaded: &Loaded, cost: Duration) -> Put {
        let options = self.options();
        let jitter = rand::random::<f64>();
        let (kind, version, body, kept) = match loaded {
            Loaded::Value { version, body } => (Kind::Value, *version, body.clone(), options.fresh + options.keep),
            Loaded::Absent => (Kind::Absent, 0, Bytes::new(), options.absent),
        };
        let cell = Cell {
            kind,
            version: version.min(MAX_VERSION),
            filled_at_ms: now_ms(),
            cost_us: u32::try_from(cost.as_micros()).unwrap_or(u32::MAX),
            body,
        };
        Put { cell, ttl_ms: jittered_ms(kept, jitter) }
    }
}

/// What a cell is worth now.
fn judge(cell: Cell, now_ms: u64, options: &Options) -> Look {
    let fresh = match cell.kind {
        Kind::Value => options.fresh,
        Kind::Absent => options.absent,
        Kind::Tombstone => return Look::Nothing(None),
    };
    let age_ms = now_ms.saturating_sub(cell.filled_at_ms);
    let ttl_ms = jittered_ms(fresh, spread(&cell)) as i64 - age_ms as i64;
    let (kind, due) = (cell.kind, is_due(&cell, ttl_ms, options.early_refresh_beta));
    let mut answer = Answer { entry: None, outcome: Outcome::Absent, detail: None, ttl_ms };
    if kind == Kind::Value {
        answer.outcome = if ttl_ms > 0 { Outcome::Hit } else { Outcome::Stale };
        answer.entry = Some(Entry { version: cell.version, body: cell.body });
    }
    match ttl_ms {
        1.. if !due => Look::Answer(answer),
        1.. => Look::Due(answer),
        _ if kind == Kind::Absent => Look::Nothing(None),
        _ if -ttl_ms <= options.stale_while_revalidate.as_millis() as i64 => Look::Due(answer),
        _ => Look::Nothing(Some(answer)),
    }
}

/// XFetch: the nearer the end and the dearer the fill, the likelier a refresh before the end.
fn is_due(cell: &Cell, ttl_ms: i64, beta: f64) -> bool {
    let cost_ms = f64::from(cell.cost_us) / 1_000.0 * beta;
    // ln of the smallest positive f64 draw is about -37: most hits need no draw.
    ttl_ms as f64 <= cost_ms * 37.0 && -cost_ms * (1.0 - rand::random::<f64>()).ln() >= ttl_ms as f64
}

/// Where in the jitter a cell lies, 0..1: drawn from the cell, so that all nodes agree.
fn spread(cell: &Cell) -> f64 {
    let mixed = (cell.filled_at_ms ^ cell.version.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as f64 / (1u64 << 24) as f64
}

fn from_store(loaded: Loaded, outcome: Outcome, detail: Option<Detail>) -> Answer {
    let entry = match loaded {
        Loaded::Value { version, body } => Some(Entry { version, body }),
        Loaded::Absent => None,
    };
    Answer { entry, outcome, detail, ttl_ms: 0 }
}

fn collapsed(answer: Answer) -> Answer {
    let detail = if answer.outcome == Outcome::Miss { Some(Detail::Collapsed) } else { answer.detail };
    Answer { detail, ..answer }
}

/// A store that fails is answered over by a value past its time, if there is one and none newer was asked for.
fn or_stale<E: std::fmt::Debug>(
    answer: Result<Answer, ReadError<E>>,
    fallback: Option<Answer>,
) -> Result<Answer, ReadError<E>> {
    match (answer, fallback) {
        (Err(ReadError::Source(_) | ReadError::Overloaded | ReadError::Abandoned), Some(old)) => {
            Ok(Answer { outcome: Outcome::Stale, detail: Some(Detail::StaleIfError), ..old })
        }
        (answer, _) => answer,
    }
}

fn new_enough<E: std::fmt::Debug>(
    answer: Result<Answer, ReadError<E>>,
    how: &ReadOptions,
) -> Result<Answer, ReadError<E>> {
    match answer {
        Ok(Answer { entry: Some(entry), .. }) if entry.version < how.min_version => Err(ReadError::TooOld),
        answer => answer,
    }
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
