//! The accept loop: a bounded number of connections, and handshakes that keep nobody waiting.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use futures::Stream as Incoming;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::connection::Connection;
use super::stream::Stream;
use crate::running::stopped;

/// Accepted connections that wait for the protocol to take them.
const WAITING: usize = 64;

/// Bytes with which every HTTP/2 client starts.
const HTTP2_PREFACE: usize = 24;

/// How long accepting pauses when the system has no file descriptor left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// What a client must send before the protocol is started for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prelude {
    /// Nothing: the protocol watches the time itself.
    None,
    /// The HTTP/2 preface.
    Http2,
}

/// How connections of one listener are accepted.
#[derive(Clone)]
pub(crate) struct Acceptor {
    /// `None` for plain text.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) prelude: Prelude,
    /// Time for the TLS handshake and the prelude.
    pub(crate) handshake_timeout: Duration,
    pub(crate) send_timeout: Duration,
    /// Slots of all listeners together.
    pub(crate) slots: Arc<Semaphore>,
}

/// The accepted connections of one listener; ends when the loop does.
#[derive(Debug)]
pub(crate) struct Accepted(mpsc::Receiver<Connection>);

impl Incoming for Accepted {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|connection| connection.map(Ok))
    }
}

impl Acceptor {
    /// The connections, and the loop that fills them until `stop` is set; the caller awaits both.
    ///
    /// Without a free slot one connection is accepted and waits for it, the others in the system's queue.
    pub(crate) fn start(
        self,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
    ) -> (Accepted, impl Future<Output = ()>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Accepted(receiver), self.run(listener, sender, stop))
    }

    async fn run(
        self,
        listener: TcpListener,
        accepted: mpsc::Sender<Connection>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut handshakes = JoinSet::new();
        // Kept outside of the branches: one that is not taken must not lose it.
        let mut waiting = None;
        loop {
            tokio::select! {
                next = listener.accept(), if waiting.is_none() => waiting = socket(next).await,
                Ok(slot) = Arc::clone(&self.slots).acquire_owned(), if waiting.is_some() => {
                    if let Some(socket) = waiting.take() {
                        handshakes.spawn(self.clone().hand_over(socket, slot, accepted.clone()));
                    }
                }
                Some(ended) = handshakes.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a handshake failed");
                    }
                }
                () = stopped(&mut stop) => return,
            }
        }
    }

    async fn hand_over(
        self,
        socket: TcpStream,
        slot: OwnedSemaphorePermit,
        accepted: mpsc::Sender<Connection>,
    ) {
        let established = tokio::time::timeout(self.handshake_timeout, self.establish(socket));
        match established.await {
            Ok(Ok((stream, prelude))) => {
                // The protocol is gone when the server stops: so is the connection then.
                let connection = Connection::new(stream, prelude, self.send_timeout, slot);
                drop(accepted.send(connection).await);
            }
            Ok(Err(error)) => tracing::debug!(%error, "handshake failed"),
            Err(_) => tracing::debug!("handshake timed out"),
        }
    }

    async fn establish(&self, socket: TcpStream) -> io::Result<(Stream, Bytes)> {
        socket.set_nodelay(true)?;
        let mut stream = match &self.tls {
            Some(tls) => Stream::Tls(Box::new(tls.accept(socket).await?)),
            None => Stream::Plain(socket),
        };
        let mut prelude = Vec::new();
        if self.prelude == Prelude::Http2 {
            prelude.resize(HTTP2_PREFACE, 0);
            stream.read_exact(&mut prelude).await?;
        }
        Ok((stream, Bytes::from(prelude)))
    }
}

/// An accepted socket; after an error of the system, none after a pause.
async fn socket(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<TcpStream> {
    match accepted {
        Ok((socket, _)) => return Some(socket),
        // A connection that ended before it was accepted concerns nobody else.
        Err(error) if is_of_the_connection(&error) => {}
        Err(error) => {
            tracing::error!(%error, "cannot accept connections");
            tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
        }
    }
    None
}

fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
