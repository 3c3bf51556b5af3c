//! Prepared gRPC requests: sent as they are, and answers that are not decoded.

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use bytes::{Buf as _, BufMut as _, Bytes};
use tokio::runtime::Builder;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::load::{Exchange, Target};

/// Bytes of answers that may be on their way.
const WINDOW: u32 = 4 << 20;

/// Calls of one method, sent in turn.
#[derive(Debug)]
pub(crate) struct GrpcTarget<'a> {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// `/package.Service/Method`.
    pub(crate) method: &'static str,
    /// Encoded messages.
    pub(crate) requests: &'a [Bytes],
}

impl GrpcTarget<'_> {
    /// One call: the encoded answer.
    pub(crate) fn call(&self, request: &Bytes) -> Result<Bytes> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut client = self.open().await?;
            call(&mut client, self.method, request.clone()).await
        })
    }

    async fn open(&self) -> Result<Grpc<Channel>> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address))?;
        // Feast's clients widen theirs as answers come; this library keeps to what it starts with.
        let endpoint = endpoint
            .initial_stream_window_size(Some(WINDOW))
            .initial_connection_window_size(Some(WINDOW));
        let channel = endpoint.tcp_nodelay(true).connect().await?;
        Ok(Grpc::new(channel).max_decoding_message_size(64 << 20))
    }
}

#[async_trait(?Send)]
impl Target for GrpcTarget<'_> {
    async fn connect(&self) -> Result<Box<dyn Exchange + '_>> {
        let client = self.open().await?;
        Ok(Box::new(GrpcExchange { target: self, client }))
    }
}

struct GrpcExchange<'a> {
    target: &'a GrpcTarget<'a>,
    client: Grpc<Channel>,
}

#[async_trait(?Send)]
impl Exchange for GrpcExchange<'_> {
    async fn exchange(&mut self, turn: usize) -> Result<()> {
        let requests = self.target.requests;
        let request = requests[turn % requests.len()].clone();
        call(&mut self.client, self.target.method, request).await.map(drop)
    }
}

async fn call(client: &mut Grpc<Channel>, method: &'static str, request: Bytes) -> Result<Bytes> {
    client.ready().await.context("no connection")?;
    let path = PathAndQuery::from_static(method);
    Ok(client.unary(Request::new(request), path, Unread).await?.into_inner())
}

/// Messages stay bytes.
#[derive(Debug, Clone, Copy)]
struct Unread;

impl Codec for Unread {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Unread {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(message);
        Ok(())
    }
}

impl Decoder for Unread {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}
