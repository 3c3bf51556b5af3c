//! The Cassandra that tests share.

use serde_json::json;

use crate::Feast;

/// The keyspace that Feast uses by default: its `scylladb` store works with no other (the first call of a process takes this
/// one, whatever is configured). Tests keep apart by their projects.
const KEYSPACE: &str = "feast_keyspace";

/// The shared node.
#[derive(Debug)]
pub struct Cassandra {
    address: String,
}

impl Cassandra {
    /// The node that `cargo xtask test` started, with Feast's keyspace.
    ///
    /// # Panics
    /// When there is none: a suite with Cassandra never passes without it.
    pub fn get(feast: &Feast) -> Self {
        let address = std::env::var("FS_TEST_CASSANDRA").expect(
            "FS_TEST_CASSANDRA is not set: run `cargo xtask test`, or `cargo xtask services up` and set what it prints",
        );
        let replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
        let create =
            format!("CREATE KEYSPACE IF NOT EXISTS {KEYSPACE} WITH replication = {replication}");
        feast.script("cql.py", &[&address, &json!([create]).to_string()]);
        Self { address }
    }

    /// The `online_store` section of a repository that uses it; `kind` is `cassandra` or `scylladb`.
    ///
    /// # Panics
    /// When the address has no port.
    pub fn online_store(&self, kind: &str) -> String {
        let (host, port) = self.address.rsplit_once(':').expect("HOST:PORT");
        format!(
            "online_store: {{type: {kind}, hosts: [\"{host}\"], port: {port}, keyspace: {KEYSPACE}, \
             username: cassandra, password: cassandra}}"
        )
    }
}
