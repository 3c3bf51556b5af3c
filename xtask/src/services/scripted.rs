//! A server for the tests of probes: it reads a request and says what it was told to.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// The port of a server that answers one request of so many bytes.
pub(super) fn server(request: usize, answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // What is not read when it closes would reset the connection.
        stream.read_exact(&mut vec![0; request]).unwrap();
        stream.write_all(answer).unwrap();
    });
    port
}
