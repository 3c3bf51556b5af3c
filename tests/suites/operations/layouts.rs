//! `fs online migrate`: rows get the other layout of Redis, also after a run that was killed.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use larder_tests::{RedisServer, Repository, Server};
use serde_json::{Value, json};

use crate::{DEFINITIONS, request, served};

const DRIVERS: u64 = 20_000;

type Rows = BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>>;

/// An applied repository on a Redis of its own, with drivers in Feast's layout who have seven trips each, and one of a
/// project whose name ends alike.
fn stored(drivers: u64) -> (RedisServer, Repository) {
    let server = RedisServer::start(&[]);
    let settings = format!(
        "project: rides\nregistry: data/registry.db\nprovider: local\n\
         entity_key_serialization_version: 3\n\
         online_store: {{type: redis, connection_string: \"{}\"}}\n",
        server.address()
    );
    let files = [("feature_store.yaml", settings.as_str()), ("definitions.py", DEFINITIONS)];
    let repository = Repository::with(&files);
    repository.fs().ok(&["apply"]);
    drop(served(&repository, &[]));
    copies(&server, drivers);
    (server, repository)
}

/// Copies the only row to other drivers and to the project `brides`.
fn copies(server: &RedisServer, drivers: u64) {
    let (key, fields) = rows(server).pop_first().expect("a row was pushed");
    let entity_key = key.strip_suffix(b"rides").expect("a row's key ends with its project");
    let before_id = &entity_key[..entity_key.len() - 8];
    let mut pipeline = redis::pipe();
    for driver in 1..=drivers {
        let key = [before_id, &driver.to_le_bytes(), b"rides"].concat();
        let fields: Vec<_> = fields.iter().collect();
        pipeline.hset_multiple(key, &fields).ignore();
    }
    let fields: Vec<_> = fields.iter().collect();
    pipeline.hset_multiple([entity_key, b"brides"].concat(), &fields).ignore();
    pipeline.exec(&mut server.connection()).expect("rows can be copied");
}

fn rows(server: &RedisServer) -> Rows {
    let mut connection = server.connection();
    let keys: Vec<Vec<u8>> =
        redis::cmd("KEYS").arg("*").query(&mut connection).expect("keys are listed");
    let mut pipeline = redis::pipe();
    for key in &keys {
        pipeline.hgetall(key);
    }
    let fields: Vec<BTreeMap<Vec<u8>, Vec<u8>>> =
        pipeline.query(&mut connection).expect("rows are read");
    keys.into_iter().zip(fields).collect()
}

/// Rows of the project in Feast's layout and in the packed one.
fn in_layouts(rows: &Rows) -> [usize; 2] {
    let ours = |key: &[u8]| key.ends_with(b"rides") && !key.ends_with(b"brides");
    [&b"_ts:trips"[..], b"_row:trips"].map(|field| {
        rows.iter().filter(|(key, fields)| ours(key) && fields.contains_key(field)).count()
    })
}

fn use_packed(repository: &Repository) {
    repository.write("larder.yaml", "online_store: {layout: packed}\n");
}

/// How many trips the first driver has.
fn trips(repository: &Repository) -> Value {
    let answer = Server::fs(&repository.path()).post("/get-online-features", &request()).json();
    answer["results"][1]["values"][0].clone()
}

fn report(found: u64, written: u64, removed: u64) -> Value {
    json!([{"feature_view": "trips", "from": "feast", "to": "packed", "rows_found": found,
        "rows_written": written, "rows_older": 0, "rows_removed": removed}])
}

#[test]
fn rows_move_to_the_layout_that_is_configured_and_no_other_projects() {
    let (server, repository) = stored(50);
    assert_eq!(trips(&repository), json!(7));
    use_packed(&repository);
    assert_eq!(trips(&repository), Value::Null);
    let before = rows(&server);
    assert_eq!(in_layouts(&before), [50, 0]);
    let migrate = |arguments: &[&str]| {
        let words = [&["--output-format", "json", "online", "migrate"][..], arguments].concat();
        repository.fs().json(&words)
    };
    assert_eq!(migrate(&["--dry-run"]), report(50, 0, 0));
    assert_eq!(rows(&server), before);
    assert_eq!(migrate(&["--keep", "--to", "packed"]), report(50, 50, 0));
    assert_eq!(in_layouts(&rows(&server)), [50, 50]);
    assert_eq!(migrate(&[]), report(50, 50, 50));
    assert_eq!(trips(&repository), json!(7));
    let text = repository.fs().ok(&["online", "migrate", "--to", "feast"]);
    assert!(text.contains("50 rows moved from the packed to the feast layout"), "{text}");
    assert_eq!(rows(&server), before);
}

#[test]
fn a_migration_that_is_killed_can_be_run_again() {
    let (server, repository) = stored(DRIVERS);
    use_packed(&repository);
    let mut command = repository.fs().command(&["online", "migrate"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = command.spawn().expect("fs can be started");
    let begun = Instant::now();
    // Every row that was moved cost a call.
    while scripts(&server) < 300 {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing moves");
    }
    server.pause();
    running.kill().expect("a running program can be killed");
    running.wait().expect("a killed program ends");
    server.resume();
    let [left, moved] = in_layouts(&rows(&server));
    let all = usize::try_from(DRIVERS).expect("a small number");
    assert!(left > 0 && moved > 0 && left + moved >= all, "{left} and {moved}");
    repository.fs().ok(&["online", "migrate"]);
    assert_eq!(in_layouts(&rows(&server)), [0, all]);
    assert_eq!(trips(&repository), json!(7));
}

/// Calls of scripts so far.
fn scripts(server: &RedisServer) -> usize {
    let asked = redis::cmd("INFO").arg("commandstats").query(&mut server.connection());
    let said: String = asked.expect("a server tells its numbers");
    let calls = |command: &str| -> usize {
        let start = format!("cmdstat_{command}:calls=");
        let line = said.lines().find_map(|line| line.strip_prefix(&start));
        let count = line.and_then(|line| line.split(',').next());
        count.map_or(0, |count| count.parse().expect("calls are a number"))
    };
    calls("eval") + calls("evalsha")
}

#[test]
fn stores_that_have_one_layout_and_keys_that_cannot_be_told_are_refused() {
    let (_server, redis) = stored(1);
    let settings = redis.read("feature_store.yaml");
    redis.write("feature_store.yaml", settings.replace("version: 3", "version: 2"));
    let sqlite = crate::applied();
    for (repository, names) in [(&sqlite, "sqlite"), (&redis, "entity_key_serialization_version")] {
        let outcome = repository.fs().run(&["online", "migrate"]);
        assert_eq!(outcome.code, Some(1));
        assert!(outcome.stderr.contains(names) && outcome.stderr.contains("hint:"), "{outcome:?}");
    }
}
