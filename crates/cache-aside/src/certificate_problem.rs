//! What is wrong with a certificate, where the words of TLS say little.

use rustls::CertificateError;

/// In the words of who has to make another one.
pub(crate) fn text(error: &CertificateError) -> String {
    let said = error.to_string();
    if said.contains("CaUsedAsEndEntity") {
        "it is that of an authority (CA:TRUE), which a server must not use for itself".to_owned()
    } else if said.contains("UnsupportedCertVersion") {
        "it is of X.509 version 1, and has to be of version 3: make it with an extension (openssl x509 -req -extfile FILE)"
            .to_owned()
    } else {
        said
    }
}
