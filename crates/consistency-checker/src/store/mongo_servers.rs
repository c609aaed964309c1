//! `MongoServers`: what can be done to the servers behind a run. Whatever was done, all of them run when it is over.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use test_servers::{MongoServer, MongoSet};

use crate::error::CheckError;

/// Fail points are for tests only, and off by default (MongoDB manual, "enableTestCommands").
const FAIL_POINTS: [&str; 2] = ["--setParameter", "enableTestCommands=1"];
/// The service, as it calls itself to MongoDB: whoever writes past it meets no fail point.
const SERVICE: &str = "todo-cache-aside";
/// So long nobody may elect a primary that has stepped down.
const DOWN_SECONDS: i32 = 3;

/// The servers of one MongoDB. Calls block.
pub struct MongoServers(Mutex<Servers>);

enum Servers {
    /// They are somebody else's.
    Elsewhere,
    One(Box<MongoServer>),
    Three(MongoSet),
}

impl MongoServers {
    /// Servers that nothing is done to.
    pub fn elsewhere() -> Self {
        Self(Mutex::new(Servers::Elsewhere))
    }

    pub(crate) fn one() -> Self {
        Self(Mutex::new(Servers::One(Box::new(MongoServer::start_with(&FAIL_POINTS)))))
    }

    pub(crate) fn three() -> Self {
        Self(Mutex::new(Servers::Three(MongoSet::start_with(&FAIL_POINTS))))
    }

    /// A connection string; empty for those that are elsewhere.
    pub(crate) fn url(&self) -> String {
        match &*self.servers() {
            Servers::Elsewhere => String::new(),
            Servers::One(server) => server.url(),
            Servers::Three(set) => set.url(),
        }
    }

    /// Lets the primary step down, whether or not others have all that it has.
    ///
    /// # Errors
    /// There is one server only.
    pub fn step_down(&self) -> Result<String, CheckError> {
        self.with_set(|set| {
            let primary = set.wait_for_primary();
            let down = doc! { "replSetStepDown": DOWN_SECONDS, "secondaryCatchUpPeriodSecs": 0, "force": true };
            // An election under way does the same.
            let _ = set.member(primary).try_admin(down);
            format!("MongoDB's primary, member {primary}, stepped down")
        })
    }

    /// Kills the primary (SIGKILL), and starts it again once another is elected.
    ///
    /// # Errors
    /// There is one server only.
    pub fn kill_primary(&self) -> Result<String, CheckError> {
        self.with_set(|set| {
            let primary = set.wait_for_primary();
            set.kill(primary);
            set.wait_for_primary();
            set.start_again(primary);
            format!("MongoDB's primary, member {primary}, was killed and started again")
        })
    }

    /// Stops the primary from answering (SIGSTOP) for so long; when it goes on, it does not know that another was elected.
    ///
    /// # Errors
    /// There is one server only.
    pub fn stop_primary(&self, pause: Duration) -> Result<String, CheckError> {
        self.with_set(|set| {
            let primary = set.wait_for_primary();
            set.member(primary).suspend();
            std::thread::sleep(pause);
            set.member(primary).resume();
            format!("MongoDB's primary, member {primary}, stood still for {} ms", pause.as_millis())
        })
    }

    /// Stops all but the primary (SIGSTOP) for so long: what it takes meanwhile, no majority has.
    ///
    /// # Errors
    /// There is one server only.
    pub fn stop_secondaries(&self, pause: Duration) -> Result<String, CheckError> {
        self.with_set(|set| {
            let primary = set.wait_for_primary();
            set.suspend_all_but(primary);
            std::thread::sleep(pause);
            set.resume_all_but(primary);
            format!("MongoDB's secondaries stood still for {} ms", pause.as_millis())
        })
    }

    /// Lets commands of the service fail as told, on every server, for so long (fail point `failCommand`).
    ///
    /// # Errors
    /// A server does not take it.
    pub fn fail_commands(
        &self,
        commands: &[&str],
        probability: f64,
        how: Document,
        pause: Duration,
    ) -> Result<(), CheckError> {
        let servers = self.servers();
        let mut data = how;
        data.insert("failCommands", commands);
        data.insert("appName", SERVICE);
        let mode = doc! { "activationProbability": probability };
        let on = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        servers.each(|server| server.try_admin(on.clone()).map(drop))?;
        std::thread::sleep(pause);
        let off = doc! { "configureFailPoint": "failCommand", "mode": "off" };
        servers.each(|server| server.try_admin(off.clone()).map(drop))
    }

    fn with_set(&self, run: impl FnOnce(&mut MongoSet) -> String) -> Result<String, CheckError> {
        match &mut *self.servers() {
            Servers::Three(set) => {
                let what = run(set);
                set.wait_until_whole();
                Ok(what)
            }
            _ => Err(CheckError::Server(
                "a primary fails in a replica set of three only: --store mongodb-set".to_owned(),
            )),
        }
    }

    fn servers(&self) -> MutexGuard<'_, Servers> {
        // What panicked has said why; the servers themselves are as they are.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Servers {
    fn each(&self, mut run: impl FnMut(&MongoServer) -> Result<(), mongodb::error::Error>) -> Result<(), CheckError> {
        match self {
            Self::Elsewhere => Ok(()),
            Self::One(server) => Ok(run(server)?),
            Self::Three(set) => Ok((0..3).try_for_each(|number| run(set.member(number)))?),
        }
    }
}
