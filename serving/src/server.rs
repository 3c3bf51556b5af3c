//! Listeners: HTTP and gRPC over one feature server, drained on shutdown.

use std::net::SocketAddr;
use std::sync::Arc;

use larder_core::{Error, ErrorKind, Result};
use larder_proto::feast::serving::serving_service_server::ServingServiceServer;
use larder_proto::larder::recommendation::v1::recommendation_service_server::RecommendationServiceServer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::server::TcpIncoming;

use crate::{CatalogSource, FeatureServer, ServerConfig, grpc, http};

/// Bound sockets; binding is apart from serving, so that a taken port is known before anything starts.
#[derive(Debug)]
pub struct Listeners {
    http: Option<TcpListener>,
    grpc: Option<TcpListener>,
}

impl Listeners {
    /// Binds the addresses given; port 0 takes a free one.
    ///
    /// # Errors
    /// `Unavailable` naming the address that cannot be bound.
    pub async fn bind(http: Option<SocketAddr>, grpc: Option<SocketAddr>) -> Result<Self> {
        Ok(Self { http: bind(http).await?, grpc: bind(grpc).await? })
    }

    /// Address of the HTTP listener.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Address of the gRPC listener.
    pub fn grpc(&self) -> Option<SocketAddr> {
        self.grpc.as_ref().and_then(|listener| listener.local_addr().ok())
    }
}

async fn bind(address: Option<SocketAddr>) -> Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("cannot listen on {address}"))
            .with_source(error)
            .with_hint("choose another port, or end the process that listens there")
    })?;
    Ok(Some(listener))
}

/// Serves until `stop` becomes true, then lets open requests finish within the drain time.
///
/// Registry changes found by `source` are served without dropping a request.
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
    let follow =
        server.online().catalog().clone().follow(source, config.registry_poll, stop.clone());
    let http = serve_http(server.clone(), &config, listeners.http, stop.clone());
    let grpc = serve_grpc(server, &config, listeners.grpc, stop.clone());
    let all = async { tokio::join!(follow, http, grpc) };
    tokio::select! {
        ((), http, grpc) = all => http.and(grpc),
        () = drained(stop, config.drain) => {
            tracing::warn!("open requests were cut off at the end of the drain time");
            Ok(())
        }
    }
}

async fn drained(mut stop: watch::Receiver<bool>, drain: std::time::Duration) {
    stopped(&mut stop).await;
    tokio::time::sleep(drain).await;
}

/// Waits for the signal; a dropped sender counts as one.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        tracing::debug!("the stop signal's sender is gone");
    }
}

async fn serve_http(
    server: FeatureServer,
    config: &ServerConfig,
    listener: Option<TcpListener>,
    mut stop: watch::Receiver<bool>,
) -> Result<()> {
    let Some(listener) = listener else { return Ok(()) };
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    axum::serve(listener, http::router(server, config.max_body_bytes))
        .with_graceful_shutdown(async move { stopped(&mut stop).await })
        .await
        .map_err(|error| Error::internal("HTTP listener failed").with_source(error))
}

async fn serve_grpc(
    server: FeatureServer,
    config: &ServerConfig,
    listener: Option<TcpListener>,
    mut stop: watch::Receiver<bool>,
) -> Result<()> {
    let Some(listener) = listener else { return Ok(()) };
    let limit = config.max_body_bytes;
    let serving = ServingServiceServer::new(grpc::Serving(server.clone()))
        .max_decoding_message_size(limit)
        .max_encoding_message_size(usize::MAX);
    let recommendation = RecommendationServiceServer::new(grpc::Recommendation(server))
        .max_decoding_message_size(limit)
        .max_encoding_message_size(usize::MAX);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ServingServiceServer<grpc::Serving>>().await;
    health.set_serving::<RecommendationServiceServer<grpc::Recommendation>>().await;
    tonic::transport::Server::builder()
        .add_service(health_service)
        .add_service(reflection().build_v1().map_err(unservable)?)
        .add_service(reflection().build_v1alpha().map_err(unservable)?)
        .add_service(serving)
        .add_service(recommendation)
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            async move {
                stopped(&mut stop).await;
            },
        )
        .await
        .map_err(|error| Error::internal("gRPC listener failed").with_source(error))
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
