//! TLS to Redis never panics for want of a crypto provider, whatever else the program is built with.

use rustls::crypto::{CryptoProvider, ring};

/// Chooses ring for this process, unless the program has chosen a provider already.
///
/// The Redis client asks rustls for the process-wide provider, and rustls panics if none was chosen and the build has
/// two or none (rustls documentation, "CryptoProvider"). Which ones a build has depends on every crate in it.
pub(super) fn ensure_crypto_provider() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may have chosen meanwhile, which is as good.
        let _ = ring::default_provider().install_default();
    }
}
