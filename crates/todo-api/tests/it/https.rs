//! TLS on the listener: curl, OpenSSL and rustls as clients, certificates that change and such that are no use.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use test_servers::Certificates;

use crate::program::{LIVEZ, PATIENCE, Program, ask, ends, post, receive};

/// The service with the certificate of this authority's server.
fn start(certificates: &Certificates, flags: &[&str]) -> Program {
    let (certificate, key) = certificates.server();
    let files = ["--tls-cert-file", text(&certificate), "--tls-key-file", text(&key)];
    Program::start(&[&files, flags].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn curl(program: &Program, certificates: &Certificates, arguments: &[&str], path: &str) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "60", "--cacert", text(&certificates.authority())])
        .args(arguments)
        .arg(format!("https://{}{path}", program.address()))
        .output()
        .unwrap()
}

/// A connection of a client that trusts the authority, by rustls.
fn connect(program: &Program, certificates: &Certificates) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificates.authority()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), program.connect())
}

/// What a server shows, in PEM, to whoever connects.
fn shown(program: &Program) -> String {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &program.address().to_string(), "-servername", "localhost"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let begin = said.find("-----BEGIN CERTIFICATE-----").unwrap_or_else(|| panic!("{output:?}"));
    let end = said.find("-----END CERTIFICATE-----").unwrap();
    said[begin..end].replace(['\n', '\r'], "")
}

fn in_file(path: &Path) -> String {
    let pem = fs::read_to_string(path).unwrap();
    pem[..pem.find("-----END CERTIFICATE-----").unwrap()].replace(['\n', '\r'], "")
}

#[test]
fn clients_of_either_version_read_and_write_by_http_1_1() {
    let certificates = Certificates::make();
    let program = start(&certificates, &[]);
    let url = program.listening["url"].as_str().unwrap();
    assert!(url.starts_with("https://"), "{url}");
    let create = ["--json", r#"{"id":"1","name":"A"}"#, "--output", "/dev/null", "--write-out", "%{http_code}"];
    let created = curl(&program, &certificates, &create, "/todos");
    assert_eq!(String::from_utf8_lossy(&created.stdout), "201", "{created:?}");
    for version in ["--tlsv1.2", "--tls-max=1.2"] {
        let version: Vec<&str> = version.split('=').collect();
        // curl offers HTTP/2 first where it can.
        let asked = [&version[..], &["--write-out", "\n%{http_code} %{http_version} %{ssl_verify_result}"]].concat();
        let read = curl(&program, &certificates, &asked, "/todos/1");
        let said = String::from_utf8(read.stdout).unwrap();
        assert!(said.contains(r#""name":"A""#) && said.ends_with("\n200 1.1 0"), "{said} {}", read.status);
    }
    let mut stream = connect(&program, &certificates);
    for id in 2..50 {
        assert_eq!(ask(&mut stream, &post("", id)).status(), 201, "on one connection");
    }
}

#[test]
fn keys_of_every_kind_and_files_as_people_have_them_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| folder.path().join(name);
    let openssl = |arguments: &[&str]| {
        let made = Command::new("openssl").args(arguments).current_dir(&folder).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    };
    let signed = |key: &str| {
        let certificate = format!("{key}.pem");
        let names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
        openssl(&[&["req", "-x509", "-key", key, "-out", &certificate, "-days", "2"][..], &names].concat());
        of(&certificate)
    };
    openssl(&["genrsa", "-out", "rsa.key", "2048"]);
    openssl(&["rsa", "-in", "rsa.key", "-traditional", "-out", "pkcs1.key"]);
    // With a section of parameters before the key.
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-out", "ec.key"]);
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "ed25519.key"]);
    let mut pairs: Vec<_> =
        ["rsa.key", "pkcs1.key", "ec.key", "ed25519.key"].map(|key| (signed(key), of(key))).to_vec();
    let (certificate, key) = pairs[0].clone();
    let both = of("both.pem");
    fs::write(&both, [fs::read(&key).unwrap(), fs::read(&certificate).unwrap()].concat()).unwrap();
    pairs.push((both.clone(), both));
    let windows = of("windows.pem");
    fs::write(&windows, fs::read_to_string(&certificate).unwrap().replace('\n', "\r\n")).unwrap();
    pairs.push((windows, key));
    for (certificate, key) in pairs {
        let program = Program::start(&["--tls-cert-file", text(&certificate), "--tls-key-file", text(&key)]);
        let read = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "60", "--cacert", text(&certificate)])
            .arg(format!("https://{}/livez", program.address()))
            .output()
            .unwrap();
        assert!(read.status.success(), "{}: {read:?}", key.display());
    }
}

