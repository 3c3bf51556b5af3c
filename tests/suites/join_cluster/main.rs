//! Joins on a cluster of `fs` processes, beside those of one process.

mod answers;
mod losses;

use larder_tests::{Feast, JoinCluster, Outcome, Repository};

/// Entity rows of every user, product and day, unknown ones among them, in the order of a column of their own.
const ENTITIES: &str = "\
    SELECT user_id, CASE WHEN product_id = 'p7' THEN 'nothing' ELSE product_id END AS product_id, \
    u.day - INTERVAL '5 hours' AS event_timestamp, label, 'mobile' AS session_device \
    FROM (SELECT user_id, event_timestamp AS day, total_page_views_7d AS label FROM user_behavior_file) u \
    JOIN (SELECT product_id, event_timestamp AS day FROM products_file) p ON u.day = p.day \
    WHERE user_id < 'u3' ORDER BY label, user_id, product_id, event_timestamp";

/// The shop, applied, whose `larder.yaml` is free for the settings of a test.
fn shop() -> Repository {
    let repository = Repository::shop(&Feast::get(), "online_store: {type: sqlite}");
    repository.fs().ok(&["apply"]);
    repository
}

/// Joins on this cluster from now on.
fn join_on(repository: &Repository, scheduler: &str) {
    let settings =
        format!("offline_store: {{type: ballista, scheduler: \"{scheduler}\", partitions: 3}}\n");
    repository.write("larder.yaml", settings);
}

/// Joins in the process that asks.
fn join_here(repository: &Repository) {
    repository.write("larder.yaml", "offline_store: {type: file}\n");
}

/// `fs get-historical-features` with these arguments, to a file of CSV.
fn ask(repository: &Repository, arguments: &[&str]) -> Outcome {
    let all = [&["get-historical-features", "--output", "answer.csv"], arguments].concat();
    repository.fs().run(&all)
}

/// The rows of a retrieval that must end well.
#[track_caller]
fn rows(repository: &Repository, arguments: &[&str]) -> String {
    ask(repository, arguments).expect_success();
    repository.read("answer.csv")
}

/// Asserts that the two are the same, and shows what the cluster said otherwise.
#[track_caller]
fn assert_same(answer: &str, expected: &str, cluster: &JoinCluster) {
    let pair = answer.lines().zip(expected.lines()).find(|(answer, expected)| answer != expected);
    let lines = (answer.lines().count(), expected.lines().count());
    assert!(answer == expected, "{pair:?} of {lines:?} lines\n{}", cluster.logs());
}
