//! `StartError`: why the service did not start, or ended.

use thiserror::Error;
use todo_store::StoreError;

/// Why the service did not start, or ended.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address cannot be had. Choose another by `--listen`, or end what uses it.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address as it was asked for.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store cannot be opened.
    #[error("--store {url}: {}", source.with_cause())]
    Store {
        /// The URL without its password.
        url: String,
        /// Why it cannot be opened.
        source: StoreError,
    },
    /// The cache cannot be as the flags say.
    #[error("--cache {url}: {source}")]
    Cache {
        /// The URL without its password.
        url: String,
        /// Why not.
        source: cache_aside::StartError,
    },
    /// A todo that the change stream vouches for would be fresh for a shorter time than one without.
    #[error("--fresh-live {live:?} is shorter than --fresh {fresh:?}: raise the first, or lower the second")]
    FreshLive {
        /// While the change stream is live.
        live: std::time::Duration,
        /// Without one.
        fresh: std::time::Duration,
    },
    /// Traces cannot be sent where they should be.
    #[error(transparent)]
    Traces(#[from] crate::traces::EndpointError),
    /// TLS cannot be spoken on the listener.
    #[error(transparent)]
    Certificate(#[from] crate::tls::CertificateError),
    /// A file by which the cache is reached is no use.
    #[error("{flag} {}: it {}", .source.path.display(), .source.problem)]
    CacheFile {
        /// The flag that names it.
        flag: &'static str,
        /// What is wrong with it.
        source: cache_aside::FileError,
    },
    /// The server failed.
    #[error("the server failed: {0}")]
    Server(#[from] std::io::Error),
}