#[test]
fn a_stream_of_events_goes_on_as_it_is_written() {
    let certificates = Certificates::make();
    let program = start(&certificates, &[]);
    let mut stream = connect(&program, &certificates);
    stream.write_all(b"GET /live HTTP/1.1\r\nhost: test\r\naccept: text/event-stream\r\n\r\n").unwrap();
    let (mut said, mut bytes) = (String::new(), [0; 4096]);
    while said.matches("event: picture").count() < 2 {
        let read = stream.read(&mut bytes).unwrap();
        assert_ne!(read, 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
}

#[test]
fn who_speaks_plain_http_is_told_so_in_plain_http() {
    let certificates = Certificates::make();
    let program = start(&certificates, &[]);
    for request in [LIVEZ.to_owned(), post("", 1), format!("POST /todos HTTP/1.1\r\n\r\n{}", "x".repeat(100_000))] {
        let mut stream = program.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let answer = receive(&mut stream).unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.problem(), "this listener speaks TLS: begin the URL with https://");
        assert!(ends(&mut stream));
    }
}

#[test]
fn a_handshake_that_stops_or_is_no_handshake_ends_and_disturbs_nobody() {
    let certificates = Certificates::make();
    let program = start(&certificates, &["--head-timeout", "5s", "--max-connections", "64"]);
    // The begin of a record that says 512 bytes will come; a record of nonsense; one that is too long.
    let begin = [22, 3, 1, 2, 0, 1, 0];
    let mut slow: Vec<_> = (0..100).map(|_| program.connect()).collect();
    slow.iter_mut().for_each(|stream| drop(stream.write_all(&begin)));
    for nonsense in [&[22, 3, 1, 0, 4, 255, 255, 255, 255][..], &[22, 3, 1, 255, 255, 0]] {
        let mut stream = program.connect();
        stream.write_all(nonsense).unwrap();
        let mut alert = Vec::new();
        let _ = stream.read_to_end(&mut alert);
        assert!(alert.len() < 64, "an alert at most: {alert:?}");
    }
    let mut stream = connect(&program, &certificates);
    assert_eq!(ask(&mut stream, LIVEZ).status(), 200);
    assert!(slow.iter_mut().all(ends), "each ends by itself");
    let log = program.log();
    assert!(!log.iter().any(|line| line.contains(r#""level":"ERROR""#)), "garbage of clients is no error: {log:?}");
}

#[test]
fn deadlines_and_refusals_are_those_of_plain_http() {
    let certificates = Certificates::make();
    let program = start(&certificates, &["--head-timeout", "5s", "--body-timeout", "1s"]);
    let begun = post("", 1);
    for (sent, status) in [
        ("GET / HTTP/1.1\r\nhost", 408),
        (&begun[..begun.len() - 1], 408),
        ("GET / HTTP/9.9\r\n\r\n", 505),
        ("GET /todos/1 HTTP/1.1\r\nhost: test\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n", 404),
    ] {
        let mut stream = connect(&program, &certificates);
        stream.write_all(sent.as_bytes()).unwrap();
        let answer = receive(&mut stream).unwrap_or_else(|| panic!("no answer to {sent:?}"));
        assert_eq!(answer.status(), status, "{sent:?}: {answer:?}");
    }
}

#[test]
fn a_certificate_that_was_renewed_is_shown_to_new_connections_and_one_that_is_no_use_is_not() {
    let (first, second) = (Certificates::make(), Certificates::make());
    let program = start(&first, &[]);
    let (certificate, key) = first.server();
    let (next_certificate, next_key) = second.server();
    assert_eq!(shown(&program), in_file(&certificate));
    let mut before = connect(&program, &first);
    assert_eq!(ask(&mut before, LIVEZ).status(), 200);

    fs::write(&key, "nothing").unwrap();
    program.wait_for_log("new connections are shown the certificate of before");
    let (good, mut stream) = (fs::read(&next_key).unwrap(), connect(&program, &first));
    assert_eq!(ask(&mut stream, LIVEZ).status(), 200);

    fs::remove_file(&key).unwrap();
    program.wait_for_log("cannot be read");
    fs::write(&key, good).unwrap();
    // As some editors save it.
    fs::write(&certificate, "\u{feff}".to_owned() + &fs::read_to_string(&next_certificate).unwrap()).unwrap();
    program.wait_for_log("new connections are shown what this file holds now");
    assert_eq!(shown(&program), in_file(&next_certificate));
    assert_eq!(ask(&mut before, LIVEZ).status(), 200, "a connection of before goes on");
    let errors = program.log().iter().filter(|line| line.contains(r#""level":"ERROR""#)).count();
    assert_eq!(errors, 2, "each once: {:?}", program.log());
}

#[test]
fn a_file_that_is_no_use_is_one_line_that_names_its_flag() {
    let (certificates, other) = (Certificates::make(), Certificates::make());
    let ((certificate, key), old) = (certificates.server(), certificates.client_of_version_one("old"));
    let encrypted = certificates
        .write("encrypted.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let broken = certificates.write("broken.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    let empty = certificates.write("empty.pem", "");
    let no_certificate = certificates.write("no.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let missing = Path::new("/nowhere/cert.pem");
    for (certificate, key, flag, problem) in [
        (missing, &*key, "--tls-cert-file", "cannot be read: No such file"),
        (&empty, &key, "--tls-cert-file", "has no certificate in PEM"),
        (&broken, &key, "--tls-cert-file", "is broken PEM"),
        (&no_certificate, &key, "--tls-cert-file", "has a certificate that cannot be used"),
        (
            &old.certificate,
            &old.key,
            "--tls-cert-file",
            "has a certificate that cannot be used: it is of X.509 version 1",
        ),
        (&certificate, missing, "--tls-key-file", "cannot be read: No such file"),
        (&certificate, &certificate, "--tls-key-file", "has no private key in PEM"),
        (&certificate, &encrypted, "--tls-key-file", "is encrypted: decrypt it"),
        (&certificate, &other.server().1, "--tls-key-file", "is not the key of the certificate in"),
    ] {
        let files = ["--tls-cert-file", text(certificate), "--tls-key-file", text(key)];
        let of = |action: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            let store = format!("redb:{}", folder.path().join("todos.redb").display());
            let mut command = Command::new(env!("CARGO_BIN_EXE_todo-api"));
            let output = command.args(action).args(files).args(["--listen", "127.0.0.1:0", "--store", &store]).output();
            let output = output.unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        for said in [of(&[]), of(&["check"])] {
            let lines: Vec<_> = said.lines().filter(|line| line.contains("--tls-")).collect();
            let expected =
                format!("{flag} {}: it {problem}", if flag.contains("cert") { certificate } else { key }.display());
            assert!(lines.len() == 1 && lines[0].contains(&expected), "{expected}: {said}");
        }
    }
    let alone = Command::new(env!("CARGO_BIN_EXE_todo-api")).args(["--tls-cert-file", text(&certificate)]).output();
    let alone = alone.unwrap();
    assert_eq!(alone.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&alone.stderr).contains("--tls-key-file"), "{alone:?}");
    let both = Program::start(&["--tls-cert-file", text(&certificate), "--tls-key-file", text(&key)]);
    assert!(both.connect().set_read_timeout(Some(PATIENCE)).is_ok());
}
