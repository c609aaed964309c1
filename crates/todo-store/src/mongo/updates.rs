//! Update pipelines: the server itself sets the version, in the same step as the write.
//!
//! A version is taken from the server's logical clock, which a delete does not turn back: `v = max(v + 1, now)`, with
//! `now = 2^20 * seconds + increment + 1` of `$$CLUSTER_TIME` (MongoDB manual, "Aggregation Variables"). All user text
//! goes through `$literal`: a name like `$v` is text and no field path.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use todo_model::{Todo, TodoId, TodoPatch, Version};

use crate::failpoints::{self, Guard};
use crate::precondition::Versioned;

/// How long after its start a command may still write: far longer than any deadline.
const GRACE: Duration = Duration::from_secs(60);

/// Where versions come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// A replica set's or a sharded cluster's logical clock.
    Cluster,
    /// A standalone server has none: its wall clock, in the same scale.
    Wall,
}

impl Clock {
    /// Waits after a delete until every later version is above that of the absence.
    pub(crate) async fn pass(self) {
        match self {
            // The delete itself made it tick.
            Self::Cluster => {}
            // It ticks once a millisecond: a todo created in the one in which its predecessor was written would have
            // the same version.
            Self::Wall => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }

    fn now(self) -> Bson {
        match self {
            _ if failpoints::is_off(Guard::VersionReuse) => Bson::Int64(1),
            Self::Cluster => Bson::Document(doc! { "$add": [
                { "$multiply": [Version::PER_SECOND as i64, { "$tsSecond": "$$CLUSTER_TIME" }] },
                { "$tsIncrement": "$$CLUSTER_TIME" },
                1_i64,
            ] }),
            Self::Wall => Bson::Document(doc! { "$floor": {
                "$multiply": [{ "$toLong": "$$NOW" }, Version::PER_SECOND as f64 / 1_000.0],
            } }),
        }
    }

    /// A version that is further ahead of the clock than any command takes counts as none. The clock is that of the command's
    /// start, so what is less far ahead may have been given meanwhile; see [`Self::version_anew`].
    fn next_version(self, grace: Duration) -> Bson {
        let now = self.now();
        let reachable = doc! { "$add": [now.clone(), (grace.as_secs() * Version::PER_SECOND) as i64] };
        // Values of other types compare below or above all numbers, so this is false for them, and for none at all.
        let ours = doc! { "$and": [
            { "$gte": ["$v", 0_i64] },
            { "$lt": ["$v", Version::MAX.0 as i64] },
            { "$lte": ["$v", reachable] },
        ] };
        let old = doc! { "$cond": [ours, "$v", 0_i64] };
        Bson::Document(doc! { "$toLong": { "$max": [{ "$add": [old, 1_i64] }, now] } })
    }

    /// Only the version: for a document that is known to be ahead of the clock, and that the filter names by its version.
    pub(crate) fn version_anew(self) -> Vec<Document> {
        vec![doc! { "$set": { "v": self.next_version(Duration::ZERO) } }]
    }

    /// Matches documents whose version is ahead of the clock.
    fn ahead(self) -> Document {
        let margin = if self == Self::Wall { GRACE } else { Duration::ZERO };
        let limit = doc! { "$add": [self.now(), (margin.as_secs() * Version::PER_SECOND) as i64] };
        doc! { "$expr": { "$gt": ["$v", limit] } }
    }

    /// The whole document of a todo that is not there yet.
    pub(crate) fn create(self, todo: &Todo) -> Vec<Document> {
        let document = doc! {
            "_id": literal(todo.id.as_str()),
            "id": literal(todo.id.as_str()),
            "name": literal(todo.name.as_str()),
            "description": literal(todo.description.clone()),
            "v": self.next_version(GRACE),
        };
        vec![doc! { "$replaceWith": document }]
    }

    /// Name, description and version; other fields stay.
    pub(crate) fn replace(self, todo: &Todo) -> Vec<Document> {
        let fields = doc! {
            "name": literal(todo.name.as_str()),
            "description": literal(todo.description.clone()),
            "v": self.next_version(GRACE),
        };
        vec![doc! { "$set": fields }]
    }

    /// What the patch names, and the version.
    pub(crate) fn patch(self, patch: &TodoPatch) -> Vec<Document> {
        let mut fields = doc! { "v": self.next_version(GRACE) };
        if let Some(name) = &patch.name {
            fields.insert("name", literal(name.as_str()));
        }
        if let Some(description) = &patch.description {
            fields.insert("description", literal(description.clone()));
        }
        vec![doc! { "$set": fields }]
    }
}

fn literal(text: impl Into<Bson>) -> Document {
    doc! { "$literal": text.into() }
}

/// Finds the todo with this id.
pub(crate) fn by_id(id: &TodoId) -> Document {
    doc! { "id": id.as_str() }
}

/// The same for an operation that changes it: an equality also finds a list that the text is in (MongoDB manual, "Query an
/// Array"), and a document with such an id is no todo.
pub(crate) fn by_id_alone(id: &TodoId) -> Document {
    doc! { "id": { "$eq": id.as_str(), "$not": { "$type": "array" } } }
}

/// Matches no document whatever stands in it, and yet says which id an upsert inserts: so the server always tries to
/// insert, and an existing todo is a duplicate key. Being more than an equality on the unique key, it also keeps the
/// server from trying the upsert again on that (MongoDB manual, "Upsert with Duplicate Values").
pub(crate) fn never_there(id: &TodoId) -> Document {
    doc! { "id": id.as_str(), "v": { "$in": [] } }
}

/// Finds the todo only if it is still this one.
pub(crate) fn unchanged(expected: &Versioned, clock: Clock) -> Document {
    let todo = &expected.todo;
    let mut filter = by_id_alone(&todo.id);
    if expected.version == Version::UNVERSIONED {
        let none = doc! { "v": { "$not": { "$gte": 1_i64, "$lte": Version::MAX.0 as i64 } } };
        let decimal = doc! { "v": { "$type": "decimal" } };
        let is_fraction = doc! { "$ne": ["$v", { "$floor": "$v" }] };
        let fraction = doc! { "$expr": { "$cond": [{ "$isNumber": "$v" }, is_fraction, false] } };
        filter.insert("$or", [none, decimal, fraction, clock.ahead()]);
    } else {
        filter.insert("v", expected.version.0 as i64);
    }
    filter.insert("name", doc! { "$eq": todo.name.as_str() });
    filter.insert("description", doc! { "$eq": todo.description.clone() });
    filter
}
