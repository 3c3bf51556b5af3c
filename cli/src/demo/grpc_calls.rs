//! Calls to the gRPC server.

use std::collections::BTreeMap;

use larder_core::{Error, ErrorKind, Result};
use larder_proto::feast::serving::get_online_features_request::Kind as OnlineKind;
use larder_proto::feast::serving::serving_service_client::ServingServiceClient;
use larder_proto::feast::serving::{
    FeatureList, GetOnlineFeaturesRequest, GetOnlineFeaturesResponse,
};
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value};
use larder_proto::larder::recommendation::v1::get_interaction_features_request::Kind;
use larder_proto::larder::recommendation::v1::recommendation_service_client::RecommendationServiceClient;
use larder_proto::larder::recommendation::v1::{
    GetInteractionFeaturesRequest, GetInteractionFeaturesResponse,
};
use tonic::transport::{Channel, Endpoint};

async fn connect(port: u16) -> Result<Channel> {
    let url = format!("http://127.0.0.1:{port}");
    let endpoint = Endpoint::from_shared(url.clone())
        .map_err(|error| Error::internal("a loopback address is an address").with_source(error))?;
    endpoint.connect().await.map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("no answer from {url}")).with_source(error)
    })
}

fn refused(status: &tonic::Status) -> Error {
    Error::new(ErrorKind::Unavailable, format!("gRPC {:?}: {}", status.code(), status.message()))
}

/// `ServingService.GetOnlineFeatures` of a feature service for one key.
///
/// # Errors
/// `Unavailable` when the server does not answer with success.
pub(super) async fn get_online_features(
    port: u16,
    service: &str,
    (key, value): (&str, &str),
) -> Result<GetOnlineFeaturesResponse> {
    let request = GetOnlineFeaturesRequest {
        kind: Some(OnlineKind::FeatureService(service.to_owned())),
        entities: BTreeMap::from([(key.to_owned(), texts([value]))]),
        ..GetOnlineFeaturesRequest::default()
    };
    let mut client = ServingServiceClient::new(connect(port).await?);
    let answer = client.get_online_features(request).await.map_err(|status| refused(&status))?;
    Ok(answer.into_inner())
}

/// `RecommendationService.GetInteractionFeatures` of one user and many products.
///
/// # Errors
/// `Unavailable` when the server does not answer with success.
pub(super) async fn get_interaction_features(
    port: u16,
    features: &[&str],
    user: &str,
    products: &[String],
    device: &str,
) -> Result<GetInteractionFeaturesResponse> {
    let names = features.iter().map(|name| (*name).to_owned()).collect();
    let request = GetInteractionFeaturesRequest {
        kind: Some(Kind::Features(FeatureList { val: names })),
        user_join_key: "user_id".to_owned(),
        user_id: Some(text(user)),
        item_join_key: "product_id".to_owned(),
        item_ids: Some(texts(products.iter().map(String::as_str))),
        request_context: BTreeMap::from([("session_device".to_owned(), text(device))]),
        ..GetInteractionFeaturesRequest::default()
    };
    let mut client = RecommendationServiceClient::new(connect(port).await?);
    let answer =
        client.get_interaction_features(request).await.map_err(|status| refused(&status))?;
    Ok(answer.into_inner())
}

fn text(value: &str) -> Value {
    Value { val: Some(Val::StringVal(value.to_owned())) }
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> RepeatedValue {
    RepeatedValue { val: values.into_iter().map(text).collect() }
}
