//! What carries OTLP over HTTP: hyper's client, as everywhere else in this program.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// What a collector says to an export at most; the rest of it is of no use.
const MAX_ANSWER: usize = 64 << 10;

/// Sends requests on a runtime, because the exporter has none.
#[derive(Debug)]
pub(super) struct ExportClient<C> {
    client: Client<C, Full<Bytes>>,
    runtime: Handle,
    patience: Duration,
}

impl<C: Connect + Clone + Send + Sync + 'static> ExportClient<C> {
    /// A client that connects with its first request and gives each this time.
    pub(super) fn new(connector: C, runtime: Handle, patience: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, runtime, patience }
    }
}

#[async_trait]
impl<C> HttpClient for ExportClient<C>
where
    C: Connect + Clone + Send + Sync + std::fmt::Debug + 'static,
{
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move {
            let (head, body) = client.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        let patience = self.patience;
        self.runtime.spawn(async move { timeout(patience, exchange).await }).await??
    }
}
