//! `feast.serving.ServingService`.

use std::sync::Arc;

use larder_core::Result;
use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::serving::serving_service_server::ServingService;
use larder_proto::feast::serving::{
    GetFeastServingInfoRequest, GetFeastServingInfoResponse, GetOnlineFeaturesRequest,
    GetOnlineFeaturesResponse,
};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{answer, request};
use crate::FeatureServer;
use crate::metrics::{Stage, Stages};
use crate::online::OnlineRequest;
use crate::status::grpc_status;

/// The service that Feast's Go and Java servers offer.
#[derive(Debug, Clone)]
pub(crate) struct Serving(pub(crate) FeatureServer);

#[tonic::async_trait]
impl ServingService for Serving {
    async fn get_feast_serving_info(
        &self,
        _: Request<GetFeastServingInfoRequest>,
    ) -> Result<Response<GetFeastServingInfoResponse>, Status> {
        Ok(Response::new(GetFeastServingInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }))
    }

    async fn get_online_features(
        &self,
        message: Request<GetOnlineFeaturesRequest>,
    ) -> Result<Response<GetOnlineFeaturesResponse>, Status> {
        let (metadata, encoded, extensions) =
            self.encoded_online_features(message).await?.into_parts();
        let answer = GetOnlineFeaturesResponse::decode(encoded.as_slice())
            .map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::from_parts(metadata, answer, extensions))
    }
}

impl Serving {
    /// The answer to `GetOnlineFeatures` as bytes of a `GetOnlineFeaturesResponse`.
    pub(super) async fn encoded_online_features(
        &self,
        message: Request<GetOnlineFeaturesRequest>,
    ) -> Result<Response<Vec<u8>>, Status> {
        let service = self.0.online();
        let refuse = |error| grpc_status(&error, service.config().compat);
        let budget = request::budget(&message);
        let request = online_request(message.into_inner()).map_err(refuse)?;
        let answer = service.get_online_features_within(&request, budget).await.map_err(refuse)?;
        let mut stages = Stages::start(service.metrics().map(Arc::as_ref));
        let mut response = Response::new(answer::encode(&answer));
        stages.end(Stage::Encode);
        response.extensions_mut().insert(answer.facts());
        request::name_late_views(&answer, &mut response);
        Ok(response)
    }
}

/// Request data may come among the entities, as over HTTP, or in `request_context`.
fn online_request(message: GetOnlineFeaturesRequest) -> Result<OnlineRequest> {
    let (service, features) = match message.kind {
        Some(Kind::FeatureService(service)) => (Some(service), None),
        Some(Kind::Features(features)) => (None, Some(features)),
        None => (None, None),
    };
    Ok(OnlineRequest {
        selection: request::selection(service, features)?,
        full_feature_names: message.full_feature_names,
        columns: request::columns([message.entities, message.request_context]),
        include_view_versions: message.include_feature_view_version_metadata,
    })
}
