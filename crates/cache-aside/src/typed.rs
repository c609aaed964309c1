//! `Typed`: values of a type instead of bytes, over the same engine. Who does not use it pays nothing for it.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use crate::engine::CacheAside;
use crate::error::{ReadError, WriteError};
use crate::outcome::{Answer, ReadOptions};
use crate::typed_source::{Codec, Encoded, TypedError, TypedSource, Versioned};
use crate::write::{Commit, Written};

/// A [`CacheAside`] whose values are of the type of its source.
///
/// ```
/// # use cache_aside::{Typed, TypedSource, Versioned};
/// # #[derive(Clone)]
/// # struct Books;
/// # impl TypedSource for Books {
/// #     type Value = String;
/// #     type Error = std::convert::Infallible;
/// #     async fn load(&self, id: &str) -> Result<Option<Versioned<String>>, Self::Error> {
/// #         Ok(Some(Versioned { version: 1, value: format!("the book {id}") }))
/// #     }
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use cache_aside::{CacheAside, Json};
///
/// let cache = CacheAside::builder("memory:", Typed::source(Books, Json)).start().await?;
/// let books = Typed::new(cache);
/// assert_eq!(books.get("978-0").await?.as_deref(), Some("the book 978-0"));
/// # Ok(())
/// # }
/// ```
pub struct Typed<S: TypedSource, C: Codec<S::Value>> {
    cache: CacheAside<Encoded<S, C>>,
    value: PhantomData<fn() -> S::Value>,
}

/// The answer to a typed read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypedAnswer<T> {
    /// The value; `None` if there is none under the id.
    pub value: Option<Versioned<T>>,
    /// How the read was answered; its body is what `value` was decoded from.
    pub answer: Answer,
}

type Failure<S, C> = TypedError<<S as TypedSource>::Error, <C as Codec<<S as TypedSource>::Value>>::Error>;

impl<S: TypedSource, C: Codec<S::Value>> Typed<S, C> {
    /// The source to build the cache over.
    pub fn source(source: S, codec: C) -> Encoded<S, C> {
        Encoded { source, codec }
    }

    /// Over a cache that was built over [`Typed::source`].
    pub fn new(cache: CacheAside<Encoded<S, C>>) -> Self {
        Self { cache, value: PhantomData }
    }

    /// The cache of bytes beneath.
    pub fn cache(&self) -> &CacheAside<Encoded<S, C>> {
        &self.cache
    }

    /// The value under `id`, by the default [`ReadOptions`].
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn get(&self, id: impl AsRef<str>) -> Result<Option<S::Value>, ReadError<Failure<S, C>>> {
        Ok(self.read(id, ReadOptions::default()).await?.value.map(|found| found.value))
    }

    /// As [`CacheAside::read`]. Cached bytes that are no value, such as those of an earlier release, are read again from the
    /// store.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(
        &self,
        id: impl AsRef<str>,
        how: ReadOptions,
    ) -> Result<TypedAnswer<S::Value>, ReadError<Failure<S, C>>> {
        let id = id.as_ref();
        let answer = self.cache.read(id, how).await?;
        self.decode_or_refetch(id, how, answer).await
    }

    /// As [`CacheAside::read_many`].
    pub async fn read_many<I: AsRef<str>>(
        &self,
        ids: &[I],
        how: ReadOptions,
    ) -> Vec<Result<TypedAnswer<S::Value>, ReadError<Failure<S, C>>>> {
        let mut answers = Vec::with_capacity(ids.len());
        for (id, answer) in ids.iter().zip(self.cache.read_many(ids, how).await) {
            answers.push(match answer {
                Ok(answer) => self.decode_or_refetch(id.as_ref(), how, answer).await,
                Err(error) => Err(error),
            });
        }
        answers
    }

    /// As [`CacheAside::write`]. A committed value that cannot be encoded is removed from the cache.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn write<T, F>(&self, id: impl AsRef<str>, commit: F) -> Result<Written<T>, WriteError<Failure<S, C>>>
    where
        T: Send + 'static,
        F: Future<Output = Commit<T, S::Error, S::Value>> + Send + 'static,
    {
        let codec = self.codec().clone();
        self.cache.write(id, async move { encoded(commit.await, &codec) }).await
    }

    async fn decode_or_refetch(
        &self,
        id: &str,
        how: ReadOptions,
        answer: Answer,
    ) -> Result<TypedAnswer<S::Value>, ReadError<Failure<S, C>>> {
        match self.decode(answer) {
            Err(_) if !how.refetch && !how.only_if_cached => {
                let answer = self.cache.read(id, ReadOptions { refetch: true, ..how }).await?;
                self.decode(answer)
            }
            decoded => decoded,
        }
    }

    fn decode(&self, answer: Answer) -> Result<TypedAnswer<S::Value>, ReadError<Failure<S, C>>> {
        let value = match &answer.entry {
            None => None,
            Some(entry) => match self.codec().decode(&entry.body) {
                Ok(value) => Some(Versioned { version: entry.version, value }),
                Err(error) => return Err(ReadError::Source(TypedError::Codec(error).into())),
            },
        };
        Ok(TypedAnswer { value, answer })
    }

    fn codec(&self) -> &C {
        &self.cache.source().codec
    }
}

fn encoded<T, V, E, C>(commit: Commit<T, E, V>, codec: &C) -> Commit<T, TypedError<E, C::Error>>
where
    E: Error + 'static,
    C: Codec<V>,
{
    match commit {
        Commit::Value { version, body, result } => match codec.encode(&body) {
            Ok(body) => Commit::Value { version, body, result },
            // It is committed; what is not known is what the cache should hold.
            Err(error) => Commit::Unknown(TypedError::Codec(error)),
        },
        Commit::Absent { version, result } => Commit::Absent { version, result },
        Commit::Nothing(error) => Commit::Nothing(TypedError::Source(error)),
        Commit::Unavailable(error) => Commit::Unavailable(TypedError::Source(error)),
        Commit::Unknown(error) => Commit::Unknown(TypedError::Source(error)),
    }
}

impl<S: TypedSource, C: Codec<S::Value>> Clone for Typed<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.cache.clone())
    }
}

impl<S: TypedSource, C: Codec<S::Value>> fmt::Debug for Typed<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Typed").field(&self.cache).finish()
    }
}
