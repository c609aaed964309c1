//! `AccessFiles`: certificates and passwords that stand in files of their own, as secrets are mounted. They are read anew for each
//! connection, so that what was rotated is used without a restart; at the start one that is no use is an error.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::certificate_problem;
use crate::error::StartError;
use crate::redis_url::{Login, RedisUrl, Servers};
use crate::url::CacheUrl;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// What some editors put before a text, and nobody means (Unicode, "Byte Order Mark (BOM) FAQ").
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Files by which Redis is reached, beside its URL: see [`crate::Builder::access_files`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessFiles {
    /// Certificates (PEM) of the authorities that are trusted, in place of those that the system trusts.
    pub authorities: Option<PathBuf>,
    /// Certificate of this client (PEM), with those that lead to its authority behind it.
    pub certificate: Option<PathBuf>,
    /// Private key (PEM) of that certificate.
    pub key: Option<PathBuf>,
    /// Password of the user that the URL names, or of the default user. One line end behind it does not count.
    pub password: Option<PathBuf>,
    /// The same for the sentinels.
    pub sentinel_password: Option<PathBuf>,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileRole {
    /// [`AccessFiles::authorities`].
    Authorities,
    /// [`AccessFiles::certificate`].
    Certificate,
    /// [`AccessFiles::key`].
    Key,
    /// [`AccessFiles::password`].
    Password,
    /// [`AccessFiles::sentinel_password`].
    SentinelPassword,
}

/// A file that is no use. Repeats nothing of what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file {} ({role}) {problem}", .path.display())]
pub struct FileError {
    /// What it is for.
    pub role: FileRole,
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

/// Everything that the files hold, at one time.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) authorities: Option<Vec<u8>>,
    pub(crate) client: Option<Client>,
    pub(crate) password: Option<String>,
    pub(crate) sentinel_password: Option<String>,
}

/// What this client shows a server.
pub(crate) struct Client {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl AccessFiles {
    /// Refuses what does not go with the URL, and a URL that lacks what only a file could give.
    pub(crate) fn check(&self, url: &CacheUrl) -> Result<(), StartError> {
        let has_tls = self.authorities.is_some() || self.certificate.is_some() || self.key.is_some();
        let (tls, login, sentinels) = match url {
            CacheUrl::Redis(RedisUrl { tls, servers: Servers::One(_), login, .. }) => (*tls, login, None),
            CacheUrl::Redis(RedisUrl { tls, servers: Servers::Watched(sentinels), login, .. }) => {
                (*tls, login, Some(&sentinels.login))
            }
            CacheUrl::Cluster(url) => (url.tls, &url.login, None),
            CacheUrl::Memory | CacheUrl::Off => {
                let unused = *self != Self::default();
                return refuse(
                    unused,
                    "files for access to Redis need a cache in Redis: leave them out with memory: and none:",
                );
            }
        };
        refuse(
            has_tls && !tls,
            "files of certificates are for TLS: begin the URL of the cache with rediss, not redis",
        )?;
        refuse(
            self.certificate.is_some() != self.key.is_some(),
            "a client certificate needs its private key, and the key its certificate: name both files, or none",
        )?;
        refuse(
            self.sentinel_password.is_some() && sentinels.is_none(),
            "a password of sentinels needs sentinels: begin the URL of the cache with redis+sentinel://",
        )?;
        one_password(login, self.password.is_some())?;
        sentinels.map_or(Ok(()), |login| one_password(login, self.sentinel_password.is_some()))
    }

    /// Reads all of them, and looks whether they are what they should be.
    pub(crate) async fn read(&self) -> Result<Contents, FileError> {
        let mut contents = Contents::default();
        if let Some(path) = &self.authorities {
            let pem = read(FileRole::Authorities, path).await?;
            certificates(FileRole::Authorities, path, &pem)?;
            contents.authorities = Some(pem);
        }
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            let client = Client {
                certificate: read(FileRole::Certificate, certificate).await?,
                key: read(FileRole::Key, key).await?,
            };
            client.check(certificate, key)?;
            contents.client = Some(client);
        }
        if let Some(path) = &self.password {
            contents.password = Some(password(FileRole::Password, path).await?);
        }
        if let Some(path) = &self.sentinel_password {
            contents.sentinel_password = Some(password(FileRole::SentinelPassword, path).await?);
        }
        Ok(contents)
    }
}

fn one_password(login: &Login, in_file: bool) -> Result<(), StartError> {
    let in_url = login.password.is_some();
    refuse(in_url && in_file, "a password is both in the URL of the cache and in a file: only one may be")?;
    // Else the connection would be that of the default user, and nobody would know.
    refuse(
        login.user.is_some() && !in_url && !in_file,
        "the URL of the cache names a user without a password: add it, or name a file with it (a user who needs none takes any)",
    )
}

fn refuse(wrong: bool, text: &'static str) -> Result<(), StartError> {
    if wrong { Err(StartError::Unsupported(text)) } else { Ok(()) }
}

impl Client {
    fn check(&self, certificate: &Path, key: &Path) -> Result<(), FileError> {
        let chain = certificates(FileRole::Certificate, certificate, &self.certificate)?;
        let wrong =
            |problem: &str| FileError { role: FileRole::Key, path: key.to_owned(), problem: problem.to_owned() };
        let private = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            wrong(if contains(&self.key, b"ENCRYPTED") {
                "is encrypted: decrypt it, for instance with openssl pkey -in FILE -out FILE"
            } else {
                "has no private key in PEM (-----BEGIN PRIVATE KEY-----)"
            })
        })?;
        match CertifiedKey::from_der(chain, private, &rustls::crypto::ring::default_provider()) {
            Ok(_) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(()),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(wrong(&format!("is not the key of the certificate in {}", certificate.display())))
            }
            Err(rustls::Error::InvalidCertificate(error)) => {
                let (role, path) = (FileRole::Certificate, certificate.to_owned());
                let problem = format!("has a certificate that cannot be used: {}", certificate_problem::text(&error));
                Err(FileError { role, path, problem })
            }
            Err(error) => Err(wrong(&format!("has a key that cannot be used: {error}"))),
        }
    }
}

fn certificates(role: FileRole, path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let wrong = |problem: String| FileError { role, path: path.to_owned(), problem };
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(format!("is broken PEM: {error}")))?;
    if found.is_empty() {
        return Err(wrong("has no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned()));
    }
    let mut store = rustls::RootCertStore::empty();
    for certificate in &found {
        store
            .add(certificate.clone())
            .map_err(|error| wrong(format!("has a certificate that cannot be used: {error}")))?;
    }
    Ok(found)
}

async fn password(role: FileRole, path: &Path) -> Result<String, FileError> {
    let wrong = |problem: &str| FileError { role, path: path.to_owned(), problem: problem.to_owned() };
    let mut text = String::from_utf8(read(role, path).await?).map_err(|_| wrong("is not UTF-8"))?;
    // Whoever writes a secret into a file seldom means the end of its line.
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() { Err(wrong("is empty")) } else { Ok(text) }
}

async fn read(role: FileRole, path: &Path) -> Result<Vec<u8>, FileError> {
    let wrong = |problem: String| FileError { role, path: path.to_owned(), problem };
    let mut bytes = tokio::fs::read(path).await.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    if bytes.is_empty() { Err(wrong("is empty".to_owned())) } else { Ok(bytes) }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

impl fmt::Display for FileRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authorities => "authorities",
            Self::Certificate => "client certificate",
            Self::Key => "private key",
            Self::Password => "password",
            Self::SentinelPassword => "password of the sentinels",
        })
    }
}
