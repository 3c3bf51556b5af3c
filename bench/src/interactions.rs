//! Interaction features on Redis: one user against many candidates, at a rate.

use anyhow::{Result, ensure};
use bytes::Bytes;
use clap::Args;
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value};
use larder_proto::larder::recommendation::v1::get_interaction_features_request::Kind;
use larder_proto::larder::recommendation::v1::{
    CandidateStatus, GetInteractionFeaturesRequest, GetInteractionFeaturesResponse,
};
use larder_tests::{RedisServer, Repository, Server};
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::grpc::GrpcTarget;
use crate::load::{closed_loop, open_loop};
use crate::summary::figure;

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Candidates of a request.
    #[arg(long, default_value_t = 100)]
    candidates: usize,
    /// Requests per second.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// Connections at once.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Seconds per run.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Users, and items, in the store.
    #[arg(long, default_value_t = 10_000)]
    keys: i64,
    /// Layouts of rows on Redis.
    #[arg(long, value_delimiter = ',', default_values = ["feast", "packed"])]
    layouts: Vec<String>,
}

/// Different requests.
const REQUESTS: usize = 512;

/// Features of the user and of the item.
const FEATURES: usize = 10;

/// Rows of one push.
const ROWS: i64 = 2_000;

const DEFINITIONS: &str = r#"
from datetime import timedelta
from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, RequestSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64

def view(name):
    entity = Entity(name=name, join_keys=[f"{name}_id"], value_type=ValueType.INT64)
    rows = FileSource(name=f"{name}_rows", path=f"data/{name}.parquet", timestamp_field="event_timestamp")
    source = PushSource(name=f"{name}_push", batch_source=rows)
    schema = [Field(name=f"{name}_f{i}", dtype=Float64) for i in range(10)]
    return entity, FeatureView(name=f"{name}s", entities=[entity], ttl=timedelta(0), schema=schema, source=source)

user, users = view("user")
item, items = view("item")
context = RequestSource(name="context", schema=[Field(name="budget", dtype=Float64)])

@on_demand_feature_view(
    sources=[users, items, context],
    schema=[Field(name="ratio", dtype=Float64), Field(name="distance", dtype=Float64), Field(name="fits", dtype=Float64)],
    mode="python",
)
def match(inputs):
    return {
        "ratio": [a / b if b else None for a, b in zip(inputs["item_f0"], inputs["user_f0"])],
        "distance": [abs(a - b) for a, b in zip(inputs["item_f1"], inputs["user_f1"])],
        "fits": [1.0 if a <= b else 0.0 for a, b in zip(inputs["item_f2"], inputs["budget"])],
    }

ranking = FeatureService(name="ranking", features=[match, users, items])
"#;

/// Measures every layout.
pub(crate) fn run(options: &Options) -> Result<()> {
    let redis = RedisServer::start(&[]);
    println!(
        "interaction features on Redis: 1 user x {} candidates, {} stored and 3 computed features, gRPC, {} connections",
        options.candidates,
        2 * FEATURES,
        options.connections
    );
    println!(
        "{:>8} {:>12} {:>12} {:>8} {:>8} {:>8} {:>8} {:>20}",
        "layout", "asked/s", "answered/s", "p50 ms", "p99 ms", "max ms", "errors", "highest rate"
    );
    for layout in &options.layouts {
        measure(options, &redis, layout)?;
    }
    println!(
        "latencies: open loop, from when a request should have left; highest rate: closed loop"
    );
    Ok(())
}

fn measure(options: &Options, redis: &RedisServer, layout: &str) -> Result<()> {
    let settings = format!(
        "project: {layout}\nregistry: data/registry.db\nprovider: local\nentity_key_serialization_version: 3\n\
         online_store: {{type: redis, connection_string: \"{}\"}}\n",
        redis.address()
    );
    let repository = Repository::with(&[
        ("feature_store.yaml", settings.as_str()),
        ("definitions.py", DEFINITIONS),
        ("larder.yaml", &format!("online_store: {{layout: {layout}}}\n")),
    ]);
    repository.fs().ok(&["apply"]);
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    fill(&server, options.keys)?;
    let requests = requests(options);
    let method = "/larder.recommendation.v1.RecommendationService/GetInteractionFeatures";
    let target = GrpcTarget::new(server.grpc_address(), method, &requests)?;
    check(&target.call()?, options.candidates)?;
    let duration = std::time::Duration::from_secs(options.seconds);
    let highest = closed_loop(&target, options.connections, duration / 3)?;
    let open = open_loop(&target, options.connections, duration, options.rate)?;
    println!(
        "{layout:>8} {:>12} {:>12} {:>8} {:>8} {:>8} {:>8} {:>20}",
        figure(options.rate),
        figure(open.rate),
        figure(open.milliseconds(50.0)),
        figure(open.milliseconds(99.0)),
        figure(open.milliseconds(100.0)),
        open.errors,
        figure(highest.rate)
    );
    Ok(())
}

/// Pushes a row of random floats for every user and every item.
fn fill(server: &Server, keys: i64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(11);
    for name in ["user", "item"] {
        for first in (0..keys).step_by(usize::try_from(ROWS)?) {
            let ids: Vec<i64> = (first..keys.min(first + ROWS)).collect();
            let mut df = serde_json::Map::new();
            for feature in 0..FEATURES {
                let values: Vec<f64> = ids.iter().map(|_| random.random()).collect();
                df.insert(format!("{name}_f{feature}"), json!(values));
            }
            df.insert("event_timestamp".to_owned(), json!(vec!["2026-01-31T12:00:00Z"; ids.len()]));
            df.insert(format!("{name}_id"), json!(ids));
            let push = json!({"push_source_name": format!("{name}_push"), "df": df});
            let answer = server.post("/push", &push);
            ensure!(answer.status == 200, "a push was answered {}: {}", answer.status, answer.body);
        }
    }
    Ok(())
}

fn requests(options: &Options) -> Vec<Bytes> {
    let mut random = StdRng::seed_from_u64(7);
    let mut key = || Value { val: Some(Val::Int64Val(random.random_range(0..options.keys))) };
    let mut request = || GetInteractionFeaturesRequest {
        kind: Some(Kind::FeatureService("ranking".to_owned())),
        user_join_key: "user_id".to_owned(),
        user_id: Some(key()),
        item_join_key: "item_id".to_owned(),
        item_ids: Some(RepeatedValue { val: (0..options.candidates).map(|_| key()).collect() }),
        request_context: [("budget".to_owned(), Value { val: Some(Val::DoubleVal(0.5)) })].into(),
        full_feature_names: false,
    };
    (0..REQUESTS).map(|_| request().encode_to_vec().into()).collect()
}

/// A latency counts only for a whole answer.
fn check(answer: &Bytes, candidates: usize) -> Result<()> {
    let answer = GetInteractionFeaturesResponse::decode(answer.clone())?;
    ensure!(answer.columns.len() == 2 * FEATURES + 3, "{} columns", answer.columns.len());
    let present = CandidateStatus::Present as i32;
    let statuses = &answer.candidate_statuses;
    ensure!(statuses.len() == candidates, "{} candidates", statuses.len());
    ensure!(statuses.iter().all(|status| *status == present), "a candidate is not complete");
    Ok(())
}
