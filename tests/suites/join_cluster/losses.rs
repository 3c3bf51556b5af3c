//! Clusters that lose what works for them.

use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use larder_tests::{JoinCluster, Outcome, Repository, free_port};

use crate::{ENTITIES, ask, assert_same, join_here, join_on, rows, shop};

const PATIENCE: Duration = Duration::from_mins(5);

const ASKED: [&str; 4] = ["--entity-df", ENTITIES, "--feature-service", "recommendation_v1"];

/// Whether the answer is there; otherwise the error must say which cluster failed and what to do.
fn answered(
    outcome: &Outcome,
    repository: &Repository,
    expected: &str,
    cluster: &JoinCluster,
) -> bool {
    if outcome.code == Some(0) {
        assert_same(&repository.read("answer.csv"), expected, cluster);
        return true;
    }
    let said = &outcome.stderr;
    assert!(said.contains(&cluster.scheduler()) && said.contains("hint:"), "{said}");
    false
}

#[test]
fn a_killed_executor_never_makes_an_answer_wrong() {
    let repository = shop();
    join_here(&repository);
    let expected = rows(&repository, &ASKED);
    let mut cluster = JoinCluster::start(10, 2, &[]);
    join_on(&repository, &cluster.scheduler());
    let began = Instant::now();
    while !answered(&ask(&repository, &ASKED), &repository, &expected, &cluster)
        || !cluster.all_have_worked()
    {
        assert!(began.elapsed() < PATIENCE, "one executor gets no work\n{}", cluster.logs());
    }

    let killed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let under_way = scope.spawn(|| {
            let mut last = ask(&repository, &ASKED);
            while !killed.load(Ordering::Acquire) {
                last = ask(&repository, &ASKED);
            }
            last
        });
        // Any moment will do: joins follow each other.
        sleep(Duration::from_millis(1_500));
        cluster.kill_executor();
        killed.store(true, Ordering::Release);
        let last = under_way.join().expect("nothing panics there");
        answered(&last, &repository, &expected, &cluster);
    });
    while !answered(&ask(&repository, &ASKED), &repository, &expected, &cluster) {
        assert!(began.elapsed() < 2 * PATIENCE, "no recovery\n{}", cluster.logs());
    }
}

#[test]
fn a_cluster_without_executors_is_an_error_until_one_comes() {
    let repository = shop();
    join_here(&repository);
    let expected = rows(&repository, &ASKED);
    let mut cluster = JoinCluster::start(10, 0, &[]);
    join_on(&repository, &cluster.scheduler());
    let outcome = ask(&repository, &ASKED);
    assert!(!answered(&outcome, &repository, &expected, &cluster));
    assert!(outcome.stderr.contains("has no executor"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("fs cluster executor"), "{}", outcome.stderr);

    cluster.add_executor();
    let began = Instant::now();
    while !answered(&ask(&repository, &ASKED), &repository, &expected, &cluster) {
        assert!(began.elapsed() < PATIENCE, "the executor gets no work\n{}", cluster.logs());
    }
}

#[test]
fn an_executor_whose_port_is_taken_says_so() {
    let cluster = JoinCluster::start(30, 0, &[]);
    let (scheduler, folder) = (cluster.scheduler(), Repository::empty());
    let port = scheduler.rsplit_once(':').expect("host and port").1;
    let outcome =
        folder.fs().run(&["cluster", "executor", "--scheduler", &scheduler, "--port", port]);
    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains(&scheduler), "{}", outcome.stderr);
    for wrong in ["localhost", "localhost:0", ":7"] {
        let outcome = folder.fs().run(&["cluster", "executor", "--scheduler", wrong]);
        assert_ne!(outcome.code, Some(0));
        assert!(outcome.stderr.contains(wrong), "{}", outcome.stderr);
    }
}

#[test]
fn processes_of_a_cluster_end_well_when_they_are_told_to() {
    let cluster = JoinCluster::start(30, 0, &[]);
    let folder = Repository::empty();
    let (scheduler, port) = (cluster.scheduler(), free_port().to_string());
    for role in [&["scheduler"][..], &["executor", "--scheduler", &scheduler]] {
        let arguments = [&["cluster"], role, &["--port", &port]].concat();
        let mut process = folder.fs().command(&arguments).spawn().expect("fs can be started");
        let began = Instant::now();
        while TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
            assert!(began.elapsed() < PATIENCE, "{role:?} does not listen");
            sleep(Duration::from_millis(50));
        }
        let told = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        assert!(told.expect("kill can be started").success());
        assert_eq!(process.wait().expect("it ends").code(), Some(0), "{role:?}");
    }
}
