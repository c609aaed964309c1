//! Any bytes on a connection, in pieces of as many as the first byte says: the service passes on the same as if they came at once,
//! and where it sees the end of a request, the server's own parser sees it, too.

use actix_http::ServiceConfig;
use actix_http::error::ParseError;
use actix_http::h1::{Codec, Message, MessageType};
use actix_web::rt::{System, SystemRunner};
use bytes::BytesMut;
use todo_api::connection::framing::{Framing, Phase};
use tokio_util::codec::Decoder;

pub(super) fn run(bytes: &[u8]) {
    let Some((piece, bytes)) = bytes.split_first() else { return };
    let whole = through(bytes, usize::MAX);
    let (single, pieces) = (through(bytes, 1), through(bytes, usize::from(*piece).max(1)));
    for other in [&single, &pieces] {
        assert_eq!((&whole.passed, whole.phase), (&other.passed, other.phase), "in pieces");
    }
    // What is not sure, or could be read in two ways, is refused.
    if !matches!(single.phase, Phase::Unknown | Phase::Broken)
        && let Ok(requests) = parsed(&single.passed)
    {
        // Of bytes that come one by one, no two complete a request each.
        assert_eq!(single.completed, requests, "{}", single.passed.escape_ascii());
    }
}

struct Through {
    passed: Vec<u8>,
    completed: usize,
    phase: Phase,
}

fn through(bytes: &[u8], piece: usize) -> Through {
    let (mut framing, mut held, mut passed, mut completed) = (Framing::new(), Vec::new(), Vec::new(), 0);
    for part in bytes.chunks(piece) {
        held.extend_from_slice(part);
        let progress = framing.advance(&mut held);
        completed += usize::from(progress.completed);
        passed.extend(held.drain(..progress.passed));
    }
    passed.extend(held);
    Through { passed, completed, phase: framing.phase() }
}

thread_local! {
    /// A configuration has a clock, which runs as a task.
    static RUNTIME: SystemRunner = System::new();
}

/// How many requests the server's parser has seen to their end.
fn parsed(bytes: &[u8]) -> Result<usize, ParseError> {
    let mut codec = RUNTIME.with(|runtime| runtime.block_on(async { Codec::new(ServiceConfig::default()) }));
    let (mut bytes, mut requests) = (BytesMut::from(bytes), 0);
    while let Some(message) = codec.decode(&mut bytes)? {
        requests += match message {
            Message::Item(_) => usize::from(matches!(codec.message_type(), MessageType::None)),
            Message::Chunk(chunk) => usize::from(chunk.is_none()),
        };
    }
    Ok(requests)
}
