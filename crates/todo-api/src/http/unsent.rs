//! `Unsent`: what lists of todos hold that their clients have not taken yet. One todo fits into what a connection costs anyway; a list
//! may be a hundred times that, and a client that reads slowly, or not at all, keeps it until its time is over.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

use crate::http::error::ApiError;

/// A body up to so long is written as a whole, and a longer one in pieces of so many bytes: what is written waits in a buffer of the
/// connection.
const PIECE: usize = 64 * 1024;

/// Room for so many bytes of all workers. Clones share it.
#[derive(Debug, Clone)]
pub struct Unsent(Arc<State>);

#[derive(Debug)]
struct State {
    held: AtomicUsize,
    most: usize,
}

/// Gives its bytes back when dropped.
struct Room {
    unsent: Unsent,
    bytes: usize,
}

/// A body that takes up room until all of it is written, or its client has gone.
struct Held {
    rest: Bytes,
    _room: Room,
}

impl Unsent {
    /// Room for so many bytes.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(State { held: AtomicUsize::new(0), most }))
    }

    /// The body of an answer. There is always room for one.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`]: there is no room for it beside the others.
    pub fn hold(&self, body: Vec<u8>) -> Result<BoxBody, ApiError> {
        if body.len() <= PIECE {
            return Ok(BoxBody::new(body));
        }
        let room = Room { unsent: self.clone(), bytes: body.len() };
        // Taken back with the room if it was too much.
        let others = self.0.held.fetch_add(room.bytes, Ordering::Relaxed);
        if others > 0 && others + room.bytes > self.0.most {
            return Err(ApiError::Overloaded);
        }
        Ok(BoxBody::new(Held { rest: body.into(), _room: room }))
    }
}

impl MessageBody for Held {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let piece = self.rest.len().min(PIECE);
        Poll::Ready((piece > 0).then(|| Ok(self.rest.split_to(piece))))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.unsent.0.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_body_takes_up_room_until_it_is_dropped_and_a_short_one_none() {
        let unsent = Unsent::new(3 * PIECE);
        let long = || vec![b'x'; 2 * PIECE + 1];
        let held = unsent.hold(long()).expect("there is room");
        assert!(matches!(unsent.hold(long()), Err(ApiError::Overloaded)));
        unsent.hold(vec![b'y'; PIECE]).expect("a short one needs none");
        unsent.hold(vec![b'y'; PIECE - 1]).expect("and what was refused took none");
        let text = actix_web::body::to_bytes(held).await.expect("it cannot fail");
        assert_eq!(text, long(), "in pieces, and whole");
        let longest = unsent.hold(vec![b'z'; 4 * PIECE]).expect("it is alone");
        assert!(matches!(unsent.hold(long()), Err(ApiError::Overloaded)));
        drop(longest);
        unsent.hold(long()).expect("there is room again");
    }
}
