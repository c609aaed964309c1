//! `Socket`: a socket that speaks TLS, or does not. It shakes hands when it is first read, so that who does not go on with that
//! meets the same deadline as who does not go on with a request.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// With this byte every handshake begins (RFC 8446 §5.1), and no request of HTTP.
const HANDSHAKE: u8 = 22;

/// A socket of a client.
pub(crate) enum Socket<T> {
    /// Without TLS.
    Plain(T),
    /// Nothing was read yet.
    Fresh(T, Arc<ServerConfig>),
    /// The handshake is under way.
    Handshake(Box<Accept<Begun<T>>>),
    /// With TLS.
    Secure(Box<TlsStream<Begun<T>>>),
    /// The handshake failed.
    Failed,
}

/// The client speaks no TLS where it should: what it sent cannot be read, and it can be answered in plain text only.
#[derive(Debug, thiserror::Error)]
#[error("the client does not speak TLS")]
struct NoTls;

/// Whether a read failed because the client speaks no TLS.
pub(crate) fn speaks_no_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NoTls>())
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    pub(crate) fn new(io: T, tls: Option<&Arc<ServerConfig>>) -> Self {
        match tls {
            Some(config) => Self::Fresh(io, Arc::clone(config)),
            None => Self::Plain(io),
        }
    }

    /// Goes on until the client is understood.
    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            *self = match std::mem::replace(self, Self::Failed) {
                Self::Fresh(mut io, config) => {
                    let mut first = [0];
                    let mut buf = ReadBuf::new(&mut first);
                    match Pin::new(&mut io).poll_read(cx, &mut buf) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => {
                            *self = Self::Fresh(io, config);
                            return Poll::Pending;
                        }
                    }
                    match buf.filled() {
                        [] => {
                            *self = Self::Plain(io);
                            return Poll::Ready(Ok(()));
                        }
                        [HANDSHAKE] => {
                            let begun = Begun { first: Some(HANDSHAKE), io };
                            Self::Handshake(Box::new(TlsAcceptor::from(config).accept(begun)))
                        }
                        _ => {
                            *self = Self::Plain(io);
                            return Poll::Ready(Err(io::Error::other(NoTls)));
                        }
                    }
                }
                Self::Handshake(mut accept) => match Pin::new(&mut *accept).poll(cx) {
                    Poll::Ready(Ok(stream)) => Self::Secure(Box::new(stream)),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        *self = Self::Handshake(accept);
                        return Poll::Pending;
                    }
                },
                understood => {
                    *self = understood;
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match this {
                Self::Plain(io) => return Pin::new(io).poll_read(cx, buf),
                Self::Secure(io) => return Pin::new(&mut **io).poll_read(cx, buf),
                Self::Fresh(..) | Self::Handshake(_) => ready!(this.poll_handshake(cx))?,
                Self::Failed => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Self::Secure(io) => Pin::new(&mut **io).poll_write(cx, buf),
            // Nothing can be said before the handshake.
            Self::Fresh(..) | Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(buf.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(cx),
            Self::Secure(io) => Pin::new(&mut **io).poll_flush(cx),
            Self::Fresh(..) | Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) | Self::Fresh(io, _) => Pin::new(io).poll_shutdown(cx),
            Self::Secure(io) => Pin::new(&mut **io).poll_shutdown(cx),
            // Closed when it is dropped.
            Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }
}

/// A socket of which the first byte was read already.
pub(crate) struct Begun<T> {
    first: Option<u8>,
    io: T,
}

impl<T: AsyncRead + Unpin> AsyncRead for Begun<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() > 0
            && let Some(first) = this.first.take()
        {
            buf.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Begun<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
