//! What a dump knows of a collection beside its documents: canonical extended JSON, as mongodump writes it.

use bson::{Bson, Document, RawBsonRef, RawDocument, doc};
use todo_store::raw::Documents;

use crate::extended_json::{Dialect, Wrong, document as parse};
use crate::namespace::Kind;

/// Options and indexes of a collection.
#[derive(Debug, Clone)]
pub struct Metadata {
    kind: Kind,
    collection: Option<String>,
    options: Vec<String>,
    /// Definitions, with those that every store has.
    indexes: Documents,
    /// Why it cannot be read, and where it begins.
    damage: Option<(u64, String)>,
}

impl Default for Metadata {
    fn default() -> Self {
        Self {
            kind: Kind::Collection,
            collection: None,
            options: Vec::new(),
            indexes: Documents::default(),
            damage: None,
        }
    }
}

impl Metadata {
    /// The longest JSON that is read, in bytes: what is parsed takes many times as much memory.
    pub const LONGEST: usize = 2 << 20;

    /// Reads the JSON; an empty text is no metadata.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let json = json.trim_ascii();
        if json.is_empty() {
            return Ok(Self::default());
        }
        if json.len() > Self::LONGEST {
            return Err(format!("it is longer than {} bytes", Self::LONGEST));
        }
        let mut bytes = Vec::new();
        parse(json, Dialect::Json, &mut bytes).map_err(|Wrong { at, problem }| format!("{problem} (byte {at})"))?;
        let document = Document::from_reader(&bytes[..]).map_err(|error| error.to_string())?;
        let options = document.get_document("options");
        let options = options.map(|options| options.keys().cloned().collect()).unwrap_or_default();
        let mut indexes = Documents::default();
        for index in document.get_array("indexes").into_iter().flatten() {
            let mut index = index.as_document().ok_or("an index must be an object")?.clone();
            // Of servers before 4.4; newer ones refuse it.
            index.remove("ns");
            let bytes = index.to_vec().map_err(|error| error.to_string())?;
            indexes.push(&bytes).map_err(|error| error.to_string())?;
        }
        let collection = document.get_str("collectionName").ok().map(ToOwned::to_owned);
        Ok(Self { kind: kind(&document), collection, options, indexes, damage: None })
    }

    /// As [`Metadata::parse`], but what cannot be read is kept, with the byte where it begins: it matters only if the
    /// collection is asked for.
    pub(crate) fn read(json: &[u8], begin: u64) -> Self {
        Self::parse(json).unwrap_or_else(|problem| Self::unreadable(problem, begin))
    }

    pub(crate) fn unreadable(problem: impl Into<String>, begin: u64) -> Self {
        Self { damage: Some((begin, problem.into())), ..Self::default() }
    }

    /// Why it cannot be read, and the byte where it begins.
    pub fn damage(&self) -> Option<(u64, &str)> {
        self.damage.as_ref().map(|(begin, problem)| (*begin, problem.as_str()))
    }

    /// Of a collection with these indexes.
    pub fn of(collection: &str, indexes: Documents) -> Self {
        Self { collection: Some(collection.to_owned()), indexes, ..Self::default() }
    }

    /// The JSON, but for the options.
    pub fn to_json(&self) -> String {
        let indexes: Vec<Document> =
            self.indexes.iter().filter_map(|index| Document::from_reader(index).ok()).collect();
        let name = self.collection.as_deref().unwrap_or_default();
        let document = doc! { "options": {}, "indexes": indexes, "collectionName": name, "type": "collection" };
        Bson::Document(document).into_canonical_extjson().to_string()
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The collection's name, in full; names of files may be cut short.
    pub fn collection(&self) -> Option<&str> {
        self.collection.as_deref()
    }

    /// The names of the collection's options (capped, collation, validator, …).
    pub fn options(&self) -> &[String] {
        &self.options
    }

    /// The indexes to make, without those that every store has: on `_id`, and the unique one on `id`.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn indexes(&self) -> Result<Documents, String> {
        let mut places = Vec::new();
        for (place, index) in self.indexes.iter().enumerate() {
            let index = RawDocument::from_bytes(index).map_err(|error| error.to_string())?;
            let key = index.get_document("key").map_err(|_| "an index without a key")?;
            let fields: Vec<_> = key.into_iter().flatten().collect();
            // Another kind, like `hashed`, is an index beside it.
            let is_ours = matches!(
                fields[..],
                [(name, RawBsonRef::Int32(_) | RawBsonRef::Int64(_) | RawBsonRef::Double(_))]
                    if matches!(name.as_str(), "_id" | "id")
            );
            if !is_ours {
                places.push(place);
            }
        }
        Ok(self.indexes.only(&places))
    }

    /// The names of [`Metadata::indexes`].
    pub fn index_names(&self) -> Vec<String> {
        names(&self.indexes().unwrap_or_default())
    }

    /// The names of indexes on `id` that are not made, for the store has one of its own, though theirs are others: with
    /// a collation, of some documents only, and so on.
    pub fn other_indexes_on_id(&self) -> Vec<String> {
        let is_other = |index: &[u8]| {
            let Ok(index) = RawDocument::from_bytes(index) else { return false };
            let is_on_id = index.get_document("key").is_ok_and(|key| matches!(key.get("id"), Ok(Some(_))));
            let is_plain = |name: &str| matches!(name, "v" | "key" | "name" | "unique" | "background" | "ns");
            is_on_id && index.into_iter().flatten().any(|(name, _)| !is_plain(name.as_str()))
        };
        let made = self.indexes().unwrap_or_default();
        let mut others = Documents::default();
        for index in self.indexes.iter().filter(|index| is_other(index) && !made.iter().any(|made| made == *index)) {
            // It was taken before.
            let _ = others.push(index);
        }
        names(&others)
    }
}

