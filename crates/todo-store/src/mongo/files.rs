//! Files that a connection needs, looked at before the driver does: it takes one without a certificate for one of no authorities,
//! and says of the others only that no server can be selected.

use std::path::Path;

use mongodb::options::{AuthMechanism, ClientOptions, Tls};

use crate::error::StoreError;
use crate::options::StoreOptions;

/// What some editors put before a text, and nobody means (Unicode, "Byte Order Mark (BOM) FAQ").
const BYTE_ORDER_MARK: char = '\u{feff}';
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
const KEY: &str = "PRIVATE KEY-----";

/// Refuses certificates that are no use, and takes the password out of its file.
pub(super) async fn use_files(client: &mut ClientOptions, options: &StoreOptions) -> Result<(), StoreError> {
    let x509 = client.credential.as_ref().is_some_and(|user| user.mechanism == Some(AuthMechanism::MongoDbX509));
    let (authorities, certificate) = match &client.tls {
        Some(Tls::Enabled(tls)) => (tls.ca_file_path.clone(), tls.cert_key_file_path.clone()),
        _ => (None, None),
    };
    if let Some(path) = authorities {
        let text = read(&path, "tlsCAFile").await?;
        has(&text, CERTIFICATE, "a certificate", &path, "tlsCAFile")?;
    }
    if let Some(path) = &certificate {
        let text = read(path, "tlsCertificateKeyFile").await?;
        has(&text, CERTIFICATE, "a certificate", path, "tlsCertificateKeyFile")?;
        has(&text, KEY, "a private key beside the certificate", path, "tlsCertificateKeyFile")?;
        if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            return Err(refused(path, "tlsCertificateKeyFile", "has an encrypted key: decrypt it (openssl pkey)"));
        }
    } else if x509 {
        return Err(StoreError::Refused(
            "authMechanism=MONGODB-X509 needs tls=true&tlsCertificateKeyFile=FILE in the connection string, the certificate and \
             the key of the client in one file"
                .to_owned(),
        ));
    }
    let Some(path) = &options.password_file else { return Ok(()) };
    let named = "--store-password-file";
    let text = read(path, named).await?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
    // Whoever writes a secret into a file seldom means the end of its line.
    let password = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    if password.is_empty() {
        return Err(refused(path, named, "is empty"));
    }
    match &mut client.credential {
        Some(user) if user.username.is_some() && user.password.is_none() => user.password = Some(password.to_owned()),
        Some(user) if user.password.is_some() => {
            return Err(refused(
                path,
                named,
                "is named, and the connection string has a password, too: only one may have it",
            ));
        }
        _ => return Err(refused(path, named, "is named, but no user in the connection string: mongodb://USER@HOST")),
    }
    Ok(())
}

/// Files that the driver has no use for, by what it says of them.
pub(super) fn unusable(message: &str) -> StoreError {
    let problem = if message.contains("UnsupportedCertVersion") {
        "the certificate is of X.509 version 1, and has to be of version 3: make it with an extension (openssl x509 -req -extfile FILE)"
    } else if message.contains("KeyMismatch") {
        "the private key is not that of the certificate"
    } else {
        message
    };
    StoreError::Refused(format!("the files of tlsCertificateKeyFile or tlsCAFile cannot be used: {problem}"))
}

async fn read(path: &Path, named: &str) -> Result<String, StoreError> {
    match tokio::fs::read(path).await.map(String::from_utf8) {
        Ok(Ok(text)) if text.is_empty() => Err(refused(path, named, "is empty")),
        Ok(Ok(text)) => Ok(text),
        Ok(Err(_)) => Err(refused(path, named, "is not UTF-8")),
        Err(error) => Err(refused(path, named, &format!("cannot be read: {error}"))),
    }
}

/// Whether some line is such a mark. The driver takes none behind the mark of the order of bytes that some editors write.
fn has(text: &str, mark: &str, what: &str, path: &Path, named: &str) -> Result<(), StoreError> {
    if text.lines().any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(mark)) {
        Ok(())
    } else if text.starts_with(BYTE_ORDER_MARK) {
        Err(refused(path, named, "begins with a byte order mark: save it as UTF-8 without one"))
    } else {
        Err(refused(path, named, &format!("does not have {what} in PEM")))
    }
}

fn refused(path: &Path, named: &str, problem: &str) -> StoreError {
    StoreError::Refused(format!("{named} {} {problem}", path.display()))
}
