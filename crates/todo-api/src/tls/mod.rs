//! TLS on the listener, for those who have no proxy in front of it (`--tls-cert-file`, `--tls-key-file`).
//!
//! - `certificate`: what clients are shown, read again when its files change. `socket`: a socket that speaks TLS, or does not.

pub(crate) mod certificate;
pub(crate) mod socket;

use std::sync::Arc;

use rustls::ServerConfig;
use tokio::task::JoinHandle;

pub use self::certificate::CertificateError;
use self::certificate::{Certificate, config};
pub(crate) use self::socket::Socket;
use crate::settings::Settings;

/// What a listener needs to speak TLS.
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    /// Reads the files again.
    following: JoinHandle<()>,
}

impl Tls {
    /// Reads the files that the flags name; `None` if they name none.
    pub(crate) fn start(settings: &Settings) -> Result<Option<Self>, CertificateError> {
        let Some(certificate) = Certificate::read(settings)? else { return Ok(None) };
        let config = Arc::new(config(Arc::clone(&certificate)));
        Ok(Some(Self { config, following: tokio::spawn(certificate.follow()) }))
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.following.abort();
    }
}
