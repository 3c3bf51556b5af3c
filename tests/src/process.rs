//! A server process that never outlives the test, however the test ends.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Starts `"$@"`, tells its process id, and ends it when standard input says so or closes. It closes when the test
/// process ends, however that happens; the folder of the log then goes too, for nobody else is there to remove it.
const WATCHER: &str = r#"
log=$1; shift
"$@" >>"$log" 2>&1 &
server=$!
echo "$server"
read -r _ && orphaned= || orphaned=yes
kill -TERM "$server"; kill -CONT "$server"
wait "$server"
[ -z "$orphaned" ] || rm -rf "${log%/*}"
"#;

/// A running process with its own log.
#[derive(Debug)]
pub(crate) struct Process {
    watcher: Child,
    lifeline: Option<ChildStdin>,
    pid: u32,
}

impl Process {
    /// Starts a program; what it says is appended to `log`.
    pub(crate) fn start(program: &Path, arguments: &[String], log: &Path) -> Self {
        File::create(log).expect("a log file can be made");
        let mut watcher = Command::new("sh")
            .args(["-c", WATCHER, "watcher"])
            .arg(log)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh can be started");
        let lifeline = watcher.stdin.take();
        let stdout = watcher.stdout.take().expect("standard output is a pipe");
        let mut pid = String::new();
        BufReader::new(stdout).read_line(&mut pid).expect("the watcher tells a process id");
        let pid = pid.trim().parse().expect("a process id is a number");
        Self { watcher, lifeline, pid }
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal, for instance `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.pid.to_string()]).status();
        assert!(sent.expect("kill can be started").success(), "no process {}", self.pid);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut lifeline) = self.lifeline.take() {
            // Fails when the watcher is gone, which is what is wanted.
            drop(lifeline.write_all(b"stop\n"));
        }
        // The watcher ends after the program, whatever its exit code.
        drop(self.watcher.wait());
    }
}
