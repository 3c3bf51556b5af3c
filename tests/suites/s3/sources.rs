//! Everything that reads a source, and what is written to one.

use serde_json::Value;

use crate::{HOURS, Lake, SECRET};

#[test]
fn a_view_over_a_bucket_is_applied_materialized_and_served() {
    let lake = Lake::applied();
    let view = lake.ok(&["feature-views", "describe", "stats"]);
    assert!(view.contains("rate") && view.contains("DOUBLE"), "inferred: {view}");
    lake.ok(&["materialize", "2026-01-01T00:00:00", "2026-02-01T00:00:00"]);
    let answer = lake.ok(&["get-online-features", "-e", "driver_id=2", "-f", "stats:rate"]);
    // Row 3 * 744 + 1 is driver 2's of the last hour.
    assert!(answer.contains("2233"), "{answer}");
}

#[test]
fn applies_at_once_to_a_registry_in_a_bucket_lose_nothing() {
    let lake = Lake::new();
    let teams: Vec<_> = (0..4).map(|team| lake.team(team)).collect();
    std::thread::scope(|scope| {
        for team in &teams {
            scope.spawn(|| Lake::run_in(team, &["apply"]).expect_success());
        }
    });
    let views = Lake::run_in(&teams[0], &["projects", "list"]).expect_success();
    for team in 0..4 {
        assert!(views.contains(&format!("team_{team}")), "{views}");
    }
    assert_eq!(lake.keys("registry"), ["registry.db"]);
}

#[test]
fn training_rows_come_from_the_bucket_and_the_plan_tells_their_bytes() {
    let lake = Lake::applied();
    let asked = ["get-historical-features", "--entity-df", "entities.csv", "-f", "stats:rate"];
    let plan = lake.ok(&[&asked[..], &["--explain"]].concat());
    assert!(plan.contains("s3://") && plan.contains("files: 1 of 1 read"), "{plan}");
    assert!(plan.contains("KiB of "), "{plan}");
    let rows: Value = serde_json::from_str(&lake.ok(&asked)).expect("rows as JSON");
    let rates: Vec<_> = rows.as_array().expect("a list").iter().map(|row| &row["rate"]).collect();
    // The hours 24 and 756 of drivers 1 and 2; nobody knows driver 9.
    assert_eq!(rates, [&Value::from(72.0), &Value::from(2269.0), &Value::Null]);
}

#[test]
fn feast_reads_what_was_written_to_a_bucket() {
    let lake = Lake::applied();
    let uri = lake.uri("exports/rows.parquet");
    let asked = ["get-historical-features", "--entity-df", "entities.csv", "-f", "stats:rate"];
    lake.ok(&[&asked[..], &["--output", &uri]].concat());
    let read = Lake::feast(&["read", &lake.endpoint, &uri]);
    let rates: Vec<_> = read["rows"].as_array().expect("rows").iter().map(|r| &r["rate"]).collect();
    assert_eq!(rates, [&Value::from(72.0), &Value::from(2269.0), &Value::Null]);
    assert_eq!(read["columns"]["rate"], "double");
    // The other way round: a file of entity rows in the bucket.
    let again = ["get-historical-features", "--entity-df", &uri, "-f", "stats:created"];
    let refused = lake.run(&again);
    assert_ne!(refused.code, Some(0), "created is no feature: {}", refused.text());
}

#[test]
fn what_is_missing_or_down_is_told_and_no_secret_is() {
    let lake = Lake::applied();
    let asked = ["get-historical-features", "--entity-df", "entities.csv", "-f", "stats:rate"];
    lake.delete("stats/part.parquet");
    let missing = lake.run(&asked);
    assert_ne!(missing.code, Some(0));
    assert!(missing.stderr.contains("stats_source"), "{}", missing.stderr);
    let shown = lake.ok(&["configuration"]);
    for text in [missing.text(), shown] {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert_eq!(lake.keys("stats/").len(), 0, "of {HOURS} hours nothing is left");
}
