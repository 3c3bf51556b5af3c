//! The main job on real data: 69 659 purchases of the CDNOW log, with every joined row checked.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{BooleanArray, RecordBatch};
use larder_core::{DataSource, SourceKind, ValueType};
use larder_offline_store::{HistoricalFeature, HistoricalView, JoinKey, oracle};
use larder_tests::{Feast, Repository, Server};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

/// `rfm` forgets after half a year; `rfm_latest` never does and is what gets served.
const DEFINITIONS: &str = r#"
from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)
purchases = FileSource(name="rfm", path="data/rfm.parquet", timestamp_field="event_timestamp")
FEATURES = {"frequency": Int64, "recency_days": Float64, "monetary": Float64}

views = [("rfm", timedelta(days=180)), ("rfm_latest", timedelta(0))]
rfm, rfm_latest = [
    FeatureView(
        name=name,
        entities=[customer],
        ttl=ttl,
        schema=[Field(name=feature, dtype=dtype) for feature, dtype in FEATURES.items()],
        source=purchases,
    )
    for name, ttl in views
]

customer_value = FeatureService(name="customer_value", features=[rfm_latest])
"#;

const SETTINGS: &str = "project: cdnow\nprovider: local\nregistry: data/registry.db\n\
    offline_store: {type: file}\nentity_key_serialization_version: 3\n";

/// The judge compares every pair of rows: customers are checked in so many groups.
const GROUPS: i64 = 1_000;

const PURCHASES: usize = 69_659;

/// Features of one row: frequency, recency, monetary value.
type Features = (Option<i64>, Option<f64>, Option<f64>);

fn repository() -> Repository {
    let repository =
        Repository::with(&[("feature_store.yaml", SETTINGS), ("definitions.py", DEFINITIONS)]);
    Feast::get().script("cdnow.py", &[&repository.file("data")]);
    repository.fs().ok(&["apply"]);
    repository
}

fn read(path: &Path) -> RecordBatch {
    let file = File::open(path).expect("the file exists");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("the file is Parquet");
    let schema = std::sync::Arc::clone(reader.schema());
    let batches: Result<Vec<_>, _> = reader.build().expect("a reader").collect();
    arrow_select::concat::concat_batches(&schema, &batches.expect("whole batches"))
        .expect("batches of one schema")
}

fn integers(rows: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    let column = rows.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
    column.as_primitive::<Int64Type>().iter().collect()
}

fn features(rows: &RecordBatch, prefix: &str) -> Vec<Features> {
    let floats = |name: &str| {
        let name = format!("{prefix}{name}");
        let column = rows.column_by_name(&name).unwrap_or_else(|| panic!("no column {name}"));
        column.as_primitive::<Float64Type>().iter().collect::<Vec<_>>()
    };
    let (recency, monetary) = (floats("recency_days"), floats("monetary"));
    let frequency = integers(rows, &format!("{prefix}frequency"));
    frequency
        .into_iter()
        .zip(recency.into_iter().zip(monetary))
        .map(|(f, (r, m))| (f, r, m))
        .collect()
}

/// The rows of the customers of one group.
fn group(rows: &RecordBatch, group: i64) -> RecordBatch {
    let customers = integers(rows, "customer_id");
    let kept: BooleanArray =
        customers.iter().map(|id| id.map(|id| id.rem_euclid(GROUPS) == group)).collect();
    arrow_select::filter::filter_record_batch(rows, &kept).expect("one flag per row")
}

/// The view of the repository, as the judge takes it.
fn view(name: &str, days: u64) -> HistoricalView {
    let kind = SourceKind::File {
        uri: "data/rfm.parquet".to_owned(),
        format: None,
        s3_endpoint_override: String::new(),
    };
    let source = DataSource {
        timestamp_field: "event_timestamp".to_owned(),
        ..DataSource::new("rfm", kind)
    };
    let feature = |feature: &str, value_type| HistoricalFeature {
        name: feature.to_owned(),
        output: format!("{name}__{feature}"),
        value_type,
    };
    HistoricalView {
        name: name.to_owned(),
        source,
        join_keys: vec![JoinKey {
            view_column: "customer_id".to_owned(),
            entity_column: "customer_id".to_owned(),
        }],
        features: vec![
            feature("frequency", ValueType::Int64),
            feature("recency_days", ValueType::Double),
            feature("monetary", ValueType::Double),
        ],
        ttl: Some(std::time::Duration::from_secs(days * 86_400)),
        materialized: Vec::new(),
    }
}

