//! A MongoDB of a test's own.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{ClientOptions, Credential, ServerAddress};
use tempfile::TempDir;

use crate::find::mongod;
use crate::names::free_port;
use crate::process::Process;

/// Name and password of the user who may do everything.
const ADMIN: &str = "admin";

/// A MongoDB, by default a replica set of one member: change streams and majority writes need one. Stopped, and its
/// folder removed, when dropped.
pub struct MongoServer {
    port: u16,
    args: Vec<String>,
    replica_set: bool,
    /// As whom this one is asked, where users have passwords.
    admin: Option<Credential>,
    process: Option<Process>,
    folder: TempDir,
}

impl MongoServer {
    /// Starts one, and waits until it is primary.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further command-line arguments.
    pub fn start_with(args: &[&str]) -> Self {
        let mut server = Self::prepare(args, true);
        server.launch();
        server
    }

    /// Starts one that wants a password of everybody, with further command-line arguments; [`MongoServer::run_command`] has it.
    pub fn start_with_users(args: &[&str]) -> Self {
        let mut server = Self::prepare(args, true);
        let key = server.folder.path().join("key");
        std::fs::write(&key, "c2VjcmV0IG9mIHRoZSBtZW1iZXJz").expect("the temporary folder can be written");
        let secret = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, secret).expect("permissions can be set");
        server.args.extend(["--auth".to_owned(), "--keyFile".to_owned(), key.display().to_string()]);
        server.launch();
        let roles = Bson::Array(vec!["root".into()]);
        let admin = doc! { "createUser": ADMIN, "pwd": ADMIN, "roles": roles };
        // The first user may be made by whoever is on the same machine (MongoDB manual, "Localhost Exception").
        server.command(admin).expect("the first user can be made");
        let credential = Credential::builder().username(ADMIN.to_owned()).password(ADMIN.to_owned()).build();
        server.admin = Some(credential);
        server
    }

    /// Starts one that is no replica set.
    pub fn start_standalone() -> Self {
        let mut server = Self::prepare(&[], false);
        server.launch();
        server
    }

    /// Starts one that belongs to a set which is still to be initiated.
    pub(crate) fn start_member(args: &[&str]) -> Self {
        // Else what the primary streams waits in the sockets of a member that is suspended, and is not lost with it.
        let mut server = Self::prepare(&[&["--setParameter", "oplogFetcherUsesExhaust=false"], args].concat(), true);
        server.run();
        server
    }

    fn prepare(args: &[&str], replica_set: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { port: free_port(), args, replica_set, admin: None, process: None, folder }
    }

    fn launch(&mut self) {
        self.run();
        if self.replica_set {
            let member = doc! { "_id": 0, "host": format!("127.0.0.1:{}", self.port) };
            let config = doc! { "_id": "rs0", "members": [member] };
            self.command(doc! { "replSetInitiate": config }).expect("a new replica set can be initiated");
        }
        self.wait_until_ready();
    }

    /// A connection string with the port.
    pub fn url(&self) -> String {
        let options = if self.replica_set { "?replicaSet=rs0" } else { "?directConnection=true" };
        format!("mongodb://127.0.0.1:{}/{options}", self.port)
    }

    /// Its port, the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server runs").pid()
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port with its data; stops it first if it runs.
    pub fn restart(&mut self) {
        self.stop();
        self.run();
        self.wait_until_ready();
    }

    /// Stops it from answering (SIGSTOP) without closing its connections.
    pub fn suspend(&self) {
        self.process.as_ref().expect("the server runs").signal("STOP");
    }

    /// Lets it answer again (SIGCONT).
    pub fn resume(&self) {
        self.process.as_ref().expect("the server runs").signal("CONT");
    }

    pub(crate) fn run(&mut self) {
        let data = self.folder.path().join("data");
        std::fs::create_dir_all(&data).expect("the temporary folder can be written");
        let mut args = ["--bind_ip", "127.0.0.1", "--wiredTigerCacheSizeGB", "0.25"].map(str::to_owned).to_vec();
        args.extend(["--port".to_owned(), self.port.to_string()]);
        args.extend(["--dbpath".to_owned(), data.display().to_string()]);
        // A socket file in a shared folder would outlive a killed server.
        args.push("--nounixsocket".to_owned());
        if self.replica_set {
            args.extend(["--replSet", "rs0"].map(str::to_owned));
        }
        args.extend(self.args.iter().cloned());
        self.process = Some(Process::start_with_folder(&mongod(), &args, &self.folder));
        self.wait("answers", |server| server.command(doc! { "ping": 1 }).is_ok());
    }

    fn wait_until_ready(&self) {
        self.wait("is primary", Self::is_primary);
    }

    /// Whether it answers, as the primary.
    pub(crate) fn is_primary(&self) -> bool {
        self.command(doc! { "hello": 1 }).is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false))
    }

    fn wait(&self, what: &str, ready: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !ready(self) {
            assert!(
                began.elapsed() < Duration::from_secs(180),
                "waited in vain until mongod {what}: {}",
                std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts one whose commands can be slowed down: see [`MongoServer::slow_down`].
    pub fn start_for_faults() -> Self {
        Self::start_with(&["--setParameter", "enableTestCommands=1"])
    }

    /// From now on, every `command` on `namespace` takes so much longer; zero ends that. The namespace matters: the server reads
    /// its own collections for a client, too.
    pub fn slow_down(&self, command: &str, namespace: &str, by: Duration) {
        let millis = i64::try_from(by.as_millis()).expect("milliseconds of a test");
        let data =
            doc! { "failCommands": [command], "namespace": namespace, "blockConnection": true, "blockTimeMS": millis };
        let mode = if by.is_zero() { "off" } else { "alwaysOn" };
        self.command(doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data })
            .expect("a server that was started for faults takes fail points");
    }

    /// Runs a command on a database.
    pub fn run_command(&self, database: &str, command: Document) -> Document {
        self.on(database, command).expect("the server takes the command")
    }

    /// Runs a command on the database `admin`, which the server may refuse.
    ///
    /// # Errors
    /// It does not answer, or says no.
    pub fn try_admin(&self, command: Document) -> Result<Document, mongodb::error::Error> {
        self.command(command)
    }

    pub(crate) fn command(&self, command: Document) -> Result<Document, mongodb::error::Error> {
        self.on("admin", command)
    }

    /// On a thread and runtime of its own: callers may be inside a runtime.
    fn on(&self, database: &str, command: Document) -> Result<Document, mongodb::error::Error> {
        let database = database.to_owned();
        let address = ServerAddress::Tcp { host: "127.0.0.1".to_owned(), port: Some(self.port) };
        let options = ClientOptions::builder()
            .hosts(vec![address])
            .direct_connection(true)
            .credential(self.admin.clone())
            .server_selection_timeout(Duration::from_secs(2))
            .build();
        let run = async move { Client::with_options(options)?.database(&database).run_command(command).await };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(run)
        })
        .join()
        .expect("the driver does not panic")
    }
}

/// The MongoDB that all tests of this process share, by databases of their own ([`crate::fresh_name`]). Nobody may stop
/// it.
pub fn shared_mongo() -> &'static MongoServer {
    static SHARED: LazyLock<MongoServer> = LazyLock::new(MongoServer::start);
    &SHARED
}
