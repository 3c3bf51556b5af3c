//! Traces as a collector receives them, over OTLP itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::serving::serving_service_client::ServingServiceClient;
use larder_proto::feast::serving::{FeatureList, GetOnlineFeaturesRequest};
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value as Key};
use larder_tests::{Repository, Server};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::Endpoint;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::{applied, request};

/// Everything that was exported: resources' service names and spans.
#[derive(Debug, Clone, Default)]
struct Received(Arc<Mutex<Vec<(String, Span)>>>);

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Received {
    fn take(&self, exported: ExportTraceServiceRequest) {
        let mut received = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in exported.resource_spans {
            let attributes = resource.resource.unwrap_or_default().attributes;
            let service = attributes.iter().find(|pair| pair.key == "service.name");
            let service = service.and_then(|pair| pair.value.clone()?.value);
            let service = match service {
                Some(Value::StringValue(name)) => name,
                other => panic!("no service name but {other:?}"),
            };
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            received.extend(spans.map(|span| (service.clone(), span)));
        }
    }
}

/// A collector on a free port.
struct Collector {
    runtime: Runtime,
    endpoint: String,
    received: Received,
}

impl Collector {
    fn start() -> Self {
        let runtime = Runtime::new().expect("an event loop");
        let received = Received::default();
        let service = TraceServiceServer::new(received.clone());
        let incoming = runtime.block_on(async {
            TcpIncoming::bind("127.0.0.1:0".parse().expect("an address")).expect("a free port")
        });
        let address = incoming.local_addr().expect("it is bound");
        let serving =
            tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming);
        runtime.spawn(serving);
        Self { runtime, endpoint: format!("http://{address}"), received }
    }

    /// One that is spoken to over HTTP.
    fn over_http() -> Self {
        let runtime = Runtime::new().expect("an event loop");
        let received = Received::default();
        let collect = |State(received): State<Received>, headers: HeaderMap, body: Bytes| async move {
            assert_eq!(headers[CONTENT_TYPE], "application/x-protobuf");
            assert_eq!(headers["x-tenant"], "shop");
            received.take(ExportTraceServiceRequest::decode(body).expect("an OTLP request"));
            ExportTraceServiceResponse::default().encode_to_vec()
        };
        let router = Router::new().route("/otlp/v1/traces", post(collect));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let router = router.with_state(received.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { runtime, endpoint: format!("http://{address}/otlp"), received }
    }

    /// The spans of the traces that a server in this environment makes of these requests, after its end.
    fn spans(&self, repository: &Repository, environment: &[(&str, &str)]) -> Vec<(String, Span)> {
        let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", self.endpoint.as_str())];
        let environment = [&endpoint, environment].concat();
        let server = Server::fs_within(&repository.path(), &[], &environment);
        self.ask(&server);
        server.terminate();
        assert_eq!(server.wait(), Some(0));
        std::mem::take(&mut *self.received.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One request over HTTP, one over gRPC, and one without a trace of the client's.
    fn ask(&self, server: &Server) {
        let body = request().to_string();
        let send = |traceparent: Option<&str>| {
            let mut post = ureq::post(server.url("/get-online-features"))
                .header("content-type", "application/json");
            if let Some(traceparent) = traceparent {
                post = post.header("traceparent", traceparent);
            }
            assert_eq!(post.send(&body).expect("an answer").status(), 200);
        };
        send(Some(&parent(HTTP_TRACE, "01")));
        send(None);
        self.runtime.block_on(async {
            let address = Endpoint::from_shared(format!("http://{}", server.grpc_address()));
            let channel = address.expect("an address").connect().await.expect("it listens");
            let mut client = ServingServiceClient::new(channel);
            let key = Key { val: Some(Val::Int64Val(1)) };
            let features = FeatureList { val: vec!["trips:nothing".to_owned()] };
            let mut call = Request::new(GetOnlineFeaturesRequest {
                kind: Some(Kind::Features(features)),
                entities: [("driver_id".to_owned(), RepeatedValue { val: vec![key] })].into(),
                ..GetOnlineFeaturesRequest::default()
            });
            let traceparent = parent(GRPC_TRACE, "01").parse().expect("metadata");
            call.metadata_mut().insert("traceparent", traceparent);
            client.get_online_features(call).await.expect_err("there is no such feature");
        });
    }
}

const HTTP_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const GRPC_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "b7ad6b7169203331";

fn parent(trace: &str, flags: &str) -> String {
    format!("00-{trace}-{CLIENT_SPAN}-{flags}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory cannot fail");
        text
    })
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &Option<_>| match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |pair: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        text(&pair.value.as_ref().and_then(|value| value.value.clone()))
    };
    span.attributes.iter().map(|pair| (pair.key.as_str(), value(pair))).collect()
}

/// The spans of one trace by name, health checks left out.
fn of<'a>(spans: &'a [(String, Span)], trace: &str) -> BTreeMap<&'a str, &'a Span> {
    let of_trace = spans.iter().filter(|(_, span)| hex(&span.trace_id) == trace);
    of_trace.map(|(_, span)| (span.name.as_str(), span)).collect()
}

