//! `TypedSource`: a store of values of a type, as a store of bytes.

use std::error::Error;
use std::future::Future;

use bytes::Bytes;
use futures::future::join_all;

use crate::source::{Loaded, Source};

/// How values become bytes and back.
pub trait Codec<T>: Clone + Send + Sync + 'static {
    /// Why bytes are no value, or a value has no bytes.
    type Error: Error + Send + Sync + 'static;

    /// The bytes that the cache keeps.
    ///
    /// # Errors
    /// The value has none.
    fn encode(&self, value: &T) -> Result<Bytes, Self::Error>;

    /// The value that the bytes stand for.
    ///
    /// # Errors
    /// They stand for none, such as those of an earlier release with other fields.
    fn decode(&self, bytes: &[u8]) -> Result<T, Self::Error>;
}

/// JSON, by `serde_json`.
#[cfg(feature = "json")]
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

#[cfg(feature = "json")]
impl<T: serde::Serialize + serde::de::DeserializeOwned> Codec<T> for Json {
    type Error = serde_json::Error;

    fn encode(&self, value: &T) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(value).map(Bytes::from)
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// A value and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versioned<T> {
    /// Version of the value: for one id it never comes twice and never goes back, and it is below 2^53.
    pub version: u64,
    /// The value.
    pub value: T,
}

/// A store of values of one type.
pub trait TypedSource: Clone + Send + Sync + 'static {
    /// What is stored.
    type Value: Send + Sync + 'static;
    /// Why a load failed.
    type Error: Error + Send + Sync + 'static;

    /// As [`Source::is_outage`].
    fn is_outage(error: &Self::Error) -> bool {
        let _ = error;
        true
    }

    /// As [`Source::identity`].
    fn identity(&self) -> Option<String> {
        None
    }

    /// As [`Source::is_same_store`].
    fn is_same_store(&self, identity: &str) -> bool {
        self.identity().is_none_or(|own| own == identity)
    }

    /// As [`Source::max_batch`].
    fn max_batch(&self) -> usize {
        1
    }

    /// What the store holds under `id` now; `None` if there is nothing.
    fn load(&self, id: &str) -> impl Future<Output = Result<Option<Versioned<Self::Value>>, Self::Error>> + Send;

    /// As [`Source::load_many`]: one answer for each id, **in their order**.
    ///
    /// # Errors
    /// The outer error is one of the whole query, an inner one of a single value.
    fn load_many(&self, ids: &[&str]) -> impl Future<Output = ManyLoaded<Self::Value, Self::Error>> + Send {
        let loads: Vec<_> = ids.iter().map(|id| self.load(id)).collect();
        async { Ok(join_all(loads).await) }
    }
}

/// What [`TypedSource::load_many`] found.
pub type ManyLoaded<T, E> = Result<Vec<Result<Option<Versioned<T>>, E>>, E>;

/// A [`TypedSource`] as a [`Source`] of bytes.
#[derive(Debug, Clone)]
pub struct Encoded<S, C> {
    pub(crate) source: S,
    pub(crate) codec: C,
}

/// The store failed, or a value could not be encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypedError<E: Error + 'static, C: Error + 'static> {
    /// The store failed.
    #[error("the store failed")]
    Source(#[source] E),
    /// The value could not be encoded or decoded.
    #[error("the value is not of the type that is cached")]
    Codec(#[source] C),
}

impl<S: TypedSource, C: Codec<S::Value>> Source for Encoded<S, C> {
    type Error = TypedError<S::Error, C::Error>;

    fn is_outage(error: &Self::Error) -> bool {
        match error {
            TypedError::Source(error) => S::is_outage(error),
            TypedError::Codec(_) => false,
        }
    }

    fn identity(&self) -> Option<String> {
        self.source.identity()
    }

    fn is_same_store(&self, identity: &str) -> bool {
        self.source.is_same_store(identity)
    }

    fn max_batch(&self) -> usize {
        self.source.max_batch()
    }

    async fn load(&self, id: &str) -> Result<Loaded, Self::Error> {
        encoded(&self.codec, self.source.load(id).await)
    }

    async fn load_many(&self, ids: &[&str]) -> Result<Vec<Result<Loaded, Self::Error>>, Self::Error> {
        let found = self.source.load_many(ids).await.map_err(TypedError::Source)?;
        Ok(found.into_iter().map(|found| encoded(&self.codec, found)).collect())
    }
}

fn encoded<T, E: Error + 'static, C: Codec<T>>(
    codec: &C,
    found: Result<Option<Versioned<T>>, E>,
) -> Result<Loaded, TypedError<E, C::Error>> {
    let Some(Versioned { version, value }) = found.map_err(TypedError::Source)? else { return Ok(Loaded::Absent) };
    let body = codec.encode(&value).map_err(TypedError::Codec)?;
    Ok(Loaded::Value { version, body })
}
