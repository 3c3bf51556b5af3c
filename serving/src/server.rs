//! HTTP and gRPC over one feature server, drained on shutdown.

use std::sync::Arc;
use std::time::Duration;

use larder_core::{Error, Result};
use larder_proto::feast::serving::serving_service_server::ServingServiceServer;
use larder_proto::larder::recommendation::v1::recommendation_service_server::RecommendationServiceServer;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tonic::transport::server::Router;

use crate::listen::{Acceptor, Prelude, serve_http};
use crate::{CatalogSource, FeatureServer, Listeners, ServerConfig, ServerTls, grpc, http};

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
    let Listeners { http, grpc, tls } = listeners;
    let shared = Shared { config, tls, stop };
    let slots = Arc::new(Semaphore::new(shared.config.max_connections));
    let follow = server.online().catalog().clone().follow(
        source,
        shared.config.registry_poll,
        shared.stop.clone(),
    );
    let http = shared.http(server.clone(), http, Arc::clone(&slots));
    let grpc = shared.grpc(server, grpc, slots);
    let all = async { tokio::join!(follow, http, grpc) };
    tokio::select! {
        ((), http, grpc) = all => http.and(grpc),
        () = drained(shared.stop.clone(), shared.config.drain) => {
            tracing::warn!("open requests were cut off at the end of the drain time");
            Ok(())
        }
    }
}

/// What both protocols need.
struct Shared {
    config: ServerConfig,
    tls: Option<ServerTls>,
    stop: watch::Receiver<bool>,
}

impl Shared {
    fn acceptor(
        &self,
        protocol: &str,
        prelude: Prelude,
        slots: Arc<Semaphore>,
    ) -> Result<Acceptor> {
        Ok(Acceptor {
            tls: self.tls.as_ref().map(|tls| tls.acceptor(protocol)).transpose()?,
            prelude,
            handshake_timeout: self.config.handshake_timeout,
            slots,
        })
    }

    async fn http(
        &self,
        server: FeatureServer,
        listener: Option<TcpListener>,
        slots: Arc<Semaphore>,
    ) -> Result<()> {
        let Some(listener) = listener else { return Ok(()) };
        let acceptor = self.acceptor("http/1.1", Prelude::None, slots)?;
        let (accepted, accepting) = acceptor.start(listener, self.stop.clone());
        let router = http::router(server, self.config.max_body_bytes);
        tokio::join!(accepting, serve_http(accepted, router, &self.config));
        Ok(())
    }

    async fn grpc(
        &self,
        server: FeatureServer,
        listener: Option<TcpListener>,
        slots: Arc<Semaphore>,
    ) -> Result<()> {
        let Some(listener) = listener else { return Ok(()) };
        let acceptor = self.acceptor("h2", Prelude::Http2, slots)?;
        let (accepted, accepting) = acceptor.start(listener, self.stop.clone());
        let mut stop = self.stop.clone();
        let served = grpc_services(server, self.config.max_body_bytes)
            .await?
            .serve_with_incoming_shutdown(accepted, async move { stopped(&mut stop).await });
        let ((), served) = tokio::join!(accepting, served);
        served.map_err(|error| Error::internal("gRPC listener failed").with_source(error))
    }
}

async fn drained(mut stop: watch::Receiver<bool>, drain: Duration) {
    stopped(&mut stop).await;
    tokio::time::sleep(drain).await;
}

/// Waits for the signal; a dropped sender counts as one.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        tracing::debug!("the stop signal's sender is gone");
    }
}

async fn grpc_services(server: FeatureServer, max_message: usize) -> Result<Router> {
    let serving = grpc::Serving(server.clone());
    let generated = ServingServiceServer::new(serving.clone())
        .max_decoding_message_size(max_message)
        .max_encoding_message_size(usize::MAX);
    let serving = grpc::EncodedReads::new(generated, serving, max_message);
    let recommendation = RecommendationServiceServer::new(grpc::Recommendation(server))
        .max_decoding_message_size(max_message)
        .max_encoding_message_size(usize::MAX);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ServingServiceServer<grpc::Serving>>().await;
    health.set_serving::<RecommendationServiceServer<grpc::Recommendation>>().await;
    Ok(tonic::transport::Server::builder()
        .add_service(health_service)
        .add_service(reflection().build_v1().map_err(unservable)?)
        .add_service(reflection().build_v1alpha().map_err(unservable)?)
        .add_service(serving)
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
