//! `larder.lookup.v1.LookupService`.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use larder_core::Result;
use larder_proto::larder::lookup::v1 as wire;
use tonic::{Request, Response, Status};
use wire::batch_get_request::Kind;
use wire::lookup_service_server::LookupService;

use super::request::{self, budget};
use crate::FeatureServer;
use crate::gate::Facts;
use crate::lookup::{ChunkFormat, ChunkWriter, stream};
use crate::online::OnlineRequest;
use crate::status::grpc_status;

/// Bulk look-ups.
#[derive(Debug, Clone)]
pub(crate) struct Lookup(pub(crate) FeatureServer);

type Chunks = Pin<Box<dyn Stream<Item = Result<wire::BatchGetResponse, Status>> + Send>>;

#[tonic::async_trait]
impl LookupService for Lookup {
    type BatchGetStream = Chunks;

    async fn batch_get(
        &self,
        message: Request<wire::BatchGetRequest>,
    ) -> Result<Response<Chunks>, Status> {
        let service = self.0.online();
        let compat = service.config().compat;
        let budget = budget(&message);
        let message = message.into_inner();
        let (format, chunk_rows) = (message.format(), message.chunk_rows as usize);
        let lookup = online_request(message)
            .and_then(|request| service.look_up(&request, chunk_rows, budget))
            .map_err(|error| grpc_status(&error, compat))?;
        let facts = Facts::rows(lookup.rows());
        let chunks = stream(lookup, ChunkWriter::new(chunk_format(format)));
        let chunks = chunks.map(move |chunk| chunk.map_err(|error| grpc_status(&error, compat)));
        let mut response = Response::new(Box::pin(chunks) as Chunks);
        response.extensions_mut().insert(facts);
        Ok(response)
    }
}

fn chunk_format(format: wire::ChunkFormat) -> ChunkFormat {
    match format {
        wire::ChunkFormat::Unspecified | wire::ChunkFormat::Columns => ChunkFormat::Columns,
        wire::ChunkFormat::ArrowStream => ChunkFormat::Arrow,
    }
}

fn online_request(message: wire::BatchGetRequest) -> Result<OnlineRequest> {
    let (service, features) = match message.kind {
        Some(Kind::FeatureService(service)) => (Some(service), None),
        Some(Kind::Features(features)) => (None, Some(features)),
        None => (None, None),
    };
    Ok(OnlineRequest {
        selection: request::selection(service, features)?,
        full_feature_names: message.full_feature_names,
        columns: request::columns([message.entities, message.request_context]),
        include_view_versions: false,
    })
}
