//! `System`: which service is driven, and how it is started.

use std::path::PathBuf;

use clap::ValueEnum;
use test_servers::{MongoServer, PostgresServer};

use crate::error::CheckError;
use crate::options::Policy;
use crate::store::Store;
use crate::store::mongo::Mongo;
use crate::store::postgres::Postgres;

/// A service that answers todos over HTTP from a store and one Redis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum System {
    /// The todo service, over MongoDB.
    #[default]
    TodoApi,
    /// The example `postgres` of the crate cache-aside, over PostgreSQL.
    Postgres,
}

impl System {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::TodoApi => "todo-api",
            Self::Postgres => "postgres",
        }
    }

    /// Where cargo puts its program, beside this one.
    pub fn program(self) -> &'static str {
        match self {
            Self::TodoApi => "todo-api",
            Self::Postgres => "examples/postgres",
        }
    }

    /// How its program is built.
    pub fn build(self) -> &'static str {
        match self {
            Self::TodoApi => "cargo build -p todo-api",
            Self::Postgres => "cargo build -p cache-aside --example postgres",
        }
    }

    /// Its flags for a write policy and an L1.
    pub fn flags(self, policy: Policy, l1_ms: u128) -> Vec<String> {
        let mut flags = vec!["--write-policy".to_owned(), policy.name().to_owned()];
        if l1_ms > 0 {
            flags.extend(match self {
                Self::TodoApi => ["--l1-ttl".to_owned(), format!("{l1_ms}ms")],
                Self::Postgres => ["--l1-ms".to_owned(), l1_ms.to_string()],
            });
        }
        flags
    }

    /// Which server program cannot be found, in one line.
    pub(super) fn missing_server(self) -> Option<String> {
        match self {
            Self::TodoApi => test_servers::missing(),
            Self::Postgres => test_servers::missing_postgres(),
        }
    }

    /// Makes an empty database, on the server at `url` or on one of its own, and gives the flags that name it.
    pub(super) async fn store(self, url: Option<String>, database: &str) -> Result<(Store, Vec<String>), CheckError> {
        match self {
            Self::TodoApi => {
                let server = own_server(url.is_none(), MongoServer::start).await?;
                let url = url.or(server.as_ref().map(MongoServer::url)).unwrap_or_default();
                let flags = ["--store", &url, "--database", database].map(str::to_owned).to_vec();
                Ok((Store::Mongo(Mongo::open(&url, database, server).await?), flags))
            }
            Self::Postgres => {
                let server = own_server(url.is_none(), PostgresServer::start).await?;
                let url = url.or(server.as_ref().map(|server| server.url("postgres"))).unwrap_or_default();
                let store = Postgres::create(&url, database, server).await?;
                let (address, _) = url.rsplit_once('/').unwrap_or((&url, ""));
                let flags = vec!["--store".to_owned(), format!("{address}/{database}")];
                Ok((Store::Postgres(Box::new(store)), flags))
            }
        }
    }
}

async fn own_server<T: Send + 'static>(wanted: bool, start: fn() -> T) -> Result<Option<T>, CheckError> {
    Ok(tokio::task::spawn_blocking(move || wanted.then(start)).await?)
}

/// A program that cargo puts beside this one.
pub(crate) fn beside_this_program(name: &str) -> Result<PathBuf, CheckError> {
    Ok(std::env::current_exe()?.with_file_name(name))
}
