//! One server process. A supervising shell holds the read end of a pipe whose write end is ours: when this process
//! ends, by whatever signal, the pipe closes and the shell kills the server.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

const SUPERVISE: &str = r#"exec 3<&0
"$@" 3<&- </dev/null >"$SERVER_LOG" 2>&1 &
server=$!
echo "$server"
exec >/dev/null 2>&1
read -r _ <&3
kill -KILL "$server" 2>/dev/null
wait "$server" 2>/dev/null
"#;

pub(crate) struct Process {
    pid: u32,
    supervisor: Child,
    /// Closed to end the server.
    lifeline: Option<ChildStdin>,
}

impl Process {
    pub(crate) fn start(program: &Path, args: &[String], log: &Path) -> Self {
        let mut supervisor = Command::new("bash")
            .args(["-c", SUPERVISE, "supervisor"])
            .arg(program)
            .args(args)
            .env("SERVER_LOG", log)
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

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.pid.to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "signal {name} could not be sent to {}", self.pid);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.supervisor.wait();
    }
}
