//! Makes clients that send nothing but what they are told: no proxy, no compression, no redirects.

use std::path::Path;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

use crate::error::LoadgenError;
use crate::failure;
use crate::headers;
use crate::options::Options;

/// What services see as `User-Agent`.
const AGENT: &str = concat!("loadgen/", env!("CARGO_PKG_VERSION"));
/// What they see while the run is not yet begun.
const PROBE: &str = concat!("loadgen/", env!("CARGO_PKG_VERSION"), " (probe)");

/// How clients reach the service, read once for all of them.
pub(crate) struct Connector {
    timeout: Duration,
    headers: HeaderMap,
    trust: Trust,
}

/// Which certificates are trusted.
enum Trust {
    /// There is no TLS. Reading the system's certificates takes milliseconds, for each user.
    Nothing,
    System,
    These(Vec<Certificate>),
    Anything,
}

impl Connector {
    /// # Errors
    /// The file of certificates cannot be read, or holds none.
    pub(crate) fn new(options: &Options) -> Result<Self, LoadgenError> {
        let trust = match &options.ca_file {
            _ if options.insecure => Trust::Anything,
            Some(path) => Trust::These(certificates(path)?),
            None if options.host.scheme() == "http" => Trust::Nothing,
            None => Trust::System,
        };
        Ok(Self { timeout: options.timeout, headers: headers::map(&options.headers)?, trust })
    }

    /// A user's client.
    pub(crate) fn user(&self) -> Result<Client, LoadgenError> {
        self.client(AGENT, self.timeout)
    }

    /// A client that looks at the service before the run.
    pub(crate) fn probe(&self, timeout: Duration) -> Result<Client, LoadgenError> {
        self.client(PROBE, timeout)
    }

    fn client(&self, agent: &str, timeout: Duration) -> Result<Client, LoadgenError> {
        let client = Client::builder().timeout(timeout).user_agent(agent).no_proxy().no_gzip();
        let client = client.default_headers(self.headers.clone());
        let client = client.redirect(Policy::none()).http1_only().tcp_nodelay(true);
        let client = match &self.trust {
            Trust::Nothing => client.tls_certs_only([]),
            Trust::System => client,
            Trust::These(certificates) => client.tls_certs_only(certificates.iter().cloned()),
            Trust::Anything => client.tls_certs_only([]).tls_danger_accept_invalid_certs(true),
        };
        client.build().map_err(|error| LoadgenError::Client(failure::message(&error)))
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, LoadgenError> {
    let failed = |reason: String| LoadgenError::CaFile { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|_| failed("is damaged PEM".to_owned()))?;
    if certificates.is_empty() {
        return Err(failed("holds no certificate as PEM".to_owned()));
    }
    Ok(certificates)
}
