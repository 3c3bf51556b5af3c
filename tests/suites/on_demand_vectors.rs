//! Recorded joins and answers of on-demand views, from the definition to the written file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use larder_tests::{Feast, Repository, Server};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

const SETTINGS: &str = "project: recorded\nprovider: local\nregistry: data/registry.db\n\
    offline_store: {type: file}\nentity_key_serialization_version: 3\n";

const PANDAS: &str = r#"o["rate_plus"] = df["rate"] + df["bump"]"#;

/// The row before is another row, even if it is the same.
const PANDAS_CALLED: &str = r#"o["rate_plus"] = df["rate"] + df["bump"].shift(0)"#;

const PYTHON: &str = "None if a is None or b is None else a + b for";

const PYTHON_CALLED: &str =
    "None if a is None or b is None else sum(dict(zip(('a', 'b'), (a, b))).values()) for";

/// The repository of a case: its stored views in Python as `case.json` describes them, its on-demand view as recorded.
fn repository(name: &str) -> (Repository, Value) {
    let repository = Repository::copy_of(&format!("tests/vectors/offline/{name}"));
    let case: Value = serde_json::from_str(&repository.read("case.json")).expect("JSON");
    let mut stored = "from datetime import timedelta\n\
        from feast import Entity, FeatureView, Field, FileSource, ValueType\n\
        from feast.types import Float64, Int64\n"
        .to_owned();
    for view in case["feature_views"].as_array().expect("views") {
        stored.push_str(&stored_view(view));
    }
    repository.write("stored.py", stored);
    repository.write("feature_store.yaml", SETTINGS);
    (repository, case)
}

fn stored_view(view: &Value) -> String {
    let text = |key: &str| view[key].as_str().expect("text").to_owned();
    let pairs = |key: &str| -> Vec<(String, String)> {
        let pairs = view[key].as_array().expect("a list").iter();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
    };
    let name = text("name");
    let entities: Vec<String> = pairs("ents")
        .into_iter()
        .map(|(key, kind)| {
            assert_eq!(kind, "i64", "the cases have whole-number keys");
            format!("Entity(name='{key}', join_keys=['{key}'], value_type=ValueType.INT64)")
        })
        .collect();
    let fields: Vec<String> = pairs("feats")
        .into_iter()
        .map(|(feature, kind)| {
            let dtype = if kind == "f64" { "Float64" } else { "Int64" };
            format!("Field(name='{feature}', dtype={dtype})")
        })
        .collect();
    format!(
        "{name}_entities = {entity_list}\n[{name}_entity] = {name}_entities\n\
         {name}_source = FileSource(name='{name}_source', path='{path}', timestamp_field='{time}')\n\
         {name} = FeatureView(name='{name}', entities={name}_entities, source={name}_source,\n    \
         ttl=timedelta(seconds={ttl}), schema=[{field_list}])\n",
        entity_list = format_args!("[{}]", entities.join(", ")),
        path = text("source"),
        time = text("tsf"),
        ttl = view["ttl"],
        field_list = fields.join(", "),
    )
}

fn read(path: &Path) -> RecordBatch {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let schema = Arc::clone(rows.schema());
    let batches: Vec<_> = rows.build().expect("rows").map(|batch| batch.expect("rows")).collect();
    arrow_select::concat::concat_batches(&schema, &batches).expect("batches of one schema")
}

fn sorted_names(batch: &RecordBatch) -> Vec<String> {
    let mut names: Vec<String> =
        batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    names.sort();
    names
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"))
}

fn replay(name: &str) {
    let (repository, case) = repository(name);
    compare(name, &repository, &case);
}

/// The same join with a function that does not compile and computes the same, called by Python workers.
fn replay_called(name: &str, compiled: &str, called: &str) {
    let (repository, case) = repository(name);
    let text = repository.read("on_demand.py");
    assert!(text.contains(compiled), "{text}");
    repository.write("on_demand.py", text.replace(compiled, called));
    assert_eq!(repository.fs().run(&["plan"]).code, Some(1), "the function must not compile");
    let python = Feast::get().python().display().to_string();
    let workers = format!("{{count: 1, python: {python}, timeout_ms: 20000}}");
    repository.write("larder.yaml", format!("transform: {{python_workers: {workers}}}\n"));
    compare(name, &repository, &case);
}

