use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::server::program;
use super::{Certificates, RedisServer};
use crate::free_port;
use crate::process::Process;

const PATIENCE: Duration = Duration::from_mins(1);
/// How long the master may be silent: on a busy machine it may lose the processor for a second or two.
const SILENCE: Duration = Duration::from_secs(5);

/// A master, its replica, and a sentinel that watches them.
#[derive(Debug)]
pub struct RedisSentinel {
    master: RedisServer,
    replica: RedisServer,
    port: u16,
    // Ends before its folder goes.
    _process: Process,
    _folder: TempDir,
}

impl RedisSentinel {
    /// The name of the master.
    pub const MASTER: &str = "orders";

    /// Starts all three and waits until the sentinel knows the replica.
    ///
    /// # Panics
    /// When it does not learn of it.
    pub fn start() -> Self {
        let master = RedisServer::start(&[]);
        let replica = RedisServer::start(&replica_of(&master).each_ref().map(String::as_str));
        Self::of(master, replica, "")
    }

    /// The same with master and replica on TLS, with the certificate `name` and these options; the
    /// sentinel itself speaks none.
    ///
    /// # Panics
    /// When it does not learn of the replica.
    pub fn start_tls(certificates: &Certificates, name: &str, options: &[&str]) -> Self {
        let both = [&["--tls-replication", "yes"][..], options].concat();
        let master = RedisServer::start_tls(certificates, name, &both);
        let of = replica_of(&master);
        let of: Vec<&str> = both.iter().copied().chain(of.iter().map(String::as_str)).collect();
        let replica = RedisServer::start_tls(certificates, name, &of);
        let files = certificates.redis_options(name);
        let lines = files.chunks(2).map(|pair| format!("{} {}\n", &pair[0][2..], pair[1]));
        let settings: String = lines.chain(["tls-replication yes\n".to_owned()]).collect();
        Self::of(master, replica, &settings)
    }

    fn of(master: RedisServer, replica: RedisServer, settings: &str) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().expect("a temporary folder"));
        let name = Self::MASTER;
        let configuration = format!(
            "bind 127.0.0.1\nport {port}\ndir {}\n{settings}\
             sentinel monitor {name} 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds {name} {}\nsentinel failover-timeout {name} 3000\n",
            folder.path().display(),
            master.client_port(),
            SILENCE.as_millis(),
        );
        let path = folder.path().join("sentinel.conf");
        std::fs::write(&path, configuration).expect("the settings can be written");
        let path = path.to_str().expect("temporary paths are UTF-8").to_owned();
        let log = folder.path().join("log");
        let process = Process::start(&program(), &[path, "--sentinel".to_owned()], &log);
        let sentinel = Self { master, replica, port, _process: process, _folder: folder };
        sentinel.wait_for("num-slaves", "1");
        sentinel
    }

    /// `HOST:PORT` of the sentinel.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The server that was the master at first.
    pub fn master(&mut self) -> &mut RedisServer {
        &mut self.master
    }

    /// The server that was the replica at first.
    pub fn replica(&self) -> &RedisServer {
        &self.replica
    }

    /// Waits until the sentinel names the first replica as the master.
    ///
    /// # Panics
    /// When it does not.
    pub fn wait_for_failover(&self) {
        self.wait_for("port", &self.replica.client_port().to_string());
    }

    /// Waits until the sentinel says this of the master.
    fn wait_for(&self, field: &str, value: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.ask();
            let found = said.iter().flatten().skip_while(|word| *word != field).nth(1);
            if found.is_some_and(|found| found == value) {
                return;
            }
            assert!(Instant::now() < deadline, "{field} of the master is {found:?}, not {value}");
            sleep(Duration::from_millis(20));
        }
    }

    fn ask(&self) -> Option<Vec<String>> {
        let client = redis::Client::open(("127.0.0.1", self.port)).ok()?;
        let mut connection = client.get_connection_with_timeout(PATIENCE).ok()?;
        redis::cmd("SENTINEL").arg("MASTER").arg(Self::MASTER).query(&mut connection).ok()
    }
}

/// The options of a replica.
fn replica_of(master: &RedisServer) -> [String; 4] {
    let of = format!("127.0.0.1 {}", master.client_port());
    ["--replicaof".to_owned(), of, "--repl-diskless-sync-delay".to_owned(), "0".to_owned()]
}
