//! Redis as fast as it can be asked: prepared pipelines of HMGET, and answers that are only counted.
//!
//! This is the limit that a server in front of the same Redis is measured against, so it does nothing that costs
//! time: no value is copied, converted or looked at.

use std::io::Write as _;

use anyhow::{Result, bail, ensure};
use async_trait::async_trait;
use larder_core::Value;
use larder_proto::wire::entity_key::{EntityKeyVersion, encode};
use larder_proto::wire::field_hash::{feature_field, timestamp_field};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::generated::{FEATURES, VIEWS};
use crate::load::{Exchange, Target};

/// HMGETs that one connection has on their way at least; one request when it has more.
const IN_FLIGHT: usize = 16;

/// HSETs of one batch.
const KEYS_PER_BATCH: u32 = 100;

/// An encoded `Value` of a double.
const DOUBLE: [u8; 9] = [0x29, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f];

/// An encoded `Timestamp` in whole seconds.
const SECONDS: [u8; 6] = [0x08, 0x80, 0x92, 0xb8, 0xc3, 0x06];

/// Prepared batches of requests to a Redis on this machine.
#[derive(Debug)]
pub(crate) struct RawRedis {
    port: u16,
    batches: Vec<Vec<u8>>,
    /// HMGETs per batch.
    commands: usize,
    /// Requests per batch.
    requests: usize,
}

impl RawRedis {
    /// What `fs` has to ask for requests of these keys, of all features of the online workload; of small requests several
    /// at a time.
    pub(crate) fn pipelined(port: u16, project: &str, requests: &[Vec<u32>]) -> Result<Self> {
        let rows = requests.first().map_or(1, Vec::len);
        Self::new(port, project, requests, IN_FLIGHT.div_ceil(rows))
    }

    /// The same, one request at a time over each connection.
    pub(crate) fn one_by_one(port: u16, project: &str, requests: &[Vec<u32>]) -> Result<Self> {
        Self::new(port, project, requests, 1)
    }

    fn new(port: u16, project: &str, requests: &[Vec<u32>], together: usize) -> Result<Self> {
        let rows = requests.first().map_or(1, Vec::len);
        let batches = requests
            .chunks_exact(together)
            .map(|requests| {
                let mut batch = Vec::new();
                for key in requests.iter().flatten() {
                    put_hmget(project, *key, &mut batch)?;
                }
                Ok(batch)
            })
            .collect::<Result<_>>()?;
        Ok(Self { port, batches, commands: rows * together, requests: together })
    }

    /// What `fs materialize` has to write for so many keys, a multiple of 100.
    pub(crate) fn hsets(port: u16, project: &str, keys: u32) -> Result<Self> {
        let batch = |(view, first)| {
            let mut batch = Vec::new();
            (first..first + KEYS_PER_BATCH)
                .try_for_each(|key| put_hset(project, view, key, &mut batch))?;
            Ok(batch)
        };
        let firsts = || (0..keys).step_by(KEYS_PER_BATCH as usize);
        let batches = (0..VIEWS).flat_map(|view| firsts().map(move |first| (view, first)));
        let batches = batches.map(batch).collect::<Result<_>>()?;
        Ok(Self { port, batches, commands: KEYS_PER_BATCH as usize, requests: 1 })
    }

    /// Requests that are on their way over one connection.
    pub(crate) fn together(&self) -> usize {
        self.requests
    }

    /// How many there are.
    pub(crate) fn batches(&self) -> usize {
        self.batches.len()
    }
}

fn put_hset(project: &str, view: usize, key: u32, out: &mut Vec<u8>) -> Result<()> {
    let name = format!("view_{view}");
    write!(out, "*{}\r\n", 2 + 2 * (FEATURES + 1))?;
    put_bulk(b"HSET", out)?;
    put_bulk(&row_key(project, key)?, out)?;
    put_bulk(timestamp_field(&name).as_bytes(), out)?;
    put_bulk(&SECONDS, out)?;
    for feature in 0..FEATURES {
        put_bulk(&feature_field(&name, &format!("v{view}_f{feature}")), out)?;
        put_bulk(&DOUBLE, out)?;
    }
    Ok(())
}

