//! The shared node: a keyspace for every test, and a look at what is stored.

use std::sync::LazyLock;

use larder_online_store::{CqlConfig, CqlCredentials, CqlFlavour, CqlStore, ViewTable};
use larder_online_store::{WriteRows, WriteRowsBuilder};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::deserialize::row::DeserializeRow;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// User and password of the nodes that tests use.
pub(crate) const LOGIN: &str = "cassandra";

/// `HOST:PORT` of the shared node.
pub(crate) fn address() -> String {
    std::env::var("FS_TEST_CASSANDRA").expect(
        "FS_TEST_CASSANDRA is not set: run `cargo xtask test`, or `cargo xtask services up` and set what it prints",
    )
}

/// One session on a runtime of its own, for every test has another.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static SESSION: OnceCell<Session> = OnceCell::const_new();

async fn session() -> &'static Session {
    let connect = || async {
        let session = RUNTIME.spawn(async {
            SessionBuilder::new().known_node(address()).user(LOGIN, LOGIN).build().await
        });
        session.await.unwrap().expect("the node of FS_TEST_CASSANDRA answers")
    };
    SESSION.get_or_init(connect).await
}

/// Runs a statement.
pub(crate) async fn run(statement: &str) {
    session().await.query_unpaged(statement, ()).await.unwrap();
}

/// Runs a query and returns its rows.
pub(crate) async fn query<Row>(statement: &str) -> Vec<Row>
where
    Row: for<'a> DeserializeRow<'a, 'a>,
{
    let answer = session().await.query_unpaged(statement, ()).await.unwrap();
    answer.into_rows_result().unwrap().rows::<Row>().unwrap().map(Result::unwrap).collect()
}

/// A keyspace name that nobody uses.
pub(crate) fn new_name() -> String {
    format!("t{}", Uuid::new_v4().simple())
}

/// A new keyspace with one replica, as one node can keep.
pub(crate) async fn new_keyspace() -> String {
    let name = new_name();
    let replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
    run(&format!("CREATE KEYSPACE \"{name}\" WITH replication = {replication}")).await;
    name
}

/// Settings for the shared node.
pub(crate) fn config(flavour: CqlFlavour, keyspace: &str) -> CqlConfig {
    config_at(&address(), flavour, keyspace)
}

/// Settings for the node at `HOST:PORT`.
pub(crate) fn config_at(address: &str, flavour: CqlFlavour, keyspace: &str) -> CqlConfig {
    let (host, port) = address.rsplit_once(':').expect("HOST:PORT");
    let mut config = CqlConfig::new(flavour, [host]);
    config.port = port.parse().unwrap();
    keyspace.clone_into(&mut config.keyspace);
    config.credentials =
        Some(CqlCredentials { username: LOGIN.to_owned(), password: LOGIN.to_owned() });
    config
}

pub(crate) fn store(config: CqlConfig) -> CqlStore {
    CqlStore::new(config).unwrap()
}

/// The table that most tests use, `shop_users` with one feature.
pub(crate) fn users() -> ViewTable {
    ViewTable::new("shop", "users", ["age"]).unwrap()
}

/// One row of it: key `k`, an age, an event time in microseconds.
pub(crate) fn user(age: u8, event: i64) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(&users());
    rows.begin_row(b"k", event, None).unwrap();
    rows.set(0, &[0x20, age]).unwrap();
    rows.finish()
}
