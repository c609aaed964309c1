//! TLS, certificates, users and passwords of Redis, against real servers that have them.

use std::path::{Path, PathBuf};

use cache_aside::{AccessFiles, CacheAside, ConnectError, FileRole, Health, StartError};
use deadpool_redis::redis::{Client, cmd};
use test_servers::{Certificates, Flaw, RedisServer, free_port, until};

use crate::support::{FakeStore, builder, options, outcome, put};

/// What no message may repeat.
const SECRET: &str = "hunter2";

async fn engine(url: &str, files: &AccessFiles) -> CacheAside<FakeStore> {
    let builder = builder(&url.parse().unwrap(), &FakeStore::new(), options()).access_files(files.clone());
    builder.start().await.unwrap()
}

fn files(change: impl FnOnce(&mut AccessFiles)) -> AccessFiles {
    let mut files = AccessFiles::default();
    change(&mut files);
    files
}

/// Why it is not reached.
async fn failure(url: &str, files: &AccessFiles) -> ConnectError {
    let engine = engine(url, files).await;
    assert_eq!(engine.health().await, Health::Down, "{url}");
    let error = engine.connect_error().await.expect("there is no connection, and a reason");
    let text = error.to_string();
    assert!(!text.contains(SECRET) && !text.contains('\n'), "{text}");
    error
}

