//! What a service needs of a store, tried out before it starts.

use todo_model::TodoId;

use crate::error::StoreError;
use crate::store::{Kind, Store};

impl Store {
    /// What a service will need of it and would not get (privileges, the unique index), a line each; `follows`: its changes, too. Nothing
    /// is changed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn missing(&self, follows: bool) -> Result<Vec<String>, StoreError> {
        match &self.0 {
            Kind::Mongo(mongo) => mongo.missing(follows).await,
            Kind::Embedded(_) => Ok(Vec::new()),
        }
    }

    /// Whether its changes can be followed, tried out without leaving anything behind.
    ///
    /// # Errors
    /// As [`Store::changes`].
    pub async fn try_to_follow(&self) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Mongo(mongo) => mongo.try_to_follow().await,
            Kind::Embedded(_) => Ok(()),
        }
    }

    /// Whether a todo can be created, tried out in a transaction that is taken back, where the store has such. Nothing is left of it.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub async fn try_to_create(&self, id: &TodoId) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Mongo(mongo) => mongo.try_to_create(id).await,
            Kind::Embedded(_) => Ok(()),
        }
    }
}