#[test]
fn requests_continue_the_traces_of_their_clients_and_have_a_span_per_stage() {
    let environment = [("OTEL_SERVICE_NAME", "features")];
    check_traces(&Collector::start().spans(&applied(), &environment));
}

#[test]
fn over_http_a_collector_receives_the_same_traces() {
    let environment = [
        ("OTEL_SERVICE_NAME", "features"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop"),
    ];
    check_traces(&Collector::over_http().spans(&applied(), &environment));
}

#[track_caller]
fn check_traces(spans: &[(String, Span)]) {
    assert!(spans.iter().all(|(service, _)| service == "features"), "{spans:?}");

    let http = of(spans, HTTP_TRACE);
    let names: Vec<&str> = http.keys().copied().collect();
    let stages = ["encode", "plan", "store", "transform"];
    assert_eq!(names, [&["POST /get-online-features"][..], &stages].concat());
    let root = http["POST /get-online-features"];
    assert_eq!((hex(&root.parent_span_id).as_str(), root.kind()), (CLIENT_SPAN, SpanKind::Server));
    let known = attributes(root);
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/get-online-features"),
        ("http.response.status_code", "200"),
        ("larder.rows", "1"),
    ] {
        assert_eq!(known.get(key).map(String::as_str), Some(value), "{key} in {known:?}");
    }
    for stage in stages {
        let stage = http[stage];
        assert_eq!(stage.parent_span_id, root.span_id, "{stage:?}");
        assert!(stage.start_time_unix_nano >= root.start_time_unix_nano, "{stage:?}");
        assert!(stage.end_time_unix_nano <= root.end_time_unix_nano, "{stage:?}");
    }

    let grpc = of(spans, GRPC_TRACE);
    let call = grpc["feast.serving.ServingService/GetOnlineFeatures"];
    assert_eq!(hex(&call.parent_span_id), CLIENT_SPAN);
    let known = attributes(call);
    assert_eq!(known.get("rpc.response.status_code").map(String::as_str), Some("NOT_FOUND"));
    assert_eq!(known.get("error.type").map(String::as_str), Some("not_found"));
    // The client's fault is not the server's.
    let status = call.status.clone().unwrap_or_default();
    assert_eq!(status.code(), StatusCode::Unset);

    let own: Vec<&Span> = spans
        .iter()
        .map(|(_, span)| span)
        .filter(|span| span.name == "POST /get-online-features" && span.parent_span_id.is_empty())
        .collect();
    let [own] = own.as_slice() else { panic!("one request without a trace: {own:?}") };
    assert_eq!(own.trace_id.len(), 16);
}

#[test]
fn the_sampler_is_the_one_that_the_environment_names() {
    let (repository, collector) = (applied(), Collector::start());
    let off = [("OTEL_TRACES_SAMPLER", "always_off")];
    assert_eq!(collector.spans(&repository, &off), []);
    let of_parents = [("OTEL_TRACES_SAMPLER", "parentbased_always_off")];
    let spans = collector.spans(&repository, &of_parents);
    assert!(spans.iter().all(|(service, _)| service == "larder"), "{spans:?}");
    assert!(!of(&spans, HTTP_TRACE).is_empty(), "its client samples it");
    let traces: Vec<String> = spans.iter().map(|(_, span)| hex(&span.trace_id)).collect();
    assert!(traces.iter().all(|id| [HTTP_TRACE, GRPC_TRACE].contains(&id.as_str())), "{traces:?}");
}

#[test]
fn the_access_log_names_the_trace_and_an_absent_collector_holds_nobody_up() {
    for protocol in ["grpc", "http/protobuf"] {
        check_absent_collector(protocol);
    }
}

#[track_caller]
fn check_absent_collector(protocol: &str) {
    let repository = applied();
    let nobody = format!("http://127.0.0.1:{}", larder_tests::free_port());
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", nobody.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("FS_LOG_FORMAT", "json"),
    ];
    let server = Server::fs_within(&repository.path(), &[], &environment);
    let answer = ureq::post(server.url("/get-online-features"))
        .header("content-type", "application/json")
        .header("traceparent", parent(HTTP_TRACE, "01"))
        .send(json!({"features": ["trips:count"], "entities": {"driver_id": [1]}}).to_string());
    assert_eq!(answer.expect("an answer").status(), 200);
    let line = server.log();
    let line = line.lines().find(|line| line.contains("/get-online-features")).expect("a line");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(line["trace_id"], HTTP_TRACE);
    let start = std::time::Instant::now();
    server.terminate();
    assert_eq!(server.wait(), Some(0));
    assert!(start.elapsed() < std::time::Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn settings_that_cannot_be_used_are_refused_before_anything_is_served() {
    let repository = applied();
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "not an address"),
    ] {
        let mut command = repository.fs().command(&["serve", "--port", "0", "--grpc-port", "0"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317").env(name, value);
        let output = command.output().expect("fs runs");
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(value), "{text}");
    }
}
