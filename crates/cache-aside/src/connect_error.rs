//! `ConnectError`: why there is no connection to Redis, in terms of what somebody can do about it.

use std::time::Duration;

use crate::access_files::FileError;

/// Why there is no connection to Redis. `at` is the address of the server or sentinel. Repeats no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A file of [`crate::AccessFiles`] is no use any more.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nobody answers there, or who answers hangs up.
    #[error("{at} cannot be reached: {cause}")]
    Unreachable {
        /// Where.
        at: String,
        /// What the system said.
        cause: String,
    },
    /// No answer came in time.
    #[error("{at} did not answer within {after:?}{}", if *.tls { ", as one that speaks no TLS does not" } else { "" })]
    Timeout {
        /// Where.
        at: String,
        /// Whether it was asked by TLS.
        tls: bool,
        /// How long it was waited for.
        after: Duration,
    },
    /// The server's certificate is of an authority that is not trusted.
    #[error("the certificate of {at} is of an authority that is not trusted")]
    UnknownAuthority {
        /// Where.
        at: String,
    },
    /// The server's certificate is for other names than the one by which it was reached.
    #[error("the certificate of {at} is not for this name, but for {names}")]
    OtherName {
        /// Where.
        at: String,
        /// The names in the certificate.
        names: String,
    },
    /// The time of the server's certificate is over, or has not begun.
    #[error("the certificate of {at} {problem}")]
    CertificateTime {
        /// Where.
        at: String,
        /// What is over, or not yet.
        problem: &'static str,
    },
    /// The server's certificate cannot be used for another reason.
    #[error("the certificate of {at} cannot be used: {cause}")]
    Certificate {
        /// Where.
        at: String,
        /// Why.
        cause: String,
    },
    /// The server wants a certificate of its client, or another one.
    #[error("{at} does not take the client's certificate, or wants one: {cause}")]
    ClientCertificate {
        /// Where.
        at: String,
        /// What the server said.
        cause: String,
    },
    /// The server speaks no TLS.
    #[error("{at} does not speak TLS: {cause}")]
    NoTls {
        /// Where.
        at: String,
        /// What came instead.
        cause: String,
    },
    /// What answers is no Redis, or one that speaks only TLS.
    #[error("{at} does not answer as a Redis without TLS does: {cause}")]
    NoRedis {
        /// Where.
        at: String,
        /// What came instead.
        cause: String,
    },
    /// The server does not know the user, or takes another password.
    #[error("{at} does not take this password for the user {user}")]
    WrongPassword {
        /// Where.
        at: String,
        /// Name of the user.
        user: String,
    },
    /// The server wants a password.
    #[error("{at} wants a password, and none is given")]
    NoPassword {
        /// Where.
        at: String,
    },
    /// The server is a replica, which may be behind.
    #[error("{at} is a replica, which may be behind: name the primary, or sentinels that know it")]
    Replica {
        /// Where.
        at: String,
    },
    /// The server said no for another reason.
    #[error("{at} refuses: {cause}")]
    Refused {
        /// Where.
        at: String,
        /// In the server's words.
        cause: String,
    },
    /// A cluster is asked for, and the server is of none.
    #[error("{at} is no server of a Redis Cluster")]
    NoCluster {
        /// Where.
        at: String,
    },
    /// No sentinel answers.
    #[error("no sentinel tells where the primary is: {causes}")]
    NoSentinel {
        /// Each with what it or the system said.
        causes: String,
    },
    /// The sentinels watch nothing of that name.
    #[error("the sentinels watch nothing that is called {name:?}, but {known}")]
    UnknownName {
        /// The name that was asked for.
        name: String,
        /// The names that they know.
        known: String,
    },
}
