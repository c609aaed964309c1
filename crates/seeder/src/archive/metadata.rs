//! What a dump knows of a collection beside its documents: canonical extended JSON, as mongodump writes it.

use bson::{Bson, Document, doc};
use todo_store::raw::Documents;

use crate::namespace::Kind;

/// Options and indexes of a collection.
#[derive(Debug, Clone, Default)]
pub struct Metadata(Document);

impl Metadata {
    /// Reads the JSON; an empty text is no metadata.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &str) -> Result<Self, String> {
        if json.trim().is_empty() {
            return Ok(Self::default());
        }
        let value: serde_json::Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        match Bson::try_from(value) {
            Ok(Bson::Document(document)) => Ok(Self(document)),
            Ok(_) => Err("it must be an object".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Of a collection with these indexes.
    pub fn of(collection: &str, indexes: &Documents) -> Self {
        let indexes: Vec<Document> = indexes.iter().filter_map(|index| Document::from_reader(index).ok()).collect();
        Self(doc! { "options": {}, "indexes": indexes, "collectionName": collection, "type": "collection" })
    }

    /// The JSON.
    pub fn to_json(&self) -> String {
        Bson::Document(self.0.clone()).into_canonical_extjson().to_string()
    }

    /// Older releases of mongodump do not say it, but their options do.
    pub fn kind(&self) -> Kind {
        let options = self.0.get_document("options");
        let has = |name| options.as_ref().is_ok_and(|options| options.contains_key(name));
        match self.0.get_str("type") {
            Ok("view") => Kind::View,
            Ok("timeseries") => Kind::TimeSeries,
            _ if has("viewOn") => Kind::View,
            _ if has("timeseries") => Kind::TimeSeries,
            _ => Kind::Collection,
        }
    }

    /// The collection's name, in full; names of files may be cut short.
    pub fn collection(&self) -> Option<&str> {
        self.0.get_str("collectionName").ok()
    }

    /// The names of the collection's options (capped, collation, validator, …).
    pub fn options(&self) -> Vec<String> {
        self.0.get_document("options").map(|options| options.keys().cloned().collect()).unwrap_or_default()
    }

    /// The names of [`Metadata::indexes`].
    pub fn index_names(&self) -> Vec<String> {
        let all = self.indexes().unwrap_or_default();
        let name = |index| Document::from_reader(index).ok()?.get_str("name").ok().map(ToOwned::to_owned);
        all.iter().map(|index| name(index).unwrap_or_else(|| "without a name".to_owned())).collect()
    }

    /// The indexes to make, without those that every store has: on `_id`, and the unique one on `id`.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn indexes(&self) -> Result<Documents, String> {
        let mut indexes = Documents::default();
        for index in self.0.get_array("indexes").into_iter().flatten() {
            let mut index = index.as_document().ok_or("an index must be an object")?.clone();
            // Of servers before 4.4; newer ones refuse it.
            index.remove("ns");
            let key = index.get_document("key").map_err(|_| "an index without a key")?;
            // Another kind, like `hashed`, is an index beside it.
            let is_ours = |(field, order): (&String, &Bson)| {
                matches!(field.as_str(), "_id" | "id")
                    && matches!(order, Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_))
            };
            if key.len() == 1 && key.iter().all(is_ours) {
                continue;
            }
            let bytes = index.to_vec().map_err(|error| error.to_string())?;
            indexes.push(&bytes).map_err(|error| error.to_string())?;
        }
        Ok(indexes)
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
        let metadata = Metadata::parse(REAL).expect("metadata");
        assert_eq!((metadata.kind(), metadata.collection()), (Kind::Collection, Some("todos")));
        let indexes = metadata.indexes().expect("indexes");
        assert_eq!(indexes.len(), 1);
        let index = Document::from_reader(indexes.get(0)).expect("a document");
        assert_eq!(index, doc! { "v": 2, "key": { "name": 1, "id": -1 }, "name": "n" });
        let again = Metadata::parse(&Metadata::of("todos", &indexes).to_json()).expect("metadata");
        assert_eq!(again.indexes().expect("indexes"), indexes);
    }

    #[test]
    fn views_and_time_series_are_known_by_their_options_too() {
        let kind = |json| Metadata::parse(json).map(|metadata| metadata.kind());
        assert_eq!(kind(r#"{"options":{"viewOn":"todos","pipeline":[]}}"#), Ok(Kind::View));
        assert_eq!(kind(r#"{"options":{"timeseries":{"timeField":"t"}}}"#), Ok(Kind::TimeSeries));
        assert_eq!(kind(""), Ok(Kind::Collection));
        assert!(kind("[1]").is_err() && kind("{").is_err());
    }
}
