//! Certificates that the system does not know, as services in tests and companies have them.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use test_servers::{Certificates, Flaw, Process};

use crate::support::{errors, finish, free_port, program, until};
use crate::target::{Target, honest};

/// A server that answers over TLS (`openssl s_server`), with a certificate made so.
struct Tls {
    port: u16,
    certificate: PathBuf,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Tls {
    async fn start(constraint: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
            .args(["-addext", &format!("basicConstraints=critical,{constraint}")])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        Self::serve(certificate, &key, folder).await
    }

    async fn serve(certificate: PathBuf, key: &Path, folder: tempfile::TempDir) -> Self {
        let port = free_port();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let args = ["s_server", "-accept", &format!("127.0.0.1:{port}"), "-www", "-quiet", "-cert"].map(str::to_owned);
        let args = [args.to_vec(), vec![text(&certificate), "-key".to_owned(), text(key)]].concat();
        let process = Process::start(Path::new("/usr/bin/openssl"), &args, &folder.path().join("log"));
        until("openssl listens", async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
        Self { port, certificate, _process: process, _folder: folder }
    }

    /// A run against it; what it answers is a page, which is no todo.
    async fn run(&self, flags: &[&str]) -> (Option<i32>, String, String) {
        let host = format!("https://127.0.0.1:{}", self.port);
        let run = ["--host", &host, "--users", "1", "--requests", "3", "--ids", "1..3", "--max-error-ratio", "1"];
        let output = finish(program(&[&run, flags].concat())).await;
        (output.status.code(), errors(&output), String::from_utf8(output.stdout).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_self_signed_certificate_is_refused_and_the_line_says_what_to_do() {
    let tls = Tls::start("CA:FALSE").await;
    let (code, text, _) = tls.run(&[]).await;
    assert_eq!((code, text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.contains("self-signed") && text.contains("--ca-file") && text.contains("--insecure"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_in_the_file_is_trusted_and_any_other_is_not() {
    let (tls, other) = (Tls::start("CA:FALSE").await, Tls::start("CA:FALSE").await);
    let file = tls.certificate.to_str().unwrap();
    let (code, text, said) = tls.run(&["--ca-file", file]).await;
    assert!(code == Some(0) && said.contains("200 OK"), "{text}{said}");
    let (code, text, _) = other.run(&["--ca-file", file]).await;
    assert!(code == Some(1) && text.contains("certificate"), "{text}");
    let (code, text, said) = other.run(&["--insecure"]).await;
    assert!(code == Some(0) && said.contains("200 OK"), "{text}{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authoritys_own_certificate_on_a_server_has_a_line_of_its_own() {
    let tls = Tls::start("CA:TRUE").await;
    let (code, text, _) = tls.run(&["--ca-file", tls.certificate.to_str().unwrap()]).await;
    assert!(code == Some(1) && text.contains("CA:TRUE") && text.contains("--insecure"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_version_1_has_a_line_of_its_own() {
    let certificates = Certificates::make_with(Flaw::VersionOne);
    let (certificate, key) = certificates.server();
    let tls = Tls::serve(certificate, &key, tempfile::tempdir().unwrap()).await;
    let (code, text, _) = tls.run(&["--ca-file", certificates.authority().to_str().unwrap()]).await;
    assert!(code == Some(1) && text.contains("X.509 version 1") && text.contains("--insecure"), "{text}");
    let (code, text, said) = tls.run(&["--insecure"]).await;
    assert!(code == Some(0) && said.contains("200 OK"), "{text}{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_holds_no_certificate_is_an_error_before_the_run() {
    let target = Target::start(honest);
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    let url = target.url();
    for (path, reason) in [(empty.as_path(), "no certificate"), (Path::new("/nowhere.pem"), "cannot be read")] {
        let output = finish(program(&["--host", &url, "--requests", "1", "--ca-file", path.to_str().unwrap()])).await;
        let text = errors(&output);
        assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
        assert!(text.contains("--ca-file") && text.contains(reason), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_scheme_is_said() {
    let target = Target::start(honest);
    let host = target.url().replace("http:", "https:");
    let text = errors(&finish(program(&["--host", &host, "--requests", "1"])).await);
    assert!(text.contains("is it http://?") && text.lines().count() == 1, "{text}");
    let tls = Tls::start("CA:FALSE").await;
    let host = format!("http://127.0.0.1:{}", tls.port);
    let text = errors(&finish(program(&["--host", &host, "--requests", "1"])).await);
    assert!(text.contains("does not answer") && text.lines().count() == 1, "{text}");
}
