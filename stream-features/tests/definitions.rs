//! Definitions that are wrong are refused with the line, before any event is read.

use std::path::Path;
use std::time::Duration;

use larder_core::{
    Aggregation, DataSource, ErrorKind, FeatureView, Field, SourceKind, StreamFormat, ValueType,
    ViewKind,
};
use larder_stream_features::{JobDefinition, load_jobs};

const SCHEMA: &str = r#"{"type": "record", "name": "Event", "fields": [
    {"name": "user", "type": ["null", "string"], "default": null},
    {"name": "amount", "type": "double"},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "items", "type": {"type": "array", "items": "string"}}]}"#;

const WINDOWS: &str = "job: spent
source:
  schema: schemas/event.avsc
  timestamp: at
filter: amount > 0
key: {user_id: user}
aggregate:
  - function: sum
    column: amount
    window: 1h
    slide: 10m
    as: amount_1h
view: spending
";

const RULES: &str = "job: odd
source: {schema: schemas/event.avsc, timestamp: at}
key: {user_id: user}
rules:
  event_id: user
  ttl: 1d
  alerts:
    - reason: much
      above_mean: {column: amount, times: 5}
output: alerts.jsonl
";

const EXPLODED: &str = "job: sold
source: {schema: schemas/event.avsc, timestamp: at}
explode: items as item
filter: item <> '' and array_length(items) < 9
key: {item: item}
aggregate:
  - {function: top_1, column: user, by: amount, window: 1h, as: best}
output: sold.jsonl
";

fn load(text: &str) -> larder_core::Result<Vec<JobDefinition>> {
    let repository = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = repository.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write("schemas/event.avsc", SCHEMA);
    write("streams/jobs.yaml", text);
    load_jobs(repository.path())
}

/// The text with one part replaced is refused at this line.
#[track_caller]
fn refused(text: &str, from: &str, to: &str, line: u32) {
    assert!(text.contains(from), "{from}");
    let error = load(&text.replacen(from, to, 1)).expect_err(to);
    let place = error.location().unwrap_or_else(|| panic!("no place: {error}"));
    assert_eq!((place.file.as_str(), place.line), ("streams/jobs.yaml", line), "{to}: {error}");
    assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported), "{to}: {error}");
}

#[test]
fn good_definitions_are_read_in_order() {
    let jobs = load(&format!("{WINDOWS}---\n{RULES}")).unwrap();
    let names: Vec<_> = jobs.iter().map(|job| (job.name(), job.kind(), job.view())).collect();
    assert_eq!(names, [("spent", "windows", Some("spending")), ("odd", "rules", None)]);
    let nothing = tempfile::tempdir().unwrap();
    assert!(load_jobs(nothing.path()).unwrap().is_empty());
}

#[test]
fn what_is_wrong_in_windows_is_told_with_its_line() {
    for (from, to, line) in [
        ("schemas/event.avsc", "schemas/none.avsc", 3),
        ("timestamp: at", "timestamp: when", 4),
        ("timestamp: at", "timestamp: amount", 4),
        ("timestamp: at", "timestamp: at\n  partition_key: []", 5),
        ("timestamp: at", "timestamp: at\n  partition_key: [user, usr]", 5),
        ("amount > 0", "amont > 0", 5),
        ("amount > 0", "amount + 0", 5),
        ("amount > 0", "amount > 'x'", 5),
        ("amount > 0", "amount >", 5),
        ("user_id: user", "user_id: amount", 6),
        ("user_id: user", "user_id: items", 6),
        ("function: sum", "function: summ", 8),
        ("column: amount", "column: user", 9),
        ("column: amount", "column: nothing", 9),
        ("window: 1h", "window: 0s", 10),
        ("window: 1h", "window: soon", 10),
        ("slide: 10m", "slide: 0", 11),
        ("slide: 10m", "slide: 2h", 11),
        ("slide: 10m", "slid: 10m", 11),
        ("as: amount_1h", "as: user_id", 1),
        ("    window: 1h\n    slide: 10m\n", "", 8),
    ] {
        refused(WINDOWS, from, to, line);
    }
    refused(WINDOWS, "view: spending\n", "", 1);
}

#[test]
fn what_is_wrong_in_rules_is_told_with_its_line() {
    for (from, to, line) in [
        ("  ttl: 1d\n", "", 5),
        ("ttl: 1d", "ttl: 0", 6),
        ("column: amount", "column: user", 9),
        ("above_mean: {column: amount, times: 5}", "severity: LOW", 8),
        ("output: alerts.jsonl", "view: spending", 1),
        ("output: alerts.jsonl", "output: alerts.jsonl\nlog: true", 1),
    ] {
        refused(RULES, from, to, line);
    }
}

#[test]
fn what_is_wrong_about_lists_and_weights_is_told_with_its_line() {
    let job = load(EXPLODED).unwrap().remove(0);
    assert_eq!(job.row().values, [Field::new("best", ValueType::String)]);
    for (from, to, line) in [
        ("items as item", "amount as item", 3),
        ("items as item", "nothing as item", 3),
        ("items as item", "items", 3),
        ("items as item", "items as it em", 3),
        ("items as item", "items as user", 3),
        ("item <> ''", "item > 1", 4),
        ("item <> ''", "item.size > 1", 4),
        ("item <> ''", "items <> ''", 4),
        ("array_length(items)", "array_length(user)", 4),
        ("array_length(items)", "array_sum(items)", 4),
        ("by: amount", "by: user", 7),
        ("top_1, column: user", "sum, column: amount", 7),
        ("top_1", "top_0", 7),
        ("top_1, column: user", "session_length", 7),
        ("top_1, column: user, by: amount", "session_length, gap: 0", 7),
        ("top_1, column: user, by: amount", "count, gap: 30m", 7),
    ] {
        refused(EXPLODED, from, to, line);
    }
    let several = load(&EXPLODED.replace("top_1", "top_3")).unwrap().remove(0);
    assert_eq!(several.row().values, [Field::new("best", ValueType::StringList)]);
}

