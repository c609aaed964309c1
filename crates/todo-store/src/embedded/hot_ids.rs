//! The ids that are read most, as a cache in front of the file keeps them: in a table of their own, the hottest first.

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::table::Tables;
use super::{EmbeddedStore, failed};
use crate::error::StoreError;

/// Rank and id.
const HOT_IDS: TableDefinition<'_, u32, &str> = TableDefinition::new("hot_ids");

impl EmbeddedStore {
    /// One process has the file, so whose they are is known.
    pub(crate) async fn hot_ids(&self, _name: &str) -> Result<Vec<String>, StoreError> {
        self.read_transaction(self.timeout, read).await
    }

    pub(crate) async fn save_hot_ids(&self, _name: &str, ids: &[String]) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        let save = move |tables: &mut Tables<'_>| write(tables.transaction(), &ids);
        self.write(self.timeout, save).await
    }
}

fn read(transaction: &ReadTransaction) -> Result<Vec<String>, StoreError> {
    let table = match transaction.open_table(HOT_IDS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table.map_err(failed)?,
    };
    let ids = table.iter().map_err(failed)?;
    ids.map(|entry| entry.map(|(_, id)| id.value().to_owned()).map_err(failed)).collect()
}

fn write(transaction: &WriteTransaction, ids: &[String]) -> Result<(), StoreError> {
    let mut table = transaction.open_table(HOT_IDS).map_err(failed)?;
    table.retain(|_, _| false).map_err(failed)?;
    for (rank, id) in (0..).zip(ids) {
        table.insert(rank, id.as_str()).map_err(failed)?;
    }
    Ok(())
}
