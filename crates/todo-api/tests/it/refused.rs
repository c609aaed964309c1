//! Documents that are no todos, and a store that is away: a clear answer each, and few lines in the log.

use std::time::Instant;

use test_servers::{MongoServer, fresh_name, shared_mongo};
use todo_store::raw::Documents;
use todo_store::{Store, StoreOptions};

use crate::program::{Program, ask};

/// `{id: ID, name: 5}` as BSON (bsonspec.org).
fn strange(id: &str) -> Vec<u8> {
    let mut fields = b"\x02id\0".to_vec();
    fields.extend((id.len() as i32 + 1).to_le_bytes());
    fields.extend(id.as_bytes());
    fields.extend(b"\0\x10name\0\x05\0\0\0\0");
    let mut document = (fields.len() as i32 + 4).to_le_bytes().to_vec();
    document.extend(fields);
    document
}

async fn store_with(database: &str, documents: &[Vec<u8>]) -> Store {
    let options = StoreOptions { database: Some(database.to_owned()), ..StoreOptions::default() };
    let store = Store::open(&shared_mongo().url().parse().unwrap(), &options).await.unwrap();
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
}
