//! Documents that are no todos, and a store that is away: a clear answer each, and few lines in the log.

use std::time::{Duration, Instant};

use serde_json::Value;
use test_servers::{MongoServer, fresh_name, shared_mongo};
use todo_model::Todo;
use todo_store::raw::Documents;
use todo_store::{Precondition, Store, StoreOptions};

use crate::program::{Program, ask};
use crate::support::Service;

/// `{id: ID, name: 5}` as BSON (bsonspec.org).
fn strange(id: &str) -> Vec<u8> {
    document(&[&text("id", id)[..], b"\x10name\0\x05\0\0\0"].concat())
}

/// `{id: [ID], name: "A"}`, which MongoDB finds under ID.
fn listed(id: &str) -> Vec<u8> {
    let list = document(&text("0", id));
    document(&[b"\x04id\0", &list[..], &text("name", "A")].concat())
}

fn good(id: &str) -> Vec<u8> {
    document(&[text("id", id), text("name", "A")].concat())
}

fn text(name: &str, value: &str) -> Vec<u8> {
    let length = (value.len() as i32 + 1).to_le_bytes();
    [b"\x02", name.as_bytes(), b"\0", &length, value.as_bytes(), b"\0"].concat()
}

fn document(fields: &[u8]) -> Vec<u8> {
    let length = (fields.len() as i32 + 5).to_le_bytes();
    [&length, fields, b"\0"].concat()
}

async fn store_with(database: &str, documents: &[Vec<u8>]) -> Store {
    store_at(&shared_mongo().url(), database, documents).await
}

async fn store_at(url: &str, database: &str, documents: &[Vec<u8>]) -> Store {
    let options = StoreOptions { database: Some(database.to_owned()), ..StoreOptions::default() };
    let store = Store::open(&url.parse().unwrap(), &options).await.unwrap();
    let mut raw = Documents::default();
    for document in documents {
        raw.push(document).unwrap();
    }
    store.insert_raw(&raw).await.unwrap();
    store
}

fn get(id: &str) -> String {
    format!("GET /todos/{id} HTTP/1.1\r\nhost: t\r\nx-request-id: mine-{id}\r\n\r\n")
}

