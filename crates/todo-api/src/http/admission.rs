//! Who is let in: so many requests at one time, of one client so many a second, lists while there is room for them, and writes of those who
//! have the token.

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest, Sha256};

use crate::http::error::{ApiError, TokenProblem};
use crate::http::rate_limit::RateLimit;
use crate::http::unsent::Unsent;
use crate::settings::Settings;

/// What a worker lets in.
#[derive(Debug, Clone)]
pub struct Admission {
    /// Requests that a worker answers at one time; further ones are refused at once, but for probes and scrapes.
    pub in_flight: u64,
    /// How often each client may ask; none if as often as it likes.
    pub rate_limit: Option<RateLimit>,
    /// What lists may hold that their clients have not taken yet.
    pub unsent: Unsent,
    /// What writes have to carry; none if everybody may write.
    pub write_token: Option<WriteToken>,
}

/// A bearer token (RFC 6750), kept as its digest. Shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct WriteToken([u8; 32]);

impl Admission {
    /// As the flags say, of one of so many workers.
    pub fn new(settings: &Settings, workers: usize) -> Self {
        Self {
            in_flight: settings.max_in_flight.div_ceil(workers) as u64,
            rate_limit: RateLimit::new(settings.client_rate, settings.client_address.clone()),
            unsent: Unsent::new(settings.max_list_bytes),
            write_token: settings.write_token.clone(),
        }
    }

    /// Lets in whoever comes.
    pub fn of_everybody() -> Self {
        Self { in_flight: u64::MAX, rate_limit: None, unsent: Unsent::new(usize::MAX), write_token: None }
    }

    /// Whether a request may go on while so many are answered.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`], [`ApiError::TooManyRequests`].
    pub fn admit(&self, request: &HttpRequest, in_flight: u64) -> Result<(), ApiError> {
        if in_flight > self.in_flight {
            return Err(ApiError::Overloaded);
        }
        self.rate_limit.as_ref().map_or(Ok(()), |limit| limit.admit(request))
    }

    /// Whether the sender of these headers may write.
    ///
    /// # Errors
    /// [`ApiError::Token`].
    pub fn admit_write(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let Some(token) = &self.write_token else { return Ok(()) };
        let mut sent = headers.get_all(AUTHORIZATION);
        let (first, more) = (sent.next(), sent.next());
        let Some(first) = first else { return Err(ApiError::Token(TokenProblem::Missing)) };
        let given = first.as_bytes();
        let bearer =
            given.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case(b"Bearer ")).map(|_| given[7..].trim_ascii());
        match bearer {
            Some(bearer) if more.is_none() && token.is(bearer) => Ok(()),
            _ => Err(ApiError::Token(TokenProblem::Wrong)),
        }
    }
}

impl WriteToken {
    /// Takes as long whatever is given: digests are compared whole, and nobody can choose what is in them.
    fn is(&self, given: &[u8]) -> bool {
        let given = Sha256::digest(given);
        self.0.iter().zip(given).fold(0, |differs, (own, given)| differs | (own ^ given)) == 0
    }
}

impl std::fmt::Debug for WriteToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Reads a token: of the characters that a header can carry it with (RFC 6750 §2.1).
///
/// # Errors
/// What is allowed.
pub fn write_token(text: &str) -> Result<WriteToken, String> {
    let body = text.trim_end_matches('=');
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if !body.is_empty() && body.bytes().all(is_token) {
        Ok(WriteToken(Sha256::digest(text).into()))
    } else {
        Err("must have letters, digits and -._~+/ (and = at its end), as openssl rand -base64 32 makes them".to_owned())
    }
}
