//! `System`: which service is driven, and how it is started.

use std::path::PathBuf;

use clap::ValueEnum;
use test_servers::{PostgresServer, Traffic};

use crate::error::CheckError;
use crate::options::Policy;
use crate::store::Store;
use crate::store::mongo::Mongo;
use crate::store::mongo_servers::MongoServers;
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

    /// Whether this is the connection by which a process follows the store's changes.
    pub(super) fn follows_changes(self, traffic: &Traffic) -> bool {
        match self {
            Self::TodoApi => traffic.is_asking("getMore"),
            Self::Postgres => traffic.opened_with("LISTEN"),
        }
    }

    /// Makes an empty database, and gives the connection string that names it.
    pub(super) async fn store(self, servers: &Servers, database: &str) -> Result<(Store, String), CheckError> {
        match self {
            Self::TodoApi => {
                let started = match servers {
                    Servers::At(_) => MongoServers::elsewhere(),
                    Servers::One => tokio::task::spawn_blocking(MongoServers::one).await?,
                    Servers::Three => tokio::task::spawn_blocking(MongoServers::three).await?,
                };
                let url = if let Servers::At(url) = servers { url.clone() } else { started.url() };
                let named = url.replacen("/?", &format!("/{database}?"), 1);
                Ok((Store::Mongo(Box::new(Mongo::open(&url, database, started).await?)), named))
            }
            Self::Postgres => {
                let (url, server) = match servers {
                    Servers::At(url) => (url.clone(), None),
                    Servers::One => {
                        let server = tokio::task::spawn_blocking(PostgresServer::start).await?;
                        (server.url("postgres"), Some(server))
                    }
                    Servers::Three => {
                        return Err(CheckError::Server("there is one PostgreSQL, no set of three".to_owned()));
                    }
                };
                let store = Postgres::create(&url, database, server).await?;
                let (address, _) = url.rsplit_once('/').unwrap_or((&url, ""));
                Ok((Store::Postgres(Box::new(store)), format!("{address}/{database}")))
            }
        }
    }
}

/// The servers of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// These, which run already.
    At(String),
    /// One, to be started.
    One,
    /// A replica set of three, to be started.
    Three,
}

/// A program that cargo puts beside this one.
pub(crate) fn beside_this_program(name: &str) -> Result<PathBuf, CheckError> {
    Ok(std::env::current_exe()?.with_file_name(name))
}
