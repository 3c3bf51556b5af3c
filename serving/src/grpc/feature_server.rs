//! `GrpcFeatureServer`, the service of Feast's Python server.

use std::collections::BTreeMap;

use larder_core::{Error, Result};
use larder_proto::convert;
use larder_proto::feast::serving::serving_service_server::ServingService as _;
use larder_proto::feast::serving::{GetOnlineFeaturesRequest, GetOnlineFeaturesResponse};
use larder_proto::feast::types::Value as WireValue;
use larder_proto::feature_server::grpc_feature_server_server::GrpcFeatureServer;
use larder_proto::feature_server::{
    PushRequest as WirePush, PushResponse, WriteToOnlineStoreRequest, WriteToOnlineStoreResponse,
};
use tonic::{Request, Response, Status};

use super::Serving;
use crate::gate::Facts;
use crate::online::{RequestColumn, RequestValues};
use crate::push::PushRequest;
use crate::status::grpc_status;
use crate::{FeatureServer, WriteRequest};

/// One row per call; reads are those of `ServingService`.
#[derive(Debug, Clone)]
pub(crate) struct PythonServer(pub(crate) Serving);

impl PythonServer {
    fn server(&self) -> &FeatureServer {
        &self.0.0
    }

    fn refuse(&self, error: &Error) -> Status {
        grpc_status(error, self.server().online().config().compat)
    }
}

#[tonic::async_trait]
impl GrpcFeatureServer for PythonServer {
    async fn push(&self, message: Request<WirePush>) -> Result<Response<PushResponse>, Status> {
        let message = message.into_inner();
        let request = push_request(message).map_err(|error| self.refuse(&error))?;
        self.server().push(request).await.map_err(|error| self.refuse(&error))?;
        Ok(one_row(PushResponse { status: true }))
    }

    async fn write_to_online_store(
        &self,
        message: Request<WriteToOnlineStoreRequest>,
    ) -> Result<Response<WriteToOnlineStoreResponse>, Status> {
        let message = message.into_inner();
        let columns = columns(message.features, message.typed_features)
            .map_err(|error| self.refuse(&error))?;
        let request = WriteRequest { view: message.feature_view_name, columns };
        self.server().write_to_online_store(request).await.map_err(|error| self.refuse(&error))?;
        Ok(one_row(WriteToOnlineStoreResponse { status: true }))
    }

    async fn get_online_features(
        &self,
        message: Request<GetOnlineFeaturesRequest>,
    ) -> Result<Response<GetOnlineFeaturesResponse>, Status> {
        self.0.get_online_features(message).await
    }
}

fn one_row<T>(message: T) -> Response<T> {
    let mut response = Response::new(message);
    response.extensions_mut().insert(Facts::rows(1));
    response
}

/// The target has no default here, unlike over HTTP (Feast 0.67).
fn push_request(message: WirePush) -> Result<PushRequest> {
    Ok(PushRequest {
        columns: columns(message.features, message.typed_features)?,
        to: message.to.parse()?,
        source: message.stream_feature_view,
    })
}

/// One row of texts or of typed values.
fn columns(
    texts: BTreeMap<String, String>,
    typed: BTreeMap<String, WireValue>,
) -> Result<Vec<RequestColumn>> {
    if !texts.is_empty() && !typed.is_empty() {
        return Err(Error::invalid("both features and typed_features are set")
            .with_hint("set one of the two"));
    }
    let texts = texts
        .into_iter()
        .map(|(name, text)| RequestColumn { name, values: RequestValues::Json(vec![text.into()]) });
    let typed = typed.into_iter().map(|(name, value)| RequestColumn {
        name,
        values: RequestValues::Typed(vec![convert::value_from_proto(value)]),
    });
    Ok(texts.chain(typed).collect())
}
