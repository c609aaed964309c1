//! `Certificate`: what clients are shown, from two files that are read again when they change: whoever renews a certificate replaces
//! files, and tells nobody.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use crate::settings::Settings;

/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(5);

/// What some editors put before a text, and nobody means (Unicode, "Byte Order Mark (BOM) FAQ").
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

const VERSION_ONE: &str =
    "it is of X.509 version 1, and has to be of version 3: make it with an extension (openssl x509 -req -extfile FILE)";

/// A file of the listener that is no use. Repeats nothing of what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{flag} {}: it {problem}", .path.display())]
pub struct CertificateError {
    /// The flag that names the file.
    pub flag: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

/// A certificate and its key, as they are now.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: Files,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    /// What is known: it is shown, or it was said why not.
    known: Reading,
    /// What was read at the last look.
    seen: Option<Reading>,
}

type Reading = Result<Contents, CertificateError>;

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    /// Reads both files; `None` if the flags name none.
    pub(crate) fn read(settings: &Settings) -> Result<Option<Arc<Self>>, CertificateError> {
        // The parser of the command line takes both or neither.
        let (Some(certificate), Some(key)) = (&settings.tls_cert_file, &settings.tls_key_file) else {
            return Ok(None);
        };
        let files = Files { certificate: certificate.clone(), key: key.clone() };
        let read = files.read()?;
        let current = Current { key: files.pair(&read)?, known: Ok(read), seen: None };
        Ok(Some(Arc::new(Self { files, current: Mutex::new(current) })))
    }

    /// Reads the files again every few seconds, for as long as this is polled.
    pub(crate) async fn follow(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let certificate = Arc::clone(&self);
            // Files may be on a disk that is away; nobody waits for them.
            let _ = tokio::task::spawn_blocking(move || certificate.look()).await;
        }
    }

    /// What is no use is said once, and changes nothing.
    fn look(&self) {
        let read = self.files.read();
        let mut current = self.current();
        if current.known == read {
            return;
        }
        let is_settled = current.seen.as_ref() == Some(&read);
        match read.as_ref().map_err(Clone::clone).and_then(|contents| self.files.pair(contents)) {
            Ok(key) => {
                current.key = key;
                tracing::info!(file = %self.files.certificate.display(), "new connections are shown what this file holds now");
            }
            // Two files are not replaced in one stroke: what does not fit now may do at the next look.
            Err(_) if !is_settled => {
                current.seen = Some(read);
                return;
            }
            Err(error) => tracing::error!("{error}; new connections are shown the certificate of before"),
        }
        (current.known, current.seen) = (read, None);
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        // Whole between any two statements.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener that shows it. HTTP/1.1 is the only protocol that is offered: what bounds connections here knows no other.
pub(crate) fn config(certificate: Arc<Certificate>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3");
    let mut config = config.with_no_client_auth().with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current().key))
    }
}

impl Files {
    fn read(&self) -> Result<Contents, CertificateError> {
        let read = |path: &Path, wrong: &dyn Fn(String) -> CertificateError| {
            let mut bytes = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
            if bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
            Ok(bytes)
        };
        Ok(Contents {
            certificate: read(&self.certificate, &|problem| self.wrong_certificate(problem))?,
            key: read(&self.key, &|problem| self.wrong_key(problem))?,
        })
    }

    fn pair(&self, read: &Contents) -> Result<Arc<CertifiedKey>, CertificateError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&read.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| self.wrong_certificate(format!("is broken PEM: {error}")))?;
        if chain.is_empty() {
            let problem = "has no certificate in PEM (-----BEGIN CERTIFICATE-----)";
            return Err(self.wrong_certificate(problem.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&read.key).map_err(|_| {
            let encrypted = read.key.windows(9).any(|part| part == b"ENCRYPTED");
            let problem = if encrypted {
                "is encrypted: decrypt it, for instance with openssl pkey -in FILE -out FILE"
            } else {
                "has no private key in PEM (-----BEGIN PRIVATE KEY-----)"
            };
            self.wrong_key(problem.to_owned())
        })?;
        match CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()) {
            Ok(pair) => Ok(Arc::new(pair)),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(self.wrong_key(format!("is not the key of the certificate in {}", self.certificate.display())))
            }
            Err(rustls::Error::InvalidCertificate(error)) => {
                let said = error.to_string();
                let said = if said.contains("UnsupportedCertVersion") { VERSION_ONE } else { &said };
                Err(self.wrong_certificate(format!("has a certificate that cannot be used: {said}")))
            }
            Err(error) => Err(self.wrong_key(format!("has a key that cannot be used: {error}"))),
        }
    }

    fn wrong_certificate(&self, problem: String) -> CertificateError {
        CertificateError { flag: "--tls-cert-file", path: self.certificate.clone(), problem }
    }

    fn wrong_key(&self, problem: String) -> CertificateError {
        CertificateError { flag: "--tls-key-file", path: self.key.clone(), problem }
    }
}
