//! The offline server on its listener, drained on shutdown.

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use larder_core::Result;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;

use super::OfflineServer;
use super::pending::Pending;
use super::service::Flights;
use super::token::Doorkeeper;
use crate::follow::Follower;
use crate::metrics::Served;
use crate::running::{Running, Windows};
use crate::{CatalogSource, Listeners, ServerConfig};

/// Tables are large: with HTTP/2's own 64 KiB a client would wait for every piece.
const WINDOWS: Windows = Windows { stream: Some(4 << 20), connection: Some(16 << 20) };

/// Serves Arrow Flight on the gRPC listener until `stop` becomes true, then lets open calls finish within the drain
/// time. There is no other limit to the time of a call: it may move whole tables.
///
/// # Errors
/// `Unavailable` or `Internal` when a listener fails.
pub async fn serve_offline(
    server: OfflineServer,
    config: ServerConfig,
    listeners: Listeners,
    source: Arc<dyn CatalogSource>,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let address = listeners.grpc();
    let Listeners { grpc, metrics, tls, .. } = listeners;
    let is_encrypted = tls.is_some();
    let running = Running::new(config, server.metrics.clone(), tls, stop);
    let follower = Follower { catalog: server.catalog.clone(), metrics: server.metrics.clone() };
    let follow = follower.follow(source, running.config.registry_poll, running.stop.clone());
    let served =
        Served { catalog: server.catalog.clone(), clock: Arc::clone(&server.clock), online: None };
    let metrics = running.metrics(served, metrics);
    let pending = Arc::new(Pending::new(&server.config));
    let sweep = pending.sweep(running.stop.clone());
    let keeper = Doorkeeper::new(server.config.token.as_ref());
    let flights = Flights::new(server, Arc::clone(&pending), address, is_encrypted);
    let routes = routes(flights, keeper, running.config.max_body_bytes).await;
    let grpc = async {
        let Some(listener) = grpc else { return Ok(()) };
        running.grpc(routes, listener, WINDOWS).await
    };
    let all = async { tokio::join!(follow, grpc, metrics, sweep) };
    tokio::select! {
        ((), grpc, metrics, ()) = all => grpc.and(metrics),
        () = running.drained() => Ok(()),
    }
}

async fn routes(flights: Flights, keeper: Doorkeeper, max_message: usize) -> Routes {
    let service = FlightServiceServer::new(flights)
        .max_decoding_message_size(max_message)
        .max_encoding_message_size(usize::MAX);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<FlightServiceServer<Flights>>().await;
    Routes::new(health_service).add_service(InterceptedService::new(service, keeper))
}
