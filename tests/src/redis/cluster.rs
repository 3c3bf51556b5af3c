use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Certificates, RedisServer};
use crate::free_port;

const NODES: usize = 3;
const SLOTS: usize = 16_384;
const PATIENCE: Duration = Duration::from_mins(1);

/// A cluster of three primaries.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts the nodes, deals the slots out and waits until every node knows of it.
    ///
    /// # Panics
    /// When they do not agree.
    pub fn start() -> Self {
        Self::of((0..NODES).map(|_| started(RedisServer::prepared)).collect())
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
            let mut connection = node.connection();
            redis::cmd("CLUSTER")
                .arg("ADDSLOTSRANGE")
                .arg(first)
                .arg(last)
                .exec(&mut connection)
                .expect("free slots can be taken");
            redis::cmd("CLUSTER")
                .arg(&["MEET", "127.0.0.1"])
                .arg(nodes[0].client_port())
                .arg(bus_port(&nodes[0]))
                .exec(&mut connection)
                .expect("nodes can meet");
        }
        let cluster = Self { nodes };
        cluster.wait();
        cluster
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.nodes.iter().all(agrees) {
            assert!(
                Instant::now() < deadline,
                "the cluster does not form: {}",
                self.nodes[0].log()
            );
            sleep(Duration::from_millis(50));
        }
    }

    /// The nodes.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
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

fn bus_port(node: &RedisServer) -> u16 {
    let answer: Vec<String> = redis::cmd("CONFIG")
        .arg(&["GET", "cluster-port"])
        .query(&mut node.connection())
        .expect("a node tells its settings");
    answer[1].parse().expect("a port is a number")
}

/// Whether a node sees all slots served and all nodes.
fn agrees(node: &RedisServer) -> bool {
    let info: String =
        redis::cmd("CLUSTER").arg("INFO").query(&mut node.connection()).expect("a node answers");
    info.contains("cluster_state:ok") && info.contains(&format!("cluster_known_nodes:{NODES}"))
}
