//! Requests to a feature server over connections that are kept open.

use std::fmt;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use larder_core::{Error, Result};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::config::{RemoteConfig, RemoteToken};
use super::error::Fault;
use super::tls;
use crate::PoolUse;

/// Before the second attempt; doubled before each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A client of one server.
pub(super) struct Client {
    http: Http<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    token: Option<RemoteToken>,
    in_flight: Semaphore,
    max_in_flight: usize,
    retries: u32,
    request_timeout: Duration,
    max_answer_bytes: usize,
}

impl Client {
    /// A client that connects with its first request.
    pub(super) fn new(config: &RemoteConfig) -> Result<Self> {
        let url = config.url.trim_end_matches('/').to_owned();
        let is_http = url.starts_with("http://") || url.starts_with("https://");
        if !is_http || url.parse::<Uri>().is_err() {
            return Err(Error::invalid(format!("online_store.path: \"{url}\" is not a URL"))
                .with_hint("write for instance http://localhost:6566"));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(config.connect_timeout));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(config.authorities.as_deref(), &url)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let max_in_flight = config.connections.max(1);
        let http = Http::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.idle_timeout)
            .pool_max_idle_per_host(max_in_flight)
            .build(connector);
        Ok(Self {
            http,
            url,
            token: config.token.clone(),
            in_flight: Semaphore::new(max_in_flight),
            max_in_flight,
            retries: config.retries,
            request_timeout: config.request_timeout,
            max_answer_bytes: config.max_answer_bytes,
        })
    }

    /// The error to show for a fault.
    pub(super) fn error(&self, fault: &Fault) -> Error {
        fault.error(&format!("the feature server at {}", self.url))
    }

    /// How busy it is; idle connections are the library's affair.
    pub(super) fn pool(&self) -> PoolUse {
        PoolUse::of(&self.in_flight, self.max_in_flight)
    }

    /// Posts a JSON document; the body of a success.
    pub(super) async fn post(&self, path: &str, body: Vec<u8>) -> Result<Bytes, Fault> {
        self.send(Method::POST, path, body.into()).await
    }

    /// Gets a page; the body of a success.
    pub(super) async fn get(&self, path: &str) -> Result<Bytes, Fault> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, Fault> {
        let budget = self.request_timeout;
        let Ok(Ok(_permit)) = timeout(budget, self.in_flight.acquire()).await else {
            return Err(Fault::Busy(budget));
        };
        let sent = timeout(budget, self.attempts(method, path, body)).await;
        sent.unwrap_or(Err(Fault::Timeout(budget)))
    }

    /// Every request of ours may be repeated.
    async fn attempts(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, Fault> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..self.retries {
            match self.attempt(&method, path, body.clone()).await {
                Err(fault) if fault.is_passing() => sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.attempt(&method, path, body).await
    }

    async fn attempt(&self, method: &Method, path: &str, body: Bytes) -> Result<Bytes, Fault> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, authorization(token)?);
        }
        let request = request.body(Full::new(body)).map_err(|cause| connection(&cause))?;
        let answer = self.http.request(request).await.map_err(|cause| connection(&cause))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), self.max_answer_bytes).collect().await;
        let body = body.map_err(|cause| match cause.downcast_ref::<LengthLimitError>() {
            Some(_) => Fault::TooLong(self.max_answer_bytes),
            None => connection(cause.as_ref()),
        })?;
        let body = body.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        Err(Fault::Status(status, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Every cause behind a broken connection, in one line.
fn connection(cause: &(dyn std::error::Error + 'static)) -> Fault {
    let mut said = cause.to_string();
    let mut next = cause.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    Fault::Connection(said)
}

fn authorization(token: &RemoteToken) -> Result<HeaderValue, Fault> {
    let text = match token {
        RemoteToken::Text(text) => text.clone(),
        // A file in memory, mounted by Kubernetes.
        RemoteToken::File(path) => std::fs::read_to_string(path)
            .map_err(|cause| Fault::Token(format!("{}: {cause}", path.display())))?,
    };
    let mut value = HeaderValue::from_str(&format!("Bearer {}", text.trim()))
        .map_err(|_| Fault::Token("it has characters that no token has".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}
