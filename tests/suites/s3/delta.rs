//! A Delta table in a bucket.

use larder_tests::delta_tables;

use crate::{Lake, SECRET};

/// Names that folders have on the way, as a URL has them.
fn key(path: &str) -> String {
    path.replace('%', "%25").replace(' ', "%20")
}

#[test]
fn a_table_in_a_bucket_is_read_as_its_rows_are() {
    let lake = Lake::new();
    for table in ["rust", "deletion_vectors"] {
        for (path, bytes) in delta_tables(table) {
            lake.put(&key(&format!("my tables/{path}")), bytes);
        }
        let (uri, endpoint) = (lake.uri(&format!("my tables/{table}")), &lake.endpoint);
        let definitions = format!(
            r#"
from datetime import timedelta
from feast import Entity, FeatureView, FileSource, ValueType
from feast.data_format import DeltaFormat

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
TIMES = {{"timestamp_field": "event_timestamp", "s3_endpoint_override": "{endpoint}"}}
table = FileSource(name="the_table", path="{uri}", file_format=DeltaFormat(), **TIMES)
rows = FileSource(name="the_rows", path="{uri}.parquet", **TIMES)
by_log = FeatureView(name="by_log", entities=[driver], ttl=timedelta(0), source=table)
by_rows = FeatureView(name="by_rows", entities=[driver], ttl=timedelta(0), source=rows)
"#
        );
        lake.repository.write("definitions.py", definitions);
        lake.ok(&["apply"]);
        let joined = |view: &str| {
            let [rate, trips] = ["conv_rate", "trips"].map(|feature| format!("{view}:{feature}"));
            let entities = "SELECT driver_id, event_timestamp FROM the_rows";
            let asked =
                ["get-historical-features", "--entity-df", entities, "-f", &rate, "-f", &trips];
            (lake.ok(&asked), lake.ok(&[&asked[..], &["--explain"]].concat()))
        };
        let ((found, plan), (expected, _)) = (joined("by_log"), joined("by_rows"));
        assert_eq!(found, expected, "{table}");
        assert!(plan.contains("version 5 of a Delta table"), "{plan}");
        lake.ok(&["materialize", "2026-01-01T00:00:00", "2026-02-01T00:00:00"]);
        let [found, expected] = ["by_log:trips", "by_rows:trips"].map(|feature| {
            lake.ok(&["get-online-features", "-e", "driver_id=1002", "-f", feature])
        });
        assert_eq!(found, expected.replace("by_rows", "by_log"), "{table}");
    }
}

#[test]
fn a_prefix_without_a_log_or_a_file_is_told_and_no_secret_is() {
    let lake = Lake::applied();
    let definitions = lake.repository.read("definitions.py");
    let delta = definitions
        .replace("import Entity", "import data_format, Entity")
        .replace("path=", "file_format=data_format.DeltaFormat(), path=");
    lake.repository.write("definitions.py", delta);
    let asked = ["plan"];
    let missing = lake.run(&asked).text();
    assert!(missing.contains("there is no Delta table"), "{missing}");
    for (path, bytes) in delta_tables("deletion_vectors") {
        let below = path.strip_prefix("deletion_vectors/").unwrap_or(&path);
        lake.put(&key(&format!("stats/{below}")), bytes);
    }
    lake.ok(&asked);
    let data = lake.keys("stats/day").into_iter().find(|key| key.ends_with(".parquet"));
    lake.delete(&data.expect("a data file"));
    let lost = lake.run(&asked).text();
    for text in [missing, lost] {
        assert!(text.contains("stats_source") && !text.contains(SECRET), "{text}");
    }
}
