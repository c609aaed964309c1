//! Documents as bytes, with every field and type they have: what dumps are made of and restored from.

use std::sync::Arc;

use mongodb::bson::RawDocument;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::document;
use crate::error::StoreError;
use crate::fields;
pub use crate::fields::{Encoding, Field, MAX_DEPTH, fields};
use crate::precondition::Versioned;
use crate::receipt::Receipt;

/// BSON documents, one behind the other, as in a `.bson` file. Clones share the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents {
    bytes: Arc<Vec<u8>>,
    ends: Vec<usize>,
}

/// The bytes are no BSON document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a BSON document: {0}")]
pub struct Malformed(pub(crate) String);

/// What became of documents that were to be inserted; each is named by its place among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inserted {
    /// How many are in now that were not.
    pub count: u64,
    /// Whether they are durable is asked for with it.
    pub receipt: Receipt,
    /// Another document has the `_id` or the id.
    pub taken: Vec<usize>,
    /// The store cannot hold it, and why.
    pub refused: Vec<(usize, String)>,
}

impl Documents {
    /// Adds a document after looking at all of it: lengths and types, at every depth. Texts may be of any encoding, for
    /// so they may be in MongoDB.
    ///
    /// # Errors
    /// [`Malformed`]; nothing is added then.
    pub fn push(&mut self, document: &[u8]) -> Result<(), Malformed> {
        self.add(document).map(drop)
    }

    /// The same as [`Documents::push`]; answers with whether the document's texts are UTF-8.
    ///
    /// # Errors
    /// [`Malformed`]; nothing is added then.
    pub fn add(&mut self, document: &[u8]) -> Result<Encoding, Malformed> {
        let encoding = fields::check(document)?;
        self.append(RawDocument::from_bytes(document).map_err(malformed)?);
        Ok(encoding)
    }

    /// The same as [`Documents::add`]; the first document is not copied.
    ///
    /// # Errors
    /// [`Malformed`]; nothing is added then.
    pub fn add_owned(&mut self, document: Vec<u8>) -> Result<Encoding, Malformed> {
        if !self.is_empty() {
            return self.add(&document);
        }
        let encoding = fields::check(&document)?;
        RawDocument::from_bytes(&document).map_err(malformed)?;
        self.ends.push(document.len());
        self.bytes = Arc::new(document);
        Ok(encoding)
    }

    /// Adds a document that comes from a store.
    pub(crate) fn append(&mut self, document: &RawDocument) {
        Arc::make_mut(&mut self.bytes).extend_from_slice(document.as_bytes());
        self.ends.push(self.bytes.len());
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, one behind the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of one.
    pub fn get(&self, at: usize) -> &[u8] {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[begin..self.ends[at]]
    }

    /// The bytes of each.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// Those at these places.
    pub fn only(&self, places: &[usize]) -> Self {
        let mut some = Self::default();
        for &at in places {
            some.append(self.raw(at));
        }
        some
    }

    pub(crate) fn raw(&self, at: usize) -> &RawDocument {
        RawDocument::from_bytes(self.get(at)).expect("only documents are added")
    }
}

/// The todo in a document.
///
/// # Errors
/// [`StoreError::NotATodo`]: its id, name or description is missing, of another type, or over its limits.
pub fn todo(document: &[u8]) -> Result<Versioned, StoreError> {
    let raw = RawDocument::from_bytes(document).map_err(|error| document::not_a_todo("?", error.to_string()))?;
    let found = document::read(raw)?;
    found.todo.check().map_err(|error| document::not_a_todo(found.todo.id.as_str(), error.to_string()))?;
    Ok(found)
}

/// All documents of a store, some at a time. Ends early if it is dropped.
#[derive(Debug)]
pub struct Reader(mpsc::Receiver<Result<Documents, StoreError>>);

/// The other end of a [`Reader`].
pub(crate) type Sender = mpsc::Sender<Result<Documents, StoreError>>;

impl Reader {
    /// One lot is read ahead, no more: they may be 16 MiB each.
    pub(crate) fn new() -> (Sender, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self(receiver))
    }

    /// The next documents; none at the end.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; nothing comes after it.
    pub async fn next(&mut self) -> Result<Option<Documents>, StoreError> {
        self.0.recv().await.transpose()
    }
}

fn malformed(error: impl ToString) -> Malformed {
    Malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{RawDocumentBuf, rawdoc};

    use super::*;

    fn nested(depth: usize) -> RawDocumentBuf {
        (1..depth).fold(RawDocumentBuf::new(), |inner, _| rawdoc! { "a": inner })
    }

    #[test]
    fn documents_keep_their_bytes_and_order() {
        let (one, two) = (rawdoc! { "a": 1 }, rawdoc! { "b": ["x", { "y": 2.5 }] });
        let mut documents = Documents::default();
        documents.push(one.as_bytes()).expect("a document");
        documents.push(two.as_bytes()).expect("a document");
        assert_eq!(documents.iter().collect::<Vec<_>>(), [one.as_bytes(), two.as_bytes()]);
        assert_eq!(documents.bytes(), [one.as_bytes(), two.as_bytes()].concat());
        assert_eq!(documents.only(&[1]).bytes(), two.as_bytes());
        let mut owned = Documents::default();
        for document in [&one, &two] {
            owned.add_owned(document.as_bytes().to_vec()).expect("a document");
        }
        assert_eq!(owned, documents);
    }

    #[test]
    fn a_document_that_is_wrong_at_any_depth_is_not_added() {
        let good = rawdoc! { "a": { "b": ["text"] } };
        let place = good.as_bytes().windows(4).position(|bytes| bytes == b"text").expect("the text is there");
        let mut documents = Documents::default();
        for (at, byte) in [(0, 0xFF), (place - 5, 0x20), (place - 4, 0xFF), (good.as_bytes().len() - 1, 1)] {
            let mut bad = good.as_bytes().to_vec();
            bad[at] = byte;
            assert!(documents.push(&bad).is_err(), "byte {at}");
            assert!(documents.add_owned(bad).is_err(), "byte {at}");
        }
        assert!(documents.push(&[]).is_err() && documents.add_owned(Vec::new()).is_err());
        assert!(documents.is_empty() && documents.bytes().is_empty());
    }

    #[test]
    fn nesting_has_a_limit() {
        let mut documents = Documents::default();
        assert!(documents.push(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(documents.push(nested(MAX_DEPTH + 1).as_bytes()).is_err());
    }
}
