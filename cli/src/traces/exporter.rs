//! How spans reach a collector: OTLP over gRPC or over HTTP.

use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use larder_core::{Error, Result};
use larder_registry::repo_config::{Environment, otel};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use tokio::runtime::Handle;

use super::http_client::ExportClient;

/// What a collector understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Grpc,
    HttpProtobuf,
}

/// Where spans go.
#[derive(Debug)]
pub(super) struct Collector {
    endpoint: String,
    wire: Wire,
    /// Of one export over HTTP; over gRPC the SDK sees to it.
    patience: Duration,
}

impl Collector {
    /// The collector that the environment names.
    ///
    /// # Errors
    /// `Unsupported` for a protocol that is not spoken; `Invalid` for a timeout that is none.
    pub(super) fn of(environment: &dyn Environment) -> Result<Option<Self>> {
        let is_named = [otel::ENDPOINT, otel::TRACES_ENDPOINT]
            .iter()
            .any(|name| given(environment, name).is_some());
        if is_off(environment) || !is_named {
            return Ok(None);
        }
        let wire = wire(environment)?;
        let patience = patience(environment)?;
        Ok(endpoint(environment, wire).map(|endpoint| Self { endpoint, wire, patience }))
    }

    /// An exporter whose connections live on this runtime.
    ///
    /// # Errors
    /// `Invalid` for an endpoint that is none.
    pub(super) fn exporter(&self, runtime: &Handle) -> Result<SpanExporter> {
        let _entered = runtime.enter();
        match self.wire {
            Wire::Grpc => {
                let builder = SpanExporter::builder().with_tonic();
                self.built(builder.with_endpoint(&self.endpoint).build())
            }
            Wire::HttpProtobuf => self.over_http(runtime.clone()),
        }
    }

    fn over_http(&self, runtime: Handle) -> Result<SpanExporter> {
        let builder = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let builder = builder.with_endpoint(&self.endpoint);
        if self.endpoint.starts_with("http://") {
            let client = ExportClient::new(HttpConnector::new(), runtime, self.patience);
            return self.built(builder.with_http_client(client).build());
        }
        if !self.endpoint.starts_with("https://") {
            return Err(self.refusal().with_hint("write for instance http://localhost:4318"));
        }
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| self.refusal().with_source(error))?
            .https_only()
            .enable_http1()
            .build();
        let client = ExportClient::new(connector, runtime, self.patience);
        self.built(builder.with_http_client(client).build())
    }

    fn built(&self, exporter: Result<SpanExporter, ExporterBuildError>) -> Result<SpanExporter> {
        exporter.map_err(|error| self.refusal().with_source(error))
    }

    fn refusal(&self) -> Error {
        Error::invalid(format!("traces cannot be exported to \"{}\"", self.endpoint))
    }
}

fn given(environment: &dyn Environment, name: &str) -> Option<String> {
    environment.get(name).filter(|text| !text.trim().is_empty())
}

fn is_off(environment: &dyn Environment) -> bool {
    given(environment, otel::SDK_DISABLED).is_some_and(|text| text.eq_ignore_ascii_case("true"))
        || given(environment, otel::TRACES_EXPORTER).is_some_and(|text| text == "none")
}

/// The collector's address. Over HTTP that of traces is taken as it is, and the one of everything has their path added.
fn endpoint(environment: &dyn Environment, wire: Wire) -> Option<String> {
    let all = || {
        let all = given(environment, otel::ENDPOINT)?;
        Some(match wire {
            Wire::Grpc => all,
            Wire::HttpProtobuf => format!("{}/v1/traces", all.trim_end_matches('/')),
        })
    };
    given(environment, otel::TRACES_ENDPOINT).or_else(all)
}

fn wire(environment: &dyn Environment) -> Result<Wire> {
    let named = [otel::TRACES_PROTOCOL, otel::PROTOCOL]
        .into_iter()
        .find_map(|name| Some((name, given(environment, name)?)));
    match named.as_ref().map(|(name, protocol)| (name, protocol.as_str())) {
        None | Some((_, "grpc")) => Ok(Wire::Grpc),
        Some((_, "http/protobuf")) => Ok(Wire::HttpProtobuf),
        Some((name, protocol)) => {
            Err(Error::unsupported(format!("{name}: {protocol} cannot be spoken"))
                .with_hint("set it to grpc (port 4317) or http/protobuf (port 4318)"))
        }
    }
}

/// How long an export may take.
fn patience(environment: &dyn Environment) -> Result<Duration> {
    let named = [otel::TRACES_TIMEOUT, otel::TIMEOUT]
        .into_iter()
        .find_map(|name| Some((name, given(environment, name)?)));
    let Some((name, text)) = named else { return Ok(Duration::from_secs(10)) };
    text.trim().parse().map(Duration::from_millis).map_err(|error| {
        Error::invalid(format!("{name}: {text} is no number of milliseconds")).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;
    use larder_registry::repo_config::FixedEnvironment;

    use super::*;

    fn build<const N: usize>(pairs: [(&str, &str); N]) -> Result<Option<SpanExporter>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let collector = Collector::of(&FixedEnvironment::from(pairs))?;
        collector.map(|collector| collector.exporter(runtime.handle())).transpose()
    }

    #[test]
    fn traces_are_off_unless_a_collector_is_named() {
        let at = |environment: FixedEnvironment| endpoint(&environment, Wire::Grpc);
        let (all, traces) = ("http://all:4317", "http://traces:4317");
        assert_eq!(at(FixedEnvironment::default()), None);
        assert_eq!(at([(otel::ENDPOINT, "")].into()), None);
        assert_eq!(at([(otel::ENDPOINT, all)].into()).as_deref(), Some(all));
        let both = [(otel::ENDPOINT, all), (otel::TRACES_ENDPOINT, traces)];
        assert_eq!(at(both.into()).as_deref(), Some(traces));
        for off in [(otel::SDK_DISABLED, "true"), (otel::TRACES_EXPORTER, "none")] {
            assert!(build([(otel::ENDPOINT, all), off]).unwrap().is_none(), "{off:?}");
        }
    }

    #[test]
    fn over_http_the_path_of_traces_is_added_to_the_address_of_everything_alone() {
        for (name, given, called) in [
            (otel::ENDPOINT, "http://all:4318", "http://all:4318/v1/traces"),
            (otel::ENDPOINT, "https://all/otlp/", "https://all/otlp/v1/traces"),
            (otel::TRACES_ENDPOINT, "http://traces:4318/in", "http://traces:4318/in"),
        ] {
            let environment = FixedEnvironment::from([(name, given)]);
            assert_eq!(endpoint(&environment, Wire::HttpProtobuf).as_deref(), Some(called));
        }
    }

    #[test]
    fn settings_that_cannot_be_used_are_refused() {
        let endpoint = (otel::ENDPOINT, "http://127.0.0.1:4318");
        for name in [otel::PROTOCOL, otel::TRACES_PROTOCOL] {
            let error = build([endpoint, (name, "http/json")]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
        let over_http = (otel::PROTOCOL, "http/protobuf");
        for pairs in [
            [(otel::ENDPOINT, "no address"), (otel::PROTOCOL, "grpc")],
            [(otel::ENDPOINT, "no address"), over_http],
            [(otel::TRACES_ENDPOINT, "http://a collector/"), over_http],
        ] {
            assert_eq!(build(pairs).unwrap_err().kind(), ErrorKind::Invalid, "{pairs:?}");
        }
        let error = build([endpoint, over_http, (otel::TIMEOUT, "soon")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(build([endpoint, over_http]).unwrap().is_some());
    }
}
