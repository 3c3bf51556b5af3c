//! The gate of HTTP requests.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json, Router};
use hyper::body::Incoming;
use larder_core::ErrorKind;
use serde_json::json;
use tower::Service as _;
use tracing::Instrument as _;

use super::body::BodyRefusal;
use super::started::Started;
use super::{Facts, Gate, Protocol, endpoint, wishes};

impl Gate {
    /// Answers one HTTP request.
    ///
    /// # Errors
    /// None: refusals are answers.
    pub(crate) async fn http(
        self,
        router: Router,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let endpoint = endpoint::of_http(request.uri().path());
        let started = Started::new(&self, Protocol::Http, endpoint, &request);
        let answering = self.answer(router, request, endpoint).instrument(started.span());
        let response = answering.await?;
        started.finish(response.status().as_str(), facts(&response));
        Ok(response)
    }

    async fn answer(
        &self,
        mut router: Router,
        request: Request<Incoming>,
        endpoint: &str,
    ) -> Result<Response, Infallible> {
        let (head, body) = request.into_parts();
        let body = match self.read_body(&head.headers, body).await {
            Ok(body) => body,
            Err(refusal) => return Ok(self.refuse_body(refusal)),
        };
        let _place = match self.place() {
            None if endpoint != endpoint::HEALTH => return Ok(self.busy()),
            place => place,
        };
        let mut request = Request::from_parts(head, Body::from(body.bytes.clone()));
        let Some(limit) = self.budget(endpoint) else { return router.call(request).await };
        let time = wishes::time_of(request.headers(), limit).and_then(|time| {
            let budget = wishes::budget_of(request.headers(), time)?;
            request.extensions_mut().insert(budget);
            Ok(time)
        });
        let answering = router.call(request);
        match time {
            Err(error) => {
                let detail = crate::status::one_line(&error);
                Ok(refused(StatusCode::BAD_REQUEST, error.kind(), &detail))
            }
            Ok(budget) => match tokio::time::timeout(budget, answering).await {
                Ok(answer) => answer,
                Err(_) => Ok(too_late(budget)),
            },
        }
    }

    fn refuse_body(&self, refusal: BodyRefusal) -> Response {
        let limit = self.config.max_body_bytes;
        let (status, detail) = match refusal {
            BodyRefusal::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the request body is larger than {limit} bytes; hint: send less, or raise serving.limits.request_bytes"
                ),
            ),
            BodyRefusal::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                format!("the request body did not arrive within {:?}", self.config.body_timeout),
            ),
            BodyRefusal::Broken => {
                (StatusCode::BAD_REQUEST, "the request body ended early".to_owned())
            }
        };
        let mut response = refused(status, ErrorKind::Invalid, &detail);
        // What is left of the body must not be taken for the next request.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }

    fn busy(&self) -> Response {
        let detail = format!(
            "{} requests are being worked on; hint: retry after a second",
            self.config.max_concurrent_requests
        );
        let mut response = refused(StatusCode::TOO_MANY_REQUESTS, ErrorKind::Unavailable, &detail);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }
}

fn too_late(budget: std::time::Duration) -> Response {
    let detail = format!("no answer within {budget:?}");
    refused(StatusCode::GATEWAY_TIMEOUT, ErrorKind::Deadline, &detail)
}

fn refused(status: StatusCode, kind: ErrorKind, detail: &str) -> Response {
    (status, Extension(Facts::refused(kind)), Json(json!({ "detail": detail }))).into_response()
}

/// What the handler left, or what its status says.
fn facts(response: &Response) -> Facts {
    let left = response.extensions().get::<Facts>().copied();
    left.unwrap_or_else(|| {
        let status = response.status();
        let kind = if status.is_server_error() {
            Some(ErrorKind::Internal)
        } else {
            status.is_client_error().then_some(ErrorKind::Invalid)
        };
        Facts { kind, ..Facts::default() }
    })
}
