//! `kill -9` at any moment: what a job leaves is what one run without interruption leaves, row by row.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use larder_tests::Repository;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::events::{KEYS, write};
use crate::shop;

/// Kills per round.
const KILLS: usize = 6;

const EVENTS: usize = 60_000;

fn rounds() -> usize {
    std::env::var("FS_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Everything that the jobs leave, by name.
fn left(repository: &Repository) -> BTreeMap<String, String> {
    let mut left = BTreeMap::new();
    for name in ["sessions.jsonl", "alerts.jsonl"] {
        left.insert(name.to_owned(), repository.read(&format!("data/streams/{name}")));
    }
    for job in ["product_popularity", "user_activity", "sessions", "anomalies"] {
        let path = format!("data/streams/{job}/dead-letters.jsonl");
        left.insert(path.clone(), repository.read(&path));
    }
    left.insert("log".to_owned(), log(repository));
    for (features, key, letter) in [
        (&["product_features:popularity_score"][..], "product_id", "p"),
        (
            &[
                "user_behavior_features:total_page_views_7d",
                "user_behavior_features:total_purchases_30d",
            ],
            "user_id",
            "u",
        ),
    ] {
        let entities: Vec<String> = (0..KEYS).map(|at| format!("{key}={letter}{at}")).collect();
        let mut arguments = vec!["get-online-features"];
        for feature in features {
            arguments.extend(["-f", feature]);
        }
        for entity in &entities {
            arguments.extend(["-e", entity]);
        }
        let served: Value = repository.fs().json(&arguments);
        left.insert(key.to_owned(), served.to_string());
    }
    left
}

/// The rows of the log, in order.
fn log(repository: &Repository) -> String {
    let folder = repository.path().join("data/streams/product_popularity/log");
    let entries = std::fs::read_dir(folder).expect("a log");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let mut rows = String::new();
    for path in paths {
        let file = std::fs::File::open(path).expect("a file of the log");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build();
        for batch in reader.expect("Parquet") {
            let batch = batch.expect("rows");
            for row in 0..batch.num_rows() {
                writeln!(rows, "{:?}", batch.slice(row, 1).columns()).expect("a string takes it");
            }
        }
    }
    rows
}

fn started(repository: &Repository) -> Child {
    let mut command = repository.fs().command(&["stream", "run"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("fs can be started")
}

#[test]
fn jobs_that_are_killed_at_any_moment_end_as_if_they_had_not_been() {
    for round in 0..rounds() {
        let (whole, killed) = (shop(""), shop(""));
        for repository in [&whole, &killed] {
            write(repository, u64::try_from(round).expect("a round"), EVENTS);
        }
        let start = Instant::now();
        whole.fs().ok(&["stream", "run"]);
        let mut length = start.elapsed();
        let mut alive = 0;
        for kill in 1..=KILLS {
            let mut child = started(&killed);
            // The golden ratio spreads any number of kills evenly.
            let share = ((round * KILLS + kill) as f64 * 0.618_034) % 1.0;
            sleep(length.mul_f64(0.1 + share * 0.5));
            if child.try_wait().expect("a child").is_none() {
                alive += 1;
            } else {
                // The machine was busier when the length of a run was measured.
                length /= 2;
            }
            child.kill().expect("a child can be killed");
            child.wait().expect("a killed child ends");
        }
        assert!(alive > 0, "every run had ended before it was killed");
        killed.fs().ok(&["stream", "run"]);
        let expected = left(&whole);
        assert!(expected.values().all(|text| !text.is_empty()));
        for (name, found) in left(&killed) {
            assert!(found == expected[&name], "round {round}: {name} is another");
        }
    }
}

#[test]
fn a_job_that_is_told_to_end_commits_and_goes_on_later() {
    let (whole, stopped) = (shop(""), shop(""));
    for repository in [&whole, &stopped] {
        write(repository, 77, EVENTS);
    }
    whole.fs().ok(&["stream", "run"]);
    let mut child = started(&stopped);
    let deadline = Instant::now() + Duration::from_mins(1);
    let committed = stopped.path().join("data/streams/anomalies/checkpoints/commit.json");
    while !committed.is_file() {
        assert!(Instant::now() < deadline, "nothing is committed");
        sleep(Duration::from_millis(5));
    }
    let signal = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(signal.expect("kill can be started").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let behind = |repository: &Repository| {
        let status = repository.fs().json(&["stream", "status", "--output-format", "json"]);
        let jobs = status.as_array().cloned().unwrap_or_default();
        assert_eq!(jobs.len(), 4, "{status}");
        jobs.iter().map(|job| job["checkpoint"]["lag_bytes"].as_u64().expect("a lag")).max()
    };
    assert!(behind(&stopped) > Some(0), "it was at the end already");
    stopped.fs().ok(&["stream", "run"]);
    assert_eq!(behind(&stopped), Some(0));
    assert!(left(&stopped) == left(&whole));
}
