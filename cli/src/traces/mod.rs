//! OpenTelemetry traces, set by the standard `OTEL_*` variables and by nothing else.
//!
//! What the SDK reads by itself: sampler, batches, limits, resource, headers, timeouts.

mod exporter;
mod http_client;

use larder_core::{Error, Result};
use larder_registry::repo_config::{Environment, otel};
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::{Builder, Runtime};

use self::exporter::Collector;

/// The name of a service that is given none.
const SERVICE: &str = "larder";

/// Exports spans until it goes; what is left is sent then.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    /// Of the exporter's connection alone: it must outlive the server's.
    _runtime: Runtime,
}

impl Traces {
    /// Starts to export if the environment names a collector.
    ///
    /// # Errors
    /// `Unsupported` for a protocol that is not spoken; `Invalid` for an endpoint that is none.
    pub(crate) fn start(environment: &dyn Environment) -> Result<Option<Self>> {
        let Some(collector) = Collector::of(environment)? else { return Ok(None) };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("traces")
            .enable_all()
            .build()
            .map_err(|error| Error::internal("cannot start an event loop").with_source(error))?;
        let exporter = collector.exporter(runtime.handle())?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(environment))
            .with_batch_exporter(exporter)
            .build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Some(Self { provider, _runtime: runtime }))
    }

    /// What makes spans of this program.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer(SERVICE)
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

/// The SDK's, which reads the environment, with a name of ours where it would have none.
fn resource(environment: &dyn Environment) -> Resource {
    let attributes = environment.get(otel::RESOURCE_ATTRIBUTES).unwrap_or_default();
    let is_named =
        environment.get(otel::SERVICE_NAME).is_some() || attributes.contains("service.name=");
    let resource = Resource::builder();
    if is_named { resource.build() } else { resource.with_service_name(SERVICE).build() }
}
