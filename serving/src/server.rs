//! HTTP and gRPC over one feature server, drained on shutdown.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::service::TowerToHyperService;
use larder_core::{Error, Result};
use larder_proto::feast::serving::serving_service_server::ServingServiceServer;
use larder_proto::feature_server::grpc_feature_server_server::GrpcFeatureServerServer;
use larder_proto::larder::lookup::v1::lookup_service_server::LookupServiceServer;
use larder_proto::larder::recommendation::v1::recommendation_service_server::RecommendationServiceServer;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tonic::service::Routes;

use crate::gate::{Gate, GrpcGate};
use crate::http::Chats;
use crate::listen::{Acceptor, Hand, Lanes, Prelude, serve_http};
use crate::materialize::jobs;
use crate::metrics::{self, Scraped};
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
    let Listeners { http, grpc, metrics, tls } = listeners;
    let slots = Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)));
    let lanes = Lanes::open(config.lanes)?;
    let config = Arc::new(config);
    let gate = Gate::new(Arc::clone(&config), server.online().metrics().cloned());
    let shared = Shared { config, tls, gate, slots, lanes, stop };
    let (jobs, worker) = jobs();
    let server = server.with_jobs(jobs);
    let follow = server.online().follow(source, shared.config.registry_poll, shared.stop.clone());
    let metrics = shared.metrics(&server, metrics);
    let materializing = worker.run(server.materializer().cloned(), shared.stop.clone());
    let http = shared.http(server.clone(), http);
    let grpc = shared.grpc(server.clone(), grpc);
    let all = async { tokio::join!(follow, http, grpc, metrics, materializing) };
    tokio::select! {
        ((), http, grpc, metrics, ()) = all => http.and(grpc).and(metrics),
        () = drained(shared.stop.clone(), shared.config.drain) => {
            tracing::warn!("open requests were cut off at the end of the drain time");
            Ok(())
        }
    }
}

/// What every listener needs.
struct Shared {
    config: Arc<ServerConfig>,
    tls: Option<ServerTls>,
    gate: Gate,
    slots: Arc<Semaphore>,
    lanes: Lanes,
    stop: watch::Receiver<bool>,
}

impl Shared {
    fn acceptor(&self, protocol: &str, prelude: Prelude) -> Result<Acceptor> {
        Ok(Acceptor {
            tls: self.tls.as_ref().map(|tls| tls.acceptor(protocol)).transpose()?,
            prelude,
            handshake_timeout: self.config.handshake_timeout,
            send_timeout: self.config.send_timeout,
            slots: Arc::clone(&self.slots),
        })
    }

    async fn http(&self, server: FeatureServer, listener: Option<TcpListener>) -> Result<()> {
        let Some(listener) = listener else { return Ok(()) };
        let acceptor = self.acceptor("http/1.1", Prelude::None)?;
        let chats = Chats::new(self.stop.clone());
        let router = http::router(server, chats.clone());
        let serve = |hand| {
            let (router, gate) = (router.clone(), self.gate.clone());
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                gate.clone().http(router.clone(), request)
            });
            let (accepted, shaking) = acceptor.clone().take(hand, self.stop.clone());
            let config = Arc::clone(&self.config);
            async move {
                tokio::join!(shaking, serve_http(accepted, service, &config));
                Ok(())
            }
        };
        let (served, ()) = tokio::join!(self.on_lanes(&acceptor, listener, serve), chats.ended());
        served
    }

    async fn grpc(&self, server: FeatureServer, listener: Option<TcpListener>) -> Result<()> {
        let Some(listener) = listener else { return Ok(()) };
        let acceptor = self.acceptor("h2", Prelude::Http2)?;
        let services = grpc_services(server, self.config.max_body_bytes).await?;
        let serve = |hand| {
            let (accepted, shaking) = acceptor.clone().take(hand, self.stop.clone());
            let mut stop = self.stop.clone();
            let served = tonic::transport::Server::builder()
                .http2_keepalive_interval(Some(self.config.keep_alive))
                .http2_keepalive_timeout(Some(self.config.send_timeout))
                .max_concurrent_streams(MAX_STREAMS)
                .layer(GrpcGate(self.gate.clone()))
                .add_routes(services.clone())
                .serve_with_incoming_shutdown(accepted, async move { stopped(&mut stop).await });
            async move {
                let ((), served) = tokio::join!(shaking, served);
                served.map_err(|error| Error::internal("gRPC listener failed").with_source(error))
            }
        };
        self.on_lanes(&acceptor, listener, serve).await
    }

    /// Deals a listener's connections out, and waits until every lane has served its own.
    async fn on_lanes<F>(
        &self,
        acceptor: &Acceptor,
        listener: TcpListener,
        serve: impl Fn(Hand) -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (hands, accepting) = acceptor.deal(listener, self.lanes.len(), self.stop.clone());
        let lanes = self.lanes.runtimes().zip(hands);
        let served = try_join_all(lanes.map(|(lane, hand)| lane.spawn(serve(hand))));
        let (served, ()) = tokio::join!(served, accepting);
        let served = served.map_err(|error| Error::internal("a lane failed").with_source(error))?;
        served.into_iter().collect()
    }

    /// Metrics have slots of their own: a full server can still be looked at.
    async fn metrics(&self, server: &FeatureServer, listener: Option<TcpListener>) -> Result<()> {
        let (Some(listener), Some(metrics)) = (listener, self.gate.metrics()) else {
            return Ok(());
        };
        let acceptor = Acceptor {
            tls: None,
            prelude: Prelude::None,
            handshake_timeout: self.config.handshake_timeout,
            send_timeout: self.config.send_timeout,
            slots: Arc::new(Semaphore::new(METRICS_CONNECTIONS)),
        };
        let page = metrics::router(Scraped {
            metrics: Arc::clone(metrics),
            gate: self.gate.clone(),
            online: server.online().clone(),
            slots: (Arc::clone(&self.slots), self.config.max_connections),
        });
        let service = TowerToHyperService::new(page);
        let (hands, accepting) = acceptor.deal(listener, 1, self.stop.clone());
        let served = hands.into_iter().map(|hand| {
            let (accepted, shaking) = acceptor.clone().take(hand, self.stop.clone());
            let served = serve_http(accepted, service.clone(), &self.config);
            async { tokio::join!(shaking, served) }
        });
        tokio::join!(accepting, join_all(served));
        Ok(())
    }
}

/// Calls at once over one gRPC connection; more wait.
const MAX_STREAMS: u32 = 1024;

/// Scrapers at once.
const METRICS_CONNECTIONS: usize = 16;

async fn drained(mut stop: watch::Receiver<bool>, drain: Duration) {
    stopped(&mut stop).await;
    tokio::time::sleep(drain).await;
}

/// Waits for the signal; a dropped sender counts as one.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        tracing::debug!("the stop signal's sender is gone");
    }
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
