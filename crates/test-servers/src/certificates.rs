//! A private certificate authority for servers with TLS on this machine.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use tempfile::TempDir;

/// An authority, and a certificate of it for `127.0.0.1` and `localhost`. The files are removed when dropped.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Makes both, new for each call.
    pub fn make() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let certificates = Self { folder };
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name = named("Test authority");
        let key = KeyPair::generate().expect("a key can be made");
        let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority can be made");
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let mut server = CertificateParams::new(names).expect("valid names");
        server.distinguished_name = named("127.0.0.1");
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = server.signed_by(&key, &authority).expect("a certificate can be signed");
        certificates.write("ca.pem", &authority.pem());
        certificates.write("server.pem", &certificate.pem());
        certificates.write("server.key", &key.serialize_pem());
        certificates.write("server-and-key.pem", &(certificate.pem() + &key.serialize_pem()));
        certificates
    }

    /// The certificate of the authority, as PEM.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Arguments for `redis-server` that make it speak TLS on `port`, besides its plain port.
    pub fn redis_arguments(&self, port: u16) -> Vec<String> {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let mut arguments = ["--tls-auth-clients", "no", "--tls-port"].map(str::to_owned).to_vec();
        arguments.push(port.to_string());
        arguments.extend(["--tls-cert-file".to_owned(), file("server.pem")]);
        arguments.extend(["--tls-key-file".to_owned(), file("server.key")]);
        arguments.extend(["--tls-ca-cert-file".to_owned(), file("ca.pem")]);
        arguments
    }

    /// Arguments for `mongod` that make it speak TLS to whoever asks for it.
    pub fn mongod_arguments(&self) -> Vec<String> {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let mut arguments =
            ["--tlsMode", "preferTLS", "--tlsAllowConnectionsWithoutCertificates"].map(str::to_owned).to_vec();
        arguments.extend(["--tlsCertificateKeyFile".to_owned(), file("server-and-key.pem")]);
        arguments.extend(["--tlsCAFile".to_owned(), file("ca.pem")]);
        arguments
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("the temporary folder can be written");
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
