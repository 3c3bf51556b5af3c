//! Materialization as real Feast recorded it, through the real engine into both local stores.
//!
//! One test per folder `tests/vectors/offline/mat*` and store. Where Feast is wrong the canonical answer is
//! judged: null keys are left out (mat03), the event-time guard holds (mat08).

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use larder_core::{
    Catalog, CatalogParts, FeatureView, Field, FixedClock, Interval, Timestamp, Value, ValueType,
};
use larder_materializer::{
    Counts, Materializer, MaterializerSettings, Silent, ViewTask, full, incremental,
};
use larder_online_store::OnlineStore;
use larder_proto::convert::decode_value;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value as Json, json};

use support::{Intervals, file_source, offline, online, table, view};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/offline");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("the vectors are committed")
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| name_of(path).starts_with("mat"))
        .collect();
    cases.sort();
    assert!(cases.len() >= 10, "vectors are missing: {}", cases.len());
    let trials = cases
        .iter()
        .flat_map(|case| {
            let stores = [("sqlite", None), ("embedded", None), ("embedded", Some(1))];
            stores.map(|(store, memory_limit)| trial(case.clone(), store, memory_limit))
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a folder has a name").to_string_lossy().into_owned()
}

fn trial(folder: PathBuf, store: &'static str, memory_limit: Option<usize>) -> Trial {
    let memory = memory_limit.map_or("", |_| "::without_memory");
    Trial::test(format!("{}::{store}{memory}", name_of(&folder)), move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(check(&folder, store, memory_limit))
    })
}

async fn check(folder: &Path, kind: &str, memory_limit: Option<usize>) -> Result<(), Failed> {
    let case: Json = serde_json::from_slice(&std::fs::read(folder.join("case.json"))?)?;
    let home = tempfile::tempdir()?;
    let store = online(kind, home.path());
    let mut view = view_of(&case["feature_views"][0]);
    store.update(&[table(&view)], &[]).await?;
    let recorder = Arc::new(Intervals::refusing(None));
    let materializer = Materializer::new(
        offline(folder),
        Arc::clone(&store),
        Arc::clone(&recorder) as Arc<_>,
        Arc::new(FixedClock(Timestamp::EPOCH)),
        MaterializerSettings { batch_rows: 3, memory_limit, ..MaterializerSettings::default() },
    );
    let mut counts = Counts::default();
    for interval in intervals(&case, &mut view) {
        let tasks = [ViewTask::new(Arc::new(view.clone()), false, interval)];
        let reports = materializer.run(support::PROJECT, &tasks, &Silent).await?;
        counts = reports[0].counts;
        view.meta.materialization_intervals.push(interval);
    }
    let name = case["id"].as_str().expect("a case has an id");
    check_intervals(&case, &recorder.of(&view.name))?;
    let expected = expected_online(name, &case);
    for row in expected.as_array().expect("a list of rows") {
        check_row(name, &view, row, store.as_ref()).await?;
    }
    let null_keys = u64::from(name == "mat03_null_key");
    if counts.null_keys != null_keys {
        return Err(format!("{} rows without a key", counts.null_keys).into());
    }
    Ok(())
}

fn view_of(json: &Json) -> FeatureView {
    let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    let mut source = file_source(&text("source"), &text("tsf"), &text("created"));
    for (column, name) in json["fmap"].as_object().expect("a map") {
        source.field_mapping.insert(column.clone(), name.as_str().expect("a name").to_owned());
    }
    let mut view = view(&text("name"), fields(&json["ents"]), fields(&json["feats"]), source);
    view.ttl = json["ttl"].as_f64().map(Duration::from_secs_f64);
    view
}

fn fields(json: &Json) -> Vec<Field> {
    let field = |pair: &Json| {
        let value_type = match pair[1].as_str().expect("a type") {
            "f64" => ValueType::Double,
            "i64" => ValueType::Int64,
            "str" => ValueType::String,
            other => panic!("type {other} is not expected in these vectors"),
        };
        Field::new(pair[0].as_str().expect("a name"), value_type)
    };
    json.as_array().expect("a list").iter().map(field).collect()
}

