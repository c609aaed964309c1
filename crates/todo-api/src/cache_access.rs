//! How Redis is reached, in terms of the flags: which files, and which flag to look at when it is not.

use cache_aside::{AccessFiles, ConnectError, FileRole};

use crate::error::StartError;
use crate::settings::Settings;

/// The files that the flags name.
pub fn files(settings: &Settings) -> AccessFiles {
    let mut files = AccessFiles::default();
    files.authorities = settings.cache_ca_file.clone();
    files.certificate = settings.cache_cert_file.clone();
    files.key = settings.cache_key_file.clone();
    files.password = settings.cache_password_file.clone();
    files.sentinel_password = settings.cache_sentinel_password_file.clone();
    files
}

/// Why the cache did not start, with the flag that is to be changed.
pub fn start_error(settings: &Settings, error: cache_aside::StartError) -> StartError {
    match error {
        cache_aside::StartError::File(source) => StartError::CacheFile { flag: flag(source.role), source },
        source => StartError::Cache { url: settings.cache.to_string(), source },
    }
}

/// What to do about it, as it goes on behind the error.
pub fn advice(error: &ConnectError) -> String {
    let advice = match error {
        ConnectError::File(file) => return format!(" (it is named by {})", flag(file.role)),
        ConnectError::UnknownAuthority { .. } => "name the certificate of its authority by --cache-ca-file",
        ConnectError::OtherName { .. } => {
            "name the server in --cache as its certificate does, or give it a certificate with this name among its subject \
             alternative names"
        }
        ConnectError::CertificateTime { .. } | ConnectError::Certificate { .. } => {
            "give the server another certificate"
        }
        ConnectError::ClientCertificate { .. } => "name one that it trusts by --cache-cert-file and --cache-key-file",
        ConnectError::Timeout { tls: true, .. } => "if it speaks no TLS, begin --cache with redis instead of rediss",
        ConnectError::NoTls { .. } => {
            "begin --cache with redis instead of rediss, or switch TLS on in the server (in those of a cluster tls-cluster, too)"
        }
        ConnectError::NoRedis { .. } => "if it speaks TLS, begin --cache with rediss",
        ConnectError::WrongPassword { .. } => {
            "check the user in --cache, and the password there or in the file of --cache-password-file"
        }
        ConnectError::NoPassword { .. } => {
            "add it to --cache (redis://USER:PASSWORD@HOST), or name its file by --cache-password-file"
        }
        ConnectError::NoSentinel { .. } => {
            "check the addresses in --cache, and if they want a password sentinel_password= there, or \
             --cache-sentinel-password-file"
        }
        ConnectError::NoCluster { .. } => "begin --cache with redis:// or rediss://, for a single server",
        ConnectError::UnknownName { .. } => "name one of them in --cache: redis+sentinel://HOST,…/NAME",
        _ => return String::new(),
    };
    format!(": {advice}")
}

/// The flag that names a file.
fn flag(role: FileRole) -> &'static str {
    match role {
        FileRole::Authorities => "--cache-ca-file",
        FileRole::Certificate => "--cache-cert-file",
        FileRole::Key => "--cache-key-file",
        FileRole::SentinelPassword => "--cache-sentinel-password-file",
        _ => "--cache-password-file",
    }
}