fn names(indexes: &Documents) -> Vec<String> {
    let name = |index| Some(RawDocument::from_bytes(index).ok()?.get_str("name").ok()?.to_owned());
    indexes.iter().map(|index| name(index).unwrap_or_else(|| "without a name".to_owned())).collect()
}

/// Older releases of mongodump do not say it, but their options do.
fn kind(metadata: &Document) -> Kind {
    let options = metadata.get_document("options");
    let has = |name| options.as_ref().is_ok_and(|options| options.contains_key(name));
    match metadata.get_str("type") {
        Ok("timeseries") => Kind::TimeSeries,
        // Not by its type alone: `mongodump --viewsAsCollections` says view of what it dumps with documents, and without options.
        _ if has("viewOn") => Kind::View,
        _ if has("timeseries") => Kind::TimeSeries,
        _ => Kind::Collection,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = r#"{"options":{},"indexes":[{"v":{"$numberInt":"2"},"key":{"_id":{"$numberInt":"1"}},"name":"_id_"},
        {"v":{"$numberInt":"2"},"key":{"name":{"$numberInt":"1"},"id":{"$numberInt":"-1"}},"name":"n","ns":"test.todos"}],
        "uuid":"0a","collectionName":"todos","type":"collection"}"#;

    #[test]
    fn what_mongodump_writes_is_read_and_the_indexes_keep_the_order_of_their_keys() {
        let metadata = Metadata::parse(REAL.as_bytes()).expect("metadata");
        assert_eq!((metadata.kind(), metadata.collection()), (Kind::Collection, Some("todos")));
        let indexes = metadata.indexes().expect("indexes");
        assert_eq!(indexes.len(), 1);
        let index = Document::from_reader(indexes.get(0)).expect("a document");
        assert_eq!(index, doc! { "v": 2, "key": { "name": 1, "id": -1 }, "name": "n" });
        let again = Metadata::parse(Metadata::of("todos", indexes.clone()).to_json().as_bytes()).expect("metadata");
        assert_eq!(again.indexes().expect("indexes"), indexes);
    }

    #[test]
    fn other_indexes_on_id_are_named() {
        let index = |name: &str, more: &str| format!(r#"{{"v":2,"key":{{"id":1}},"name":"{name}"{more}}}"#);
        let all = [
            index("plain", r#","unique":true"#),
            index("some", r#","partialFilterExpression":{"x":1}"#),
            index("sorted", r#","collation":{"locale":"de"}"#),
            index("sparse", r#","sparse":true"#),
            r#"{"v":2,"key":{"id":1,"name":1},"name":"both","sparse":true}"#.to_owned(),
        ];
        let metadata = Metadata::parse(format!(r#"{{"indexes":[{}]}}"#, all.join(",")).as_bytes()).expect("metadata");
        assert_eq!(metadata.other_indexes_on_id(), ["some", "sorted", "sparse"]);
        assert_eq!(metadata.index_names(), ["both"]);
    }

    #[test]
    fn views_and_time_series_are_known_by_their_options_too() {
        let kind = |json: &str| Metadata::parse(json.as_bytes()).map(|metadata| metadata.kind());
        assert_eq!(kind(r#"{"options":{"viewOn":"todos","pipeline":[]}}"#), Ok(Kind::View));
        assert_eq!(kind(r#"{"options":{"viewOn":"todos","pipeline":[]},"type":"view"}"#), Ok(Kind::View));
        assert_eq!(kind(r#"{"indexes":[],"collectionName":"v","type":"view"}"#), Ok(Kind::Collection));
        assert_eq!(kind(r#"{"options":{"timeseries":{"timeField":"t"}}}"#), Ok(Kind::TimeSeries));
        assert_eq!(kind(""), Ok(Kind::Collection));
        assert!(kind("[1]").is_err() && kind("{").is_err());
    }
}
