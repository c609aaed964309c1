//! One server process. A supervising shell holds the read end of a pipe whose write end is ours: when this process
//! ends, by whatever signal, the pipe closes and the shell kills the server. If nothing came through the pipe before, nobody
//! is left who would remove the server's folder, so the shell does.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::TempDir;

const SUPERVISE: &str = r#"exec 3<&0
"$@" 3<&- </dev/null >"$SERVER_LOG" 2>&1 &
server=$!
echo "$server"
exec >/dev/null 2>&1
read -r _ <&3 || orphaned=1
kill -KILL "$server" 2>/dev/null
wait "$server" 2>/dev/null
if [ -n "${orphaned:-}" ] && [ -n "$SERVER_FOLDER" ]; then rm -rf -- "$SERVER_FOLDER"; fi
"#;

/// One process. Killed when dropped, and when this process ends, by whatever signal.
pub struct Process {
    pid: u32,
    supervisor: Child,
    /// Closed to end the server.
    lifeline: Option<ChildStdin>,
}

impl Process {
    /// Starts it; what it prints goes to the file `log`.
    pub fn start(program: &Path, args: &[String], log: &Path) -> Self {
        Self::start_in(program, args, &[], log)
    }

    /// Starts it with a folder of its own, where its log is. The folder goes with the process, if this one ends without
    /// removing it.
    pub(crate) fn start_with_folder(program: &Path, args: &[String], folder: &TempDir) -> Self {
        Self::supervise(program, args, &[], &folder.path().join("log"), Some(folder.path()))
    }

    /// Starts it with these variables, and none of the caller's that configure our programs.
    pub fn start_in(program: &Path, args: &[String], variables: &[(String, String)], log: &Path) -> Self {
        Self::supervise(program, args, variables, log, None)
    }

    fn supervise(
        program: &Path,
        args: &[String],
        variables: &[(String, String)],
        log: &Path,
        folder: Option<&Path>,
    ) -> Self {
        let mut supervisor = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TODO_") {
                supervisor.env_remove(name);
            }
        }
        let mut supervisor = supervisor
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .args(["-c", SUPERVISE, "supervisor"])
            .arg(program)
            .args(args)
            .env("SERVER_LOG", log)
            .env("SERVER_FOLDER", folder.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let lifeline = supervisor.stdin.take();
        let mut line = String::new();
        let said = supervisor.stdout.take().expect("stdout is piped");
        BufReader::new(said).read_line(&mut line).expect("the supervisor says the server's process id");
        let pid = line.trim().parse().expect("a process id");
        Self { pid, supervisor, lifeline }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has not ended yet.
    pub fn is_running(&self) -> bool {
        let asked = Command::new("kill").args(["-0", &self.pid.to_string()]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    }

    /// Sends it a signal: `STOP`, `CONT`, `TERM`.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.pid.to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "signal {name} could not be sent to {}", self.pid);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut lifeline) = self.lifeline.take() {
            let _ = lifeline.write_all(b"\n");
        }
        let _ = self.supervisor.wait();
    }
}
