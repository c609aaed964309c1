//! What the errors of the Redis client and of TLS mean to who has to do something about them.

use std::error::Error;
use std::io;
use std::sync::Arc;

use deadpool_redis::redis::{ErrorKind, RedisError};
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use crate::certificate_problem;
use crate::connect_error::ConnectError;
use crate::error::CacheError;
use crate::redis_url::{Address, Login};

/// The name of the user who is asked as when none is named (Redis manual, "ACL").
const DEFAULT_USER: &str = "default";

/// Why no connection was made, or why the first command on it failed.
pub(super) fn of(error: &RedisError, at: &Address, login: &Login) -> ConnectError {
    if let Some(error) = tls_error(error) {
        return of_tls(error, at);
    }
    let (cause, at) = (error.to_string(), at.to_string());
    match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS")) => {
            let user = login.user.as_deref().unwrap_or(DEFAULT_USER).escape_debug().to_string();
            ConnectError::WrongPassword { at, user }
        }
        (_, Some("NOAUTH")) => ConnectError::NoPassword { at },
        (_, Some("REPLICA")) => ConnectError::Replica { at },
        (ErrorKind::Parse, _) => ConnectError::NoRedis { at, cause },
        (ErrorKind::Io, _) => ConnectError::Unreachable { at, cause },
        _ => ConnectError::Refused { at, cause },
    }
}

/// The same of a sentinel.
pub(super) fn of_sentinel(error: &RedisError, at: &Address, login: &Login) -> ConnectError {
    match of(error, at, login) {
        ConnectError::Refused { at, cause } if cause.contains("unknown command") => {
            ConnectError::Refused { at, cause: "it is no sentinel".to_owned() }
        }
        other => other,
    }
}

/// The same of the first command on a connection: one that is about this connection is told apart from one about the command.
pub(super) fn of_first_command(error: RedisError, at: &Address) -> CacheError {
    match error.code() {
        Some("NOAUTH" | "REPLICA") => CacheError::Connect(of(&error, at, &Login::default())),
        _ if error.is_io_error() && !error.is_timeout() => CacheError::Connect(of(&error, at, &Login::default())),
        _ => CacheError::Redis(Arc::new(error)),
    }
}

fn of_tls(error: &rustls::Error, at: &Address) -> ConnectError {
    let (cause, at) = (error.to_string(), at.to_string());
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error, at),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
            // The authority has the name of a trusted one, and another key.
            | AlertDescription::DecryptError
            // What OpenSSL says before TLS 1.3 to who shows none.
            | AlertDescription::HandshakeFailure,
        ) => ConnectError::ClientCertificate { at, cause },
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => ConnectError::NoTls { at, cause },
        _ => ConnectError::Unreachable { at, cause },
    }
}

fn of_certificate(error: &CertificateError, at: String) -> ConnectError {
    match error {
        // The second: an authority that was made anew under its old name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => ConnectError::UnknownAuthority { at },
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ConnectError::CertificateTime { at, problem: "has expired" }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ConnectError::CertificateTime { at, problem: "is not valid yet (or the clock of this machine is wrong)" }
        }
        CertificateError::NotValidForName => ConnectError::OtherName { at, names: "others".to_owned() },
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = match &presented[..] {
                // A common name alone has not counted since RFC 9525.
                [] => "none: it has no subject alternative names".to_owned(),
                names => names.join(", "),
            };
            ConnectError::OtherName { at, names }
        }
        other => ConnectError::Certificate { at, cause: certificate_problem::text(other) },
    }
}

/// The error of TLS that is behind one of the Redis client.
fn tls_error(error: &RedisError) -> Option<&rustls::Error> {
    let source = error.source()?;
    let inner = source.downcast_ref::<Arc<dyn Error + Send + Sync>>().map_or(source, |shared| &**shared as _);
    let inner = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref).map_or(inner, |inner| inner as _);
    inner.downcast_ref::<rustls::Error>()
}
