//! The page at `/live`, and what it shows. While nobody looks, a few numbers are kept every other second, and nothing is sent.
//!
//! Who looks at one process sees all that share its cache: each second that process asks the others over the channel that they
//! share, and for some seconds after that they say how they are, too.
//!
//! - `snapshot`: what a process says of itself, `history`: what it said before. `viewer`: one stream of pictures.

mod history;
mod snapshot;
mod viewer;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cache_aside::peers::PeerTexts;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::history::{History, Told};
use self::snapshot::{Process, Snapshot};
pub use self::viewer::Viewer;
use crate::metrics::Metrics;
use crate::page::Page;

/// The page, put together once. One script: later parts use what earlier ones define.
pub static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let script = concat!(
        include_str!("../page/elements.js"),
        include_str!("figures.js"),
        include_str!("charts.js"),
        include_str!("trybox.js"),
        include_str!("page.js")
    );
    Page::new(include_str!("page.html"), include_str!("style.css"), script)
});

/// How often a picture is made.
const TICK: Duration = Duration::from_secs(1);
/// For how long a process that was asked says how it is.
const ASKED: Duration = Duration::from_secs(3);
/// After so long without a word a process is left out.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// How long the cache may take to pass something on.
const PATIENCE: Duration = Duration::from_millis(500);
/// Streams at one time.
const MAX_VIEWERS: usize = 64;
/// Processes in one picture, and the longest that one may say.
const MAX_PROCESSES: usize = 64;
const MAX_TEXT: usize = 64 * 1024;
/// By which a process asks the others how they are.
const ASK: &str = "how are you";
/// By which it asks how they were before.
const ASK_HISTORY: &str = "how were you";

/// What there is to see of this process and of those that share its cache. Clones share it.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    process: Process,
    metrics: Metrics,
    viewers: AtomicUsize,
    others: Mutex<Others>,
    history: Mutex<History>,
    /// Somebody looks, or asks.
    wanted: Notify,
    /// The last picture, as it is sent.
    pictures: watch::Sender<Bytes>,
}

#[derive(Default)]
struct Others {
    /// When somebody asked how this process is.
    asked: Option<Instant>,
    heard: BTreeMap<String, (Instant, Snapshot)>,
    /// Somebody has come who is to see what others were like before.
    is_history_wanted: bool,
    /// What was heard of that, and is not passed on yet.
    told: Vec<Told>,
}

/// What the page is told of the past.
#[derive(Serialize)]
struct Past<'a> {
    at_ms: u64,
    histories: &'a [Told],
}

/// What all processes say at one moment.
#[derive(Serialize)]
struct Picture<'a> {
    at_ms: u64,
    processes: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct Said<'a> {
    heard_ms_ago: u64,
    snapshot: &'a Snapshot,
}

