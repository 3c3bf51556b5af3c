//! A cluster that joins: `fs cluster scheduler` and `fs cluster executor`, processes on the loopback address.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::Process;
use crate::{Fs, free_port};

/// How long a scheduler may take to listen on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A scheduler and its executors, which end with this value.
#[derive(Debug)]
pub struct JoinCluster {
    // Executors end first: they tell their scheduler.
    executors: Vec<Executor>,
    _scheduler: Process,
    port: u16,
    environment: Vec<String>,
    folder: TempDir,
}

#[derive(Debug)]
struct Executor {
    process: Process,
    /// Its folder for temporary files: where it keeps rows on their way.
    folder: PathBuf,
}

impl JoinCluster {
    /// A scheduler that listens and takes executors for dead after so many seconds, with as many executors.
    ///
    /// All processes get the variables.
    ///
    /// # Panics
    /// When the scheduler does not listen.
    pub fn start(executor_timeout: u32, executors: usize, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let arguments =
            format!("cluster scheduler --port {port} --executor-timeout {executor_timeout}");
        let scheduler = start(folder.path(), &environment, &arguments, "scheduler.log");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "the scheduler does not listen");
            sleep(Duration::from_millis(20));
        }
        let mut cluster =
            Self { executors: Vec::new(), _scheduler: scheduler, port, environment, folder };
        (0..executors).for_each(|_| cluster.add_executor());
        cluster
    }

    /// Host and port of the scheduler.
    pub fn scheduler(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts one more executor, which joins by itself.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn add_executor(&mut self) {
        let port = free_port();
        let folder = self.folder.path().join(port.to_string());
        fs::create_dir(&folder).expect("a folder can be made");
        let arguments = format!("cluster executor --port {port} --scheduler {}", self.scheduler());
        let process =
            start(&folder, &self.environment, &arguments, &format!("../executor-{port}.log"));
        self.executors.push(Executor { process, folder });
    }

    /// Ends the executor that was started first as a loss of power does.
    ///
    /// # Panics
    /// When there is none.
    pub fn kill_executor(&mut self) {
        self.executors.remove(0).process.signal("KILL");
    }

    /// Whether every executor has joined rows or handed rows on.
    pub fn all_have_worked(&self) -> bool {
        self.executors.iter().all(|executor| has_file(&executor.folder))
    }

    /// What the processes said, each under its name.
    pub fn logs(&self) -> String {
        let entries = fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        let logs = entries.map(|entry| entry.path()).filter(|path| path.is_file());
        let text = |path: PathBuf| {
            format!("{}:\n{}", path.display(), fs::read_to_string(&path).unwrap_or_default())
        };
        logs.map(text).collect()
    }
}

/// `fs` with these arguments in a folder of its own, which is no repository: executors are told what to read.
fn start(folder: &Path, environment: &[String], arguments: &str, log: &str) -> Process {
    let temporary = format!("TMPDIR={}", folder.display());
    let program = Fs::binary().into_os_string().into_string().expect("its path is UTF-8");
    let place = folder.to_str().expect("temporary paths are UTF-8").to_owned();
    let mut words = vec!["-C".to_owned(), place, temporary];
    words.extend_from_slice(environment);
    words.push(program);
    words.extend(arguments.split(' ').map(str::to_owned));
    Process::start(Path::new("env"), &words, &folder.join(log))
}

fn has_file(folder: &Path) -> bool {
    // What an executor removes meanwhile is no file of it.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.is_file() || has_file(&path))
}
