//! The one crypto provider of a program: chosen explicitly, since a build may have several.

/// Makes ring the provider of every TLS connection of this process. To be called first in `main`.
pub fn use_ring() {
    // It fails only if a provider was chosen before, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
