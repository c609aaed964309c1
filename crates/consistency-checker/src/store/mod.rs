//! `Store`: the database behind the service, as the run sees it: what others write past the service, and the truth in the end.
//!
//! - [`mongo`]: of todo-api; [`mongo_servers`]: what can be done to its servers. [`postgres`]: of the example of the crate
//!   cache-aside.

pub mod mongo;
pub mod mongo_servers;
pub mod postgres;

use self::mongo::Mongo;
use self::postgres::Postgres;
use crate::error::CheckError;
use crate::history::Said;

/// One database of a run's own.
pub enum Store {
    /// Behind todo-api.
    Mongo(Box<Mongo>),
    /// Behind the example `postgres`.
    Postgres(Box<Postgres>),
}

/// The same call on whichever database there is.
macro_rules! on {
    ($store:expr, $name:ident($($arg:expr),*)) => {
        match $store {
            Store::Mongo(mongo) => mongo.$name($($arg),*).await,
            Store::Postgres(postgres) => postgres.$name($($arg),*).await,
        }
    };
}

impl Store {
    /// Sets name and description, as somebody does who knows nothing of versions; `false` if there is no such todo.
    ///
    /// # Errors
    /// Nobody knows whether it happened.
    pub async fn update(&self, id: &str, name: &str) -> Result<bool, CheckError> {
        on!(self, update(id, name))
    }

    /// Writes the whole todo anew with the version that it had; `false` if there is no such todo.
    ///
    /// # Errors
    /// Nobody knows whether it happened.
    pub async fn replace(&self, id: &str, name: &str) -> Result<bool, CheckError> {
        on!(self, replace(id, name))
    }

    /// Writes a new todo in one of the ways that the database has for it; `false` if there is one.
    ///
    /// # Errors
    /// Nobody knows whether it happened.
    pub async fn insert(&self, id: &str, name: &str, how: InsertAs) -> Result<bool, CheckError> {
        on!(self, insert(id, name, how))
    }

    /// Removes todos at once.
    ///
    /// # Errors
    /// Nobody knows whether it happened.
    pub async fn delete(&self, ids: &[&str]) -> Result<(), CheckError> {
        on!(self, delete(ids))
    }

    /// What is stored under an id: its version, and its body as the service answers it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn find(&self, id: &str) -> Result<Said, CheckError> {
        on!(self, find(id))
    }

    /// MongoDB, if it is that.
    ///
    /// # Errors
    /// It is not.
    pub fn mongo(&self) -> Result<&Mongo, CheckError> {
        match self {
            Self::Mongo(mongo) => Ok(mongo),
            Self::Postgres(_) => Err(CheckError::Server("this fault is MongoDB's only".to_owned())),
        }
    }

    /// Removes the database, where others go on to use the server. What is left over costs disk until that ends, nothing else.
    pub async fn drop_database(&self) {
        on!(self, drop_database())
    }
}

/// How a foreign writer inserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertAs {
    /// As the service does.
    Usual,
    /// In the way in which the database makes it hardest to follow.
    Odd,
}

/// A todo as the service answers it.
pub(crate) fn body(id: Option<&str>, name: Option<&str>, description: Option<&str>) -> String {
    let text = |field: Option<&str>| serde_json::json!(field).to_string();
    format!(r#"{{"id":{},"name":{},"description":{}}}"#, text(id), text(name), text(description))
}
