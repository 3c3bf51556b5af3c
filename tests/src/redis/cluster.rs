use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Certificates, RedisServer};
use crate::free_port;

const NODES: usize = 3;
const SLOTS: usize = 16_384;
const PATIENCE: Duration = Duration::from_mins(1);

/// A cluster of three primaries, of which the first may have a replica.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    replica: Option<RedisServer>,
}

impl RedisCluster {
    /// Starts the nodes, deals the slots out and waits until every node knows of it.
    ///
    /// # Panics
    /// When they do not agree.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with these options for every node.
    ///
    /// # Panics
    /// When the nodes do not agree.
    pub fn start_with(options: &[&str]) -> Self {
        Self::of((0..NODES).map(|_| node_with(options)).collect())
    }

    /// A node that belongs to no cluster yet.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn start_alone() -> RedisServer {
        node_with(&[])
    }

    /// A cluster with a replica of the first node, which takes over when that one was silent for so long: on a busy
    /// machine nodes may be silent for a while.
    ///
    /// # Panics
    /// When the nodes do not agree.
    pub fn start_with_replica(silence: Duration) -> Self {
        let silence = silence.as_millis().to_string();
        let soon = ["--cluster-node-timeout", &silence, "--repl-diskless-sync-delay", "0"];
        let mut cluster = Self::start_with(&soon);
        let (replica, master) = (node_with(&soon), &cluster.nodes[0]);
        meet(&replica, master);
        let id: String =
            command(&["MYID"]).query(&mut master.connection()).expect("a node tells its id");
        until("the replica knows its master", || {
            command(&["REPLICATE", &id]).exec(&mut replica.connection()).is_ok()
        });
        until("the replica has everything", || replicates(&replica, "master_link_status:up"));
        cluster.replica = Some(replica);
        until("everybody knows the replica", || {
            let knows = |node: &RedisServer| {
                let nodes: String = command(&["NODES"])
                    .query(&mut node.connection())
                    .expect("a node tells of the others");
                nodes.contains(&format!("slave {id}"))
            };
            cluster.nodes.iter().all(knows)
        });
        cluster
    }

    /// A cluster whose nodes speak TLS to clients and to each other, with the certificate `name` and these options.
    ///
    /// # Panics
    /// When the nodes do not agree.
    pub fn start_tls(certificates: &Certificates, name: &str, options: &[&str]) -> Self {
        let prepare = |cluster: &[&str]| {
            let own = [cluster, &["--tls-cluster", "yes"], options].concat();
            RedisServer::prepared_tls(certificates, name, &own)
        };
        Self::of((0..NODES).map(|_| started(prepare)).collect())
    }

    fn of(nodes: Vec<RedisServer>) -> Self {
        for (at, node) in nodes.iter().enumerate() {
            let (first, last) = (at * SLOTS / NODES, (at + 1) * SLOTS / NODES - 1);
            command(&["ADDSLOTSRANGE", &first.to_string(), &last.to_string()])
                .exec(&mut node.connection())
                .expect("free slots can be taken");
            meet(node, &nodes[0]);
        }
        until("the cluster forms", || nodes.iter().all(|node| knows(node, NODES)));
        Self { nodes, replica: None }
    }

    /// The nodes that were primaries at first.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Kills the first node as a crash would.
    pub fn kill_first(&mut self) {
        self.nodes[0].kill();
    }

    /// The node that was the replica of the first at first.
    ///
    /// # Panics
    /// When there is none.
    pub fn replica(&self) -> &RedisServer {
        self.replica.as_ref().expect("a cluster with a replica")
    }

    /// Waits until the nodes name the replica, which they do once it has told that it got something.
    ///
    /// # Panics
    /// When they do not.
    pub fn wait_for_replica(&self) {
        let port = redis::Value::Int(self.replica().port().into());
        until("everybody names the replica", || {
            self.nodes.iter().all(|node| {
                let slots: Vec<Vec<redis::Value>> = command(&["SLOTS"])
                    .query(&mut node.connection())
                    .expect("a node tells the slots");
                let mut nodes = slots.iter().flatten().filter_map(redis::Value::as_sequence);
                nodes.any(|node| node.get(1) == Some(&port))
            })
        });
    }

    /// Has the replica take over from the first node as an operator does, and waits until it has.
    ///
    /// # Panics
    /// When it does not.
    pub fn fail_over(&self) {
        let mut asked: Option<Instant> = None;
        until("the replica takes over", || {
            // Given up by both on a busy machine, and then to be asked for again.
            if asked.is_none_or(|asked| asked.elapsed() > Duration::from_secs(8)) {
                asked = Some(Instant::now());
                drop(command(&["FAILOVER"]).exec(&mut self.replica().connection()));
            }
            let mut nodes = self.nodes.iter().chain(&self.replica);
            replicates(self.replica(), "role:master") && nodes.all(is_complete)
        });
    }

    /// `HOST:PORT` of every node, separated by commas, as Feast writes it; where they speak TLS if they do.
    pub fn connection_string(&self) -> String {
        let address = |node: &RedisServer| format!("127.0.0.1:{}", node.client_port());
        let addresses: Vec<String> = self.nodes.iter().map(address).collect();
        addresses.join(",")
    }
}

fn started(prepare: impl Fn(&[&str]) -> RedisServer) -> RedisServer {
    let bus = free_port().to_string();
    let mut node = prepare(&["--cluster-enabled", "yes", "--cluster-port", &bus]);
    node.run();
    node.wait();
    node
}

fn node_with(options: &[&str]) -> RedisServer {
    started(|cluster| RedisServer::prepared(&[cluster, options].concat()))
}

fn bus_port(node: &RedisServer) -> u16 {
    let answer: Vec<String> = redis::cmd("CONFIG")
        .arg(&["GET", "cluster-port"])
        .query(&mut node.connection())
        .expect("a node tells its settings");
    answer[1].parse().expect("a port is a number")
}

/// A command to a node about its cluster.
fn command(words: &[&str]) -> redis::Cmd {
    let mut command = redis::cmd("CLUSTER");
    command.arg(words);
    command
}

fn meet(node: &RedisServer, other: &RedisServer) {
    let (port, bus) = (other.client_port().to_string(), bus_port(other).to_string());
    command(&["MEET", "127.0.0.1", &port, &bus])
        .exec(&mut node.connection())
        .expect("nodes can meet");
}

fn info(node: &RedisServer) -> String {
    command(&["INFO"]).query(&mut node.connection()).expect("a node answers")
}

/// Whether a node says this of its replication.
fn replicates(node: &RedisServer, line: &str) -> bool {
    let said: String = redis::cmd("INFO")
        .arg("replication")
        .query(&mut node.connection())
        .expect("a node tells how it is");
    said.contains(line)
}

/// Whether a node sees all slots served.
fn is_complete(node: &RedisServer) -> bool {
    info(node).contains("cluster_state:ok")
}

/// Whether a node sees all slots served and so many nodes.
fn knows(node: &RedisServer, nodes: usize) -> bool {
    is_complete(node) && info(node).contains(&format!("cluster_known_nodes:{nodes}\r"))
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(20));
    }
}
