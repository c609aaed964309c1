//! TLS, certificates, users and passwords of MongoDB, against real servers that have them.

use std::path::{Path, PathBuf};

use futures::future::join_all;
use mongodb::bson::doc;
use test_servers::{Certificates, Flaw, MongoServer, RedisServer, free_port, until};
use todo_model::Todo;
use todo_store::{Store, StoreError, StoreOptions};

use crate::support::{id, options};

/// What no message may repeat.
const SECRET: &str = "hunter2";

fn server(certificates: &Certificates) -> MongoServer {
    let arguments = certificates.mongod_arguments();
    MongoServer::start_with_users(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A connection string for a user (`user:password@`, or nothing), with further options.
fn url(mongo: &MongoServer, user: &str, options: &str) -> String {
    format!("mongodb://{user}127.0.0.1:{}/?replicaSet=rs0&{options}", mongo.port())
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn file(name: &str, path: &Path) -> String {
    format!("{name}={}", encoded(&path.display().to_string()))
}

async fn works(url: &str, options: &StoreOptions) {
    let store = Store::open(&url.parse().unwrap(), options).await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
    let todo = Todo { id: id("1"), name: "Ada".to_owned(), description: None };
    store.create(&todo).await.unwrap();
    assert_eq!(store.find(&todo.id).await.unwrap().unwrap().todo, todo);
}

/// The one line of why it cannot be opened.
async fn refusal(url: &str, options: &StoreOptions) -> String {
    let error: StoreError = Store::open(&url.parse().unwrap(), options).await.expect_err("it cannot be opened");
    let line = error.with_cause();
    assert!(!line.contains(SECRET) && !line.contains('\n'), "{line}");
    line
}

#[tokio::test]
async fn users_with_odd_names_and_passwords_are_let_in_and_a_wrong_one_is_said() {
    let mongo = MongoServer::start_with_users(&[]);
    let folder = Certificates::make();
    let odd = ["a@b:c/d?e#f", "100%", "[p]&q=r;s+t", "with \"quotes\" 'these' \\ and spaces ", "ünïcödé-密码"];
    for (number, text) in odd.into_iter().enumerate() {
        let role = doc! { "role": "readWriteAnyDatabase", "db": "admin" };
        let mechanisms = vec!["SCRAM-SHA-256"];
        mongo.run_command("admin", doc! { "createUser": text, "pwd": text, "roles": [role], "mechanisms": mechanisms });
        let name = encoded(text);
        works(&url(&mongo, &format!("{name}:{name}@"), "authMechanism=SCRAM-SHA-256"), &options()).await;
        // Some editors put a mark before what they write.
        let mark = if number % 2 == 0 { "" } else { "\u{feff}" };
        let path = folder.write(&number.to_string(), &format!("{mark}{text}\n"));
        works(&url(&mongo, &format!("{name}@"), ""), &StoreOptions { password_file: Some(path), ..options() }).await;
    }
    for (user, says) in [
        (format!("admin:{SECRET}@"), "authentication failed: check user name, password and authSource"),
        (format!("nobody:{SECRET}@"), "authentication failed"),
        (String::new(), "authenti"),
    ] {
        let line = refusal(&url(&mongo, &user, ""), &options()).await;
        assert!(line.contains(says), "{line}");
    }
    // One who may not do what is needed.
    mongo.run_command("admin", doc! { "createUser": "reader", "pwd": "reader", "roles": ["readAnyDatabase"] });
    let line = refusal(&url(&mongo, "reader:reader@", ""), &options()).await;
    assert!(line.contains("not authorized") && line.contains("createIndexes"), "{line}");
}

#[tokio::test]
async fn a_private_authority_and_certificates_in_place_of_passwords() {
    let certificates = Certificates::make();
    let mongo = server(&certificates);
    let (client, stranger) = (certificates.client("todo-api"), certificates.client("stranger"));
    let roles = vec![doc! { "role": "readWriteAnyDatabase", "db": "admin" }];
    mongo.run_command("$external", doc! { "createUser": "OU=clients,CN=todo-api", "roles": roles });
    let trusting = format!("tls=true&{}", file("tlsCAFile", &certificates.authority()));
    let x509 = format!("{trusting}&authMechanism=MONGODB-X509");
    works(&url(&mongo, "admin:admin@", &trusting), &options()).await;
    works(&url(&mongo, "", &format!("{x509}&{}", file("tlsCertificateKeyFile", &client.both))), &options()).await;
    let line =
        refusal(&url(&mongo, "", &format!("{x509}&{}", file("tlsCertificateKeyFile", &stranger.both))), &options())
            .await;
    assert!(line.contains("$external") && line.contains("tlsCertificateKeyFile"), "{line}");
    let line = refusal(&url(&mongo, "", &x509), &options()).await;
    assert!(line.contains("tlsCertificateKeyFile=FILE"), "{line}");

    let old = certificates.client_of_version_one("old");
    let line =
        refusal(&url(&mongo, "", &format!("{x509}&{}", file("tlsCertificateKeyFile", &old.both))), &options()).await;
    assert!(line.contains("tlsCertificateKeyFile") && line.contains("version 1"), "{line}");
    let key = std::fs::read_to_string(&stranger.key).unwrap();
    let mixed = certificates.write("mixed.pem", &(std::fs::read_to_string(&client.certificate).unwrap() + &key));
    let line =
        refusal(&url(&mongo, "", &format!("{x509}&{}", file("tlsCertificateKeyFile", &mixed))), &options()).await;
    assert!(line.contains("the private key is not that of the certificate"), "{line}");
    let of_another = Certificates::make().client("todo-api");
    let line =
        refusal(&url(&mongo, "", &format!("{x509}&{}", file("tlsCertificateKeyFile", &of_another.both))), &options())
            .await;
    assert!(line.contains("tlsCertificateKeyFile"), "{line}");
    let other = Certificates::make();
    let line = refusal(
        &url(&mongo, "admin:admin@", &format!("tls=true&{}", file("tlsCAFile", &other.authority()))),
        &options(),
    )
    .await;
    assert!(line.contains("tlsCAFile=FILE"), "{line}");
    let line = refusal(&url(&mongo, "admin:admin@", "tls=true"), &options()).await;
    assert!(line.contains("tlsCAFile=FILE"), "{line}");
}

#[tokio::test]
async fn each_fault_of_a_certificate_is_said() {
    for (flaw, says) in [
        (Flaw::OtherName, "subject alternative names"),
        (Flaw::NoNames, "subject alternative names"),
        (Flaw::Expired, "give the server another certificate"),
        (Flaw::NotYet, "give the server another certificate"),
        (Flaw::Authority, "give the server another certificate"),
        (Flaw::VersionOne, "give the server a certificate of X.509 version 3"),
    ] {
        // mongod does not start with some of them. Which server it is, is not asked before its certificate is known to be good.
        let (certificates, port) = (Certificates::make_with(flaw), free_port());
        let arguments = certificates.redis_arguments(port);
        let _server = RedisServer::start_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let trusting = file("tlsCAFile", &certificates.authority());
        let line = refusal(&format!("mongodb://127.0.0.1:{port}/?tls=true&{trusting}"), &options()).await;
        assert!(line.contains(says), "{flaw:?}: {line}");
    }
    let plain = MongoServer::start();
    let certificates = Certificates::make();
    let trusting = format!("tls=true&{}", file("tlsCAFile", &certificates.authority()));
    let line = refusal(&url(&plain, "", &trusting), &options()).await;
    assert!(line.contains("tls=true"), "{line}");
}

#[tokio::test]
async fn a_file_that_is_no_use_is_said_with_the_option_that_names_it() {
    let certificates = Certificates::make();
    let client = certificates.client("a");
    let (empty, text) = (certificates.write("empty", ""), certificates.write("text", SECRET));
    let missing = certificates.authority().with_file_name("missing");
    let secret = certificates.write("password", &format!("{SECRET}\n"));
    let marked = "\u{feff}".to_owned() + &std::fs::read_to_string(certificates.authority()).unwrap();
    let marked = certificates.write("marked.pem", &marked);
    let in_url = |name: &str, path: &PathBuf| (format!("mongodb://127.0.0.1:1/?tls=true&{}", file(name, path)), None);
    let in_file = |url: &str, path: &PathBuf| (url.to_owned(), Some(path.clone()));
    let user = "mongodb://user@127.0.0.1:1/";
    for ((url, password_file), says) in [
        (in_url("tlsCAFile", &missing), ["tlsCAFile", "No such file"]),
        (in_url("tlsCAFile", &empty), ["tlsCAFile", "is empty"]),
        (in_url("tlsCAFile", &text), ["tlsCAFile", "a certificate in PEM"]),
        (in_url("tlsCAFile", &marked), ["tlsCAFile", "byte order mark"]),
        (in_url("tlsCertificateKeyFile", &client.certificate), ["tlsCertificateKeyFile", "private key"]),
        (in_url("tlsCertificateKeyFile", &client.key), ["tlsCertificateKeyFile", "a certificate in PEM"]),
        (in_file(user, &missing), ["--store-password-file", "No such file"]),
        (in_file(user, &empty), ["--store-password-file", "is empty"]),
        (in_file("mongodb://user:x@127.0.0.1:1/", &secret), ["--store-password-file", "only one"]),
        (in_file("mongodb://127.0.0.1:1/", &secret), ["--store-password-file", "USER@HOST"]),
        (in_file("redb:todos.redb", &secret), ["--store-password-file", "MongoDB"]),
    ] {
        let line = refusal(&url, &StoreOptions { password_file, ..options() }).await;
        assert!(says.iter().all(|part| line.contains(part)), "{url}: {line}");
    }
}

#[tokio::test]
async fn a_password_is_changed_by_way_of_another_user_and_one_that_was_changed_counts_from_the_next_start() {
    let (mongo, folder) = (MongoServer::start_with_users(&[]), Certificates::make());
    let add = |user: &str, password: &str| {
        let role = doc! { "role": "readWriteAnyDatabase", "db": "admin" };
        mongo.run_command("admin", doc! { "createUser": user, "pwd": password, "roles": [role] });
    };
    let in_file = || StoreOptions { password_file: Some(folder.authority().with_file_name("password")), ..options() };
    let open = async |user: &str| Store::open(&url(&mongo, user, "").parse().unwrap(), &in_file()).await;
    add("blue", "first");
    folder.write("password", "first\n");
    let running = open("blue@").await.unwrap();
    running.create(&Todo { id: id("1"), name: "Ada".to_owned(), description: None }).await.unwrap();

    // As README says: another user, a restart, and the first user goes.
    add("green", "second");
    folder.write("password", "second\n");
    let restarted = open("green@").await.unwrap();
    assert_eq!(restarted.count().await.unwrap(), 0, "each has a database of its own here");
    mongo.run_command("admin", doc! { "dropUser": "blue" });
    assert!(open("blue@").await.is_err() && restarted.ping().await.is_ok());

    // The same user with another password: what is open goes on, and a start takes the new one.
    mongo.run_command("admin", doc! { "updateUser": "green", "pwd": "third" });
    let finds = || join_all((0..64).map(|_| async { restarted.find(&id("1")).await }));
    until("it needs another connection, and gets none", async || finds().await.iter().any(Result::is_err)).await;
    for error in finds().await.into_iter().filter_map(Result::err) {
        assert!(matches!(error, StoreError::Unavailable(_)), "an outage, and no wrong answer: {error:?}");
    }
    let line = refusal(&url(&mongo, "green@", ""), &in_file()).await;
    assert!(line.contains("authentication failed"), "{line}");
    folder.write("password", "third\n");
    open("green@").await.unwrap();
}

#[tokio::test]
async fn servers_that_the_dns_does_not_name_are_said_with_what_to_do() {
    // RFC 6761 §6.4: nobody has this name.
    for host in ["nobody.todo.invalid", "user:hunter2@nobody.todo.invalid"] {
        let line = refusal(&format!("mongodb+srv://{host}/"), &options()).await;
        assert!(line.contains("_mongodb._tcp") && line.contains("mongodb://HOST,HOST"), "{line}");
    }
}

#[tokio::test]
async fn a_collection_that_is_sharded_by_another_key_is_refused_with_what_to_do() {
    let mongo = MongoServer::start_for_faults();
    // What a sharded cluster says; here a server by itself says it.
    let data = doc! { "failCommands": ["createIndexes"], "errorCode": 67 };
    mongo.run_command("admin", doc! { "configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data });
    let line = refusal(&mongo.url(), &options()).await;
    assert!(line.contains("shard it by {id: 1}") && line.contains("docs/scaling.md"), "{line}");
}