#[test]
fn two_jobs_of_one_name_are_refused() {
    let twice = load(&format!("{RULES}---\n{RULES}")).unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::AlreadyExists);
    assert_eq!(twice.location().map(|place| place.line), Some(12));
}

fn view(keys: &[&str], features: &[(&str, ValueType)]) -> FeatureView {
    let mut view = FeatureView::new("spending");
    view.entity_columns = keys.iter().map(|key| Field::new(*key, ValueType::String)).collect();
    view.features = features.iter().map(|(name, of)| Field::new(*name, *of)).collect();
    view
}

#[test]
fn a_view_must_take_the_rows() {
    let job = load(WINDOWS).unwrap().remove(0);
    for (view, fits) in [
        (view(&["user_id"], &[("amount_1h", ValueType::Double)]), true),
        (view(&["user_id"], &[("amount_1h", ValueType::Float), ("x", ValueType::Bytes)]), true),
        (view(&["user_id"], &[("amount_1h", ValueType::Int64)]), false),
        (view(&["user_id"], &[("other", ValueType::Double)]), false),
        (view(&["user"], &[("amount_1h", ValueType::Double)]), false),
    ] {
        let checked = job.check_view(|_| Some(&view));
        assert_eq!(checked.is_ok(), fits, "{view:?}");
        if let Err(error) = checked {
            assert_eq!(error.location().map(|place| place.line), Some(13));
        }
    }
    assert_eq!(job.check_view(|_| None).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn the_jobs_of_the_example_are_valid() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("feature_repo");
    let jobs = load_jobs(&repository).unwrap();
    let names: Vec<_> = jobs.iter().map(JobDefinition::name).collect();
    assert_eq!(names, ["product_popularity", "user_activity", "sessions", "anomalies"]);
    assert!(jobs.windows(2).all(|pair| pair[0].shares_source(&pair[1])));
    let topics: Vec<_> = jobs.iter().map(JobDefinition::output_topic).collect();
    assert_eq!(topics, [Some("product-popularity"), None, Some("session-metrics"), Some("alerts")]);
    let paths: Vec<_> = jobs.iter().map(|job| job.output().is_some()).collect();
    assert_eq!(paths, [false, false, true, true]);
    assert!(jobs.iter().all(|job| job.source_topic() == Some("user-events")));
}

/// A stream view of Feast over this Avro schema, with a sum per hour of this column.
fn stream_view(schema: &str, column: &str) -> FeatureView {
    let mut view = view(&["user"], &[("sum_amount_3600s", ValueType::Double)]);
    view.stream_source = Some(DataSource::new(
        "events",
        SourceKind::Kafka {
            bootstrap_servers: "broker:9092".to_owned(),
            topic: "events".to_owned(),
            message_format: Some(StreamFormat::Json(schema.to_owned())),
            watermark_delay_threshold: None,
        },
    ));
    view.kind = ViewKind::Stream {
        mode: "spark".to_owned(),
        transformation: None,
        legacy_function: None,
        aggregations: vec![Aggregation {
            column: column.to_owned(),
            function: "sum".to_owned(),
            time_window: Some(Duration::from_hours(1)),
            slide_interval: Some(Duration::from_mins(10)),
            name: String::new(),
        }],
        timestamp_field: "at".to_owned(),
        enable_tiling: false,
        tiling_hop_size: None,
    };
    view
}

#[test]
fn a_stream_view_with_aggregations_is_a_job_of_its_name() {
    let good = stream_view(SCHEMA, "amount");
    let job = JobDefinition::of_view(&good).unwrap().expect("it has aggregations");
    assert_eq!((job.name(), job.kind(), job.source_path()), ("spending", "windows", None));
    assert_eq!((job.source_topic(), job.source_servers()), (Some("events"), Some("broker:9092")));
    assert_eq!(job.row().values, [Field::new("sum_amount_3600s", ValueType::Double)]);
    job.check_view(|name| (name == "spending").then_some(&good)).unwrap();
    assert!(JobDefinition::of_view(&view(&["user"], &[])).unwrap().is_none());
    for (view, kind) in [
        (stream_view(SCHEMA, "nothing"), ErrorKind::Invalid),
        (stream_view(SCHEMA, "user"), ErrorKind::Invalid),
        (stream_view("user string, amount double", "amount"), ErrorKind::Unsupported),
    ] {
        assert_eq!(JobDefinition::of_view(&view).unwrap_err().kind(), kind);
    }
}

#[test]
fn a_topic_in_between_that_cannot_be_is_told_with_its_line() {
    let text = WINDOWS
        .replace("timestamp: at", "timestamp: at\n  topic: spent\n  partition_key: [amount]")
        + "repartition: {partitions: 3}\n";
    let jobs = load(&text).unwrap();
    assert_eq!((jobs[0].repartition(), jobs[0].is_shared()), (Some(3), true));
    for (from, to, line) in [
        ("partitions: 3", "partitions: 0", 16),
        ("partitions: 3", "partitions: 10001", 16),
        ("partitions: 3", "partitions: few", 16),
        ("partitions: 3", "pieces: 3", 16),
        ("{partitions: 3}", "true", 16),
        ("  topic: spent\n", "", 15),
        ("partition_key: [amount]", "partition_key: [user]", 16),
        ("job: spent", "job: spent by user", 16),
    ] {
        refused(&text, from, to, line);
    }
}
