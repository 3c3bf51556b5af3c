//! A connection on which every list comes as one string that holds its bytes.
//!
//! A look-up of 100 entities with 50 features answers 5 500 fields. The client library makes a value of its own of
//! each, which costs several times what Redis needs to send them; of a gathered answer it makes one, and
//! [`Fields`](super::reply::Fields) reads the fields where they lie.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reply::{End, Unreadable};

/// Bytes that are asked for at once.
const READ: usize = 64 << 10;

/// A buffer that grew beyond this for one answer is not kept.
const LARGE: usize = 4 << 20;

/// Wraps the stream of a connection that sends nothing but look-ups once it is set up.
#[derive(Debug)]
pub(super) struct Gathered<S> {
    stream: S,
    /// Bytes as they came stand in `sent..filled`; those before were handed on.
    buffer: Vec<u8>,
    sent: usize,
    filled: usize,
    /// Where the next answer ends, as far as it is known.
    end: End,
    now: Now,
}

/// What is being handed on.
#[derive(Debug, Default)]
struct Now {
    /// Goes first.
    frame: Vec<u8>,
    /// So many bytes of the buffer go then.
    bytes: usize,
    /// They are a string's, which is to be closed.
    in_string: bool,
}

impl<S> Gathered<S> {
    pub(super) fn new(stream: S) -> Self {
        let (end, now) = (End::default(), Now::default());
        Self { stream, buffer: vec![0; READ], sent: 0, filled: 0, end, now }
    }

    /// Hands on what may be; whether there was anything.
    fn hand_on(&mut self, out: &mut ReadBuf<'_>) -> bool {
        let before = out.filled().len();
        while out.remaining() > 0 && self.has_more() {
            let frame = self.now.frame.len().min(out.remaining());
            out.put_slice(&self.now.frame[..frame]);
            self.now.frame.drain(..frame);
            let bytes = self.now.bytes.min(out.remaining());
            out.put_slice(&self.buffer[self.sent..self.sent + bytes]);
            self.sent += bytes;
            self.now.bytes -= bytes;
        }
        out.filled().len() > before
    }

    fn has_more(&mut self) -> bool {
        if !self.now.frame.is_empty() || self.now.bytes > 0 {
            return true;
        }
        if std::mem::take(&mut self.now.in_string) {
            self.now.frame.extend_from_slice(b"\r\n");
            return true;
        }
        self.next_answer()
    }

    /// Begins with the next answer, if all of it is there.
    fn next_answer(&mut self) -> bool {
        let rest = &self.buffer[self.sent..self.filled];
        match self.end.find(rest) {
            Ok(None) => return false,
            Ok(Some(length)) if rest[0] == b'*' => {
                let frame = format!("${length}\r\n").into_bytes();
                self.now = Now { frame, bytes: length, in_string: true };
            }
            Ok(Some(length)) => self.now.bytes = length,
            // The library knows what to say of it.
            Err(Unreadable) => self.now.bytes = rest.len(),
        }
        self.end = End::default();
        true
    }

    /// Makes room behind what is not handed on yet.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.sent..self.filled, 0);
        (self.sent, self.filled) = (0, self.filled - self.sent);
        if self.buffer.len() - self.filled < READ / 2 {
            self.buffer.resize(self.buffer.len() * 2, 0);
        } else if self.filled == 0 && self.buffer.len() > LARGE {
            self.buffer = vec![0; READ];
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while !this.hand_on(out) {
            this.make_room();
            let mut free = ReadBuf::new(&mut this.buffer[this.filled..]);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut free))?;
            let read = free.filled().len();
            this.filled += read;
            if read == 0 {
                let whole = this.filled == 0;
                let end = if whole { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
                return Poll::Ready(end);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const STREAM: &[u8] = b"+OK\r\n*2\r\n$1\r\nx\r\n$-1\r\n-ERR no\r\n*0\r\n:7\r\n";
    const GATHERED: &[u8] =
        b"+OK\r\n$16\r\n*2\r\n$1\r\nx\r\n$-1\r\n\r\n-ERR no\r\n$4\r\n*0\r\n\r\n:7\r\n";

    #[tokio::test]
    async fn lists_become_strings_however_they_come_and_however_they_are_asked_for() {
        for (sent_at_once, read_at_once) in [(1, 1), (1, 64), (3, 2), (64, 1), (64, 64)] {
            let (mut redis, client) = tokio::io::duplex(sent_at_once);
            let sending = tokio::spawn(async move { redis.write_all(STREAM).await.unwrap() });
            let (mut client, mut seen) = (Gathered::new(client), Vec::new());
            let mut some = vec![0; read_at_once];
            loop {
                match client.read(&mut some).await.unwrap() {
                    0 => break,
                    length => seen.extend_from_slice(&some[..length]),
                }
            }
            sending.await.unwrap();
            assert_eq!(String::from_utf8_lossy(&seen), String::from_utf8_lossy(GATHERED));
        }
    }

    #[tokio::test]
    async fn a_list_above_the_buffer_is_gathered_whole() {
        let value = vec![b'v'; 3 * READ];
        let list = [format!("*1\r\n${}\r\n", value.len()).as_bytes(), &value, b"\r\n"].concat();
        let stream = [&list[..], b"+OK\r\n"].concat();
        let mut client = Gathered::new(&stream[..]);
        let mut seen = Vec::new();
        client.read_to_end(&mut seen).await.unwrap();
        let header = format!("${}\r\n", list.len());
        assert_eq!(seen, [header.as_bytes(), &list, b"\r\n+OK\r\n"].concat());
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_is_an_error_and_foreign_bytes_are_passed_on() {
        let mut seen = Vec::new();
        let cut = Gathered::new(&b"+OK\r\n*2\r\n$1"[..]).read_to_end(&mut seen).await;
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(seen, b"+OK\r\n");
        seen.clear();
        Gathered::new(&b"HTTP/1.1 400\r\n"[..]).read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, b"HTTP/1.1 400\r\n");
    }
}