/// The tasks behind the page; they end with this.
pub(crate) struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Live {
    /// Begins; `address` is where the process listens.
    pub(crate) fn start(metrics: Metrics, address: &str) -> (Self, Tasks) {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let (id, address) = (uuid::Uuid::now_v7().simple().to_string(), address.to_owned());
        let process = Process { id, host, address, began: Instant::now() };
        let texts = metrics.todos.peer_texts();
        let live = Self(Arc::new(Inner {
            process,
            metrics,
            viewers: AtomicUsize::new(0),
            others: Mutex::default(),
            history: Mutex::default(),
            wanted: Notify::new(),
            pictures: watch::Sender::new(Bytes::new()),
        }));
        let mut tasks = vec![tokio::spawn(live.clone().run())];
        if let Some(texts) = texts {
            tasks.push(tokio::spawn(live.clone().listen(texts)));
        }
        (live, Tasks(tasks))
    }

    /// A stream of pictures, unless too many look already.
    pub fn look(&self) -> Option<Viewer> {
        let taken = self.0.viewers.fetch_update(Ordering::AcqRel, Ordering::Acquire, |viewers| {
            (viewers < MAX_VIEWERS).then_some(viewers + 1)
        });
        taken.ok()?;
        let viewer = Viewer::new(self.clone());
        self.others().is_history_wanted = true;
        self.0.wanted.notify_one();
        Some(viewer)
    }

    /// Streams that are open.
    pub fn viewers(&self) -> usize {
        self.0.viewers.load(Ordering::Acquire)
    }

    fn is_wanted(&self) -> bool {
        self.viewers() > 0 || self.others().asked.is_some_and(|asked| asked.elapsed() < ASKED)
    }

    /// Makes a picture each second, for as long as somebody looks here or at another process.
    async fn run(self) {
        loop {
            tokio::select! {
                () = self.0.wanted.notified() => {}
                () = tokio::time::sleep(history::EVERY) => {
                    self.remember(&self.now());
                    continue;
                }
            }
            let mut remembered = Instant::now();
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while self.is_wanted() {
                ticks.tick().await;
                let now = self.now();
                if remembered.elapsed() >= history::EVERY {
                    remembered = Instant::now();
                    self.remember(&now);
                }
                self.show(now).await;
            }
            self.others().heard.clear();
        }
    }

    fn now(&self) -> Snapshot {
        Snapshot::of(&self.0.process, &self.0.metrics)
    }

    fn remember(&self, now: &Snapshot) {
        self.history().add(now.moment());
    }

    /// What this process was like, for somebody who has just come.
    fn past(&self) -> Bytes {
        let told = self.history().tell(&self.now());
        past_event(&[told]).into()
    }

    /// To those who look here, and to the other processes.
    async fn show(&self, own: Snapshot) {
        let looks = self.viewers() > 0;
        if looks {
            let picture = self.picture(&own);
            self.0.pictures.send_replace(picture);
        }
        let todos = &self.0.metrics.todos;
        let said = serde_json::to_string(&own).expect("numbers and texts always serialize");
        // A cache that is away is no reason to stand still.
        let _ = tokio::time::timeout(PATIENCE, async {
            if looks {
                todos.tell_peers(ASK).await;
                if std::mem::take(&mut self.others().is_history_wanted) {
                    todos.tell_peers(ASK_HISTORY).await;
                }
            }
            todos.tell_peers(&said).await
        })
        .await;
    }

    fn picture(&self, own: &Snapshot) -> Bytes {
        let mut others = self.others();
        others.heard.retain(|_, (at, _)| at.elapsed() < FORGOTTEN);
        let told = std::mem::take(&mut others.told);
        let past = if told.is_empty() { String::new() } else { past_event(&told) };
        let heard = others.heard.values();
        let all = heard.map(|(at, snapshot)| Said { heard_ms_ago: at.elapsed().as_millis() as u64, snapshot });
        let processes = std::iter::once(Said { heard_ms_ago: 0, snapshot: own }).chain(all).collect();
        let picture = Picture { at_ms: now_ms(), processes };
        let picture = serde_json::to_string(&picture).expect("numbers and texts always serialize");
        format!("{past}event: picture\ndata: {picture}\n\n").into()
    }

    /// Hears what other processes ask and say.
    async fn listen(self, mut texts: PeerTexts) {
        while let Some(text) = texts.next().await {
            if *text == *ASK {
                self.others().asked = Some(Instant::now());
                self.0.wanted.notify_one();
            } else if *text == *ASK_HISTORY {
                let told = self.history().tell(&self.now());
                let told = serde_json::to_string(&told).expect("numbers and texts always serialize");
                let _ = tokio::time::timeout(PATIENCE, self.0.metrics.todos.tell_peers(&told)).await;
            } else if self.viewers() > 0 && text.len() <= MAX_TEXT {
                if let Ok(told) = serde_json::from_str::<Told>(&text) {
                    let mut others = self.others();
                    if told.history_of != self.0.process.id && others.told.len() < MAX_PROCESSES {
                        others.told.push(told);
                    }
                    continue;
                }
                // Of a release that says something else, nothing is known.
                let Ok(snapshot) = serde_json::from_str::<Snapshot>(&text) else { continue };
                let mut others = self.others();
                let is_new = !others.heard.contains_key(&snapshot.process);
                if snapshot.process != self.0.process.id && !(is_new && others.heard.len() >= MAX_PROCESSES) {
                    others.heard.insert(snapshot.process.clone(), (Instant::now(), snapshot));
                }
            }
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        // Whole between any two statements.
        self.0.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn others(&self) -> MutexGuard<'_, Others> {
        // Whole between any two statements.
        self.0.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn past_event(histories: &[Told]) -> String {
    let past = serde_json::to_string(&Past { at_ms: now_ms(), histories }).expect("numbers and texts always serialize");
    format!("event: past\ndata: {past}\n\n")
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