fn compare(name: &str, repository: &Repository, case: &Value) {
    repository.fs().ok(&["apply"]);
    let features: Vec<&str> = case["features"]
        .as_array()
        .expect("features")
        .iter()
        .map(|feature| feature.as_str().expect("text"))
        .collect();
    let output = repository.file("joined.parquet");
    repository.fs().ok(&[
        "get-historical-features",
        "--entity-df",
        &repository.file("entity.parquet"),
        "--features",
        &features.join(","),
        "--output",
        &output,
    ]);
    let (ours, theirs) =
        (read(Path::new(&output)), read(&repository.path().join("expected.parquet")));
    assert_eq!(sorted_names(&ours), sorted_names(&theirs), "{name}");
    for column_name in sorted_names(&theirs) {
        let (got, wanted) = (column(&ours, &column_name), column(&theirs, &column_name));
        assert_eq!(got, wanted, "{name}: {column_name}");
    }
}

#[test]
fn a_pandas_view_is_joined_as_feast_joined_it() {
    replay("pit25_odfv_pandas");
}

#[test]
fn a_python_view_is_joined_as_feast_joined_it() {
    replay("pit26_odfv_python");
}

#[test]
fn a_pandas_view_that_python_calls_is_joined_as_feast_joined_it() {
    replay_called("pit25_odfv_pandas", PANDAS, PANDAS_CALLED);
}

#[test]
fn a_python_view_that_python_calls_is_joined_as_feast_joined_it() {
    replay_called("pit26_odfv_python", PYTHON, PYTHON_CALLED);
}

/// A value as JSON; whole numbers as floats, as pandas makes them where one is missing.
fn plain(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    if let Some(values) = column.as_primitive_opt::<Int64Type>() {
        return json!(f64::from(i32::try_from(values.value(row)).expect("a small number")));
    }
    if let Some(values) = column.as_primitive_opt::<Float64Type>() {
        return json!(values.value(row));
    }
    match column.as_boolean_opt() {
        Some(values) => json!(values.value(row)),
        None => json!(column.as_string::<i32>().value(row)),
    }
}

const SUBSTRAIT: [&str; 5] =
    ["trips:rate", "scores:score", "scores:busy", "scores:band", "scores:spare"];

#[test]
fn a_substrait_view_that_feast_stored_is_joined_as_feast_joined_it() {
    let repository = Repository::copy_of("tests/vectors/registry/substrait");
    let output = repository.file("joined.parquet");
    let entities = repository.file("entity.parquet");
    repository.fs().ok(&[
        "get-historical-features",
        "--entity-df",
        &entities,
        "--features",
        &SUBSTRAIT.join(","),
        "--output",
        &output,
    ]);
    let ours = read(Path::new(&output));
    let theirs = read(&repository.path().join("expected.parquet"));
    assert_eq!(ours.num_rows(), theirs.num_rows());
    for name in ["rate", "score", "busy", "band", "spare"] {
        for row in 0..theirs.num_rows() {
            let (got, wanted) = (column(&ours, name), column(&theirs, name));
            assert_eq!(plain(got, row), plain(wanted, row), "{name} of row {row}");
        }
    }
}

#[test]
fn a_substrait_view_that_feast_stored_is_served_as_feast_served_it() {
    let repository = Repository::copy_of("tests/vectors/registry/substrait");
    repository.fs().ok(&["materialize", "2026-01-30T00:00:00", "2026-01-31T13:00:00"]);
    let server = Server::fs(&repository.path());
    let recorded: Vec<Value> = serde_json::from_str(&repository.read("online.json")).expect("JSON");
    for case in &recorded {
        let entities: serde_json::Map<String, Value> = case["entity"]
            .as_object()
            .expect("a row")
            .iter()
            .map(|(name, value)| (name.clone(), json!([value])))
            .collect();
        let request = json!({"features": SUBSTRAIT, "entities": entities});
        let answer = server.post("/get-online-features", &request);
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        // Feast fails where a column holds nothing but nulls.
        let Some(wanted) = case["answer"].as_object() else { continue };
        let names = answer["metadata"]["feature_names"].as_array().expect("names");
        for (name, wanted) in wanted {
            let at = names.iter().position(|found| found == name).expect("what was asked for");
            assert_eq!(answer["results"][at]["values"][0], *wanted, "{name} of {case}");
        }
    }
}
