//! On-demand views that are computed when rows are materialized.

#[expect(dead_code, reason = "this suite copies nothing of the workspace")]
mod program;

use std::fmt::Write as _;

use insta::assert_snapshot;
use program::Folder;
use serde_json::{Value, json};

/// Entities, more than 1 MiB has room for.
const RIDERS: u32 = 30_000;

const VIEWS: &str = r#"
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Int64

rider = Entity(name="rider", join_keys=["driver_id"])
rides = FeatureView(
    name="rides",
    entities=[rider],
    ttl=timedelta(days=0),
    schema=[Field(name="clicks", dtype=Int64)],
    source=FileSource(name="rides", path="rides.parquet", timestamp_field="event_timestamp"),
)
others = FeatureView(
    name="others",
    entities=[rider],
    ttl=timedelta(days=0),
    schema=[Field(name="taps", dtype=Int64)],
    source=FileSource(name="others", path="others.parquet", timestamp_field="event_timestamp"),
)

@on_demand_feature_view(
    entities=[rider],
    sources=[rides, others],
    schema=[Field(name="total", dtype=Int64)],
    mode="python",
    write_to_online_store=True,
)
def totals(inputs):
    return {"total": [c + t for c, t in zip(inputs["clicks"], inputs["taps"])]}
"#;

const WITHOUT_ENTITIES: &str = r#"
from datetime import timedelta
from feast import FeatureView, Field, FileSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Int64
from riders import rides

everywhere = FeatureView(
    name="everywhere",
    entities=[],
    ttl=timedelta(days=0),
    schema=[Field(name="clicks", dtype=Int64)],
    source=FileSource(name="everywhere", path="rides.parquet", timestamp_field="event_timestamp"),
)

@on_demand_feature_view(
    sources=[everywhere],
    schema=[Field(name="twice", dtype=Int64)],
    mode="python",
    write_to_online_store=True,
)
def doubled(inputs):
    return {"twice": [2 * c for c in inputs["clicks"]]}

@on_demand_feature_view(
    sources=[rides],
    schema=[Field(name="thrice", dtype=Int64)],
    mode="python",
    write_to_online_store=True,
)
def tripled(inputs):
    return {"thrice": [3 * c for c in inputs["clicks"]]}
"#;

/// Two files with a row of every rider, in orders of their own.
fn riders() -> Folder {
    let folder = Folder::empty();
    folder.stdout(&["init", "riders", "--repo-path", "."]);
    folder.stdout(&["apply"]);
    for (name, column, step) in [("rides", "clicks", 7_919), ("others", "taps", 104_729)] {
        let mut csv = format!("driver_id,event_timestamp,{column}\n");
        for place in 0..RIDERS {
            let rider = place * step % RIDERS;
            writeln!(
                csv,
                "{rider},2026-01-{:02}T00:00:00Z,{}",
                1 + rider % 28,
                rider * step % 1_000
            )
            .expect("text");
        }
        let (rows, parquet) = (format!("{name}.csv"), format!("{name}.parquet"));
        folder.write(&rows, csv);
        let feature = "driver_hourly_stats:conv_rate";
        folder.stdout(&[
            "get-historical-features",
            "--entity-df",
            &rows,
            "-f",
            feature,
            "--output",
            &parquet,
        ]);
    }
    folder.write("riders.py", VIEWS);
    folder.stdout(&["apply"]);
    folder
}

/// What is online of some of them.
fn totals(folder: &Folder) -> Vec<Value> {
    let asked = ["get-online-features", "-f", "totals:total", "--output-format", "json"];
    let riders: Vec<String> =
        (0..RIDERS).step_by(97).map(|rider| format!("driver_id={rider}")).collect();
    let entities = riders.iter().flat_map(|rider| ["-e", rider]);
    let answer = folder.stdout(&asked.into_iter().chain(entities).collect::<Vec<_>>());
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["total"].as_array().cloned().unwrap_or_default()
}

#[test]
fn entities_that_do_not_fit_in_memory_are_computed_share_by_share() {
    let folder = riders();
    let materialize = |limit: &str| {
        let (start, end) = ("2026-01-01T00:00:00", "2026-02-01T00:00:00");
        let report = folder.stdout(&[
            "materialize",
            start,
            end,
            "-v",
            "totals",
            "--memory-limit",
            limit,
            "--output-format",
            "json",
        ]);
        serde_json::from_str::<Value>(&report).expect("JSON")
    };
    let expected: Vec<Value> = (0..RIDERS)
        .step_by(97)
        .map(|rider| json!(rider * 7_919 % 1_000 + rider * 104_729 % 1_000))
        .collect();
    for limit in ["2MiB", "1GiB"] {
        let report = materialize(limit);
        assert_eq!(report[0]["rows_written"], json!(RIDERS), "{limit}: {report}");
        assert_eq!(totals(&folder), expected, "{limit}");
        folder.stdout(&["teardown"]);
        folder.stdout(&["apply"]);
    }
}

#[test]
fn a_view_without_entities_has_one_row_where_its_sources_have_no_entities_either() {
    let folder = riders();
    folder.write("without.py", WITHOUT_ENTITIES);
    folder.stdout(&["apply"]);
    let range = ["2026-01-01T00:00:00", "2026-02-01T00:00:00"];
    folder.stdout(&["materialize", range[0], range[1], "-v", "doubled"]);
    let asked = ["get-online-features", "-e", "driver_id=7", "-f", "doubled:twice"];
    let answer = folder.stdout(&[&asked[..], &["--output-format", "json"]].concat());
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    // Of the riders of the last day the one that comes last in the file.
    let mut riders = (0..RIDERS).rev().map(|place| place * 7_919 % RIDERS);
    let last = riders.find(|rider| rider % 28 == 27).expect("many riders");
    assert_eq!(answer["twice"], json!([2 * (last * 7_919 % 1_000)]), "{answer}");
}

#[test]
fn a_view_without_entities_over_sources_with_entities_is_refused_with_a_hint() {
    let folder = riders();
    folder.write("without.py", WITHOUT_ENTITIES);
    folder.stdout(&["apply"]);
    let refused =
        folder.run(&["materialize", "2026-01-01T00:00:00", "2026-02-01T00:00:00", "-v", "tripled"]);
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        assert_snapshot!("on_demand_without_entities", program::transcript(&refused));
    });
    let asked = ["get-online-features", "-e", "driver_id=7", "-f", "tripled:thrice"];
    let answer = folder.stdout(&[&asked[..], &["--output-format", "json"]].concat());
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["thrice"], json!([null]), "nothing was written");
}
