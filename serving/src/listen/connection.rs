//! An accepted connection, as both protocols read and write it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

use super::accept::Prelude;
use super::outgoing::Outgoing;
use super::stream::Stream;

/// The bytes of one client. Its slot among the connections is free again when it goes.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    /// What was read before the protocol took over.
    prelude: Bytes,
    /// Small writes of HTTP/2; `None` for protocols that write an answer at once.
    outgoing: Option<Outgoing>,
    send: SendTimeout,
    _slot: OwnedSemaphorePermit,
}

/// Ends a connection whose client takes nothing of what is sent to it.
#[derive(Debug)]
struct SendTimeout {
    limit: Duration,
    /// Runs while the client takes nothing.
    running: Option<Pin<Box<Sleep>>>,
}

impl SendTimeout {
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.running = None;
            return progress;
        }
        let running = self.running.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        match running.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Connection {
    /// A connection over which the protocol of the prelude is spoken, of which these bytes were read.
    pub(super) fn new(
        stream: Stream,
        (protocol, prelude): (Prelude, Bytes),
        send_timeout: Duration,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        let send = SendTimeout { limit: send_timeout, running: None };
        let outgoing = (protocol == Prelude::Http2).then(Outgoing::default);
        Self { stream, prelude, outgoing, send, _slot: slot }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.prelude.is_empty() {
            let count = self.prelude.len().min(buffer.remaining());
            buffer.put_slice(&self.prelude.split_to(count));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let stream = Pin::new(&mut this.stream);
        let progress = match &mut this.outgoing {
            Some(outgoing) => outgoing.poll_write(stream, cx, slices),
            None => stream.poll_write_vectored(cx, slices),
        };
        this.send.watch(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let stream = Pin::new(&mut this.stream);
        let progress = match &mut this.outgoing {
            Some(outgoing) => outgoing.poll_flush(stream, cx),
            None => stream.poll_flush(cx),
        };
        this.send.watch(cx, progress)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(outgoing) = &mut this.outgoing {
            let sent = outgoing.poll_send(Pin::new(&mut this.stream), cx);
            ready!(this.send.watch(cx, sent))?;
        }
        let progress = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.send.watch(cx, progress)
    }
}

/// gRPC handlers learn nothing about the connection.
impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}
