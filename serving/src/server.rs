//! HTTP and gRPC over one feature server, drained on shutdown.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use larder_core::{Error, Result};
use larder_proto::feast::serving::serving_service_server::ServingServiceServer;
use larder_proto::feature_server::grpc_feature_server_server::GrpcFeatureServerServer;
use larder_proto::larder::lookup::v1::lookup_service_server::LookupServiceServer;
use larder_proto::larder::recommendation::v1::recommendation_service_server::RecommendationServiceServer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;

use crate::follow::Follower;
use crate::http::Chats;
use crate::materialize::jobs;
use crate::metrics::Served;
use crate::offline_batches::offline_batches;
use crate::running::{Running, Windows};
use crate::{CatalogSource, FeatureServer, Listeners, ServerConfig, grpc, http};

/// Serves until `stop` becomes true, then lets open requests finish within the drain time.
///
/// Registry changes found by `source` are served without dropping a request. From `stop` on, new
/// connections are refused.
///
/// # Errors
/// `Unavailable` or `Internal` when a listener fails.
pub async fn serve(
    server: FeatureServer,
    config: ServerConfig,
    listeners: Listeners,
    source: Arc<dyn CatalogSource>,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let Listeners { http, grpc, metrics, tls } = listeners;
    let running =
        Running::new(config, server.online().metrics().cloned(), tls, stop).with_lanes()?;
    let (jobs, worker) = jobs();
    let batching = server.online().config().offline_batching;
    let (batches, writer) = batching.map(offline_batches).unzip();
    let server = server.with_jobs(jobs).with_offline_batches(batches);
    let online = server.online();
    let follower =
        Follower { catalog: online.catalog().clone(), metrics: online.metrics().cloned() };
    let follow = follower.follow(source, running.config.registry_poll, running.stop.clone());
    let metrics = running.metrics(served(&server), metrics);
    let materializing = worker.run(server.materializer().cloned(), running.stop.clone());
    let batching = async {
        let Some(writer) = writer else { return };
        writer.run(Arc::clone(server.offline()), running.stop.clone()).await;
    };
    let http = serve_http(&running, server.clone(), http);
    let grpc = serve_grpc(&running, server.clone(), grpc);
    let all = async { tokio::join!(follow, http, grpc, metrics, materializing, batching) };
    tokio::select! {
        ((), http, grpc, metrics, (), ()) = all => http.and(grpc).and(metrics),
        () = running.drained() => Ok(()),
    }
}

fn served(server: &FeatureServer) -> Served {
    let online = server.online();
    Served {
        catalog: online.catalog().clone(),
        clock: Arc::clone(online.clock()),
        online: Some(Arc::clone(online.store())),
    }
}

async fn serve_http(
    running: &Running,
    server: FeatureServer,
    listener: Option<TcpListener>,
) -> Result<()> {
    let Some(listener) = listener else { return Ok(()) };
    let chats = Chats::new(running.stop.clone());
    let router = http::router(server, chats.clone());
    let gate = running.gate.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        gate.clone().http(router.clone(), request)
    });
    let (served, ()) = tokio::join!(running.http(service, listener), chats.ended());
    served
}

async fn serve_grpc(
    running: &Running,
    server: FeatureServer,
    listener: Option<TcpListener>,
) -> Result<()> {
    let Some(listener) = listener else { return Ok(()) };
    let services = grpc_services(server, running.config.max_body_bytes).await?;
    running.grpc(services, listener, Windows::default()).await
}

async fn grpc_services(server: FeatureServer, max_message: usize) -> Result<Routes> {
    let serving = grpc::Serving::of_feasts_go_server(server.clone());
    let generated = ServingServiceServer::new(serving.clone())
        .max_decoding_message_size(max_message)
        .max_encoding_message_size(usize::MAX);
    let reads = grpc::Serving::of_feasts_python_server(server.clone());
    let python = GrpcFeatureServerServer::new(grpc::PythonServer(reads.clone()))
        .max_decoding_message_size(max_message)
        .max_encoding_message_size(usize::MAX);
    let python = grpc::EncodedReads::new(python, reads, max_message);
    let serving = grpc::EncodedReads::new(generated, serving, max_message);
    let lookup = LookupServiceServer::new(grpc::Lookup(server.clone()))
        .max_decoding_message_size(max_message)
        .max_encoding_message_size(usize::MAX);
    let recommendation = RecommendationServiceServer::new(grpc::Recommendation(server))
        .max_decoding_message_size(max_message)
        .max_encoding_message_size(usize::MAX);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ServingServiceServer<grpc::Serving>>().await;
    health.set_serving::<LookupServiceServer<grpc::Lookup>>().await;
    health.set_serving::<GrpcFeatureServerServer<grpc::PythonServer>>().await;
    health.set_serving::<RecommendationServiceServer<grpc::Recommendation>>().await;
    Ok(Routes::new(health_service)
        .add_service(reflection().build_v1().map_err(unservable)?)
        .add_service(reflection().build_v1alpha().map_err(unservable)?)
        .add_service(serving)
        .add_service(lookup)
        .add_service(python)
        .add_service(recommendation))
}

/// Both versions of the reflection protocol: older clients (Python's, grpcurl before 1.9) know `v1alpha` only.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(larder_proto::descriptor_set())
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

fn unservable(error: tonic_reflection::server::Error) -> Error {
    Error::internal("the committed descriptors cannot be served").with_source(error)
}
