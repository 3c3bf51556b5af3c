use std::collections::BTreeMap;

use larder_core::Compat;
use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::serving::serving_service_client::ServingServiceClient;
use larder_proto::feast::serving::{
    FeatureList, FieldStatus, GetFeastServingInfoRequest, GetOnlineFeaturesRequest,
};
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value};
use larder_proto::larder::recommendation::v1 as recommendation;
use recommendation::CandidateStatus::{Incomplete, ItemNotFound, Present, UserNotFound};
use recommendation::recommendation_service_client::RecommendationServiceClient;
use tonic::transport::Channel;

use crate::fixture::Shop;

fn value(val: Val) -> Value {
    Value { val: Some(val) }
}

fn text(text: &str) -> Value {
    value(Val::StringVal(text.to_owned()))
}

async fn channel(shop: &Shop) -> Channel {
    Channel::from_shared(format!("http://{}", shop.grpc)).unwrap().connect().await.unwrap()
}

fn interaction_request(user: i64, items: &[&str]) -> recommendation::GetInteractionFeaturesRequest {
    recommendation::GetInteractionFeaturesRequest {
        kind: Some(recommendation::get_interaction_features_request::Kind::Features(FeatureList {
            val: vec!["interaction:price_vs_spend".to_owned(), "interaction:is_evening".to_owned()],
        })),
        user_join_key: "user_id".to_owned(),
        user_id: Some(value(Val::Int64Val(user))),
        item_join_key: "item_id".to_owned(),
        item_ids: Some(RepeatedValue { val: items.iter().map(|item| text(item)).collect() }),
        request_context: BTreeMap::from([("hour".to_owned(), value(Val::Int32Val(19)))]),
        full_feature_names: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_serving_service_answers_columns_with_join_keys_first() {
    let shop = Shop::open(Compat::Larder).await;
    let mut client = ServingServiceClient::new(channel(&shop).await);
    let info = client.get_feast_serving_info(GetFeastServingInfoRequest {}).await.unwrap();
    assert!(!info.into_inner().version.is_empty());
    let request = GetOnlineFeaturesRequest {
        kind: Some(Kind::Features(FeatureList { val: vec!["user_stats:visits".to_owned()] })),
        // Feast 0.67 would look an int32 up under another key; the declared type decides here.
        entities: BTreeMap::from([(
            "user_id".to_owned(),
            RepeatedValue { val: vec![value(Val::Int32Val(1)), value(Val::Int64Val(9))] },
        )]),
        ..GetOnlineFeaturesRequest::default()
    };
    let answer = client.get_online_features(request).await.unwrap().into_inner();
    assert_eq!(answer.metadata.unwrap().feature_names.unwrap().val, ["user_id", "visits"]);
    let visits = &answer.results[1];
    assert_eq!(visits.values, [value(Val::Int64Val(7)), Value::default()]);
    assert_eq!(visits.statuses, [FieldStatus::Present as i32, FieldStatus::NotFound as i32]);
    assert_eq!(visits.event_timestamps.len(), 2);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_carry_their_grpc_code() {
    let shop = Shop::open(Compat::Larder).await;
    let mut client = ServingServiceClient::new(channel(&shop).await);
    for (kind, code) in [
        (Some(Kind::FeatureService("nope".to_owned())), tonic::Code::NotFound),
        (
            Some(Kind::Features(FeatureList { val: vec!["x".to_owned()] })),
            tonic::Code::InvalidArgument,
        ),
        (None, tonic::Code::InvalidArgument),
    ] {
        let request = GetOnlineFeaturesRequest { kind, ..GetOnlineFeaturesRequest::default() };
        assert_eq!(client.get_online_features(request).await.unwrap_err().code(), code);
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interaction_features_are_aligned_with_the_candidates() {
    let shop = Shop::open(Compat::Larder).await;
    let mut client = RecommendationServiceClient::new(channel(&shop).await);
    let request = interaction_request(1, &["b", "a", "zzz", "b"]);
    let answer = client.get_interaction_features(request).await.unwrap().into_inner();
    let names: Vec<_> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["price_vs_spend", "is_evening"]);
    let half = value(Val::DoubleVal(0.5));
    assert_eq!(
        answer.columns[0].values,
        [half.clone(), value(Val::DoubleVal(0.25)), Value::default(), half]
    );
    assert_eq!(answer.columns[1].values, vec![value(Val::BoolVal(true)); 4]);
    assert_eq!(
        answer.candidate_statuses,
        [Present as i32, Present as i32, ItemNotFound as i32, Present as i32]
    );
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_users_and_incomplete_inputs_are_statuses_not_errors() {
    let shop = Shop::open(Compat::Larder).await;
    let mut client = RecommendationServiceClient::new(channel(&shop).await);
    for (user, item, status) in [
        (9, "a", UserNotFound),
        (3, "a", Incomplete),
        (2, "a", Incomplete),
        (3, "zzz", ItemNotFound),
    ] {
        let answer = client
            .get_interaction_features(interaction_request(user, &[item]))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.candidate_statuses, [status as i32], "user {user}, item {item}");
        assert_eq!(answer.columns[0].values, [Value::default()]);
    }
    let empty =
        client.get_interaction_features(interaction_request(1, &[])).await.unwrap().into_inner();
    assert_eq!(empty, recommendation::GetInteractionFeaturesResponse::default());
    let mut wrong_key = interaction_request(1, &["a"]);
    wrong_key.user_join_key = "nope".to_owned();
    let code = client.get_interaction_features(wrong_key).await.unwrap_err().code();
    assert_eq!(code, tonic::Code::InvalidArgument);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_are_served() {
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

    let shop = Shop::open(Compat::Larder).await;
    let mut health = HealthClient::new(channel(&shop).await);
    for service in [
        "",
        "feast.serving.ServingService",
        "GrpcFeatureServer",
        "larder.recommendation.v1.RecommendationService",
    ] {
        let request = HealthCheckRequest { service: service.to_owned() };
        assert_eq!(
            health.check(request).await.unwrap().into_inner().status(),
            ServingStatus::Serving,
            "{service}"
        );
    }
    let mut reflection = ServerReflectionClient::new(channel(&shop).await);
    let request = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..ServerReflectionRequest::default()
    };
    let mut stream = reflection
        .server_reflection_info(futures::stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let Some(ServerReflectionResponse {
        message_response: Some(MessageResponse::ListServicesResponse(list)),
        ..
    }) = stream.message().await.unwrap()
    else {
        panic!("no list of services");
    };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&"feast.serving.ServingService"), "{names:?}");
    assert!(names.contains(&"larder.lookup.v1.LookupService"), "{names:?}");
    assert!(names.contains(&"larder.recommendation.v1.RecommendationService"), "{names:?}");
    shop.stop().await;
}
