//! A PostgreSQL of a test's own.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::{Error, NoTls};

use crate::find::postgres_program;
use crate::names::free_port;
use crate::process::Process;

/// The accounts that the server may run as when the tests run as root: it refuses to run as root itself.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Durability is no part of what is tested with it, and costs most of the time.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    // A killed server would leave POSIX shared memory behind, and a socket file in a shared folder.
    "dynamic_shared_memory_type=mmap",
    "unix_socket_directories=",
    "log_line_prefix=%d ",
];

/// A PostgreSQL with an empty cluster of databases. Stopped, and its folder removed, when dropped.
pub struct PostgresServer {
    port: u16,
    process: Option<Process>,
    folder: TempDir,
}

impl PostgresServer {
    /// Starts one, and waits until it answers.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().display().to_string();
        if let Some(account) = other_account() {
            run(Command::new("chown").arg(account).arg(&path));
        }
        let initdb = "--no-sync --auth trust --username postgres --encoding UTF8 --no-locale --pgdata";
        let [program, args @ ..] = &as_server(&postgres_program("initdb"))[..] else { unreachable!("a program") };
        run(Command::new(program).args(args).args(initdb.split(' ')).arg(folder.path().join("data")).current_dir("/"));
        let mut server = Self { port: free_port(), process: None, folder };
        server.restart();
        server
    }

    /// A connection string of a database, which has to be made first.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database, and says its connection string.
    pub fn create_database(&self, name: &str) -> String {
        self.run_sql("postgres", &format!(r#"CREATE DATABASE "{name}""#)).expect("a new database can be made");
        self.url(name)
    }

    /// Removes a database, and ends whatever is connected to it.
    pub fn drop_database(&self, name: &str) {
        let drop = format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#);
        self.run_sql("postgres", &drop).expect("a database can be removed");
    }

    /// What the server has logged so far; every line begins with the name of its database.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server runs").pid()
    }

    /// Stops it at once, as a crash would: without a checkpoint, its clients cut off (SIGQUIT).
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("QUIT");
            // Killed harder than that, it would leave a segment of System V shared memory behind.
            let began = Instant::now();
            while process.is_running() && began.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// Starts it again on the same port with its data; stops it first if it runs.
    pub fn restart(&mut self) {
        self.stop();
        let mut args = as_server(&postgres_program("postgres"));
        args.extend(["-D".to_owned(), self.folder.path().join("data").display().to_string()]);
        args.extend(["-h", "127.0.0.1", "-p"].map(str::to_owned));
        args.push(self.port.to_string());
        args.extend(SETTINGS.iter().flat_map(|&setting| ["-c".to_owned(), setting.to_owned()]));
        let program = args.remove(0);
        self.process = Some(Process::start_with_folder(Path::new(&program), &args, &self.folder));
        let began = Instant::now();
        while self.run_sql("postgres", "SELECT 1").is_err() {
            assert!(began.elapsed() < Duration::from_secs(180), "postgres does not answer: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// On a thread and runtime of its own: callers may be inside a runtime.
    fn run_sql(&self, database: &str, statements: &str) -> Result<(), Error> {
        let (url, statements) = (self.url(database), statements.to_owned());
        let run = async move {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            let connection = tokio::spawn(connection);
            let done = client.batch_execute(&statements).await;
            drop(client);
            let _ = connection.await;
            done
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(run)
        })
        .join()
        .expect("the driver does not panic")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The PostgreSQL that all tests of this process share, by databases of their own ([`crate::fresh_name`]). Nobody may
/// stop it.
pub fn shared_postgres() -> &'static PostgresServer {
    static SHARED: LazyLock<PostgresServer> = LazyLock::new(PostgresServer::start);
    &SHARED
}

/// Who runs the server instead of root; `None` if the tests do not run as root.
fn other_account() -> Option<&'static str> {
    let id = |args: &[&str]| Command::new("id").args(args).output().ok().filter(|done| done.status.success());
    let user = id(&["-u"]).expect("`id -u` says who runs the tests");
    (user.stdout == b"0\n").then(|| {
        let known = ACCOUNTS.into_iter().find(|account| id(&["-u", account]).is_some());
        known.expect("PostgreSQL refuses to run as root, and there is neither an account `postgres` nor `nobody`")
    })
}

/// The words of a command that runs `program` as an account that the server accepts. `setpriv` becomes the program, so
/// that its process id is the server's.
fn as_server(program: &Path) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(account) = other_account() {
        words.extend(["setpriv", "--clear-groups", "--reuid", account, "--regid"].map(str::to_owned));
        words.push(group_of(account));
    }
    words.push(program.display().to_string());
    words
}

fn group_of(account: &str) -> String {
    let group = Command::new("id").args(["-g", account]).output().expect("`id` runs");
    String::from_utf8_lossy(&group.stdout).trim().to_owned()
}

fn run(command: &mut Command) {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}
