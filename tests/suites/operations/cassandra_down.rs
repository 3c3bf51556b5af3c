//! Cassandra hangs, dies and comes back while `fs serve` is asked: every call is answered in time, and says what is wrong.

use std::time::{Duration, Instant};

use larder_tests::{Answer, CassandraNode, Repository, Server, get};
use serde_json::{Value, json};

use crate::{DEFINITIONS, request};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// `request_timeout` of the store.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_secs(2);

/// Calls at one time.
const CALLS: usize = 24;

fn repository(node: &CassandraNode) -> Repository {
    let login = CassandraNode::LOGIN;
    let settings = format!(
        "project: rides\nregistry: data/registry.db\nprovider: local\n\
         entity_key_serialization_version: 3\n\
         online_store: {{type: scylladb, hosts: [127.0.0.1], port: {}, keyspace: rides, \
         username: {login}, password: {login}, request_timeout: {}}}\n",
        node.port(),
        TIMEOUT.as_secs()
    );
    let consistency = "online_store: {read_consistency: ONE, write_consistency: ONE}\n";
    Repository::with(&[
        ("feature_store.yaml", &settings),
        ("larder.yaml", consistency),
        ("definitions.py", DEFINITIONS),
    ])
}

fn row() -> Value {
    json!({"push_source_name": "trips_push", "df": {
        "driver_id": [1], "count": [7], "event_timestamp": ["2026-01-31T12:00:00Z"]}})
}

/// Reads and writes at one time; their statuses and bodies. None takes longer than it may.
fn calls(server: &Server) -> Vec<Answer> {
    let call = |number: usize| {
        let begun = Instant::now();
        let (path, body) = match number % 2 {
            0 => ("/get-online-features", request()),
            _ => ("/push", row()),
        };
        let answer = server.post(path, &body);
        assert!(begun.elapsed() < TIMEOUT + SLACK, "{path}: {:?}", begun.elapsed());
        answer
    };
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..CALLS).map(|number| scope.spawn(move || call(number))).collect();
        calls.into_iter().map(|call| call.join().expect("no call fails")).collect()
    })
}

/// Waits until every call is answered with a status of these, and sees that all say where the node is.
#[track_caller]
fn until(server: &Server, statuses: &[u16]) {
    let begun = Instant::now();
    loop {
        let answers = calls(server);
        if answers.iter().all(|answer| statuses.contains(&answer.status)) {
            let is_told =
                |answer: &Answer| answer.status == 200 || answer.body.contains("127.0.0.1");
            assert!(answers.iter().all(is_told), "{answers:?}");
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{answers:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn health(server: &Server) -> u16 {
    get(&server.url("/health")).expect("the server answers").status
}

fn applied(node: &CassandraNode) -> Repository {
    let repository = repository(node);
    let begun = Instant::now();
    while repository.fs().run(&["apply"]).code != Some(0) {
        assert!(begun.elapsed() < PATIENCE, "{}", node.log());
        std::thread::sleep(Duration::from_millis(500));
    }
    repository
}

#[test]
fn a_node_that_hangs_dies_and_comes_back_costs_answers_but_no_time_and_no_restart() {
    let mut node = CassandraNode::new();
    node.start();
    let repository = applied(&node);
    let server = Server::fs(&repository.path());
    until(&server, &[200]);
    assert_eq!(
        server.post("/get-online-features", &request()).json()["results"][1]["values"],
        json!([7])
    );

    node.pause();
    until(&server, &[504]);
    assert_eq!(health(&server), 503);
    node.resume();
    until(&server, &[200]);

    node.kill();
    until(&server, &[503]);
    assert_eq!(health(&server), 503);
    node.start();
    until(&server, &[200]);
    assert_eq!(health(&server), 200);
    assert_eq!(
        server.post("/get-online-features", &request()).json()["results"][1]["values"],
        json!([7])
    );
}
