//! OpenTelemetry traces, set by the standard `OTEL_*` variables and by nothing else.
//!
//! What the SDK reads by itself: sampler, batches, limits, resource, headers, timeouts.

use larder_core::{Error, Result};
use larder_registry::repo_config::{Environment, otel};
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::{Builder, Runtime};

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
    /// `Unsupported` for another protocol than gRPC; `Invalid` for an endpoint that is none.
    pub(crate) fn start(environment: &dyn Environment) -> Result<Option<Self>> {
        let Some(endpoint) = endpoint(environment) else { return Ok(None) };
        check_protocol(environment)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("traces")
            .enable_all()
            .build()
            .map_err(|error| Error::internal("cannot start an event loop").with_source(error))?;
        let entered = runtime.enter();
        let exporter =
            SpanExporter::builder().with_tonic().with_endpoint(&endpoint).build().map_err(
                |error| {
                    Error::invalid(format!("traces cannot be exported to \"{endpoint}\""))
                        .with_source(error)
                },
            )?;
        drop(entered);
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

/// The collector's address; none when nothing is to be exported.
fn endpoint(environment: &dyn Environment) -> Option<String> {
    let given = |name| environment.get(name).filter(|text| !text.trim().is_empty());
    let is_off = given(otel::SDK_DISABLED).is_some_and(|text| text.eq_ignore_ascii_case("true"))
        || given(otel::TRACES_EXPORTER).is_some_and(|text| text == "none");
    if is_off { None } else { given(otel::TRACES_ENDPOINT).or_else(|| given(otel::ENDPOINT)) }
}

fn check_protocol(environment: &dyn Environment) -> Result<()> {
    let given = |name| environment.get(name).map(|protocol| (name, protocol));
    match given(otel::TRACES_PROTOCOL).or_else(|| given(otel::PROTOCOL)) {
        Some((name, protocol)) if !protocol.is_empty() && protocol != "grpc" => {
            Err(Error::unsupported(format!("{name}: {protocol} cannot be spoken"))
                .with_hint("set it to grpc, which collectors speak on port 4317"))
        }
        _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;
    use larder_registry::repo_config::FixedEnvironment;

    use super::*;

    #[test]
    fn traces_are_off_unless_a_collector_is_named() {
        let at = |environment| endpoint(&environment);
        let (all, traces) = ("http://all:4317", "http://traces:4317");
        assert_eq!(at(FixedEnvironment::default()), None);
        assert_eq!(at([(otel::ENDPOINT, "")].into()), None);
        assert_eq!(at([(otel::ENDPOINT, all)].into()).as_deref(), Some(all));
        let both = [(otel::ENDPOINT, all), (otel::TRACES_ENDPOINT, traces)];
        assert_eq!(at(both.into()).as_deref(), Some(traces));
        for off in [(otel::SDK_DISABLED, "true"), (otel::TRACES_EXPORTER, "none")] {
            assert_eq!(at([(otel::ENDPOINT, all), off].into()), None, "{off:?}");
        }
    }

    #[test]
    fn a_protocol_that_is_not_spoken_and_an_endpoint_that_is_none_are_refused() {
        let start = |pairs: [(&str, &str); 2]| Traces::start(&FixedEnvironment::from(pairs));
        let endpoint = (otel::ENDPOINT, "http://127.0.0.1:4318");
        for name in [otel::PROTOCOL, otel::TRACES_PROTOCOL] {
            let error = start([endpoint, (name, "http/protobuf")]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
        let error = start([(otel::ENDPOINT, "no address"), (otel::PROTOCOL, "grpc")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
