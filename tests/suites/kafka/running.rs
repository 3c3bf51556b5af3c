//! Programs while they run.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::shop::PATIENCE;

/// `fs stream run` while it runs.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it; what it says goes to this file.
    pub(crate) fn start(mut command: Command, log: PathBuf) -> Self {
        let file = std::fs::File::create(&log).expect("a log");
        command.stdout(Stdio::null()).stderr(file);
        Self { child: command.spawn().expect("fs can be started"), log }
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Asks it to end, which it does with a commit.
    pub(crate) fn stop(self) {
        self.stopped();
    }

    /// The same; answers what it said.
    pub(crate) fn stopped(mut self) -> String {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill can be started").success());
        let ended = self.child.wait().expect("the child ends");
        assert!(ended.success(), "{ended}: {}", self.log());
        self.log()
    }

    /// Resident memory, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a running process");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
        let kib = line.split_whitespace().nth(1).expect("a size");
        kib.parse::<u64>().expect("a size") << 10
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits until it ends by itself; whether well, and what it said.
    pub(crate) fn end(mut self) -> (bool, String) {
        let ended = self.child.wait().expect("the child ends");
        (ended.success(), self.log())
    }

    /// Waits until it says this; answers the rest of the line.
    pub(crate) fn said(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            if let Some((_, rest)) = log.lines().find_map(|line| line.split_once(text)) {
                return rest.to_owned();
            }
            assert!(Instant::now() < deadline, "it never said \"{text}\": {log}");
            sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A child that has ended already is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
