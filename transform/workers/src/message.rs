//! Messages on the wire: lengths, a header in JSON, a body; read and written before a deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest header; a function's text is bounded far below.
const MAX_HEADER: usize = 4 << 20;

/// How often a blocked call looks whether it should give up.
const TICK: Duration = Duration::from_millis(100);

/// A header and its body.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) header: Value,
    pub(crate) body: Vec<u8>,
}

/// Why no message came.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The deadline passed.
    Deadline,
    /// The pool is shutting down.
    Stopped,
    /// The other side is gone.
    Ended,
    /// What came is no message.
    Malformed(String),
}

/// How long, and how large.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds<'a> {
    pub(crate) deadline: Instant,
    pub(crate) max_body: u64,
    pub(crate) stopped: &'a AtomicBool,
}

impl Message {
    /// The bytes of a message.
    pub(crate) fn encode(header: &Value, body: &[u8]) -> Vec<u8> {
        let text = header.to_string();
        let mut bytes = Vec::with_capacity(12 + text.len() + body.len());
        let length = u32::try_from(text.len()).expect("texts of functions are bounded");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    /// Reads one message.
    pub(crate) fn receive(socket: &mut UnixStream, bounds: Bounds<'_>) -> Result<Self, Failure> {
        let mut lengths = [0; 12];
        read_all(socket, &mut lengths, bounds)?;
        let (header, body) = lengths.split_at(4);
        let header = u32::from_le_bytes(header.try_into().expect("four bytes")) as usize;
        let body = u64::from_le_bytes(body.try_into().expect("eight bytes"));
        if header > MAX_HEADER || body > bounds.max_body {
            return Err(Failure::Malformed(format!("{header} and {body} bytes are too many")));
        }
        let mut text = vec![0; header];
        read_all(socket, &mut text, bounds)?;
        let header = serde_json::from_slice(&text)
            .map_err(|error| Failure::Malformed(format!("a header that is no JSON: {error}")))?;
        let body =
            usize::try_from(body).map_err(|_| Failure::Malformed("a long body".to_owned()))?;
        let mut bytes = vec![0; body];
        read_all(socket, &mut bytes, bounds)?;
        Ok(Self { header, body: bytes })
    }
}

/// Writes all bytes.
pub(crate) fn send(
    socket: &mut UnixStream,
    mut bytes: &[u8],
    bounds: Bounds<'_>,
) -> Result<(), Failure> {
    while !bytes.is_empty() {
        let slice = bounds.slice()?;
        match socket.set_write_timeout(Some(slice)).and_then(|()| socket.write(bytes)) {
            Ok(0) => return Err(Failure::Ended),
            Ok(count) => bytes = &bytes[count..],
            Err(error) => retry(&error)?,
        }
    }
    Ok(())
}

fn read_all(
    socket: &mut UnixStream,
    mut bytes: &mut [u8],
    bounds: Bounds<'_>,
) -> Result<(), Failure> {
    while !bytes.is_empty() {
        let slice = bounds.slice()?;
        match socket.set_read_timeout(Some(slice)).and_then(|()| socket.read(bytes)) {
            Ok(0) => return Err(Failure::Ended),
            Ok(count) => bytes = &mut bytes[count..],
            Err(error) => retry(&error)?,
        }
    }
    Ok(())
}

/// A pause is no failure; anything else means that nobody is there any more.
fn retry(error: &io::Error) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
        _ => Err(Failure::Ended),
    }
}

impl Bounds<'_> {
    /// How long to block before looking again.
    fn slice(&self) -> Result<Duration, Failure> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Failure::Stopped);
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(Failure::Deadline) } else { Ok(left.min(TICK)) }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use serde_json::json;

    use super::*;

    static RUNNING: AtomicBool = AtomicBool::new(false);

    fn bounds(millis: u64) -> Bounds<'static> {
        let deadline = Instant::now() + Duration::from_millis(millis);
        Bounds { deadline, max_body: 16 << 20, stopped: &RUNNING }
    }

    #[test]
    fn a_message_larger_than_any_buffer_arrives_as_it_was_sent() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let body: Vec<u8> = (0..3_000_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        let bytes = Message::encode(&json!({"a": [1, "ü"]}), &body);
        let writer = thread::spawn(move || send(&mut theirs, &bytes, bounds(10_000)).unwrap());
        let message = Message::receive(&mut ours, bounds(10_000)).unwrap();
        writer.join().unwrap();
        assert_eq!(message, Message { header: json!({"a": [1, "ü"]}), body });
    }

    #[test]
    fn silence_a_lost_partner_and_nonsense_are_told_apart() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        assert!(matches!(Message::receive(&mut ours, bounds(20)), Err(Failure::Deadline)));
        theirs.write_all(&[0xff; 12]).unwrap();
        assert!(matches!(Message::receive(&mut ours, bounds(20)), Err(Failure::Malformed(_))));
        drop(theirs);
        assert!(matches!(Message::receive(&mut ours, bounds(20)), Err(Failure::Ended)));
        let stopped = AtomicBool::new(true);
        let bounds = Bounds { stopped: &stopped, ..bounds(20) };
        assert!(matches!(Message::receive(&mut ours, bounds), Err(Failure::Stopped)));
    }

    #[test]
    fn a_partner_that_does_not_read_holds_nobody_beyond_the_deadline() {
        let (mut ours, _theirs) = UnixStream::pair().unwrap();
        let bytes = vec![0; 8 << 20];
        assert!(matches!(send(&mut ours, &bytes, bounds(50)), Err(Failure::Deadline)));
    }
}
