//! `GrpcFeatureServer`, the service of Feast's Python server.

use std::collections::BTreeMap;

use larder_core::{Compat, Error};
use larder_proto::convert;
use larder_proto::feast::serving::serving_service_server::ServingService as _;
use larder_proto::feast::serving::{GetOnlineFeaturesRequest, GetOnlineFeaturesResponse};
use larder_proto::feast::types::Value as WireValue;
use larder_proto::feature_server::grpc_feature_server_server::GrpcFeatureServer;
use larder_proto::feature_server::{
    PushRequest as WirePush, PushResponse, WriteToOnlineStoreRequest, WriteToOnlineStoreResponse,
};
use tonic::{Request, Response, Status};

use super::{Serving, python_status};
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
        &self.0.server
    }

    fn refuse(&self, error: &Error) -> Status {
        match self.server().online().config().compat {
            Compat::Feast => python_status::of_write(error),
            Compat::Larder => grpc_status(error, Compat::Larder),
        }
    }
}

#[tonic::async_trait]
impl GrpcFeatureServer for PythonServer {
    async fn push(&self, message: Request<WirePush>) -> Result<Response<PushResponse>, Status> {
        let message = message.into_inner();
        let columns = columns(message.features, message.typed_features)?;
        // The target has no default here, unlike over HTTP (Feast 0.67).
        let to = message.to.parse().map_err(|error| self.refuse(&error))?;
        let source = message.stream_feature_view;
        let request = PushRequest { columns, to, source, may_wait: false };
        self.server().push(request).await.map_err(|error| self.refuse(&error))?;
        Ok(one_row(PushResponse { status: true }))
    }

    async fn write_to_online_store(
        &self,
        message: Request<WriteToOnlineStoreRequest>,
    ) -> Result<Response<WriteToOnlineStoreResponse>, Status> {
        let message = message.into_inner();
        let columns = columns(message.features, message.typed_features)?;
        let view = message.feature_view_name;
        let request = WriteRequest { view, columns, transform_on_write: true };
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

/// One row of texts or of typed values.
fn columns(
    texts: BTreeMap<String, String>,
    typed: BTreeMap<String, WireValue>,
) -> Result<Vec<RequestColumn>, Status> {
    if !texts.is_empty() && !typed.is_empty() {
        // Feast 0.67's own words and code.
        let words = "Only one of features or typed_features may be set, not both";
        return Err(Status::invalid_argument(words));
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
