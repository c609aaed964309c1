//! A proxy before an echo, a real Redis and a real replica set: what passes, what hangs, what is cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use test_servers::{Hole, MongoSet, Proxy, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Nothing arrives in so long where nothing arrives at all.
const SILENCE: Duration = Duration::from_millis(150);

/// A server that answers each chunk with itself, and how many bytes have reached it.
async fn echo() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, arrived) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&arrived);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while let Ok(length @ 1..) = client.read(&mut buffer).await {
                    count.fetch_add(length, Ordering::Relaxed);
                    if client.write_all(&buffer[..length]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, arrived)
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap()
}

async fn says(stream: &mut TcpStream, words: &str) -> String {
    stream.write_all(words.as_bytes()).await.unwrap();
    hears(stream, words.len()).await
}

async fn hears(stream: &mut TcpStream, length: usize) -> String {
    let mut answer = vec![0; length];
    tokio::time::timeout(Duration::from_secs(60), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    tokio::time::timeout(SILENCE, stream.read_u8()).await.is_err()
}

#[tokio::test]
async fn without_a_fault_everything_passes_both_ways_to_the_end() {
    let (port, _) = echo().await;
    let proxy = Proxy::to(port);
    let mut stream = connect(&proxy).await;
    assert_eq!(says(&mut stream, "one").await, "one");
    stream.write_all(b"last words").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "last words");
    until("the proxy has forgotten the connection", async || proxy.connections().is_empty()).await;
}

#[tokio::test]
async fn latency_delays_each_direction_and_no_more() {
    let (port, _) = echo().await;
    let proxy = Proxy::to(port);
    let mut stream = connect(&proxy).await;
    says(&mut stream, "warm").await;
    proxy.delay(Duration::from_millis(100));
    let began = Instant::now();
    assert_eq!(says(&mut stream, "slow").await, "slow");
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
    proxy.heal();
    assert_eq!(says(&mut stream, "fast").await, "fast");
}

#[tokio::test]
async fn what_a_black_hole_holds_back_arrives_when_it_is_healed() {
    let (port, arrived) = echo().await;
    let proxy = Proxy::to(port);
    let mut open = connect(&proxy).await;
    says(&mut open, "one").await;
    proxy.black_hole(Hole::Both);
    open.write_all(b"two").await.unwrap();
    let mut new = connect(&proxy).await;
    new.write_all(b"three").await.unwrap();
    assert!(is_silent(&mut open).await && is_silent(&mut new).await);
    assert_eq!(arrived.load(Ordering::Relaxed), 3);
    proxy.heal();
    assert_eq!(hears(&mut open, 3).await, "two");
    assert_eq!(hears(&mut new, 5).await, "three");
}

#[tokio::test]
async fn a_black_hole_for_answers_lets_requests_arrive() {
    let (port, arrived) = echo().await;
    let proxy = Proxy::to(port);
    let mut stream = connect(&proxy).await;
    says(&mut stream, "one").await;
    proxy.black_hole(Hole::Answers);
    stream.write_all(b"two").await.unwrap();
    until("the request has arrived", async || arrived.load(Ordering::Relaxed) == 6).await;
    assert!(is_silent(&mut stream).await);
    proxy.heal();
    assert_eq!(hears(&mut stream, 3).await, "two");
}

#[tokio::test]
async fn a_connection_can_be_chosen_by_what_it_opened_with_or_asks_now() {
    let (port, arrived) = echo().await;
    let proxy = Proxy::to(port);
    let (mut first, mut second) = (connect(&proxy).await, connect(&proxy).await);
    says(&mut first, "subscribe to news").await;
    says(&mut second, "anything").await;
    proxy.black_hole_where(Hole::Both, |traffic| traffic.opened_with("SUBSCRIBE") || traffic.is_asking("getMore"));
    first.write_all(b"ping").await.unwrap();
    assert!(is_silent(&mut first).await);
    assert_eq!(says(&mut second, "passes").await, "passes");
    let before = arrived.load(Ordering::Relaxed);
    second.write_all(b"a getMore").await.unwrap();
    assert!(is_silent(&mut second).await);
    assert_eq!(arrived.load(Ordering::Relaxed), before, "the request itself is held back");
    proxy.heal();
    assert_eq!(hears(&mut second, 9).await, "a getMore");
    assert_eq!(proxy.cut_where(|traffic| traffic.number == 0), 1);
    assert!(hears_nothing_more(&mut first).await);
    assert_eq!(says(&mut second, "still").await, "still");
}

/// Reads what is left, and tells whether the connection then was reset.
async fn hears_nothing_more(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut rest)).await.unwrap();
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn a_refusing_proxy_cuts_and_refuses_until_it_is_healed() {
    let (port, _) = echo().await;
    let proxy = Proxy::to(port);
    let mut open = connect(&proxy).await;
    says(&mut open, "one").await;
    for _ in 0..3 {
        proxy.refuse();
        assert!(hears_nothing_more(&mut open).await);
        let refused = TcpStream::connect(("127.0.0.1", proxy.port())).await;
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        proxy.heal();
        open = connect(&proxy).await;
        assert_eq!(says(&mut open, "again").await, "again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_follows_a_replica_set_stays_behind_its_proxies() {
    let set = tokio::task::spawn_blocking(MongoSet::start).await.unwrap();
    let proxies = Proxy::before_replica_set(&set.ports());
    let hosts: Vec<String> = proxies.iter().map(|proxy| format!("127.0.0.1:{}", proxy.port())).collect();
    let mut options = ClientOptions::parse(format!("mongodb://{}/?replicaSet=rs0", hosts.join(","))).await.unwrap();
    options.server_selection_timeout = Some(Duration::from_secs(60));
    let client = mongodb::Client::with_options(options).unwrap();
    let todos = client.database("proxy").collection::<Document>("todos");
    todos.insert_one(doc! { "n": 1 }).await.unwrap();

    proxies.iter().for_each(|proxy| proxy.black_hole_where(Hole::Both, |traffic| traffic.is_asking("insert")));
    let insert = tokio::spawn(async move { todos.insert_one(doc! { "n": 2 }).await });
    tokio::time::sleep(SILENCE).await;
    assert!(!insert.is_finished(), "it went past the proxies");
    proxies.iter().for_each(Proxy::heal);
    insert.await.unwrap().unwrap();
}