/// One that speaks TLS, its plain port, its port of TLS.
fn tls_server(certificates: &Certificates, known_clients: bool) -> (RedisServer, u16) {
    let port = free_port();
    let arguments = if known_clients {
        certificates.redis_arguments_for_known_clients(port)
    } else {
        certificates.redis_arguments(port)
    };
    (RedisServer::start_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>()), port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_authority_is_named_by_a_file_and_the_name_of_the_server_is_checked() {
    let certificates = Certificates::make();
    let (redis, port) = tls_server(&certificates, false);
    let trusting = files(|files| files.authorities = Some(certificates.authority()));
    let marked = "\u{feff}".to_owned() + &std::fs::read_to_string(certificates.authority()).unwrap();
    let marked = files(|files| files.authorities = Some(certificates.write("marked.pem", &marked)));
    for (host, trusting) in [("127.0.0.1", &trusting), ("localhost", &trusting), ("localhost", &marked)] {
        let engine = engine(&format!("rediss://{host}:{port}/3"), trusting).await;
        assert_eq!(engine.health().await, Health::Up, "{host}: {:?}", engine.connect_error().await);
        put(&engine, "1", "one").await;
        until("it is a hit", async || outcome(&engine, "1").await == cache_aside::Outcome::Hit).await;
        assert_eq!(engine.connect_error().await, None);
    }
    let url = format!("rediss://127.0.0.1:{port}/");
    let error = failure(&url, &AccessFiles::default()).await;
    assert!(matches!(error, ConnectError::UnknownAuthority { .. }), "{error}");
    let other = files(|files| files.authorities = Some(Certificates::make().write("x.pem", "x")));
    assert!(matches!(builder(&url.parse().unwrap(), &FakeStore::new(), options()).access_files(other).start().await,
        Err(StartError::File(error)) if error.role == FileRole::Authorities));

    let plain = format!("rediss://127.0.0.1:{}/", redis.port());
    let error = failure(&plain, &trusting).await;
    assert!(matches!(error, ConnectError::NoTls { .. } | ConnectError::Timeout { tls: true, .. }), "{error:?}");
    let error = failure(&format!("redis://127.0.0.1:{port}/"), &AccessFiles::default()).await;
    assert!(matches!(error, ConnectError::NoRedis { .. } | ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_certificate_is_named() {
    type Named = fn(&ConnectError) -> bool;
    let cases: [(Flaw, Named, &str); 6] = [
        (Flaw::OtherName, |error| matches!(error, ConnectError::OtherName { .. }), "redis.example"),
        (Flaw::NoNames, |error| matches!(error, ConnectError::OtherName { .. }), "no subject alternative names"),
        (Flaw::Expired, |error| matches!(error, ConnectError::CertificateTime { .. }), "has expired"),
        (Flaw::NotYet, |error| matches!(error, ConnectError::CertificateTime { .. }), "not valid yet"),
        (Flaw::Authority, |error| matches!(error, ConnectError::Certificate { .. }), "CA:TRUE"),
        (Flaw::VersionOne, |error| matches!(error, ConnectError::Certificate { .. }), "version 1"),
    ];
    for (flaw, is_named, says) in cases {
        let certificates = Certificates::make_with(flaw);
        let (_redis, port) = tls_server(&certificates, false);
        let trusting = files(|files| files.authorities = Some(certificates.authority()));
        let error = failure(&format!("rediss://127.0.0.1:{port}/"), &trusting).await;
        assert!(is_named(&error) && error.to_string().contains(says), "{flaw:?}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_shows_its_certificate_to_a_server_that_wants_one() {
    let certificates = Certificates::make();
    let (_redis, port) = tls_server(&certificates, true);
    let url = format!("rediss://127.0.0.1:{port}/");
    let with = |certificates: &Certificates, other: &Certificates| {
        let client = other.client("todo-api");
        files(|files| {
            files.authorities = Some(certificates.authority());
            files.certificate = Some(client.certificate);
            files.key = Some(client.key);
        })
    };
    let engine = engine(&url, &with(&certificates, &certificates)).await;
    assert_eq!(engine.health().await, Health::Up, "{:?}", engine.connect_error().await);
    let stranger = Certificates::make();
    let without = files(|files| files.authorities = Some(certificates.authority()));
    for files in [without, with(&certificates, &stranger)] {
        let error = failure(&url, &files).await;
        assert!(matches!(error, ConnectError::ClientCertificate { .. }), "{error:?}");
    }
}

/// Names and passwords that URLs, command lines and configuration files are known to break.
const ODD: [&str; 9] = [
    "plain",
    "a@b:c/d?e#f",
    "100%",
    "%41%zz",
    "p&q=r;s+t",
    "[brackets]{braces}",
    "with \"quotes\" and 'these' \\",
    "  spaces  ",
    "ünïcödé-密码-🔑",
];

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_passwords_of_users_with_odd_names_work_in_the_url_and_in_a_file() {
    let (redis, folder) = (RedisServer::start(), Certificates::make());
    let mut admin = Client::open(redis.url()).unwrap().get_connection().unwrap();
    for (number, password) in ODD.into_iter().enumerate() {
        // A name may have no spaces and no zero bytes (Redis source, `ACLStringHasSpaces`).
        let user = password.replace(' ', "_");
        let rules = ["on", "~*", "&*", "+@all", &format!(">{password}")].map(str::to_owned);
        cmd("ACL").arg("SETUSER").arg(&user).arg(&rules).exec(&mut admin).unwrap();
        let place = format!("127.0.0.1:{}/", redis.port());
        // Some editors put a mark before what they write.
        let mark = if number % 2 == 0 { "" } else { "\u{feff}" };
        let in_file = folder.write(&number.to_string(), &format!("{mark}{password}\n"));
        let in_file = files(|files| files.password = Some(in_file));
        for (url, files) in [
            (format!("redis://{}:{}@{place}", encoded(&user), encoded(password)), AccessFiles::default()),
            (format!("redis://{}@{place}", encoded(&user)), in_file),
        ] {
            let engine = engine(&url, &files).await;
            assert_eq!(engine.health().await, Health::Up, "{url}: {:?}", engine.connect_error().await);
        }
    }
    // What need not be encoded is taken as it is.
    cmd("CONFIG").arg(&["SET", "requirepass", "a@b=c&d %e"]).exec(&mut admin).unwrap();
    let engine = engine(&format!("redis://:a@b=c&d %e@127.0.0.1:{}", redis.port()), &AccessFiles::default()).await;
    assert_eq!(engine.health().await, Health::Up, "{:?}", engine.connect_error().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_a_missing_one_and_an_unknown_user_are_told_apart() {
    let redis = RedisServer::start_with(&["--requirepass", SECRET]);
    let at = format!("127.0.0.1:{}", redis.port());
    let none = AccessFiles::default();
    let error = failure(&format!("redis://{at}"), &none).await;
    assert!(matches!(error, ConnectError::NoPassword { .. }), "{error:?}");
    for (url, user) in
        [(format!("redis://:{SECRET}x@{at}"), "default"), (format!("redis://nobody:{SECRET}@{at}"), "nobody")]
    {
        let error = failure(&url, &none).await;
        assert!(matches!(&error, ConnectError::WrongPassword { user: named, .. } if named == user), "{error:?}");
    }
    let engine = engine(&format!("redis://:{SECRET}@{at}"), &none).await;
    assert_eq!(engine.health().await, Health::Up);
    let error = failure(&format!("redis://:{SECRET}@{at}/99"), &none).await;
    assert!(matches!(&error, ConnectError::Refused { cause, .. } if cause.contains("DB index")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_changed_in_its_file_is_used_from_the_next_connection_on() {
    let (redis, folder) = (RedisServer::start(), Certificates::make());
    let mut admin = Client::open(redis.url()).unwrap().get_connection().unwrap();
    let mut set_user = |rules: &[&str]| cmd("ACL").arg("SETUSER").arg("todo").arg(rules).exec(&mut admin).unwrap();
    set_user(&["on", "~*", "&*", "+@all", ">first"]);
    let path = folder.write("password", "first\n");
    let in_file = files(|files| files.password = Some(path));
    let engine = engine(&format!("redis://todo@127.0.0.1:{}/", redis.port()), &in_file).await;
    put(&engine, "1", "one").await;
    // The steps of README.
    set_user(&[">second"]);
    folder.write("password", "second");
    set_user(&["<first"]);
    cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).exec(&mut admin).unwrap();
    until("it is reached by the new password", async || engine.health().await == Health::Up).await;
    until("it answers from the cache", async || outcome(&engine, "1").await == cache_aside::Outcome::Hit).await;

    // While the file is away, the reason names it; when it is back, so is the cache.
    let path = folder.authority().with_file_name("password");
    std::fs::remove_file(&path).unwrap();
    cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).exec(&mut admin).unwrap();
    until("the file is missed", async || {
        engine.health().await == Health::Down
            && matches!(engine.connect_error().await, Some(ConnectError::File(error)) if error.path == path)
    })
    .await;
    folder.write("password", "second\r\n");
    until("it is reached again", async || engine.health().await == Health::Up).await;
}

async fn refused(url: &str, files: AccessFiles) -> StartError {
    let builder = builder(&url.parse().unwrap(), &FakeStore::new(), options()).access_files(files);
    builder.start().await.expect_err("it is refused")
}

#[tokio::test]
async fn a_file_that_is_no_use_is_an_error_at_the_start_that_names_it() {
    let certificates = Certificates::make();
    let (client, other) = (certificates.client("a"), certificates.client("b"));
    let old = certificates.client_of_version_one("old");
    let (empty, text) = (certificates.write("empty", ""), certificates.write("text", SECRET));
    let (line_end, missing) =
        (certificates.write("line-end", "\n"), certificates.authority().with_file_name("missing"));
    let binary = certificates.authority().with_file_name("binary");
    std::fs::write(&binary, [0xff, 0xfe]).unwrap();
    let folder = certificates.authority().parent().unwrap().to_owned();
    let encrypted = certificates
        .write("encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let authorities = |path: &Path| files(|files| files.authorities = Some(path.to_owned()));
    let pair = |certificate: &Path, key: &Path| {
        files(|files| (files.certificate, files.key) = (Some(certificate.to_owned()), Some(key.to_owned())))
    };
    let password = |path: &Path| files(|files| files.password = Some(path.to_owned()));
    let cases: [(AccessFiles, FileRole, &PathBuf, &str); 13] = [
        (authorities(&missing), FileRole::Authorities, &missing, "No such file"),
        (authorities(&empty), FileRole::Authorities, &empty, "is empty"),
        (authorities(&text), FileRole::Authorities, &text, "no certificate"),
        (authorities(&client.key), FileRole::Authorities, &client.key, "no certificate"),
        (authorities(&folder), FileRole::Authorities, &folder, "directory"),
        (pair(&client.key, &client.key), FileRole::Certificate, &client.key, "no certificate"),
        (pair(&client.certificate, &client.certificate), FileRole::Key, &client.certificate, "no private key"),
        (pair(&client.certificate, &other.key), FileRole::Key, &other.key, "is not the key"),
        (pair(&old.certificate, &old.key), FileRole::Certificate, &old.certificate, "version 1"),
        (pair(&client.certificate, &encrypted), FileRole::Key, &encrypted, "is encrypted"),
        (password(&empty), FileRole::Password, &empty, "is empty"),
        (password(&line_end), FileRole::Password, &line_end, "is empty"),
        (password(&binary), FileRole::Password, &binary, "is not UTF-8"),
    ];
    for (files, role, path, problem) in cases {
        let error = refused("rediss://127.0.0.1:1/", files).await;
        let StartError::File(error) = &error else { panic!("{error}") };
        assert!(error.role == role && error.path == *path && error.problem.contains(problem), "{error}");
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
}

#[tokio::test]
async fn files_that_do_not_go_with_the_url_are_refused() {
    let certificates = Certificates::make();
    let (client, password) = (certificates.client("a"), certificates.write("password", SECRET));
    let authorities = files(|files| files.authorities = Some(certificates.authority()));
    let certificate = files(|files| files.certificate = Some(client.certificate.clone()));
    let secret = files(|files| files.password = Some(password.clone()));
    let of_sentinels = files(|files| files.sentinel_password = Some(password.clone()));
    for (url, files, says) in [
        ("redis://127.0.0.1:1", authorities, "with rediss"),
        ("rediss://127.0.0.1:1", certificate, "private key"),
        ("redis://:x@127.0.0.1:1", secret.clone(), "only one"),
        ("redis://127.0.0.1:1", of_sentinels.clone(), "redis+sentinel://"),
        ("redis+sentinel://127.0.0.1:1/x?sentinel_password=y", of_sentinels, "only one"),
        ("redis://user@127.0.0.1:1", AccessFiles::default(), "without a password"),
        ("memory:", secret, "memory:"),
    ] {
        let error = refused(url, files).await.to_string();
        assert!(error.contains(says) && !error.contains(SECRET), "{url}: {error}");
    }
}
