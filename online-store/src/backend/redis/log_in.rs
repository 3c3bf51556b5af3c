//! Logging in on a stream that is wanted back: the client library knows how, but keeps what it gets.

use std::io::{ErrorKind, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError, RedisResult};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Has the client library log in and choose the database; afterwards nothing is on its way.
///
/// # Errors
/// Those of the library.
pub(super) async fn log_in(
    stream: TcpStream,
    login: &RedisConnectionInfo,
    config: AsyncConnectionConfig,
) -> RedisResult<TcpStream> {
    let stream = Arc::new(stream);
    let lent = Lent(Arc::clone(&stream));
    // Both halves of the library's connection end here, and with them its hold on the stream.
    drop(MultiplexedConnection::new_with_config(login, lent, config).await?);
    let kept = || RedisError::from(std::io::Error::from(ErrorKind::BrokenPipe));
    Arc::into_inner(stream).ok_or_else(kept)
}

/// A stream that stays open when its borrower goes.
struct Lent(Arc<TcpStream>);

impl AsyncRead for Lent {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(|count| buffer.advance(count))),
            }
        }
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}
