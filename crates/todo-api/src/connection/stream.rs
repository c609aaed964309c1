//! `Connection`: a socket as the server's HTTP/1 parser sees it. What a client offers and nobody takes is hidden from the
//! parser, what the parser says without words is given words, and a connection that is to end ends.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::{Framing, Phase};
use super::refusal::{self, Refusal};
use super::table::{Entry, Stage, Table, Verdict};
use crate::drain::OpenConnection;
use crate::tls::socket::speaks_no_tls;

/// A socket with deadlines.
pub(crate) struct Connection<T> {
    io: T,
    framing: Framing,
    /// The begin of a header line that is to be seen whole.
    held: Vec<u8>,
    /// What is written in the place of what the parser wrote.
    own: Vec<u8>,
    entry: Rc<Entry>,
    /// Whether reads find the end, and writes go nowhere.
    ended: bool,
    /// Whether the client sends no more.
    half_closed: bool,
    /// Whether the last request that the client has begun is answered, or its answer begun.
    answered: bool,
    /// Whether the client began it before the one before was answered: then what is written first is of that.
    pipelined: bool,
    /// Whether what the client still sends is read and dropped before the socket is closed: it would be reset otherwise, and
    /// the refusal lost with it.
    lingers: bool,
    shut_down: bool,
    _open: OpenConnection,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    pub(crate) fn new(io: T, table: &Rc<Table>, open: OpenConnection) -> Self {
        Self {
            io,
            framing: Framing::new(),
            held: Vec::new(),
            own: Vec::new(),
            entry: table.enter(),
            ended: false,
            half_closed: false,
            answered: false,
            pipelined: false,
            lingers: false,
            shut_down: false,
            _open: open,
        }
    }

    fn note(&mut self, completed: bool) {
        let stage = match self.framing.phase() {
            Phase::Head => Stage::Head,
            Phase::Body | Phase::Broken | Phase::Unknown => Stage::Body,
            Phase::Between if !self.held.is_empty() => Stage::Head,
            Phase::Between if completed => Stage::Working,
            Phase::Between => return,
        };
        if completed || stage != self.entry.stage() {
            let is_owed = completed || self.pipelined || self.entry.stage() == Stage::Working && !self.answered;
            self.pipelined = stage != Stage::Working && is_owed;
            self.entry.enter(stage);
            self.answered = false;
        }
    }

    /// Ends the connection: with a problem document if the client is in the middle of a request that is not answered, without a word
    /// else.
    fn end(&mut self, verdict: Verdict) {
        self.ended = true;
        let (Verdict::TooSlow(stage) | Verdict::Crowded(stage)) = verdict;
        if matches!(stage, Stage::Head | Stage::Body) && !self.answered {
            let refusal = match verdict {
                Verdict::TooSlow(Stage::Body) => Refusal::slow_body(),
                Verdict::TooSlow(_) => Refusal::slow_head(),
                Verdict::Crowded(_) => Refusal::crowded(),
            };
            self.own.extend(refusal.answer());
            // In a crowd its place is needed now; what it had sent was read before.
            self.lingers = matches!(verdict, Verdict::TooSlow(_));
        }
        self.entry.enter(Stage::Closing);
    }

    /// Says why the connection ends if the client sent no more in the middle of a request: the parser ends it without a word.
    fn explain(&mut self) {
        let detail = match self.entry.stage() {
            _ if !self.half_closed => return,
            Stage::Head => "the request ended before its head was complete: an empty line ends a head",
            Stage::Body => "the request ended before its body was complete",
            _ => return,
        };
        self.refuse(&Refusal::new(400, detail));
    }

    /// Answers in the place of the service, unless that has answered.
    fn refuse(&mut self, refusal: &Refusal) {
        if !self.answered {
            self.own.extend(refusal.answer());
            self.lingers = true;
        }
        self.ended = true;
        self.entry.enter(Stage::Closing);
    }

