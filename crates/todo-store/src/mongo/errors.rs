//! What the driver's errors mean to the caller.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::error::{Error, ErrorKind, InsertManyError, WriteFailure};

use crate::error::{Cause, StoreError};

/// Kind of the operation that failed: a write that got no answer may have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpKind {
    Read,
    Write,
}

/// The server says that the key exists (E11000).
pub(crate) const DUPLICATE_KEY: i32 = 11_000;

/// Error codes that say nothing of whether the operation happened (MongoDB manual, "Error Codes"): of a member that is not, or no
/// longer, primary, or shuts down; of what was interrupted or took too long; of a network behind the server. The driver may
/// have tried before, and what it says is what came of the second time.
const NO_ANSWER: [i32; 18] =
    [6, 7, 50, 89, 91, 134, 189, 262, 279, 384, 9_001, 10_058, 10_107, 11_600, 11_601, 11_602, 13_435, 13_436];
/// Error codes of a client that may not do what it tried.
const NOT_ALLOWED: [i32; 3] = [13, 18, 8_000];

/// A sentence in place of the driver's dump of what it knows of every server.
#[derive(Debug)]
struct Message(String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Message {}

pub(crate) fn too_late(deadline: Duration, kind: OpKind) -> StoreError {
    no_answer(kind, Arc::new(Message(format!("no answer within {deadline:?}"))))
}

/// A write that waited until its deadline for a connection, or, if it has several steps, for one before the last.
pub(crate) fn never_begun(deadline: Duration) -> StoreError {
    StoreError::Unavailable(Arc::new(Message(format!(
        "within {deadline:?} no connection was free, or others were creating the same id: nothing was written"
    ))))
}

fn no_answer(kind: OpKind, cause: Cause) -> StoreError {
    match kind {
        OpKind::Read => StoreError::Unavailable(cause),
        OpKind::Write => StoreError::UnknownOutcome(cause),
    }
}

/// What a driver's error means to the caller.
pub(crate) fn classify(error: Error, kind: OpKind) -> StoreError {
    let code = code(&error);
    if code.is_some_and(|code| NOT_ALLOWED.contains(&code)) {
        return StoreError::Refused(format!("not authorized ({})", summary(&error)));
    }
    if code.is_some_and(|code| NO_ANSWER.contains(&code)) {
        return no_answer(kind, Arc::new(Message(summary(&error))));
    }
    match &*error.kind {
        // Nothing was sent.
        ErrorKind::ServerSelection { .. } | ErrorKind::ConnectionPoolCleared { .. } | ErrorKind::DnsResolve { .. } => {
            StoreError::Unavailable(Arc::new(Message(summary(&error))))
        }
        ErrorKind::Io(_) => no_answer(kind, Arc::new(Message(summary(&error)))),
        // Written, but not yet by a majority, which alone keeps it.
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => {
            StoreError::UnknownOutcome(Arc::new(Message(concern.message.clone())))
        }
        ErrorKind::InsertMany(InsertManyError { write_concern_error: Some(concern), .. }) => {
            StoreError::UnknownOutcome(Arc::new(Message(concern.message.clone())))
        }
        // Of a connection that could be made before: nothing was sent, and another process may have changed the password.
        ErrorKind::Authentication { message, .. } => {
            StoreError::Unavailable(Arc::new(Message(not_authenticated(message).to_owned())))
        }
        ErrorKind::InvalidArgument { .. }
        | ErrorKind::InvalidTlsConfig { .. }
        | ErrorKind::IncompatibleServer { .. } => StoreError::Refused(summary(&error)),
        // The server did something, and what it says of it cannot be read.
        ErrorKind::InvalidResponse { .. } | ErrorKind::BsonDeserialization(_) | ErrorKind::Bson(_)
            if kind == OpKind::Write =>
        {
            StoreError::UnknownOutcome(Arc::new(Message(summary(&error))))
        }
        // The driver's own text has the server's whole answer in it, byte by byte.
        _ => StoreError::Failed(Arc::new(Message(summary(&error)))),
    }
}

/// What an error of the first operation means: who cannot log in then is not configured to.
pub(crate) fn at_the_start(error: Error) -> StoreError {
    match &*error.kind {
        ErrorKind::Authentication { message, .. } => StoreError::Refused(not_authenticated(message).to_owned()),
        _ => classify(error, OpKind::Read),
    }
}

fn not_authenticated(message: &str) -> &'static str {
    if message.starts_with("MONGODB-X509") {
        "authentication failed: the subject of the client's certificate (tlsCertificateKeyFile) must be the name of a user in the \
         database $external"
    } else {
        "authentication failed: check user name, password and authSource"
    }
}

/// The server's error code, wherever the driver puts it.
pub(crate) fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::InsertMany(many) => many.write_errors.as_ref()?.first().map(|write| write.code),
        _ => None,
    }
}

fn summary(error: &Error) -> String {
    let text = error.kind.to_string();
    // A server selection error lists every server's state; the reason stands in it behind this.
    let reason = text.split("I/O error: ").nth(1).map(|rest| rest.split([',', '}']).next().unwrap_or(rest).trim());
    match (&*error.kind, reason) {
        (ErrorKind::ServerSelection { .. }, Some(reason)) => {
            format!("no server can be selected: {reason}{}", advice(&text, reason))
        }
        (ErrorKind::ServerSelection { .. }, None) => "no server can be selected in time".to_owned(),
        _ => text,
    }
}

/// What to do about a server that cannot be talked to, as it goes on behind the reason.
fn advice(text: &str, reason: &str) -> &'static str {
    let says = |part: &str| text.contains(part);
    // The second: an authority that was made anew under its old name.
    if says("UnknownIssuer") || says("BadSignature") {
        ": name the certificate of the authority that it is of by tlsCAFile=FILE in the connection string"
    } else if says("not valid for name") || says("NotValidForName") {
        ": name the server in the connection string as its certificate does, or give it a certificate with this name among its \
         subject alternative names"
    } else if says("certificate expired")
        || says("Expired")
        || says("not valid yet")
        || says("NotValidYet")
        || says("CaUsedAsEndEntity")
    {
        ": give the server another certificate"
    } else if says("UnsupportedCertVersion") {
        ": give the server a certificate of X.509 version 3 (openssl x509 -req makes one with -extfile FILE)"
    } else if says("received fatal alert") {
        ": it does not take the client's certificate, or wants one, by tlsCertificateKeyFile=FILE in the connection string"
    } else if reason.contains("handshake eof") || says("InvalidContentType") {
        ": it does not speak TLS, which tls=true in the connection string asks for"
    } else if reason.contains("unexpected end of file") || reason.contains("connection closed") {
        ": if it speaks TLS only, add tls=true to the connection string"
    } else {
        ""
    }
}
