//! One child process: how it is started, asked, ended and waited for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde_json::json;
use tempfile::TempDir;

use crate::WorkerSettings;
use crate::message::{Bounds, Failure, Message, send};

/// The program that every worker runs, by file; the first is started.
const PROGRAM: [(&str, &str); 3] = [
    ("worker.py", include_str!("python/worker.py")),
    ("inputs.py", include_str!("python/inputs.py")),
    ("outputs.py", include_str!("python/outputs.py")),
];

/// How long an interpreter may take to import pandas on a busy machine.
const START: Duration = Duration::from_secs(30);

/// How long an idle worker may take to see that its input ended.
const GRACE: Duration = Duration::from_millis(500);

/// What a worker may know of the server's environment; nothing else is passed on.
const ENVIRONMENT: [&str; 7] =
    ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONHOME"];

/// What keeps the libraries of a worker to one thread and to the system's allocator, so that limits mean something.
const QUIET: [(&str, &str); 7] = [
    ("ARROW_DEFAULT_MEMORY_POOL", "system"),
    ("MALLOC_ARENA_MAX", "2"),
    ("OMP_NUM_THREADS", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    // The order of sets is the same in all workers.
    ("PYTHONHASHSEED", "0"),
];

/// A running worker; it is ended and waited for when this value goes.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    socket: UnixStream,
    /// The program, its last words, and the folder that functions start in.
    folder: TempDir,
    max_body: u64,
    /// How it ended, once it was waited for.
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts a worker and waits until it is ready.
    ///
    /// # Errors
    /// `Invalid` for an interpreter that cannot be started or lacks a module; `Unavailable` when it does not get ready.
    pub(crate) fn start(settings: &WorkerSettings, stopped: &AtomicBool) -> Result<Self> {
        let mut process = Self::spawn(settings)?;
        match process.receive(Instant::now() + START, stopped) {
            Ok(Message { header, .. }) => match header["missing"].as_str() {
                None => Ok(process),
                Some(module) => Err(missing(settings, module)),
            },
            Err(failure) => Err(process.not_ready(settings, &failure)),
        }
    }

    fn spawn(settings: &WorkerSettings) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("larder-worker-").tempdir().map_err(no_folder)?;
        let work = folder.path().join("work");
        fs::create_dir(&work).map_err(no_folder)?;
        for (name, text) in PROGRAM {
            fs::write(folder.path().join(name), text).map_err(no_folder)?;
        }
        let last_words = File::create(folder.path().join("stderr")).map_err(no_folder)?;
        let (ours, theirs) = UnixStream::pair().map_err(|error| {
            Error::new(ErrorKind::Unavailable, "no socket for a python worker").with_source(error)
        })?;
        let child = Command::new(&settings.python)
            .arg("-s")
            .arg(folder.path().join(PROGRAM[0].0))
            .arg(json!({"memory": settings.memory_limit}).to_string())
            .env_clear()
            .envs(environment(&work))
            .current_dir(&work)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(last_words)
            // A signal to the server's terminal is not one to its workers, and what functions start ends with them.
            .process_group(0)
            .spawn()
            .map_err(|error| cannot_start(settings, error))?;
        Ok(Self { child, socket: ours, folder, max_body: settings.memory_limit, status: None })
    }

    /// Asks one thing; after a failure the worker is of no more use.
    pub(crate) fn ask(
        &mut self,
        request: &[u8],
        deadline: Instant,
        stopped: &AtomicBool,
    ) -> Result<Message, Failure> {
        let bounds = Bounds { deadline, max_body: self.max_body, stopped };
        send(&mut self.socket, request, bounds)?;
        self.receive(deadline, stopped)
    }

    fn receive(&mut self, deadline: Instant, stopped: &AtomicBool) -> Result<Message, Failure> {
        let bounds = Bounds { deadline, max_body: self.max_body, stopped };
        Message::receive(&mut self.socket, bounds)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs. One that ended is not waited for yet, so that its number stays its own.
    pub(crate) fn is_alive(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.pid().is_some_and(|pid| matches!(waitid(WaitId::Pid(pid), options), Ok(None)))
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Ends it at once and says how it had ended, if it had.
    pub(crate) fn kill(mut self) -> String {
        self.end().map_or_else(|| "unknown".to_owned(), |status| status.to_string())
    }

    /// Ends an idle worker by the end of its input; one that does not listen is killed.
    pub(crate) fn finish(mut self) {
        let closed = self.socket.shutdown(Shutdown::Write);
        let patience = self.socket.set_read_timeout(Some(GRACE));
        if closed.is_ok() && patience.is_ok() {
            // It answers nothing more: the read ends when its process does.
            drop(self.socket.read(&mut [0]));
        }
    }

    /// Ends the worker with everything it started. It is waited for, so no zombie stays.
    fn end(&mut self) -> Option<ExitStatus> {
        if self.status.is_some() {
            return self.status;
        }
        // The group's leader was not waited for yet, so the number is still its own.
        if let Some(Err(error)) = self.pid().map(|group| kill_process_group(group, Signal::KILL)) {
            tracing::debug!(%error, "a python worker was gone already");
        }
        self.status = self.child.wait().ok();
        self.status
    }

    fn not_ready(mut self, settings: &WorkerSettings, failure: &Failure) -> Error {
        let python = settings.python.display();
        let words = fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default();
        let last =
            words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
        let how = match failure {
            Failure::Deadline => format!("is not ready after {} s", START.as_secs()),
            Failure::Stopped => "was ended while it started".to_owned(),
            Failure::Malformed(what) => format!("answers nonsense: {what}"),
            Failure::Ended => {
                let status = self.end().map(|status| status.to_string());
                format!("ends at once ({})", status.unwrap_or_default())
            }
        };
        let colon = if last.is_empty() { "" } else { ": " };
        Error::new(ErrorKind::Unavailable, format!("the python worker {python} {how}{colon}{last}"))
            .with_hint("transform.python_workers.python must name a Python of 3.9 or later")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn environment(work: &Path) -> impl Iterator<Item = (OsString, OsString)> {
    let passed = ENVIRONMENT
        .into_iter()
        .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    let quiet = QUIET.into_iter().map(|(name, value)| (name.into(), value.into()));
    let folders =
        ["HOME", "TMPDIR"].map(|name| (OsString::from(name), work.as_os_str().to_owned()));
    passed.chain(quiet).chain(folders)
}

fn missing(settings: &WorkerSettings, module: &str) -> Error {
    let python = settings.python.display();
    Error::invalid(format!(
        "transform.python_workers.python: {python} has no module \"{module}\", which workers need"
    ))
    .with_hint(format!(
        "install pandas and pyarrow there (\"{python} -m pip install pandas pyarrow\"), or name another interpreter"
    ))
}

fn cannot_start(settings: &WorkerSettings, error: std::io::Error) -> Error {
    let python = settings.python.display();
    Error::invalid(format!("transform.python_workers.python: {python} cannot be started"))
        .with_hint("name a Python that has pandas and pyarrow")
        .with_source(error)
}

fn no_folder(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "no temporary folder for a python worker").with_source(error)
}