/// The intervals of the steps; each incremental one sees what the steps before recorded.
fn intervals(case: &Json, view: &mut FeatureView) -> Vec<Interval> {
    let at = |json: &Json| instant(json.as_str().expect("a time"));
    let whole = || vec![full(at(&case["start_date"]), at(&case["end_date"])).expect("in order")];
    let Some(steps) = case["steps"].as_array() else { return whole() };
    let nothing = Catalog::new(CatalogParts::default());
    let mut seen = view.clone();
    steps
        .iter()
        .map(|step| {
            let interval = match step[0].as_str() {
                Some("materialize") => full(at(&step[1]), at(&step[2])).expect("in order"),
                _ => incremental(&nothing, &seen, at(&step[2]), Timestamp::EPOCH),
            };
            seen.meta.materialization_intervals.push(interval);
            interval
        })
        .collect()
}

fn check_intervals(case: &Json, recorded: &[Interval]) -> Result<(), Failed> {
    let Some(expected) = case["engines"]["dask"]["intervals"].as_array() else { return Ok(()) };
    let at = |json: &Json| instant(json.as_str().expect("a time"));
    let expected: Vec<Interval> =
        expected.iter().map(|pair| Interval { start: at(&pair[0]), end: at(&pair[1]) }).collect();
    if recorded == expected { Ok(()) } else { Err(format!("{recorded:?}").into()) }
}

/// What Feast served afterwards, or the canonical answer where Feast is wrong.
fn expected_online(name: &str, case: &Json) -> Json {
    let row = |key: Json, rate: f64, trips: i64| {
        let cell =
            |value: Json| json!({"value": value, "status": 1, "event_ts": "2024-03-10T12:00:00Z"});
        json!([{"driver": {"value": key}, "rate": cell(json!(rate)), "trips": cell(json!(trips))}])
    };
    match name {
        "mat03_null_key" => row(json!("a"), 0.1, 1),
        "mat08_older_range_after_newer" => row(json!(1), 0.3, 3),
        _ => case["engines"]["dask"]["online"].clone(),
    }
}

async fn check_row(
    name: &str,
    view: &FeatureView,
    row: &Json,
    store: &dyn OnlineStore,
) -> Result<(), Failed> {
    let key = key_of(view, row);
    let stored = store.read(&table(view), &[&key]).await?;
    for (index, field) in view.features.iter().enumerate() {
        let expected = &row[&field.name];
        let missing = expected["status"] == 3;
        let time = stored.event_timestamp(0).map(Timestamp::from_micros);
        let wanted = (!missing).then(|| instant(expected["event_ts"].as_str().expect("a time")));
        if time != wanted {
            return Err(format!("{row}: stored at {time:?}").into());
        }
        let value = stored.cell(0, index).bytes().map(decode_value).transpose()?;
        // Rows that are equal in every time: any of them may win (mat04).
        let is_free = name.starts_with("mat04");
        let wanted = (!missing).then(|| value_of(&expected["value"], field.value_type));
        if value != wanted && !is_free {
            return Err(format!("{row}: \"{}\" is {value:?}", field.name).into());
        }
    }
    Ok(())
}

fn key_of(view: &FeatureView, row: &Json) -> Vec<u8> {
    if view.is_entityless() {
        let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &[larder_core::DUMMY_JOIN_KEY]);
        return layout.expect("one name").encode(&[Value::from("")]).expect("a text");
    }
    let names: Vec<&str> = view.entity_columns.iter().map(|field| field.name.as_str()).collect();
    let values: Vec<Value> = view
        .entity_columns
        .iter()
        .map(|field| value_of(&row[&field.name]["value"], field.value_type))
        .collect();
    let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &names).expect("distinct names");
    layout.encode(&values).expect("keys that Feast has")
}

fn value_of(json: &Json, value_type: ValueType) -> Value {
    match (json, value_type) {
        (Json::Null, _) => Value::Null,
        (Json::String(text), _) => Value::from(text.as_str()),
        (number, ValueType::Int64) => Value::from(number.as_i64().expect("an integer")),
        (number, _) => Value::from(number.as_f64().expect("a number")),
    }
}

/// An instant in ISO 8601 with an offset such as `+05:30`.
fn instant(text: &str) -> Timestamp {
    let parsed = chrono::DateTime::parse_from_rfc3339(text).expect("RFC 3339");
    Timestamp::from_micros(parsed.timestamp_micros())
}
