//! What rows sum to, so that two programs can be compared without keeping the rows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use larder_core::{Error, Value};
use larder_stream_features::{Change, Covered, OutputRow, Sink};

/// The number of rows, the sum of their keys and the sums of their columns, modulo 2^64; of a text its hash.
pub(super) type Sums = Vec<u64>;

/// Takes the rows of a job and keeps only what they sum to.
#[derive(Debug, Clone, Default)]
pub(super) struct Digest(Arc<Mutex<Sums>>);

impl Digest {
    pub(super) fn sums(&self) -> Sums {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Sink for Digest {
    fn kind(&self) -> &'static str {
        "digest"
    }

    async fn restore(&mut self, _: Option<&[u8]>) -> larder_core::Result<()> {
        Ok(())
    }

    async fn flush(&mut self, _: Covered) -> larder_core::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    async fn write(&mut self, rows: &[OutputRow]) -> larder_core::Result<()> {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            if row.change != Change::Insert {
                return Err(Error::data("an event of the benchmark was late"));
            }
            sums.resize(row.values.len() + 2, 0);
            sums[0] += 1;
            let values = row.values.iter();
            for (sum, value) in sums[1..].iter_mut().zip(row.key()?.iter().chain(values)) {
                *sum = sum.wrapping_add(number(value)?);
            }
        }
        Ok(())
    }

    async fn finish(&mut self) -> larder_core::Result<()> {
        Ok(())
    }
}

fn number(value: &Value) -> larder_core::Result<u64> {
    Ok(match value {
        Value::Null => 0,
        Value::Bool(truth) => u64::from(*truth),
        Value::Int64(number) => number.cast_unsigned(),
        Value::String(text) => fnv(text),
        other => return Err(Error::unsupported(format!("{other:?} has no number here"))),
    })
}

/// FNV-1a, which is as short in any language.
fn fnv(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Writes a line per job: its name and the numbers.
pub(super) fn write(path: &Path, jobs: &BTreeMap<String, Sums>) -> Result<()> {
    let mut text = String::new();
    for (job, sums) in jobs {
        text.push_str(job);
        sums.iter().try_for_each(|sum| write!(text, " {sum}"))?;
        text.push('\n');
    }
    std::fs::write(path, text).context("the sums cannot be written")
}

/// Reads what either program wrote.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Sums>> {
    let text = std::fs::read_to_string(path).context("a program left no sums")?;
    let line = |line: &str| {
        let (job, sums) = line.split_once(' ').context("a line of sums has a job")?;
        let sums = sums.split(' ').map(|sum| Ok(sum.parse()?)).collect::<Result<Sums>>()?;
        Ok((job.to_owned(), sums))
    };
    text.lines().map(line).collect()
}
