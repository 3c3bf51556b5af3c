//! `GetOnlineFeatures` answered with bytes that are encoded already.
//!
//! The generated servers take a message and encode it. Here the answer is written straight from the stored bytes, so
//! this one method is answered before they see it; everything else is theirs.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use larder_proto::feast::serving::GetOnlineFeaturesRequest;
use prost::bytes::BufMut as _;
use tonic::body::Body;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic::codegen::{Body as HttpBody, BoxFuture, Service, StdError, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::serving::Serving;

/// A generated server whose `GetOnlineFeatures` answers encoded bytes.
#[derive(Debug, Clone)]
pub(crate) struct EncodedReads<S> {
    inner: S,
    serving: Serving,
    max_message: usize,
}

impl<S> EncodedReads<S> {
    /// `inner` with this method; requests larger than `max_message` bytes are refused.
    pub(crate) fn new(inner: S, serving: Serving, max_message: usize) -> Self {
        Self { inner, serving, max_message }
    }
}

impl<S: NamedService> NamedService for EncodedReads<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<http::Request<B>> for EncodedReads<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        if !request.uri().path().ends_with("/GetOnlineFeatures") {
            return Box::pin(self.inner.call(request));
        }
        let method = GetOnlineFeatures(self.serving.clone());
        let mut grpc =
            Grpc::new(EncodedCodec::default()).max_decoding_message_size(self.max_message);
        Box::pin(async move { Ok(grpc.unary(method, request).await) })
    }
}

struct GetOnlineFeatures(Serving);

impl UnaryService<GetOnlineFeaturesRequest> for GetOnlineFeatures {
    type Response = Vec<u8>;
    type Future = BoxFuture<Response<Self::Response>, Status>;

    fn call(&mut self, request: Request<GetOnlineFeaturesRequest>) -> Self::Future {
        let serving = self.0.clone();
        Box::pin(async move { serving.encoded_online_features(request).await })
    }
}

/// Decodes requests as prost does and sends answers as they are.
#[derive(Debug, Clone)]
struct EncodedCodec<R>(PhantomData<fn() -> R>);

impl<R> Default for EncodedCodec<R> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<R: prost::Message + Default + Send + 'static> Codec for EncodedCodec<R> {
    type Encode = Vec<u8>;
    type Decode = R;
    type Encoder = Verbatim;
    type Decoder = <ProstCodec<R, R> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        Verbatim
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<R, R>::raw_decoder(BufferSettings::default())
    }
}

/// Encodes nothing: the bytes are the message.
#[derive(Debug)]
struct Verbatim;

impl Encoder for Verbatim {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(item.len());
        buffer.put_slice(&item);
        Ok(())
    }
}
