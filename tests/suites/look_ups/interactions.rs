use larder_proto::feast::serving::{FeatureList, FieldStatus};
use larder_proto::feast::types::Value as Key;
use larder_proto::feast::types::value::Val;
use larder_proto::larder::recommendation::v1::get_interaction_features_request::Kind;
use larder_proto::larder::recommendation::v1::recommendation_service_client::RecommendationServiceClient;
use larder_proto::larder::recommendation::v1::{
    GetInteractionFeaturesRequest, GetInteractionFeaturesResponse,
};
use larder_tests::{RedisServer, Server};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tonic::Code;

use crate::{applied, channel, keys, push, push_drivers, redis};

/// As many candidates as one call may have.
const CANDIDATES: i64 = 1_000;

/// The user.
const DRIVER: i64 = 4;

fn request(candidates: i64) -> GetInteractionFeaturesRequest {
    let features = ["match:price_per_trip", "match:fits", "stock:pieces", "stats:rating"];
    let features = FeatureList { val: features.map(str::to_owned).to_vec() };
    let budget = Key { val: Some(Val::DoubleVal(500.0)) };
    GetInteractionFeaturesRequest {
        kind: Some(Kind::Features(features)),
        user_join_key: "driver_id".to_owned(),
        user_id: keys([DRIVER]).val.pop(),
        item_join_key: "item_id".to_owned(),
        item_ids: Some(keys(0..candidates)),
        request_context: [("budget".to_owned(), budget)].into(),
        full_feature_names: false,
    }
}

fn call(
    server: &Server,
    request: GetInteractionFeaturesRequest,
) -> Result<GetInteractionFeaturesResponse, tonic::Status> {
    Runtime::new().expect("an event loop").block_on(async {
        let mut client = RecommendationServiceClient::new(channel(server).await);
        Ok(client.get_interaction_features(request).await?.into_inner())
    })
}

/// A server with the driver and all candidates.
fn served(store: &RedisServer, larder: &str) -> (larder_tests::Repository, Server) {
    let repository = applied(&redis(store));
    repository.write("larder.yaml", larder);
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    push_drivers(&server, 10, |id| format!("town {id}"));
    let ids = || 0..CANDIDATES;
    let items = || ids().map(Value::from).collect();
    let prices = ids().map(|id| json!(id as f64)).collect();
    push(&server, "prices", &[("item_id", items()), ("price", prices)]);
    push(&server, "stock", &[("item_id", items()), ("pieces", items())]);
    (repository, server)
}

/// What Redis was asked since the last time: calls by command, and how often it had to read for it.
fn asked(connection: &mut redis::Connection) -> (Vec<(String, u64)>, u64) {
    let mut info = |section: &str| -> String {
        redis::cmd("INFO").arg(section).query(connection).expect("redis tells")
    };
    let (commands, stats) = (info("commandstats"), info("stats"));
    redis::cmd("CONFIG").arg("RESETSTAT").exec(connection).expect("redis forgets");
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let calls = commands.lines().filter_map(|line| {
        let (name, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), number(figures.split(',').next()?)))
    });
    let own = ["info", "config|resetstat", "ping", "client|setinfo", "hello", "select"];
    let calls = calls.filter(|(name, _)| !own.contains(&name.as_str())).collect();
    let reads = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
    (calls, number(reads.expect("redis counts reads").trim()))
}

fn check(answer: &GetInteractionFeaturesResponse) {
    let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    // Stored features first, as in every answer.
    assert_eq!(names, ["pieces", "rating", "price_per_trip", "fits"]);
    for (at, item) in (0..CANDIDATES).enumerate() {
        let values: Vec<_> =
            answer.columns.iter().map(|column| column.values[at].val.clone()).collect();
        let expected = [
            Some(Val::Int64Val(item)),
            Some(Val::DoubleVal(1.0)),
            Some(Val::DoubleVal(item as f64 / 28.0)),
            Some(Val::Int64Val(i64::from(item <= 500))),
        ];
        assert_eq!(values, expected, "item {item}");
    }
    let statuses = answer.columns.iter().flat_map(|column| &column.statuses);
    assert!(statuses.into_iter().all(|status| *status == FieldStatus::Present as i32));
}

/// Reads of the server that a pipeline of so many commands may take: it is larger than one buffer, and comes in packets.
const READS: u64 = 100;

#[test]
fn a_thousand_candidates_cost_one_pipeline_and_one_command_per_key() {
    // Two views of the item share its key, and Feast's layout keeps both under it.
    let both = CANDIDATES.unsigned_abs() + 1;
    for larder in ["", "online_store: {layout: packed}\n"] {
        let store = RedisServer::start(&[]);
        let (_repository, server) = served(&store, larder);
        // The first call connects.
        check(&call(&server, request(CANDIDATES)).expect("features"));
        let mut connection = store.connection();
        asked(&mut connection);
        check(&call(&server, request(CANDIDATES)).expect("features"));
        let (calls, reads) = asked(&mut connection);
        assert_eq!(calls, [("hmget".to_owned(), both)], "{larder}");
        assert!(reads < READS, "{reads} reads for {both} commands: they were not sent together");
    }
}

#[test]
fn more_candidates_than_allowed_are_refused_without_asking_the_store() {
    let store = RedisServer::start(&[]);
    let (_repository, server) = served(&store, "serving: {limits: {candidates: 100}}\n");
    let mut connection = store.connection();
    asked(&mut connection);
    let refused = call(&server, request(101)).expect_err("one too many");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("candidates"), "{refused}");
    assert_eq!(asked(&mut connection).0, []);
    assert_eq!(call(&server, request(100)).expect("features").candidate_statuses.len(), 100);
}
