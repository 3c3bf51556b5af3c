//! What a cluster answers.

use std::time::{Duration, Instant};

use larder_tests::{JoinCluster, free_port};

use crate::{ENTITIES, ask, assert_same, join_here, join_on, rows, shop};

const PATIENCE: Duration = Duration::from_mins(5);

#[test]
fn two_executors_answer_the_rows_and_the_order_of_one_process() {
    let repository = shop();
    let service = ["--feature-service", "recommendation_v1"];
    let full = [
        &["--entity-df", ENTITIES, "--full-feature-names", "--memory-limit", "64MiB"],
        &service[..],
    ];
    let created = [&["--entity-df", ENTITIES, "--filter-by-created-timestamp"], &service[..]];
    let every_user =
        ["-s", "2000-01-01", "-e", "2100-01-01", "-f", "user_behavior_features:churn_risk_score"];
    let retrievals = [full.concat(), created.concat(), every_user.to_vec()];

    join_here(&repository);
    let expected: Vec<String> = retrievals.iter().map(|asked| rows(&repository, asked)).collect();
    assert!(expected[0].lines().count() > 5_000, "{}", expected[0].lines().count());

    let cluster = JoinCluster::start(30, 2, &[]);
    join_on(&repository, &cluster.scheduler());
    let began = Instant::now();
    for (asked, expected) in retrievals.iter().zip(&expected).cycle() {
        assert_same(&rows(&repository, asked), expected, &cluster);
        if cluster.all_have_worked() && asked.as_slice() == every_user {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "one executor gets no work\n{}", cluster.logs());
    }
}

#[test]
fn feature_store_yaml_names_the_cluster_and_explain_says_so() {
    let repository = shop();
    let cluster = JoinCluster::start(30, 1, &[]);
    let settings = repository.read("feature_store.yaml");
    let section = format!("  type: ballista\n  scheduler: {}\n", cluster.scheduler());
    repository.write("feature_store.yaml", settings.replacen("  type: file\n", &section, 1));
    let asked = [
        "--entity-df",
        ENTITIES,
        "-f",
        "user_behavior_features:churn_risk_score,product_features:price",
    ];
    let explained =
        repository.fs().ok(&[&["get-historical-features", "--explain"], &asked[..]].concat());
    assert!(explained.contains(&cluster.scheduler()), "{explained}");
    let answer = rows(&repository, &asked);
    repository.write("feature_store.yaml", settings);
    assert_same(&answer, &rows(&repository, &asked), &cluster);
}

#[test]
fn an_address_without_a_scheduler_is_named_and_writes_nothing() {
    let repository = shop();
    let nobody = format!("127.0.0.1:{}", free_port());
    join_on(&repository, &nobody);
    let asked = ["--entity-df", ENTITIES, "-f", "product_features:price"];
    let outcome = ask(&repository, &asked);
    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains(&nobody), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint:"), "{}", outcome.stderr);
    assert!(!repository.path().join("answer.csv").try_exists().expect("the folder is there"));

    for wrong in ["localhost", "http://localhost:50050"] {
        join_on(&repository, wrong);
        let outcome = ask(&repository, &asked);
        assert_ne!(outcome.code, Some(0));
        assert!(outcome.stderr.contains("offline_store.scheduler"), "{}", outcome.stderr);
    }
}
