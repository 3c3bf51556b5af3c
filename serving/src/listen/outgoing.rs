//! Small writes that leave together.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// Bytes that wait at most.
const ROOM: usize = 16 << 10;

/// Enough for the frame that ends an answer.
const END: usize = 256;

/// What was written to a connection and has not left.
///
/// HTTP/2 ends an answer with a frame of its own, and the library flushes what comes before it, so that each answer would
/// take two calls of the system and wake its client twice. Here the first flush only asks for another turn of the
/// connection's task; what is there at the next flush, of the same turn or of the other, leaves at once. `cargo xtask bench
/// redis`, gRPC, one row, four connections, two cores: 19 523 requests/s instead of 17 991, with [`super::lanes`]'
/// tick.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// A flush was asked for.
    is_due: bool,
}

impl Outgoing {
    /// Takes bytes, or writes them behind those that wait.
    pub(super) fn poll_write(
        &mut self,
        mut stream: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if self.bytes.len() + length <= ROOM {
            if self.bytes.is_empty() {
                self.bytes.reserve_exact(length + END);
            }
            for slice in slices {
                self.bytes.extend_from_slice(slice);
            }
            return Poll::Ready(Ok(length));
        }
        while !self.bytes.is_empty() {
            let waiting = self.bytes.len();
            let all = std::iter::once(IoSlice::new(&self.bytes));
            let all: Vec<_> = all.chain(slices.iter().map(|slice| IoSlice::new(slice))).collect();
            let written = ready!(stream.as_mut().poll_write_vectored(cx, &all))?;
            self.sent(written)?;
            if written > waiting {
                return Poll::Ready(Ok(written - waiting));
            }
        }
        stream.poll_write_vectored(cx, slices)
    }

    /// Writes what waits, the second time that it is asked to.
    pub(super) fn poll_flush(
        &mut self,
        stream: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.bytes.is_empty() && !self.is_due {
            self.is_due = true;
            cx.waker().wake_by_ref();
            return Poll::Ready(Ok(()));
        }
        self.poll_send(stream, cx)
    }

    /// Writes what waits.
    pub(super) fn poll_send(
        &mut self,
        mut stream: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.bytes.is_empty() {
            let written = ready!(stream.as_mut().poll_write(cx, &self.bytes))?;
            self.sent(written)?;
        }
        stream.poll_flush(cx)
    }

    /// So many bytes have left, those that waited first. An idle connection keeps no buffer.
    fn sent(&mut self, written: usize) -> io::Result<()> {
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        if written < self.bytes.len() {
            self.bytes.drain(..written);
        } else {
            *self = Self::default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Waker;

    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

    use super::*;

    fn write(outgoing: &mut Outgoing, stream: &mut DuplexStream, parts: &[&[u8]]) -> usize {
        let slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut cx = Context::from_waker(Waker::noop());
        match outgoing.poll_write(Pin::new(stream), &mut cx, &slices) {
            Poll::Ready(written) => written.unwrap(),
            Poll::Pending => 0,
        }
    }

    fn flush(outgoing: &mut Outgoing, stream: &mut DuplexStream) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        outgoing.poll_flush(Pin::new(stream), &mut cx).is_ready()
    }

    #[tokio::test]
    async fn small_writes_leave_with_the_second_flush_in_one_piece() {
        let (mut stream, mut client) = duplex(64);
        let mut outgoing = Outgoing::default();
        assert_eq!(write(&mut outgoing, &mut stream, &[b"head", b"body"]), 8);
        assert!(flush(&mut outgoing, &mut stream));
        assert_eq!(write(&mut outgoing, &mut stream, &[b"end"]), 3);
        assert!(flush(&mut outgoing, &mut stream));
        let mut read = [0; 64];
        assert_eq!(client.read(&mut read).await.unwrap(), 11);
        assert_eq!(&read[..11], b"headbodyend");
    }

    #[tokio::test]
    async fn a_write_that_nothing_follows_leaves_on_the_next_turn() {
        let (mut stream, mut client) = duplex(64);
        let mut outgoing = Outgoing::default();
        write(&mut outgoing, &mut stream, &[b"alone"]);
        let mut turns = 0;
        // A task that does nothing but flush is polled again only if it was woken.
        poll_fn(|cx| {
            turns += 1;
            let flushed = outgoing.poll_flush(Pin::new(&mut stream), cx);
            if outgoing.bytes.is_empty() { flushed.map(Result::unwrap) } else { Poll::Pending }
        })
        .await;
        assert_eq!(turns, 2);
        assert_eq!(client.read(&mut [0; 64]).await.unwrap(), 5);
    }

    #[tokio::test]
    async fn large_writes_go_behind_what_waits_however_little_the_client_takes() {
        let large: Vec<u8> = (0..=250).cycle().take(3 * ROOM).collect();
        for takes in [1, 7, ROOM, 4 * ROOM] {
            let (mut stream, mut client) = duplex(takes);
            let mut outgoing = Outgoing::default();
            write(&mut outgoing, &mut stream, &[b"waits"]);
            let reading = async {
                let mut read = vec![0; 5 + large.len()];
                client.read_exact(&mut read).await.unwrap();
                read
            };
            let writing = async {
                let mut rest = large.as_slice();
                while !rest.is_empty() {
                    let slices = [IoSlice::new(rest)];
                    let written =
                        poll_fn(|cx| outgoing.poll_write(Pin::new(&mut stream), cx, &slices));
                    rest = &rest[written.await.unwrap()..];
                }
                poll_fn(|cx| outgoing.poll_send(Pin::new(&mut stream), cx)).await.unwrap();
            };
            let (read, ()) = tokio::join!(reading, writing);
            assert_eq!(&read[..5], b"waits");
            assert!(read[5..] == large, "{takes} bytes at a time");
        }
    }

    #[tokio::test]
    async fn a_client_that_is_gone_is_an_error() {
        let (mut stream, client) = duplex(64);
        drop(client);
        let mut outgoing = Outgoing::default();
        write(&mut outgoing, &mut stream, &[b"to nobody"]);
        let sent = poll_fn(|cx| outgoing.poll_send(Pin::new(&mut stream), cx)).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