/// What the oracle says about every purchase, by purchase number.
fn judged(purchases: &RecordBatch, rows: &RecordBatch) -> BTreeMap<i64, (Features, Features)> {
    let mut judged = BTreeMap::new();
    for number in 0..GROUPS {
        let rows = group(rows, number);
        let views = [(view("rfm", 180), rows.clone()), (view("rfm_latest", 0), rows)];
        let entity = group(purchases, number);
        let by_event = oracle::Visibility::ByEvent;
        let joined = oracle::point_in_time_join(&entity, "event_timestamp", &views, by_event)
            .expect("the oracle answers");
        judged.extend(by_purchase(&joined));
    }
    judged
}

fn by_purchase(joined: &RecordBatch) -> BTreeMap<i64, (Features, Features)> {
    let purchases = integers(joined, "purchase").into_iter().map(|id| id.expect("numbered"));
    let both = features(joined, "rfm__").into_iter().zip(features(joined, "rfm_latest__"));
    purchases.zip(both).collect()
}

#[test]
fn every_purchase_is_joined_as_the_oracle_says() {
    let repository = repository();
    let (entity, output) =
        (repository.file("data/purchases.parquet"), repository.file("joined.parquet"));
    let all = ["frequency", "recency_days", "monetary"];
    let references: Vec<String> = ["rfm", "rfm_latest"]
        .iter()
        .flat_map(|view| all.iter().map(move |feature| format!("{view}:{feature}")))
        .collect();
    repository.fs().ok(&[
        "get-historical-features",
        "--entity-df",
        &entity,
        "--features",
        &references.join(","),
        "--full-feature-names",
        "--output",
        &output,
    ]);
    let joined = read(Path::new(&output));
    assert_eq!(joined.num_rows(), PURCHASES);
    let found = by_purchase(&joined);
    let rows = read(&repository.path().join("data/rfm.parquet"));
    let expected = judged(&read(Path::new(&entity)), &rows);
    assert_eq!(found.len(), PURCHASES, "every purchase once");
    for (purchase, expected) in &expected {
        assert_eq!(&found[purchase], expected, "purchase {purchase}");
    }
    let (forgetting, keeping) = (count(&found, |row| &row.0), count(&found, |row| &row.1));
    assert!(0 < forgetting && forgetting < keeping, "the ttl matters: {forgetting}, {keeping}");
}

/// Purchases with a known frequency.
fn count(
    rows: &BTreeMap<i64, (Features, Features)>,
    view: impl Fn(&(Features, Features)) -> &Features,
) -> usize {
    rows.values().filter(|row| view(row).0.is_some()).count()
}

#[test]
fn every_customer_is_served_with_the_newest_values() {
    let repository = repository();
    repository.fs().ok(&["materialize", "1997-01-01T00:00:00", "1999-01-01T00:00:00"]);
    let rows = read(&repository.path().join("data/rfm.parquet"));
    // The file is in the order of time within each customer: the last row stays.
    let newest: BTreeMap<i64, Features> = integers(&rows, "customer_id")
        .into_iter()
        .map(|id| id.expect("a customer"))
        .zip(features(&rows, ""))
        .collect();
    let server = Server::fs(&repository.path());
    let customers: Vec<i64> = newest.keys().copied().collect();
    assert_eq!(customers.len(), 23_570);
    for page in customers.chunks(1_000) {
        let request =
            json!({"feature_service": "customer_value", "entities": {"customer_id": page}});
        let answer = server.post("/get-online-features", &request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = answer.json();
        for (row, customer) in page.iter().enumerate() {
            assert_eq!(served(&answer, row), newest[customer], "customer {customer}");
        }
    }
}

/// The features of one row of an online answer.
fn served(answer: &Value, row: usize) -> Features {
    let names = answer["metadata"]["feature_names"].as_array().expect("names");
    let value = |name: &str| {
        let column = names.iter().position(|known| known == name).expect("the feature is answered");
        &answer["results"][column]["values"][row]
    };
    (value("frequency").as_i64(), value("recency_days").as_f64(), value("monetary").as_f64())
}
