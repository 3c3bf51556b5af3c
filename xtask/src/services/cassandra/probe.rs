//! Whether a node lets clients in: a login in the CQL protocol, version 4.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};

const STARTUP: u8 = 0x01;
const AUTHENTICATE: u8 = 0x03;
const AUTH_RESPONSE: u8 = 0x0f;
const AUTH_SUCCESS: u8 = 0x10;

/// How long a node may think about one message.
const PATIENCE: Duration = Duration::from_secs(5);

/// Logs in as the superuser, whom a new node makes shortly after it listens.
pub(super) fn answers(port: u16) -> Result<bool> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let startup = b"\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0";
    if exchange(&mut stream, STARTUP, startup)? != AUTHENTICATE {
        return Ok(false);
    }
    let token = b"\x00cassandra\x00cassandra";
    let length = u32::try_from(token.len())?.to_be_bytes();
    let answer = exchange(&mut stream, AUTH_RESPONSE, &[&length, &token[..]].concat())?;
    Ok(answer == AUTH_SUCCESS)
}

/// Sends one message and returns the kind of the answer.
fn exchange(stream: &mut TcpStream, kind: u8, body: &[u8]) -> Result<u8> {
    let length = u32::try_from(body.len())?.to_be_bytes();
    stream.write_all(&[&[4, 0, 0, 0, kind], &length[..], body].concat())?;
    let mut header = [0; 9];
    stream.read_exact(&mut header)?;
    let [.., a, b, c, d] = header;
    let length = u32::from_be_bytes([a, b, c, d]);
    ensure!(length < 1 << 20, "an answer of {length} bytes is no answer to a login");
    std::io::copy(&mut stream.take(length.into()), &mut std::io::sink())?;
    Ok(header[4])
}