fn put(id: &str) -> String {
    let body = r#"{"name":"good"}"#;
    let length = body.len();
    format!(
        "PUT /todos/{id} HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn what_is_no_todo_is_502_with_its_field_remembered_and_logged_once() {
    let database = fresh_name("refused");
    let _store = store_with(&database, &[strange("1"), strange("2")]).await;
    let url = shared_mongo().url();
    let flags = ["--store-timeout", "10s", "--absent", "1h", "--database", &database, "--store", &url];
    tokio::task::spawn_blocking({
        let flags = flags.map(str::to_owned);
        move || {
            let program = Program::start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
            let mut stream = program.connect();
            for id in ["1", "2"].repeat(20) {
                let answer = ask(&mut stream, &get(id));
                assert_eq!(answer.status(), 502, "{answer:?}");
                let says = answer.problem();
                assert!(says.contains(&format!("id {id}")) && says.contains("name"), "{says}");
                assert_eq!(answer.header("x-request-id"), Some(format!("mine-{id}").as_str()));
            }
            program.wait_for_log("ERROR");
            let errors: Vec<_> = program.log().into_iter().filter(|line| line.contains("ERROR")).collect();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].contains("mine-1") && errors[0].contains("name"), "{errors:?}");

            // A write through this process counts at once, although an hour is not over.
            let written = ask(&mut stream, &put("1"));
            assert!(matches!(written.status(), 200 | 201), "{written:?}");
            assert_eq!(ask(&mut stream, &get("1")).status(), 200);
            assert_eq!(ask(&mut stream, &get("2")).status(), 502);
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_todos_at_once_look_at_what_is_remembered_of_each() {
    let database = fresh_name("refused");
    let store = store_with(&database, &[strange("1"), strange("2")]).await;
    let url = shared_mongo().url();
    let flags = ["--absent", "1h", "--change-stream", "off", "--database", &database, "--store", &url];
    let service = Service::start(&flags).await;
    let statuses = async |ids: &str| {
        let members: Value = service.get(&format!("/todos?ids={ids}")).await.json().await.unwrap();
        members.as_array().unwrap().iter().map(|member| member["status"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(service.get("/todos/1").await.status(), 502);
    assert_eq!(statuses("1,2,3").await, [502, 502, 404]);
    for id in ["1", "2"] {
        let good = Todo { id: id.parse().unwrap(), name: "good".to_owned(), description: None };
        store.replace(&good, &Precondition::None).await.unwrap();
    }
    // Nobody told the service, so the hour is not over for it, by whichever way the refusals were met.
    assert_eq!(service.get("/todos/2").await.status(), 502);
    assert_eq!(statuses("4,2,1").await, [404, 502, 502]);
    assert_eq!(service.get("/todos?ids=2,1").await.status(), 502);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_todo_is_the_error_of_its_reader_only_also_where_many_are_one_query() {
    let mongo = MongoServer::start_for_faults();
    let (url, database) = (mongo.url(), fresh_name("refused"));
    let goods: Vec<String> = (0..20).map(|number| format!("good{number}")).collect();
    let mut documents: Vec<Vec<u8>> = goods.iter().map(|id| good(id)).collect();
    documents.extend([strange("strange"), listed("listed")]);
    let _store = store_at(&url, &database, &documents).await;
    let flags = ["--change-stream", "off", "--database", &database, "--store", &url, "--store-timeout", "60s"];
    // While the first of them is asked for, the others come.
    let slow = Duration::from_secs(1);
    for batch in ["64", "1"] {
        mongo.slow_down("find", &format!("{database}.todos"), Duration::ZERO);
        let service = Service::start(&[&flags[..], &["--store-batch", batch]].concat()).await;
        mongo.slow_down("find", &format!("{database}.todos"), slow);
        let wanted = goods.iter().map(String::as_str).chain(["strange", "listed", "nobody"]);
        let service = &service;
        let reads = wanted.map(|id| async move { (id, service.get(&format!("/todos/{id}")).await.status().as_u16()) });
        for (id, status) in futures::future::join_all(reads).await {
            let expected = match id {
                "strange" | "listed" => 502,
                "nobody" => 404,
                _ => 200,
            };
            assert_eq!(status, expected, "{id}");
        }
        let loads = service.todos.stats().loads;
        assert_eq!(loads.queries < loads.started, batch != "1", "{batch}: {loads:?}");
    }
}

#[test]
fn a_store_that_is_away_is_a_line_a_second() {
    let mut mongo = MongoServer::start();
    let url = mongo.url();
    // Each waits for its deadline, which must be long enough for the start on a slow machine: so they wait together.
    let program = Program::start(&["--store", &url, "--store-timeout", "2s"]);
    mongo.stop();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for id in 0..60 {
            let mut stream = program.connect();
            scope.spawn(move || {
                let answer = ask(&mut stream, &get(&format!("x{id}")));
                assert_eq!(answer.status(), 503, "{answer:?}");
                answer.problem();
            });
        }
    });
    program.wait_for_log("the store cannot answer now");
    let (seconds, log) = (began.elapsed().as_secs() as usize, program.log());
    let errors =
        log.iter().filter(|line| line.contains("ERROR") && line.contains("the store cannot answer now")).count();
    assert!((1..=seconds + 2).contains(&errors), "{errors} lines in {seconds} s");
    assert!(!log.iter().any(|line| line.contains("\"cause\":\"\"")), "each names its cause: {log:?}");
    let opened = log.iter().filter(|line| line.contains("the store does not answer: until it does")).count();
    assert_eq!(opened, 1, "one line at the change: {log:?}");
}