fn row_key(project: &str, key: u32) -> Result<Vec<u8>> {
    let mut key = encode(EntityKeyVersion::V3, &["key"], &[Value::Int64(key.into())])?;
    key.extend_from_slice(project.as_bytes());
    Ok(key)
}

fn put_hmget(project: &str, key: u32, out: &mut Vec<u8>) -> Result<()> {
    write!(out, "*{}\r\n", 2 + VIEWS * (FEATURES + 1))?;
    put_bulk(b"HMGET", out)?;
    put_bulk(&row_key(project, key)?, out)?;
    for view in 0..VIEWS {
        let name = format!("view_{view}");
        for feature in 0..FEATURES {
            put_bulk(&feature_field(&name, &format!("v{view}_f{feature}")), out)?;
        }
        put_bulk(timestamp_field(&name).as_bytes(), out)?;
    }
    Ok(())
}

fn put_bulk(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    write!(out, "${}\r\n", bytes.len())?;
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

#[async_trait(?Send)]
impl Target for RawRedis {
    async fn connect(&self) -> Result<Box<dyn Exchange + '_>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(RawExchange { target: self, stream, buffer: vec![0; 256 << 10] }))
    }

    /// Nothing may keep Redis waiting: its rate is the limit that others are measured against.
    fn threads(&self, connections: usize) -> usize {
        connections
    }
}

struct RawExchange<'a> {
    target: &'a RawRedis,
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[async_trait(?Send)]
impl Exchange for RawExchange<'_> {
    async fn exchange(&mut self, turn: usize) -> Result<()> {
        let batches = &self.target.batches;
        self.stream.write_all(&batches[turn % batches.len()]).await?;
        let (mut counting, mut filled) = (Counting::new(self.target.commands), 0);
        while counting.wanted > 0 {
            let length = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(length > 0, "redis closed the connection");
            filled += length;
            let counted = counting.count(&self.buffer[..filled])?;
            self.buffer.copy_within(counted..filled, 0);
            filled -= counted;
        }
        Ok(())
    }

    fn requests(&self) -> u64 {
        self.target.requests as u64
    }
}

/// Counts RESP values as they come.
struct Counting {
    /// Values that are still to come.
    wanted: usize,
}

impl Counting {
    fn new(answers: usize) -> Self {
        Self { wanted: answers }
    }

    /// Takes whole values from the front; how many bytes they have.
    fn count(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut at = 0;
        while self.wanted > 0 {
            let Some(line) = bytes[at..].iter().position(|byte| *byte == b'\n') else { break };
            let text = &bytes[at..at + line];
            let next = at + line + 1;
            let (kind, length) = (text[0], length(&text[1..])?);
            match kind {
                b':' => (self.wanted, at) = (self.wanted - 1, next),
                b'*' => (self.wanted, at) = (self.wanted + length - 1, next),
                b'$' if bytes.len() < next + length + 2 => break,
                b'$' => (self.wanted, at) = (self.wanted - 1, next + length + 2),
                _ => bail!("redis answered {:?}", String::from_utf8_lossy(text)),
            }
        }
        Ok(at)
    }
}

/// A length before its carriage return; a missing value (`-1`) is a mistake of the benchmark.
fn length(text: &[u8]) -> Result<usize> {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    text.iter().try_fold(0, |length, digit| {
        ensure!(digit.is_ascii_digit(), "redis has no value for a field that was asked");
        Ok(length * 10 + usize::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_wherever_they_are_cut() {
        let answer = b"*2\r\n$3\r\nab\n\r\n$0\r\n\r\n*1\r\n$1\r\nx\r\n";
        for cut in 0..answer.len() {
            let mut counting = Counting::new(2);
            let counted = counting.count(&answer[..cut]).unwrap();
            assert!(counting.wanted > 0);
            assert_eq!(counted + counting.count(&answer[counted..]).unwrap(), answer.len());
            assert_eq!(counting.wanted, 0);
        }
    }

    #[test]
    fn a_missing_value_is_told() {
        assert!(Counting::new(1).count(b"*1\r\n$-1\r\n").is_err());
        assert!(Counting::new(1).count(b"-ERR no\r\n").is_err());
    }
}
