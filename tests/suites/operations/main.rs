//! `fs serve` as an operator sees it: logs, metrics, limits, shutdown.

mod access_log;
mod cassandra_down;
mod connections;
mod drain;
mod layouts;
mod metrics;
mod python_workers;
mod redis_down;
mod removal;
mod traces;

use larder_tests::{Repository, Server};
use serde_json::{Value, json};

const SETTINGS: &str = "project: rides\nregistry: data/registry.db\nprovider: local\n\
    online_store: {type: sqlite, path: data/online.db}\n";

const DEFINITIONS: &str = r#"
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Int64

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
rows = FileSource(name="rows", path="data/rows.parquet", timestamp_field="event_timestamp")
trips = FeatureView(
    name="trips", entities=[driver], ttl=timedelta(0), schema=[Field(name="count", dtype=Int64)],
    source=PushSource(name="trips_push", batch_source=rows),
)
"#;

/// An applied repository of one view that is filled by pushes.
fn applied() -> Repository {
    let repository =
        Repository::with(&[("feature_store.yaml", SETTINGS), ("definitions.py", DEFINITIONS)]);
    repository.fs().ok(&["apply"]);
    repository
}

/// A server with one driver who has seven trips.
fn served(repository: &Repository, arguments: &[&str]) -> Server {
    let server = Server::fs_with(&repository.path(), arguments);
    let row = json!({"push_source_name": "trips_push", "df": {
        "driver_id": [1], "count": [7], "event_timestamp": ["2026-01-31T12:00:00Z"]}});
    assert_eq!(server.post("/push", &row).status, 200);
    server
}

/// The request that [`served`] answers with 7.
fn request() -> Value {
    json!({"features": ["trips:count"], "entities": {"driver_id": [1]}})
}
