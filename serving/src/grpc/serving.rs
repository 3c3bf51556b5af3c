//! `feast.serving.ServingService`.

use std::sync::Arc;

use larder_core::{Compat, Error, Result};
use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::serving::serving_service_server::ServingService;
use larder_proto::feast::serving::{
    GetFeastServingInfoRequest, GetFeastServingInfoResponse, GetOnlineFeaturesRequest,
    GetOnlineFeaturesResponse,
};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{answer, python_status, request};
use crate::FeatureServer;
use crate::metrics::{Stage, Stages};
use crate::online::OnlineRequest;
use crate::status::grpc_status;

/// The service that Feast's Go and Java servers offer.
#[derive(Debug, Clone)]
pub(crate) struct Serving {
    pub(super) server: FeatureServer,
    /// Whether this is the service of Feast's Python server, which has statuses and rules of its own.
    is_python: bool,
}

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
    /// Reads as `feast.serving.ServingService` answers them.
    pub(crate) fn of_feasts_go_server(server: FeatureServer) -> Self {
        Self { server, is_python: false }
    }

    /// Reads as `GrpcFeatureServer` answers them.
    pub(crate) fn of_feasts_python_server(server: FeatureServer) -> Self {
        Self { server, is_python: true }
    }

    /// The answer to `GetOnlineFeatures` as bytes of a `GetOnlineFeaturesResponse`.
    pub(super) async fn encoded_online_features(
        &self,
        message: Request<GetOnlineFeaturesRequest>,
    ) -> Result<Response<Vec<u8>>, Status> {
        let service = self.server.online();
        let budget = request::budget(&message);
        let mut message = message.into_inner();
        let imitates = self.is_python && service.config().compat == Compat::Feast;
        if imitates {
            // Feast 0.67, `feast listen`: neither is looked at.
            message.request_context.clear();
            message.include_feature_view_version_metadata = false;
        }
        let refuse = |error: Error| {
            if imitates {
                python_status::of_read(&error)
            } else {
                grpc_status(&error, service.config().compat)
            }
        };
        let request = online_request(message).map_err(refuse)?;
        let answer = service.get_online_features_within(&request, budget).await.map_err(refuse)?;
        let encoding = Stages::start(service.metrics().map(Arc::as_ref), Stage::Encode);
        let mut response = Response::new(answer::encode(&answer));
        encoding.end();
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
