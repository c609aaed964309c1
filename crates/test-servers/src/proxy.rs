//! A TCP proxy whose connections can be made black holes one by one, as a firewall that forgets a connection does: what is
//! sent is taken and gets nowhere, and nobody is told.

use std::net::TcpListener as Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// A proxy in front of a server on this machine. Its connections end when it is dropped.
pub struct Proxy {
    port: u16,
    connections: Connections,
    /// Its own, so that it works whatever the test's runtime does.
    runtime: Option<Runtime>,
}

type Connections = Arc<Mutex<Vec<Arc<Connection>>>>;

/// One connection of a client, and the one to the server that belongs to it.
#[derive(Default)]
struct Connection {
    /// What the client sent last, while nothing was answered to it.
    unanswered: Mutex<Option<Vec<u8>>>,
    is_black_hole: AtomicBool,
}

impl Proxy {
    /// Starts one in front of this port of the loopback interface.
    pub fn start(target: u16) -> Self {
        let bound = Bound::bind("127.0.0.1:0").expect("the loopback interface has free ports");
        let port = bound.local_addr().expect("a bound listener has an address").port();
        bound.set_nonblocking(true).expect("a socket can be made non-blocking");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        let connections = Connections::default();
        runtime.spawn(accept(bound, target, Arc::clone(&connections)));
        Self { port, connections, runtime: Some(runtime) }
    }

    /// The port that clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes black holes of the connections that wait for the answer to a request which contains these bytes (MongoDB's name
    /// of a command, say); answers with how many. They stay so; new connections are not touched.
    pub fn black_hole(&self, request: &[u8]) -> usize {
        let connections = lock(&self.connections);
        let waiting = connections.iter().filter(|connection| {
            let unanswered = lock(&connection.unanswered);
            let waits =
                unanswered.as_ref().is_some_and(|sent| sent.windows(request.len()).any(|bytes| bytes == request));
            // Under the lock of the request: an answer that comes now is too late.
            waits && !connection.is_black_hole.swap(true, Ordering::SeqCst)
        });
        waiting.count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Also inside of another runtime, where nothing may block.
            runtime.shutdown_background();
        }
    }
}

async fn accept(bound: Bound, target: u16, connections: Connections) {
    let listener = TcpListener::from_std(bound).expect("the runtime drives sockets");
    while let Ok((client, _)) = listener.accept().await {
        let connection = Arc::new(Connection::default());
        lock(&connections).push(Arc::clone(&connection));
        let connections = Arc::clone(&connections);
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await {
                connection.forward(client, server).await;
            }
            lock(&connections).retain(|other| !Arc::ptr_eq(other, &connection));
        });
    }
}

impl Connection {
    /// Returns when either side has closed; a black hole hides the server's end from the client.
    async fn forward(&self, client: TcpStream, server: TcpStream) {
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let up = self.pump(from_client, to_server, |sent| Some(sent.to_vec()));
        let down = async {
            self.pump(from_server, to_client, |_| None).await;
            if self.is_black_hole.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! { () = up => {}, () = down => {} }
    }

    async fn pump(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        unanswered: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let is_black_hole = {
                let mut sent = lock(&self.unanswered);
                *sent = unanswered(&buffer[..count]);
                self.is_black_hole.load(Ordering::SeqCst)
            };
            if !is_black_hole && to.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;
    use crate::redis::shared_redis;

    /// The first byte of the answer.
    fn ask(stream: &mut TcpStream, question: &[u8]) -> Option<u8> {
        stream.write_all(question).expect("the proxy takes what is sent");
        let mut answer = [0; 64];
        stream.read(&mut answer).ok().map(|_| answer[0])
    }

    #[test]
    fn a_black_hole_takes_everything_and_answers_nothing_and_others_go_on() {
        let proxy = Proxy::start(shared_redis().port());
        let connect = || TcpStream::connect(("127.0.0.1", proxy.port())).expect("the proxy listens");
        let (mut hole, mut other) = (connect(), connect());
        assert_eq!(ask(&mut other, b"PING\r\n"), Some(b'+'));
        // It waits for an answer for ever.
        hole.write_all(b"BLPOP nothing 0\r\n").expect("the proxy takes what is sent");
        while proxy.black_hole(b"BLPOP") == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(ask(&mut other, b"RPUSH nothing 1\r\n"), Some(b':'));
        hole.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout above zero");
        assert_eq!(ask(&mut hole, b"PING\r\n"), None, "the element is not delivered either");
        assert_eq!(ask(&mut connect(), b"PING\r\n"), Some(b'+'), "new connections are whole");
    }
}
