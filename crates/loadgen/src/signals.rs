//! Ctrl-C, SIGTERM and SIGHUP: the first ends the run with its report, none discards it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// The signals that end a run.
const ENDING: [SignalKind; 3] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];

/// The signals that came.
pub struct Signals(mpsc::UnboundedReceiver<()>);

impl Signals {
    /// Listens from now on, in this process as a whole. What was ignored at its start stays ignored, as `nohup` asks for.
    ///
    /// # Errors
    /// The system gives no handler.
    pub fn listen() -> io::Result<Self> {
        let ignored = ignored();
        // Goose would set a handler of its own, which ends the process at the second Ctrl-C. Only the first who asks gets it.
        ctrlc::set_handler(|| ()).map_err(io::Error::other)?;
        let (sender, receiver) = mpsc::unbounded_channel();
        for kind in ENDING {
            if ignored & (1 << (kind.as_raw_value() - 1)) == 0 {
                tokio::spawn(forward(signal(kind)?, sender.clone()));
            }
        }
        Ok(Self(receiver))
    }

    /// Nothing ends this run early.
    pub fn none() -> Self {
        Self(mpsc::unbounded_channel().1)
    }

    /// The next signal; if there is none any more, never.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

async fn forward(mut signal: Signal, to: mpsc::UnboundedSender<()>) {
    while signal.recv().await.is_some() && to.send(()).is_ok() {}
}

/// The signals that whoever started this process wants ignored, a bit each; unknown where there is no `/proc`.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
