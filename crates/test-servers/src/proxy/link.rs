//! Forwards one connection, each direction in order: whatever is late, nothing is lost, changed or overtaken.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::state::Shared;

/// So many chunks are under way at once in each direction.
const UNDER_WAY: usize = 1024;
const CHUNK: usize = 64 * 1024;
/// A message of MongoDB says its length in its first four bytes (MongoDB manual, "MongoDB Wire Protocol").
const LENGTH: usize = 4;

type Chunk = (Instant, Vec<u8>);

pub(super) async fn forward(client: TcpStream, number: usize, shared: Arc<Shared>) {
    if let Ok(server) = TcpStream::connect(("127.0.0.1", shared.target)).await {
        pump(client, server, &shared, number).await;
    }
    shared.close(number);
}

/// Ends when both sides have hung up, or the connection is cut.
async fn pump(mut client: TcpStream, mut server: TcpStream, shared: &Shared, number: usize) {
    // An answer in small pieces must not wait for an acknowledgement of the first.
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let is_cut = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let (requests, requests_due) = mpsc::channel(UNDER_WAY);
        let (answers, answers_due) = mpsc::channel(UNDER_WAY);
        let both_ways = async {
            tokio::join!(
                read_requests(from_client, requests, shared, number),
                write(to_server, requests_due, shared, number, false),
                read_answers(from_server, answers, shared, number),
                write(to_client, answers_due, shared, number, true),
            )
        };
        tokio::select! {
            _ = both_ways => false,
            () = shared.cut(number) => true,
        }
    };
    if is_cut {
        // RST in place of FIN.
        let _ = client.set_zero_linger().and_then(|()| server.set_zero_linger());
    }
}

async fn read_requests(mut from: ReadHalf<'_>, to: mpsc::Sender<Chunk>, shared: &Shared, number: usize) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let latency = shared.sent(number, &buffer[..count]);
        if to.send((Instant::now() + latency, buffer[..count].to_vec())).await.is_err() {
            return;
        }
    }
}

async fn read_answers(mut from: ReadHalf<'_>, to: mpsc::Sender<Chunk>, shared: &Shared, number: usize) {
    let (mut buffer, mut kept) = (vec![0; CHUNK], Vec::new());
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        let whole = if shared.renamed.is_empty() { kept.len() } else { whole_messages(&kept) };
        if whole == 0 {
            continue;
        }
        let rest = kept.split_off(whole);
        let mut chunk = std::mem::replace(&mut kept, rest);
        if shared.is_driver_asking(number) {
            for (from, to) in &shared.renamed {
                replace(&mut chunk, from.as_bytes(), to.as_bytes());
            }
        }
        let latency = shared.state().latency;
        if to.send((Instant::now() + latency, chunk)).await.is_err() {
            return;
        }
    }
}

async fn write(mut to: WriteHalf<'_>, mut due: mpsc::Receiver<Chunk>, shared: &Shared, number: usize, answers: bool) {
    while let Some((at, chunk)) = due.recv().await {
        sleep_until(at).await;
        shared.passable(number, answers).await;
        if to.write_all(&chunk).await.is_err() {
            return;
        }
        if answers {
            shared.answered(number);
        }
    }
    // Where one side hung up, the other does not hear of it through a black hole.
    shared.passable(number, answers).await;
    let _ = to.shutdown().await;
}

/// How many bytes at the beginning are whole messages.
fn whole_messages(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(Ok(length)) = bytes[end..].get(..LENGTH).map(<[u8; LENGTH]>::try_from) {
        let length = u32::from_le_bytes(length) as usize;
        if length < LENGTH || bytes.len() < end + length {
            break;
        }
        end += length;
    }
    end
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|window| window == from) {
        bytes[at + found..at + found + from.len()].copy_from_slice(to);
        at += found + from.len();
    }
}
