//! An answer that goes on after its head: it is counted, and gives its place back, when it ends.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame};
use tokio::sync::OwnedSemaphorePermit;
use tonic::body::Body;
use tonic::{Code, Status};

use super::Facts;
use super::grpc::{code_name, kind_of};
use super::started::Started;

/// The body of a streamed gRPC answer.
#[derive(Debug)]
pub(super) struct Streamed {
    pub(super) body: Body,
    /// `None` once it has ended. One that is dropped before was given up by its client.
    pub(super) started: Option<Started>,
    pub(super) facts: Facts,
    pub(super) place: Option<OwnedSemaphorePermit>,
}

impl Streamed {
    fn end(&mut self, code: Code) {
        if let Some(started) = self.started.take() {
            started.finish(code_name(code), Facts { kind: kind_of(code), ..self.facts });
        }
        self.place = None;
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    let code = Status::from_header_map(trailers).map_or(Code::Ok, |s| s.code());
                    self.end(code);
                }
            }
            Poll::Ready(Some(Err(status))) => self.end(status.code()),
            Poll::Ready(None) => self.end(Code::Ok),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
