//! The online store dies in the middle of a run and comes back: the job waits and ends as if it had not.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use larder_tests::{RedisServer, Repository};
use serde_json::Value;

use crate::events::{KEYS, write};
use crate::shop;

/// Events of a run that is not over a moment after its first commit.
const LONG: usize = 300_000;

fn settings(redis: &RedisServer) -> String {
    format!("online_store: {{type: redis, connection_string: \"{}\"}}", redis.address())
}

fn served(repository: &Repository) -> Value {
    let entities: Vec<String> = (0..KEYS).map(|at| format!("user_id=u{at}")).collect();
    let feature = "user_behavior_features:total_page_views_7d";
    let mut arguments = vec!["get-online-features", "-f", feature];
    for entity in &entities {
        arguments.extend(["-e", entity]);
    }
    repository.fs().json(&arguments)
}

#[test]
fn a_job_that_is_told_to_end_while_its_store_is_down_ends_well_and_goes_on_later() {
    let mut redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let calm = RedisServer::start(&[]);
    let (repository, whole) = (shop(&settings(&redis)), shop(&settings(&calm)));
    for repository in [&repository, &whole] {
        write(repository, 5, 60_000);
    }
    whole.fs().ok(&["stream", "run", "user_activity"]);
    redis.kill();
    let mut command = repository.fs().command(&["stream", "run", "user_activity"]);
    let log = repository.path().join("said");
    let said = std::fs::File::create(&log).expect("a log");
    let mut child = command.stdout(Stdio::null()).stderr(said).spawn().expect("fs can be started");
    let deadline = Instant::now() + Duration::from_mins(1);
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    while !said().contains("waits") {
        assert!(Instant::now() < deadline, "the job does not say that it waits");
        sleep(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(sent.expect("kill can be started").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{}", said());
    assert!(said().contains("ended without a last commit"), "{}", said());
    redis.restart();
    repository.fs().ok(&["stream", "run", "user_activity"]);
    assert_eq!(served(&repository), served(&whole));
}

/// Resident memory of a process, in bytes.
fn memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[test]
fn a_job_waits_for_a_store_that_is_down_and_catches_up() {
    // It keeps what it acknowledged.
    let mut redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let calm = RedisServer::start(&[]);
    let (repository, whole) = (shop(&settings(&redis)), shop(&settings(&calm)));
    for repository in [&repository, &whole] {
        write(repository, 3, LONG);
    }
    whole.fs().ok(&["stream", "run", "user_activity"]);
    let mut command = repository.fs().command(&["stream", "run", "user_activity"]);
    let log = repository.path().join("said");
    let said = std::fs::File::create(&log).expect("a log");
    let mut child = command.stdout(Stdio::null()).stderr(said).spawn().expect("fs can be started");
    let committed = repository.path().join("data/streams/user_activity/checkpoints/commit.json");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !committed.is_file() {
        assert!(Instant::now() < deadline, "nothing is committed");
        sleep(Duration::from_millis(5));
    }
    redis.kill();
    let waits = || std::fs::read_to_string(&log).is_ok_and(|said| said.contains("waits"));
    while !waits() {
        assert!(Instant::now() < deadline, "the job does not say that it waits");
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none(), "{ended:?}: {:?}", std::fs::read_to_string(&log));
        sleep(Duration::from_millis(20));
    }
    let before = memory(child.id()).expect("a running process");
    sleep(Duration::from_secs(3));
    let after = memory(child.id()).expect("a process that waits");
    assert!(after < before + (8 << 20), "{before} bytes became {after} while nothing was read");
    redis.restart();
    assert!(child.wait().expect("it ends").success(), "{:?}", std::fs::read_to_string(&log));
    assert_eq!(served(&repository), served(&whole));
}
