//! The accept loop: a bounded number of connections, dealt out to lanes, and handshakes that keep nobody waiting.

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

/// An accepted socket that no runtime watches, with its slot.
#[derive(Debug)]
pub(crate) struct Dealt {
    socket: std::net::TcpStream,
    slot: OwnedSemaphorePermit,
}

/// The sockets that one lane gets.
pub(crate) type Hand = mpsc::Receiver<Dealt>;

impl Acceptor {
    /// The sockets for so many lanes, and the loop that deals them out in turn until `stop` is set; the caller awaits it.
    ///
    /// Without a free slot one connection is accepted and waits for it, the others in the system's queue.
    pub(crate) fn deal(
        &self,
        listener: TcpListener,
        lanes: usize,
        stop: watch::Receiver<bool>,
    ) -> (Vec<Hand>, impl Future<Output = ()> + use<>) {
        let (lanes, hands) = (0..lanes).map(|_| mpsc::channel(WAITING)).unzip();
        (hands, accept(listener, Arc::clone(&self.slots), lanes, stop))
    }

    /// The connections of the sockets in one hand, and the loop that makes them; the caller awaits both, on the lane's
    /// runtime.
    pub(crate) fn take(
        self,
        hand: Hand,
        stop: watch::Receiver<bool>,
    ) -> (Accepted, impl Future<Output = ()>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Accepted(receiver), self.shake_hands(hand, sender, stop))
    }

    async fn shake_hands(
        self,
        mut hand: Hand,
        accepted: mpsc::Sender<Connection>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut handshakes = JoinSet::new();
        loop {
            tokio::select! {
                Some(dealt) = hand.recv() => {
                    handshakes.spawn(self.clone().hand_over(dealt, accepted.clone()));
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

    async fn hand_over(self, dealt: Dealt, accepted: mpsc::Sender<Connection>) {
        let Dealt { socket, slot } = dealt;
        let established = tokio::time::timeout(self.handshake_timeout, self.establish(socket));
        match established.await {
            Ok(Ok((stream, prelude))) => {
                // The protocol is gone when the server stops: so is the connection then.
                let prelude = (self.prelude, prelude);
                let connection = Connection::new(stream, prelude, self.send_timeout, slot);
                drop(accepted.send(connection).await);
            }
            Ok(Err(error)) => tracing::debug!(%error, "handshake failed"),
            Err(_) => tracing::debug!("handshake timed out"),
        }
    }

    async fn establish(&self, socket: std::net::TcpStream) -> io::Result<(Stream, Bytes)> {
        let socket = TcpStream::from_std(socket)?;
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

/// Accepts sockets and gives one lane after the other its own.
async fn accept(
    listener: TcpListener,
    slots: Arc<Semaphore>,
    lanes: Vec<mpsc::Sender<Dealt>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut lanes = lanes.iter().cycle();
    // Kept outside of the branches: one that is not taken must not lose it.
    let mut waiting = None;
    loop {
        tokio::select! {
            next = listener.accept(), if waiting.is_none() => waiting = socket(next).await,
            Ok(slot) = Arc::clone(&slots).acquire_owned(), if waiting.is_some() => {
                let (Some(socket), Some(lane)) = (waiting.take(), lanes.next()) else { continue };
                // A lane that has ended takes the connection along.
                drop(lane.send(Dealt { socket, slot }).await);
            }
            () = stopped(&mut stop) => return,
        }
    }
}

/// An accepted socket; after an error of the system, none after a pause.
async fn socket(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<std::net::TcpStream> {
    match accepted.and_then(|(socket, _)| socket.into_std()) {
        Ok(socket) => return Some(socket),
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
