//! Prepared gRPC requests: sent as they are, and answers that are not decoded.
//!
//! The generator shares its cores with the server that it measures. gRPC's own client takes two thirds of what the server
//! takes for a request of one row, so these calls are HTTP/2 and nothing above it.

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use bytes::{BufMut as _, Bytes, BytesMut};
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::task::JoinHandle;

use crate::load::{Exchange, Target};

/// Bytes of answers that may be on their way.
const WINDOW: u32 = 4 << 20;

/// What stands before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The status of a call that succeeded.
const OK: &[u8] = b"0";

/// Calls of one method, sent in turn.
#[derive(Debug)]
pub(crate) struct GrpcTarget {
    /// `127.0.0.1:PORT`.
    address: String,
    method: Uri,
    /// Encoded messages behind their prefixes.
    requests: Vec<Bytes>,
}

impl GrpcTarget {
    /// Calls of `/package.Service/Method` at `127.0.0.1:PORT` with encoded messages.
    pub(crate) fn new(address: String, method: &str, messages: &[Bytes]) -> Result<Self> {
        let method = format!("http://{address}{method}").parse()?;
        let requests = messages.iter().map(framed).collect::<Result<_>>()?;
        Ok(Self { address, method, requests })
    }

    /// The first call: the encoded answer.
    pub(crate) fn call(&self) -> Result<Bytes> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut exchange = self.open().await?;
            let mut answer = BytesMut::new();
            exchange.call(0, |part| answer.extend_from_slice(part)).await?;
            ensure!(answer.len() >= PREFIX, "an answer without a message");
            Ok(answer.freeze().slice(PREFIX..))
        })
    }

    async fn open(&self) -> Result<GrpcExchange<'_>> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        // Feast's clients widen theirs as answers come; this library keeps to what it starts with.
        let mut builder = Builder::new();
        builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let (sender, connection) = builder.handshake(stream).await?;
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(GrpcExchange { target: self, sender, connection })
    }
}

fn framed(message: &Bytes) -> Result<Bytes> {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len())?);
    framed.put_slice(message);
    Ok(framed.freeze())
}

#[async_trait(?Send)]
impl Target for GrpcTarget {
    async fn connect(&self) -> Result<Box<dyn Exchange + '_>> {
        Ok(Box::new(self.open().await?))
    }
}

struct GrpcExchange<'a> {
    target: &'a GrpcTarget,
    sender: SendRequest<Bytes>,
    /// Reads and writes.
    connection: JoinHandle<()>,
}

impl Drop for GrpcExchange<'_> {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

#[async_trait(?Send)]
impl Exchange for GrpcExchange<'_> {
    async fn exchange(&mut self, turn: usize) -> Result<()> {
        self.call(turn, |_| ()).await
    }
}

impl GrpcExchange<'_> {
    /// Sends the request of this turn and hands over the answer, part by part.
    async fn call(&mut self, turn: usize, take: impl FnMut(&[u8])) -> Result<()> {
        let GrpcTarget { method, requests, .. } = self.target;
        let request = Request::builder().method(Method::POST).uri(method.clone());
        let request = request.header("content-type", "application/grpc").header("te", "trailers");
        let ready = futures::future::poll_fn(|cx| self.sender.poll_ready(cx));
        ready.await.context("no connection")?;
        let (answer, mut sending) = self.sender.send_request(request.body(())?, false)?;
        sending.send_data(requests[turn % requests.len()].clone(), true)?;
        let (head, body) = answer.await?.into_parts();
        ensure!(head.status == StatusCode::OK, "status {}", head.status);
        let trailers = read(body, take).await?;
        succeeded(trailers.as_ref().unwrap_or(&head.headers))
    }
}

async fn read(mut body: RecvStream, mut take: impl FnMut(&[u8])) -> Result<Option<HeaderMap>> {
    while let Some(part) = body.data().await {
        let part = part?;
        take(&part);
        body.flow_control().release_capacity(part.len())?;
    }
    Ok(body.trailers().await?)
}

fn succeeded(trailers: &HeaderMap) -> Result<()> {
    let text = |name| trailers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    match trailers.get("grpc-status") {
        Some(status) if status.as_bytes() == OK => Ok(()),
        _ => bail!("gRPC status {:?}: {:?}", text("grpc-status"), text("grpc-message")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stands_behind_its_length() {
        let message = Bytes::from_static(b"message");
        assert_eq!(framed(&message).unwrap(), Bytes::from_static(b"\0\0\0\0\x07message"));
    }

    #[test]
    fn a_call_without_status_zero_has_failed() {
        let mut trailers = HeaderMap::new();
        assert!(succeeded(&trailers).is_err());
        trailers.insert("grpc-status", "14".parse().unwrap());
        assert!(succeeded(&trailers).is_err());
        trailers.insert("grpc-status", "0".parse().unwrap());
        assert!(succeeded(&trailers).is_ok());
    }
}
