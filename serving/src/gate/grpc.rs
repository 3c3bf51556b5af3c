//! The gate of gRPC calls, around every service of the server.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use larder_core::{Error, ErrorKind};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::started::Started;
use super::streamed::Streamed;
use super::{Facts, Gate, Protocol, endpoint, wishes};

/// Puts the gate around a service.
#[derive(Debug, Clone)]
pub(crate) struct GrpcGate(pub(crate) Gate);

impl<S> Layer<S> for GrpcGate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Gated { gate: self.0.clone(), inner }
    }
}

/// A service behind the gate.
#[derive(Debug, Clone)]
pub(crate) struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let endpoint = endpoint::of_grpc(request.uri().path());
        let started = Started::new(&self.gate, Protocol::Grpc, endpoint, &request);
        let place = self.gate.place();
        if place.is_none() && endpoint != endpoint::GRPC_HEALTH {
            let message = "too many requests at once; hint: retry after a second";
            return Box::pin(async move { Ok(refused(started, BUSY, message)) });
        }
        let limit = self.gate.budget(endpoint);
        let budget = match limit.map(|limit| wishes::time_of(request.headers(), limit)).transpose()
        {
            Ok(time) => time,
            Err(error) => return Box::pin(async move { Ok(misunderstood(started, &error)) }),
        };
        if let Some(time) = budget {
            match wishes::budget_of(request.headers(), time) {
                Ok(budget) => drop(request.extensions_mut().insert(budget)),
                Err(error) => return Box::pin(async move { Ok(misunderstood(started, &error)) }),
            }
        }
        let span = started.span();
        let answering = span.in_scope(|| self.inner.call(request)).instrument(span);
        Box::pin(async move {
            let answer = match budget {
                None => Some(answering.await),
                Some(budget) => tokio::time::timeout(budget, answering).await.ok(),
            };
            let Some(answer) = answer else {
                return Ok(refused(started, Code::DeadlineExceeded, "no answer in time"));
            };
            let response = answer?;
            let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |s| s.code());
            let left = response.extensions().get::<Facts>().copied().unwrap_or_default();
            if endpoint::is_streamed(endpoint) && code == Code::Ok {
                let wrap = |body| Streamed { body, started: Some(started), facts: left, place };
                return Ok(response.map(|body| Body::new(wrap(body))));
            }
            started.finish(code_name(code), Facts { kind: kind_of(code), ..left });
            drop(place);
            Ok(response)
        })
    }
}

/// The code for a server that is full.
const BUSY: Code = Code::ResourceExhausted;

fn misunderstood(started: Started, error: &Error) -> Response<Body> {
    refused(started, Code::InvalidArgument, &crate::status::one_line(error))
}

fn refused(started: Started, code: Code, message: &str) -> Response<Body> {
    let kind = kind_of(code);
    started.finish(code_name(code), Facts { kind, ..Facts::default() });
    Status::new(code, message).into_http()
}

/// The code as gRPC spells it.
pub(super) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The kind behind a code; the way back of the one table in `status`.
pub(super) fn kind_of(code: Code) -> Option<ErrorKind> {
    Some(match code {
        Code::Ok => return None,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => ErrorKind::Invalid,
        Code::NotFound => ErrorKind::NotFound,
        Code::AlreadyExists => ErrorKind::AlreadyExists,
        Code::Aborted => ErrorKind::Conflict,
        Code::Unimplemented => ErrorKind::Unsupported,
        Code::Unavailable | Code::ResourceExhausted => ErrorKind::Unavailable,
        Code::DeadlineExceeded | Code::Cancelled => ErrorKind::Deadline,
        Code::DataLoss => ErrorKind::Data,
        Code::PermissionDenied | Code::Unauthenticated => ErrorKind::PermissionDenied,
        Code::Unknown | Code::Internal => ErrorKind::Internal,
    })
}
