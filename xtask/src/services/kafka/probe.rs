//! Whether a node serves clients: a request for metadata in Kafka's protocol.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};

/// How long a node may think about a request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Metadata (key 3) in version 1, correlation 7, no client id, about no topics.
const REQUEST: [u8; 14] = [0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0];

/// Asks for the brokers: a node that serves clients names itself.
pub(super) fn answers(port: u16) -> Result<bool> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = u32::try_from(REQUEST.len())?.to_be_bytes();
    stream.write_all(&[&length[..], &REQUEST].concat())?;
    // Length, correlation and the number of brokers.
    let mut answer = [[0; 4]; 3];
    for number in &mut answer {
        stream.read_exact(number)?;
    }
    let [length, correlation, brokers] = answer.map(u32::from_be_bytes);
    ensure!(length >= 8 && correlation == 7, "this is no answer of Kafka");
    Ok(brokers > 0)
}

#[cfg(test)]
mod tests {
    use super::super::super::scripted;
    use super::*;

    fn server(answer: &'static [u8]) -> u16 {
        scripted::server(REQUEST.len() + 4, answer)
    }

    #[test]
    fn a_node_serves_when_it_knows_a_broker() {
        assert!(answers(server(b"\x00\x00\x00\x08\x00\x00\x00\x07\x00\x00\x00\x01")).unwrap());
        assert!(!answers(server(b"\x00\x00\x00\x08\x00\x00\x00\x07\x00\x00\x00\x00")).unwrap());
        assert!(answers(server(b"HTTP/1.1 400 Bad Request")).is_err());
        assert!(answers(server(b"")).is_err());
    }
}
