//! An accepted connection, as both protocols read and write it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

use super::stream::Stream;

/// The bytes of one client. Its slot among the connections is free again when it goes.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    /// What was read before the protocol took over.
    prelude: Bytes,
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
    pub(super) fn new(
        stream: Stream,
        prelude: Bytes,
        send_timeout: Duration,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        let send = SendTimeout { limit: send_timeout, running: None };
        Self { stream, prelude, send, _slot: slot }
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
        let this = self.get_mut();
        let progress = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.send.watch(cx, progress)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let progress = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.send.watch(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let progress = Pin::new(&mut this.stream).poll_flush(cx);
        this.send.watch(cx, progress)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let progress = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.send.watch(cx, progress)
    }
}

/// gRPC handlers learn nothing about the connection.
impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}
