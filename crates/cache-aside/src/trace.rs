//! The steps of reads and writes, told to whoever traces them.
//!
//! Tracing belongs to the program, so the engine knows no tracer: a caller wraps a call in [`traced`] with a [`Span`] of its own,
//! and the engine begins a step of it for each thing that takes time. A call that is not wrapped pays one look at a flag for each step.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::{self, Display};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// Something that takes time in a read or a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The cache is asked for cells of so many ids.
    CacheRead {
        /// How many ids.
        ids: usize,
    },
    /// Another request of this process fills the id, and is waited for.
    FlightWait,
    /// The right to fill, or a writer's entry, is asked for.
    Lease,
    /// Another process fills the id, and is waited for.
    LeaseWait,
    /// So many ids are loaded: the time in the queue, for a turn, and of the query.
    Load {
        /// How many ids.
        ids: usize,
    },
    /// The store is asked for so many ids.
    Query {
        /// How many ids.
        ids: usize,
    },
    /// What was loaded is brought into the cache.
    CachePut,
    /// A value is refreshed behind an answer.
    Refresh,
    /// A write, from its entry into the lease to what the cache is told.
    Write,
    /// The store commits a write.
    Commit,
    /// The cache is told of a write.
    Publish,
}

/// A request or one of its steps, for as long as it lives: it ends when it is dropped.
pub trait Span: Send + Sync + 'static {
    /// A step begins inside this one.
    fn begin(&self, step: Step) -> Arc<dyn Span>;
    /// In one word, what came of the step.
    fn result(&self, word: &'static str);
    /// The step failed, and why.
    fn fail(&self, why: &dyn Display);
}

/// Whether anything was ever traced in this process.
static IN_USE: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The span that what runs on this thread now belongs to.
    static CURRENT: RefCell<Option<Arc<dyn Span>>> = const { RefCell::new(None) };
}

pin_project! {
    /// A future whose steps belong to a span: see [`traced`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Traced<F> {
        span: Option<Arc<dyn Span>>,
        #[pin]
        inner: F,
    }
}

/// Has the engine tell `span` of the steps of a call, those behind the answer included. With no span it is the call itself.
#[inline]
pub fn traced<F: Future>(span: Option<Arc<dyn Span>>, inner: F) -> Traced<F> {
    if span.is_some() {
        IN_USE.store(true, Ordering::Relaxed);
    }
    Traced { span, inner }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.span {
            None => this.inner.poll(context),
            Some(span) => {
                let _entered = Entered::into(Arc::clone(span));
                this.inner.poll(context)
            }
        }
    }
}

/// Puts the span before back, also when a poll panics.
struct Entered(Option<Arc<dyn Span>>);

impl Entered {
    fn into(span: Arc<dyn Span>) -> Self {
        Self(CURRENT.replace(Some(span)))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // While the thread ends there may be nothing left to put it into.
        let before = self.0.take();
        let _ = CURRENT.try_with(|current| current.replace(before));
    }
}

/// A step that is under way, if it is traced.
pub(crate) struct Open(Option<Arc<dyn Span>>);

/// A step begins; it ends when what is returned is dropped.
#[inline]
pub(crate) fn begin(step: Step) -> Open {
    if IN_USE.load(Ordering::Relaxed) { begin_traced(step) } else { Open(None) }
}

#[cold]
fn begin_traced(step: Step) -> Open {
    Open(current().map(|span| span.begin(step)))
}

fn current() -> Option<Arc<dyn Span>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// A future that is spawned as a task of its own, and still belongs to the span in which it is made.
pub(crate) fn inherited<F: Future>(inner: F) -> Traced<F> {
    let span = if IN_USE.load(Ordering::Relaxed) { current() } else { None };
    Traced { span, inner }
}

impl Open {
    /// The steps of a future are inside this one.
    pub(crate) fn around<F: Future>(&self, inner: F) -> Traced<F> {
        Traced { span: self.0.clone(), inner }
    }

    /// The same for a future that is spawned: the step lasts as long as that.
    pub(crate) fn all_of<F: Future>(self, inner: F) -> Traced<F> {
        Traced { span: self.0, inner }
    }

    /// In one word, what came of it; that is found out only if somebody wants to know.
    #[inline]
    pub(crate) fn result(&self, word: impl FnOnce() -> &'static str) {
        if let Some(span) = &self.0 {
            span.result(word());
        }
    }

    /// The same, if it did not fail.
    #[inline]
    pub(crate) fn result_of<T, E>(&self, done: &Result<T, E>, word: impl FnOnce(&T) -> &'static str) {
        if let (Some(span), Ok(done)) = (&self.0, done) {
            span.result(word(done));
        }
    }

    /// Why it failed, if it did.
    #[inline]
    pub(crate) fn failure_of<T, E: Error>(&self, done: &Result<T, E>) {
        if let Err(error) = done {
            self.failed(error);
        }
    }

    /// Why it failed.
    pub(crate) fn failed(&self, error: &dyn Error) {
        if let Some(span) = &self.0 {
            span.fail(&WithCauses(error));
        }
    }
}

/// An error, and behind it what it is due to.
struct WithCauses<'a>(&'a dyn Error);

impl Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
