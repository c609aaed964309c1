//! A private certificate authority for servers and clients with TLS on this machine.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use tempfile::TempDir;

use crate::version_one;

/// An authority, and a certificate of it for a server. The files are removed when dropped.
pub struct Certificates {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// What is wrong with the certificate of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing: it is for `127.0.0.1` and `localhost`.
    None,
    /// It is for another name.
    OtherName,
    /// It has a common name, and no subject alternative names.
    NoNames,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYet,
    /// It is that of an authority.
    Authority,
    /// It is of X.509 version 1, as OpenSSL before 3.2 makes them where no extension is asked for.
    VersionOne,
}

/// A certificate of a client, and its key.
pub struct ClientCertificate {
    /// The certificate, as PEM.
    pub certificate: PathBuf,
    /// The key, as PEM.
    pub key: PathBuf,
    /// Both in one file.
    pub both: PathBuf,
}

impl Certificates {
    /// Makes both, new for each call.
    pub fn make() -> Self {
        Self::make_with(Flaw::None)
    }

    /// The same with a certificate of the server that is no good.
    pub fn make_with(flaw: Flaw) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name = named("Test authority");
        let key = KeyPair::generate().expect("a key can be made");
        let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority can be made");
        let certificates = Self { folder, authority };
        let names = match flaw {
            Flaw::OtherName => &["redis.example"][..],
            Flaw::NoNames => &[],
            _ => &["127.0.0.1", "localhost"],
        };
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut server = CertificateParams::new(names).expect("valid names");
        server.distinguished_name = named("127.0.0.1");
        match flaw {
            Flaw::Expired => server.not_after = date_time_ymd(2020, 1, 1),
            Flaw::NotYet => server.not_before = date_time_ymd(3000, 1, 1),
            Flaw::Authority => server.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            Flaw::None | Flaw::OtherName | Flaw::NoNames | Flaw::VersionOne => {}
        }
        certificates.sign(&server, "server", flaw);
        certificates.write("ca.pem", &certificates.authority.pem());
        certificates
    }

    /// A certificate of the authority for a client of this name.
    pub fn client(&self, name: &str) -> ClientCertificate {
        self.client_with(name, Flaw::None)
    }

    /// The same of X.509 version 1: see [`Flaw::VersionOne`].
    pub fn client_of_version_one(&self, name: &str) -> ClientCertificate {
        self.client_with(name, Flaw::VersionOne)
    }

    fn client_with(&self, name: &str, flaw: Flaw) -> ClientCertificate {
        let mut client = CertificateParams::default();
        client.distinguished_name = named(name);
        client.distinguished_name.push(DnType::OrganizationalUnitName, "clients");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&client, name, flaw);
        let file = |ending: &str| self.folder.path().join(format!("{name}{ending}"));
        ClientCertificate { certificate: file(".pem"), key: file(".key"), both: file("-and-key.pem") }
    }

    /// The certificate of a server on this machine, and its key, as PEM.
    pub fn server(&self) -> (PathBuf, PathBuf) {
        (self.folder.path().join("server.pem"), self.folder.path().join("server.key"))
    }

    /// The certificate of the authority, as PEM.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Writes a file beside the certificates.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("the temporary folder can be written");
        path
    }

    /// Arguments for `redis-server` that make it speak TLS on `port`, besides its plain port.
    pub fn redis_arguments(&self, port: u16) -> Vec<String> {
        self.redis(port, "no")
    }

    /// The same, and every client has to show a certificate of the authority.
    pub fn redis_arguments_for_known_clients(&self, port: u16) -> Vec<String> {
        self.redis(port, "yes")
    }

    /// Arguments for `mongod` that make it speak TLS to whoever asks for it.
    pub fn mongod_arguments(&self) -> Vec<String> {
        let mut arguments =
            ["--tlsMode", "preferTLS", "--tlsAllowConnectionsWithoutCertificates"].map(str::to_owned).to_vec();
        arguments.extend(["--tlsCertificateKeyFile".to_owned(), self.file("server-and-key.pem")]);
        arguments.extend(["--tlsCAFile".to_owned(), self.file("ca.pem")]);
        arguments
    }

    fn redis(&self, port: u16, clients: &str) -> Vec<String> {
        let mut arguments = ["--tls-auth-clients", clients, "--tls-port"].map(str::to_owned).to_vec();
        arguments.push(port.to_string());
        arguments.extend(["--tls-cert-file".to_owned(), self.file("server.pem")]);
        arguments.extend(["--tls-key-file".to_owned(), self.file("server.key")]);
        arguments.extend(["--tls-ca-cert-file".to_owned(), self.file("ca.pem")]);
        arguments
    }

    fn sign(&self, params: &CertificateParams, name: &str, flaw: Flaw) {
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.authority).expect("a certificate can be signed");
        let pem = if flaw == Flaw::VersionOne { version_one::pem(certificate.der()) } else { certificate.pem() };
        self.write(&format!("{name}.pem"), &pem);
        self.write(&format!("{name}.key"), &key.serialize_pem());
        self.write(&format!("{name}-and-key.pem"), &(pem + &key.serialize_pem()));
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
