//! A MongoDB that fails on demand.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};
use test_servers::{MongoServer, fresh_name};
use todo_store::{Store, StoreOptions, StoreUrl};

use crate::support::options;

static SERVER: LazyLock<MongoServer> =
    LazyLock::new(|| MongoServer::start_with(&["--setParameter", "enableTestCommands=1"]));

/// One server and one fail point: one test at a time.
pub(crate) static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A server that fails on demand, the next commands of one client at a time (`failCommand`).
pub(crate) struct Faults {
    client: Client,
    app: String,
    database: String,
    pub(crate) store: Store,
}

impl Faults {
    pub(crate) async fn new(timeout: Duration) -> Self {
        Self::with(timeout, "retryReads=true").await
    }

    /// With this option in the connection string.
    pub(crate) async fn with(timeout: Duration, option: &str) -> Self {
        let (app, database) = (fresh_name("app"), fresh_name("store"));
        let url: StoreUrl = format!("{}&appName={app}&{option}", SERVER.url()).parse().unwrap();
        let options = StoreOptions { timeout, database: Some(database.clone()), ..options() };
        let store = Store::open(&url, &options).await.unwrap();
        Self { client: Client::with_uri_str(SERVER.url()).await.unwrap(), app, database, store }
    }

    /// The same todos for another client, whose commands do not fail.
    pub(crate) async fn other(&self) -> Store {
        let options = StoreOptions { database: Some(self.database.clone()), ..options() };
        Store::open(&SERVER.url().parse().unwrap(), &options).await.unwrap()
    }

    /// Waits until a command of this client is at the server.
    pub(crate) async fn wait_until_blocked(&self) {
        let running = doc! { "currentOp": true, "appName": &self.app, "active": true, "command.aggregate": "todos" };
        let began = Instant::now();
        loop {
            let found = self.client.database("admin").run_command(running.clone()).await.unwrap();
            if !found.get_array("inprog").unwrap().is_empty() {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "nothing is under way: {found:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The next `times` of `command` fail so; with 0 none does any more.
    pub(crate) async fn next(&self, times: u32, command: &str, fault: Document) {
        let mut data = doc! { "failCommands": [command], "appName": &self.app };
        data.extend(fault);
        let mode = if times == 0 { Bson::from("off") } else { Bson::from(doc! { "times": times }) };
        let fail = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        self.client.database("admin").run_command(fail).await.unwrap();
    }
}