    /// What a read of a connection that ended finds.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.poll_own(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_own(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.own.is_empty() {
            match Pin::new(&mut self.io).poll_write(cx, &self.own) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => drop(self.own.drain(..written)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return self.pend_write(cx),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for a client that does not take what it is sent, but not for ever.
    fn pend_write<R>(&self, cx: &Context<'_>) -> Poll<io::Result<R>> {
        if self.entry.stage() == Stage::Closing {
            if self.entry.verdict() == Some(Verdict::TooSlow(Stage::Closing)) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        } else if matches!(
            self.entry.verdict(),
            Some(Verdict::TooSlow(Stage::Writing) | Verdict::Crowded(Stage::Writing))
        ) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        } else if self.entry.stage() != Stage::Writing {
            self.entry.enter(Stage::Writing);
        }
        self.entry.wake_at_end(cx.waker());
        Poll::Pending
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let verdict = this.entry.verdict();
        // An idle connection has a last chance: the next request may be there already.
        let idle = matches!(verdict, Some(Verdict::TooSlow(Stage::Idle) | Verdict::Crowded(Stage::Idle)));
        if let Some(verdict) = verdict
            && !idle
            && !this.ended
        {
            this.end(verdict);
        }
        if this.ended {
            return this.poll_end(cx);
        }
        if matches!(this.entry.stage(), Stage::Idle | Stage::Fresh) {
            this.framing.forget();
        }
        let start = buf.filled().len();
        loop {
            if !this.held.is_empty() && this.held.len() >= buf.remaining() {
                // The rest of the line has no room.
                this.framing.give_up();
                let step = buf.remaining();
                buf.put_slice(&this.held[..step]);
                this.held.drain(..step);
                this.note(false);
                return Poll::Ready(Ok(()));
            }
            buf.put_slice(&this.held);
            match Pin::new(&mut this.io).poll_read(cx, buf) {
                Poll::Pending => {
                    buf.set_filled(start);
                    if let Some(verdict) = verdict {
                        this.end(verdict);
                        return this.poll_end(cx);
                    }
                    this.entry.wake_at_end(cx.waker());
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => {
                    buf.set_filled(start);
                    if speaks_no_tls(&error) {
                        this.refuse(&Refusal::no_tls());
                        return this.poll_end(cx);
                    }
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(())) => {}
            }
            let bytes = &mut buf.filled_mut()[start..];
            if bytes.len() == this.held.len() {
                // The end; what was held is passed before it.
                this.held.clear();
                this.half_closed = true;
                return Poll::Ready(Ok(()));
            }
            if idle {
                this.entry.stay();
            }
            let progress = this.framing.advance(bytes);
            this.held.clear();
            this.held.extend_from_slice(&bytes[progress.passed..]);
            buf.set_filled(start + progress.passed);
            this.note(progress.completed);
            if this.framing.phase() == Phase::Broken {
                buf.set_filled(start);
                this.refuse(&Refusal::broken_chunk());
                return this.poll_end(cx);
            }
            if progress.passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(Ok(buf.len()));
        }
        ready!(this.poll_own(cx))?;
        if let Some((before, refusal)) = refusal::find(buf) {
            this.own.extend_from_slice(&buf[..before]);
            this.own.extend(this.framing.fault().unwrap_or(refusal).answer());
            this.lingers = true;
            let _ = this.poll_own(cx)?;
            return Poll::Ready(Ok(buf.len()));
        }
        match Pin::new(&mut this.io).poll_write(cx, buf) {
            Poll::Pending => this.pend_write(cx),
            done => {
                // One that tells the client to go on is none yet (RFC 9110 §15.2).
                if !buf.starts_with(b"HTTP/1.1 100 ") {
                    this.answered = !std::mem::take(&mut this.pipelined);
                }
                // An answer that goes on for long is written again and again: who takes it is not idle.
                if matches!(this.entry.stage(), Stage::Working | Stage::Writing | Stage::Idle) {
                    this.entry.enter(Stage::Idle);
                }
                done
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_own(cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.explain();
        ready!(this.poll_own(cx))?;
        if !this.shut_down {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.shut_down = true;
            this.entry.enter(Stage::Closing);
        }
        let mut waste = [std::mem::MaybeUninit::uninit(); 4096];
        while this.lingers && this.entry.verdict() != Some(Verdict::TooSlow(Stage::Closing)) {
            let mut waste = ReadBuf::uninit(&mut waste);
            match Pin::new(&mut this.io).poll_read(cx, &mut waste) {
                Poll::Ready(Ok(())) if !waste.filled().is_empty() => {}
                Poll::Ready(_) => break,
                Poll::Pending => {
                    this.entry.wake_at_end(cx.waker());
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for Connection<T> {
    fn drop(&mut self) {
        self.entry.leave();
    }
}
