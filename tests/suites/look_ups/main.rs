//! Many rows at once, as clients ask for them: bulk look-ups, Arrow, one user against many candidates.

mod arrow;
mod batch_get;
mod interactions;
mod memory;

use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value as Key};
use larder_tests::{RedisServer, Repository, Server};
use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};

const DEFINITIONS: &str = r#"
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, PushSource, RequestSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Float64, Int64, String

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.INT64)

def view(name, entity, schema):
    rows = FileSource(name=f"{name}_rows", path=f"data/{name}.parquet", timestamp_field="event_timestamp")
    source = PushSource(name=f"{name}_push", batch_source=rows)
    return FeatureView(name=name, entities=[entity], ttl=timedelta(0), schema=schema, source=source)

stats = view("stats", driver, [
    Field(name="trips", dtype=Int64),
    Field(name="rating", dtype=Float64),
    Field(name="home", dtype=String),
    Field(name="scores", dtype=Array(Int64)),
])
prices = view("prices", item, [Field(name="price", dtype=Float64)])
stock = view("stock", item, [Field(name="pieces", dtype=Int64)])
context = RequestSource(name="context", schema=[Field(name="budget", dtype=Float64)])

@on_demand_feature_view(
    sources=[stats, prices, context],
    schema=[Field(name="price_per_trip", dtype=Float64), Field(name="fits", dtype=Int64)],
    mode="python",
)
def match(inputs):
    return {
        "price_per_trip": [p / t if t else None for p, t in zip(inputs["price"], inputs["trips"])],
        "fits": [1 if p <= b else 0 for p, b in zip(inputs["price"], inputs["budget"])],
    }
"#;

/// When every row was written.
const TIME: &str = "2026-01-31T12:00:00Z";

/// [`TIME`] in microseconds.
const MICROS: i64 = 1_769_860_800_000_000;

/// An applied repository on this store, whose project is that of this process.
fn applied(store: &str) -> Repository {
    let settings = format!(
        "project: rides_{}\nregistry: data/registry.db\nprovider: local\nonline_store: {store}\n\
         entity_key_serialization_version: 3\n",
        std::process::id()
    );
    let repository = Repository::with(&[
        ("feature_store.yaml", settings.as_str()),
        ("definitions.py", DEFINITIONS),
    ]);
    repository.fs().ok(&["apply"]);
    repository
}

fn redis(server: &RedisServer) -> String {
    format!("{{type: redis, connection_string: \"{}\"}}", server.address())
}

/// Pushes these columns to a view, whose rows are as many as the first has.
fn push(server: &Server, view: &str, columns: &[(&str, Vec<Value>)]) {
    let rows = columns.first().map_or(0, |(_, values)| values.len());
    let mut df: serde_json::Map<String, Value> =
        columns.iter().map(|(name, values)| ((*name).to_owned(), json!(values))).collect();
    df.insert("event_timestamp".to_owned(), json!(vec![TIME; rows]));
    let body = json!({"push_source_name": format!("{view}_push"), "df": df});
    let answer = server.post("/push", &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// What is stored of a driver.
fn trips(driver: i64) -> Option<i64> {
    (driver % 3 != 0).then_some(driver * 7)
}

/// Drivers below this number, with trips unless it is a multiple of three; `home` is as long as asked.
fn push_drivers(server: &Server, drivers: i64, home: impl Fn(i64) -> String) {
    // A request has 8 MiB at most.
    let widest = home(0).len().max(home(drivers - 1).len());
    let step = ((4 << 20) / widest).clamp(1, 2_000);
    for first in (0..drivers).step_by(step) {
        let ids = || (first..drivers).take(step);
        let columns = [
            ("driver_id", ids().map(Value::from).collect()),
            ("trips", ids().map(|id| json!(trips(id))).collect()),
            ("rating", ids().map(|id| json!(id as f64 / 4.0)).collect()),
            ("home", ids().map(|id| json!(home(id))).collect()),
            ("scores", ids().map(|id| json!([id, -id])).collect()),
        ];
        push(server, "stats", &columns);
    }
}

fn keys(ids: impl IntoIterator<Item = i64>) -> RepeatedValue {
    let key = |id| Key { val: Some(Val::Int64Val(id)) };
    RepeatedValue { val: ids.into_iter().map(key).collect() }
}

async fn channel(server: &Server) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc_address()));
    endpoint.expect("an address").connect().await.expect("it listens")
}
