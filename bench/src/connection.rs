//! A keep-alive HTTP/1.1 connection that costs the machine almost nothing.
//!
//! The generator shares its cores with the server that it measures, so it writes prepared bytes and
//! looks for nothing in an answer but its status and its length.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::load::{Exchange, Target};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer answers are refused.
const MAX_ANSWER: usize = 64 << 20;

/// Bytes that are asked for at once. The buffers of many connections fit into the processor's cache: what is read into
/// larger ones drives out of it what the server has there.
const READ: usize = 32 << 10;

/// The bytes of a POST request with a JSON body.
pub(crate) fn request(path: &str, body: &str) -> Vec<u8> {
    request_for("application/json", path, body)
}

/// As [`request`], for an answer of a media type.
pub(crate) fn request_for(media_type: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\naccept: {media_type}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Prepared HTTP requests to a port of this machine, sent in turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpTarget<'a> {
    /// Port.
    pub(crate) port: u16,
    /// Requests.
    pub(crate) requests: &'a [Vec<u8>],
}

#[async_trait(?Send)]
impl Target for HttpTarget<'_> {
    async fn connect(&self) -> anyhow::Result<Box<dyn Exchange + '_>> {
        let connection = Connection::open(self.port).await?;
        Ok(Box::new(HttpExchange { connection, requests: self.requests }))
    }
}

struct HttpExchange<'a> {
    connection: Connection,
    requests: &'a [Vec<u8>],
}

#[async_trait(?Send)]
impl Exchange for HttpExchange<'_> {
    async fn exchange(&mut self, turn: usize) -> anyhow::Result<()> {
        let request = &self.requests[turn % self.requests.len()];
        let status = self.connection.exchange(request, |_| ()).await?;
        anyhow::ensure!(status == 200, "status {status}");
        Ok(())
    }
}

/// Sends one request to a port of this machine; its status and the body of its answer.
pub(crate) fn ask(port: u16, request: &[u8]) -> Result<(u16, Vec<u8>)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let asking = async {
        let mut connection = Connection::open(port).await?;
        let mut body = Vec::new();
        let status = connection.exchange(request, |part| body.extend_from_slice(part)).await?;
        Ok((status, body))
    };
    runtime.block_on(async { timeout(PATIENCE, asking).await })?
}

/// One connection; the buffer is used again for every part of every answer.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects to a port of this machine.
    async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; READ] })
    }

    /// Sends one request, reads its answer to the end and hands over the body, part by part; the status.
    async fn exchange(&mut self, request: &[u8], mut take: impl FnMut(&[u8])) -> Result<u16> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let head = loop {
            filled += some(self.stream.read(&mut self.buffer[filled..]).await?)?;
            if let Some(head) = find(&self.buffer[..filled], b"\r\n\r\n") {
                break head + 4;
            }
        };
        let (status, length) = parse_head(&self.buffer[..head])?;
        if length > MAX_ANSWER || filled - head > length {
            return Err(Error::new(ErrorKind::InvalidData, "the answer is too long"));
        }
        take(&self.buffer[head..filled]);
        let mut left = length - (filled - head);
        while left > 0 {
            let room = left.min(READ);
            let read = some(self.stream.read(&mut self.buffer[..room]).await?)?;
            take(&self.buffer[..read]);
            left -= read;
        }
        Ok(status)
    }
}

/// So many bytes came; none means that no more will.
fn some(read: usize) -> Result<usize> {
    if read == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Status and content length.
fn parse_head(head: &[u8]) -> Result<(u16, usize)> {
    let invalid = || Error::new(ErrorKind::InvalidData, "not an HTTP/1.1 answer with a length");
    let head = std::str::from_utf8(head).map_err(|_| invalid())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|s| s.parse().ok());
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    status.zip(length).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_answer_in_pieces_is_read_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            for piece in ["HTTP/1.1 200 OK\r\nCont", "ent-Length: 5\r\n\r\nhe", "llo"] {
                stream.write_all(piece.as_bytes()).unwrap();
            }
            request[..length].to_vec()
        });
        let sent = request("/path", "{}");
        assert_eq!(ask(port, &sent).unwrap(), (200, b"hello".to_vec()));
        assert_eq!(server.join().unwrap(), sent);
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        assert!(parse_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert_eq!(parse_head(b"HTTP/1.1 404 X\r\ncontent-length: 7\r\n\r\n").unwrap(), (404, 7));
    }
}
