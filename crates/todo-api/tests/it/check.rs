//! `todo-api check`: a line for the store and one for the cache, and for each thing that is wrong.

use std::process::Command;

use mongodb::bson::doc;
use test_servers::{MongoServer, RedisServer, free_port, fresh_name, shared_mongo, shared_redis};

use crate::program::Program;

/// The lines that it says, and its exit code.
fn check(flags: &[&str]) -> (Vec<String>, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_todo-api")).arg("check").args(flags).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (said.lines().map(str::to_owned).collect(), output.status.code())
}

#[test]
fn what_is_as_it_should_be_is_a_line_each_and_exit_code_0() {
    let (store, cache, name) = (shared_mongo().url(), shared_redis().url(), fresh_name("check"));
    let (lines, code) = check(&["--store", &store, "--cache", &cache, "--database", &name, "--cache-prefix", &name]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("ok: store mongodb://") && lines[0].contains(&name), "{lines:?}");
    assert_eq!(lines[1], format!("ok: cache {cache}"));
}

#[test]
fn a_file_that_is_not_there_yet_is_no_fault_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("todos.redb");
    let store = format!("redb:{}", path.display());
    let (lines, code) = check(&["--store", &store]);
    let expected =
        [format!("ok: store {store}: there is no file yet, the start makes it"), "ok: cache memory:".to_owned()];
    assert_eq!((lines, code), (expected.to_vec(), Some(0)));
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is left behind");
    let nowhere = "redb:/proc/todos.redb";
    let (lines, code) = check(&["--store", nowhere]);
    assert!(lines[0].starts_with(&format!("wrong: store {nowhere}: ")) && code == Some(1), "{lines:?}");
}

#[test]
fn servers_that_are_away_and_a_file_that_is_in_use_are_said_with_their_cause_and_without_passwords() {
    let port = free_port();
    let (store, cache) =
        (format!("mongodb://user:hunter2@127.0.0.1:{port}/"), format!("redis://:hunter2@127.0.0.1:{port}/"));
    let (lines, code) = check(&["--store", &store, "--cache", &cache]);
    assert_eq!((lines.len(), code), (2, Some(1)), "{lines:?}");
    assert!(lines[0].starts_with("wrong: store mongodb://") && lines[0].contains("refused"), "{lines:?}");
    assert!(lines[1].starts_with("wrong: cache redis://") && lines[1].contains("refused"), "{lines:?}");
    assert!(!lines.concat().contains("hunter2"), "{lines:?}");

    let program = Program::start(&[]);
    let used = program.listening["store"].as_str().unwrap();
    let (lines, code) = check(&["--store", used]);
    assert!(lines[0].contains("is open in another process") && code == Some(1), "{lines:?}");
}

#[test]
fn each_right_that_is_missing_in_redis_is_a_line_with_the_rule_that_gives_it() {
    let user = ["--user", "todo", "on", ">secret", "~todo:*", "&todo:*", "+@all", "-mget", "-publish"];
    let redis = RedisServer::start_with(&user);
    let cache = format!("redis://todo:secret@127.0.0.1:{}/", redis.port());
    let folder = tempfile::tempdir().unwrap();
    let (lines, code) = check(&["--store", &format!("redb:{}/todos.redb", folder.path().display()), "--cache", &cache]);
    assert_eq!(code, Some(1));
    for right in ["add +mget to its ACL", "add +publish to its ACL"] {
        assert!(lines.iter().any(|line| line.starts_with("wrong: cache") && line.ends_with(right)), "{lines:?}");
    }
    assert!(!lines.concat().contains("secret"), "{lines:?}");
}

#[test]
fn each_privilege_that_is_missing_in_mongodb_is_a_line_and_nothing_is_left_behind() {
    let mongo = MongoServer::start_with_users(&[]);
    let user = |name: &str, roles: Vec<mongodb::bson::Document>| {
        mongo.run_command("shop", doc! { "createUser": name, "pwd": "secret", "roles": roles });
        let store = format!("mongodb://{name}:secret@127.0.0.1:{}/shop?replicaSet=rs0&authSource=shop", mongo.port());
        check(&["--store", &store])
    };
    let role = |role: &str| doc! { "role": role, "db": "shop" };
    let (lines, code) = user("reader", vec![role("read")]);
    assert_eq!(code, Some(1), "{lines:?}");
    for privilege in ["insert", "update", "remove", "createIndex"] {
        let says = format!(": the user lacks the privilege {privilege} on shop.todos, by which ");
        assert!(
            lines.iter().any(|line| line.starts_with("wrong: store mongodb://") && line.contains(&says)),
            "{lines:?}"
        );
    }
    assert!(lines.iter().any(|line| line.contains("insert on shop.todos.change_stream")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("privilege find") || line.contains("changeStream on")), "{lines:?}");
    assert!(!lines.concat().contains("secret"), "{lines:?}");
    let (lines, code) = user("writer", vec![role("readWrite")]);
    assert_eq!((lines.len(), code), (2, Some(0)), "{lines:?}");
    let found = mongo.run_command("shop", doc! { "listCollections": 1, "nameOnly": true });
    assert!(found.get_document("cursor").unwrap().get_array("firstBatch").unwrap().is_empty(), "{found}");

    // Documents that another program gave its own _id need pre-images, and that another privilege.
    mongo.run_command("shop", doc! { "insert": "todos", "documents": [{ "_id": 1, "id": "a", "name": "A" }] });
    let (lines, code) = user("writer2", vec![role("readWrite")]);
    assert!(lines[0].contains("lacks the privilege collMod on shop.todos") && code == Some(1), "{lines:?}");
    let (lines, code) = user("owner", vec![role("readWrite"), role("dbAdmin")]);
    assert_eq!(code, Some(0), "{lines:?}");
    // What the service could not index.
    mongo.run_command("shop", doc! { "insert": "todos", "documents": [{ "_id": 2, "id": "a", "name": "A" }] });
    let (lines, code) = user("owner2", vec![role("readWrite"), role("dbAdmin")]);
    assert!(lines[0].contains("shop.todos has more than one document with id a") && code == Some(1), "{lines:?}");
    mongo.run_command("shop", doc! { "delete": "todos", "deletes": [{ "q": { "_id": 2 }, "limit": 1 }] });
    let index = doc! { "createIndexes": "todos", "indexes": [{ "key": { "id": 1 }, "name": "id_1" }] };
    mongo.run_command("shop", index);
    let (lines, code) = user("owner3", vec![role("readWrite"), role("dbAdmin")]);
    assert!(lines[0].contains("an index on id that is not unique") && code == Some(1), "{lines:?}");
}

#[test]
fn a_rule_of_the_collection_that_no_todo_keeps_is_found() {
    let mongo = shared_mongo();
    let name = fresh_name("check");
    let validator = doc! { "$jsonSchema": { "required": ["price"] } };
    mongo.run_command(&name, doc! { "create": "todos", "validator": validator });
    let (lines, code) = check(&["--store", &mongo.url(), "--database", &name]);
    assert!(lines[0].contains("it cannot be written to: ") && code == Some(1), "{lines:?}");
}

#[test]
fn no_other_action_is_taken() {
    let output = Command::new(env!("CARGO_BIN_EXE_todo-api")).arg("chek").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "error: [ACTION]: must be one of check\n");
}
