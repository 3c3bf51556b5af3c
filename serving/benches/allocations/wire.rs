//! Connections that allocate nothing once they are open: prepared bytes out, frames and heads looked at in place.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// One connection and what it asks.
pub(crate) trait Connection {
    /// Asks once more and reads the answer to its end.
    fn ask(&mut self);
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// HTTP/1.1 with JSON.
pub(crate) struct Http {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Http {
    pub(crate) fn new(address: SocketAddr, body: &str) -> Self {
        let length = body.len();
        let request = format!(
            "POST /get-online-features HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        Self { stream: connect(address), request: request.into(), buffer: vec![0; 1 << 20] }
    }
}

impl Connection for Http {
    fn ask(&mut self) {
        self.stream.write_all(&self.request).unwrap();
        let mut filled = 0;
        loop {
            let count = self.stream.read(&mut self.buffer[filled..]).unwrap();
            assert!(count > 0, "the server closed the connection");
            filled += count;
            let answer = &self.buffer[..filled];
            let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
            if filled == head + 4 + content_length(&answer[..head]) {
                return;
            }
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length: ";
    let at = head.windows(NAME.len()).position(|window| window == NAME).unwrap() + NAME.len();
    let digits = head[at..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Bytes that the server may send before it is told that they were taken.
const WINDOW: u32 = 1 << 30;

/// gRPC over HTTP/2 without TLS: one call at a time.
pub(crate) struct Grpc {
    stream: TcpStream,
    headers: Vec<u8>,
    message: Vec<u8>,
    number: u32,
    frame: Vec<u8>,
    /// Bytes of data since the last window update.
    taken: u32,
}

impl Grpc {
    pub(crate) fn new(address: SocketAddr, method: &str, message: &[u8]) -> Self {
        let mut stream = connect(address);
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        // SETTINGS_INITIAL_WINDOW_SIZE
        let settings = [&[0, 4][..], &WINDOW.to_be_bytes()].concat();
        put_frame(SETTINGS, 0, 0, &settings, &mut hello);
        put_frame(WINDOW_UPDATE, 0, 0, &WINDOW.to_be_bytes(), &mut hello);
        stream.write_all(&hello).unwrap();
        let length = u32::try_from(message.len()).unwrap();
        let message = [&[0][..], &length.to_be_bytes(), message].concat();
        let headers = headers(method);
        Self { stream, headers, message, number: 1, frame: vec![0; 1 << 20], taken: 0 }
    }

    fn read_frame(&mut self) -> (u8, u8, u32, usize) {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).unwrap();
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        self.stream.read_exact(&mut self.frame[..length]).unwrap();
        (kind, flags, u32::from_be_bytes(stream), length)
    }
}

impl Connection for Grpc {
    fn ask(&mut self) {
        // One piece of at most a default frame each: nothing is larger than the server's windows at the start.
        let mut request = std::mem::take(&mut self.frame);
        request.clear();
        put_frame(HEADERS, END_HEADERS, self.number, &self.headers, &mut request);
        let mut pieces = self.message.chunks(16_384).peekable();
        while let Some(piece) = pieces.next() {
            let flags = if pieces.peek().is_none() { END_STREAM } else { 0 };
            put_frame(DATA, flags, self.number, piece, &mut request);
        }
        self.stream.write_all(&request).unwrap();
        request.resize(request.capacity(), 0);
        self.frame = request;
        loop {
            let (kind, flags, number, length) = self.read_frame();
            if kind == DATA {
                self.taken += u32::try_from(length).unwrap();
            }
            if kind == SETTINGS && flags == 0 {
                let mut answer = [0; 9];
                (answer[3], answer[4]) = (SETTINGS, 1);
                self.stream.write_all(&answer).unwrap();
            }
            if number == self.number && flags & END_STREAM != 0 {
                assert!(
                    kind == HEADERS && length < 64,
                    "the call failed: {:?}",
                    &self.frame[..length]
                );
                break;
            }
        }
        self.number += 2;
        if self.taken > WINDOW / 4 {
            let [a, b, c, d] = self.taken.to_be_bytes();
            self.stream.write_all(&[0, 0, 4, WINDOW_UPDATE, 0, 0, 0, 0, 0, a, b, c, d]).unwrap();
            self.taken = 0;
        }
    }
}

fn put_frame(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// HPACK without a dynamic table: indexed fields of the static table, and literals that are not indexed.
fn headers(path: &str) -> Vec<u8> {
    // :method POST, :scheme http
    let mut block = vec![0x83, 0x86];
    let mut text = |prefix: &[u8], value: &str| {
        block.extend_from_slice(prefix);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
    };
    text(&[0x04], path);
    text(&[0x01], "localhost");
    text(&[0x0f, 0x10], "application/grpc");
    text(&[0x00, 2, b't', b'e'], "trailers");
    block
}
