//! Whether a server answers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Result;

/// How long a server may think about a ping.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pings it.
pub(super) fn answers(port: u16) -> Result<bool> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"+PONG\r\n")
}

#[cfg(test)]
mod tests {
    use super::super::super::scripted;
    use super::*;

    fn server(answer: &'static [u8]) -> u16 {
        scripted::server(6, answer)
    }

    #[test]
    fn only_a_pong_is_an_answer() {
        assert!(answers(server(b"+PONG\r\n")).unwrap());
        assert!(!answers(server(b"-LOADING Redis is loading the dataset in memory\r\n")).unwrap());
        assert!(answers(server(b"")).is_err());
    }
}
