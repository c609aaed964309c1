//! PostgreSQL, where triggers give every write its version, and transactions commit in another order than they began.

use test_servers::PostgresServer;
use tokio_postgres::{Client, Config, NoTls};

use super::{InsertAs, body};
use crate::error::CheckError;
use crate::history::Said;

/// One database of a run's own. The service makes its tables.
pub struct Postgres {
    client: Client,
    /// Its transactions stay open for a while; those of the other do not wait for them.
    slow: Client,
    config: Config,
    database: String,
    _server: Option<PostgresServer>,
}

impl Postgres {
    /// Makes the database on the server at `url`.
    pub(crate) async fn create(url: &str, database: &str, server: Option<PostgresServer>) -> Result<Self, CheckError> {
        let config: Config = url.parse()?;
        connect(&config).await?.batch_execute(&format!(r#"CREATE DATABASE "{database}""#)).await?;
        let mut own = config.clone();
        own.dbname(database);
        Ok(Self {
            client: connect(&own).await?,
            slow: connect(&own).await?,
            config,
            database: database.to_owned(),
            _server: server,
        })
    }

    pub(super) async fn update(&self, id: &str, name: &str) -> Result<bool, CheckError> {
        let update = "UPDATE todos SET name = $2, description = 'by somebody else' WHERE id = $1";
        Ok(self.client.execute(update, &[&id, &name]).await? > 0)
    }

    pub(super) async fn replace(&self, id: &str, name: &str) -> Result<bool, CheckError> {
        let replace = "UPDATE todos SET name = $2, description = NULL, version = version WHERE id = $1";
        Ok(self.client.execute(replace, &[&id, &name]).await? > 0)
    }

    /// Oddly, in a transaction that stays open for a while: others draw later numbers and commit before it.
    pub(super) async fn insert(&self, id: &str, name: &str, how: InsertAs) -> Result<bool, CheckError> {
        let (client, seconds) = if how == InsertAs::Odd { (&self.slow, 0.1) } else { (&self.client, 0.0) };
        let insert = "WITH new AS (INSERT INTO todos (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id)
                      SELECT pg_sleep($3) FROM new";
        Ok(!client.query(insert, &[&id, &name, &seconds]).await?.is_empty())
    }

    pub(super) async fn delete(&self, ids: &[&str]) -> Result<(), CheckError> {
        self.client.execute("DELETE FROM todos WHERE id = ANY ($1)", &[&ids]).await?;
        Ok(())
    }

    pub(super) async fn find(&self, id: &str) -> Result<Said, CheckError> {
        let row = self.client.query_opt("SELECT version, name, description FROM todos WHERE id = $1", &[&id]).await?;
        Ok(row.map(|row| {
            let version = row.get::<_, i64>(0).unsigned_abs();
            (version, body(Some(id), row.get(1), row.get(2)).into())
        }))
    }

    pub(super) async fn drop_database(&self) {
        let drop = format!(r#"DROP DATABASE "{}" WITH (FORCE)"#, self.database);
        if let Ok(client) = connect(&self.config).await {
            let _ = client.batch_execute(&drop).await;
        }
    }
}

async fn connect(config: &Config) -> Result<Client, CheckError> {
    let (client, connection) = config.connect(NoTls).await?;
    // Ends with the client; what went wrong, its next call says.
    tokio::spawn(connection);
    Ok(client)
}
