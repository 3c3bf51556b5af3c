//! Rows in the packed layout.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use larder_core::{Error, ErrorKind, Result};
use redis::{Cmd, Value};

use super::super::client::parse;
use super::super::error::Fault;
use super::super::layout::{existence_field, row_key};
use super::super::row::{RowSchema, RowWriter, StoredRow};
use super::super::script::{REPLACE_PACKED, WRITE_PACKED, run};
use super::Call;
use crate::backend::redis::config::RedisLayout;
use crate::{WriteGuard, WriteSummary};

/// Rows of one script call: it runs for well under a millisecond, for others wait.
const ROWS_PER_SCRIPT: usize = 256;

/// How often a row may change under our hands while it is merged.
const ATTEMPTS: usize = 32;

/// Rows that are merged at one time.
const MERGES_AT_ONCE: usize = 32;

/// Rows and their packed bytes.
struct Part {
    rows: Vec<usize>,
    packed: Vec<Vec<u8>>,
}

/// How the rows of one call are packed, and what of stored rows they replace whole.
struct Packing {
    writer: RowWriter,
    /// The features of the rows, as rows of version 1 list them.
    hashes: Vec<u8>,
    /// The digests of schemas without other features.
    covered: Vec<u8>,
}

impl Call<'_> {
    /// Writes all rows.
    pub(super) async fn write_packed(&self) -> Result<WriteSummary> {
        let waves = self.waves();
        let mut summary = WriteSummary { written: 0, skipped_older: waves.kept_out };
        if waves.waves.is_empty() {
            return Ok(summary);
        }
        let packing = self.packing().await?;
        for wave in &waves.waves {
            let send = |rows| self.packed(&packing, rows).boxed();
            summary += self.all(self.pipelines(wave).map(send).collect()).await?;
        }
        Ok(summary)
    }

    async fn packing(&self) -> Result<Packing> {
        let writer = RowWriter::new(self.table);
        self.tell(writer.schema()).await?;
        let covered = self.schemas.covered(self.table, writer.schema());
        Ok(Packing { hashes: writer.schema().hashes(), covered, writer })
    }

    /// Stores a schema, before rows of it are.
    async fn tell(&self, schema: &RowSchema) -> Result<()> {
        self.schemas.store(self.client, self.table, schema).await
    }

    async fn packed(&self, packing: &Packing, rows: &[usize]) -> Result<WriteSummary> {
        let mut parts = Vec::new();
        for rows in rows.chunks(self.client.keys_per_script(ROWS_PER_SCRIPT)) {
            parts.push(self.part(packing, rows).await?);
        }
        let command = |part, whole| self.packed_script(packing, part, whole);
        let answers = run(self.client, &parts, command).await;
        let mut summary = WriteSummary::default();
        let mut undecided = Vec::new();
        for (part, answer) in parts.iter().zip(answers) {
            let (kept_out, rest) =
                answer.and_then(verdict).map_err(|fault| self.refused(&part.rows, &fault))?;
            summary.skipped_older += kept_out;
            summary.written += part.rows.len() - kept_out - rest.len();
            undecided.extend(rest.into_iter().filter_map(|at| part.rows.get(at.checked_sub(1)?)));
        }
        let merge = |&row: &usize| self.merged(packing, row);
        summary += self.all_of(undecided.into_iter().map(merge).collect(), MERGES_AT_ONCE).await?;
        Ok(summary)
    }

    /// What becomes of a row that is merged; boxed, because a row that went away meanwhile is written anew.
    fn merged<'c>(
        &'c self,
        packing: &'c Packing,
        row: usize,
    ) -> BoxFuture<'c, Result<WriteSummary>> {
        let merged = async move {
            let mut summary = WriteSummary::default();
            summary.count(self.merge(packing, row).await?);
            Ok(summary)
        };
        merged.boxed()
    }

    async fn part(&self, packing: &Packing, rows: &[usize]) -> Result<Part> {
        let mut part = Part { rows: rows.to_vec(), packed: Vec::with_capacity(rows.len()) };
        for &row in rows {
            let mut packed = Vec::new();
            let schema = packing.writer.pack(self.rows, row, &mut packed)?;
            if schema.digest() != packing.writer.schema().digest() {
                self.tell(schema).await?;
            }
            part.packed.push(packed);
        }
        Ok(part)
    }

    fn packed_script(&self, packing: &Packing, part: &Part, whole: bool) -> Cmd {
        let mut command = WRITE_PACKED.call(whole, part.rows.len());
        for &row in &part.rows {
            command.arg(row_key(self.rows.key(row), self.table.project()));
        }
        let guarded = self.guard != WriteGuard::LastWriteWins;
        command.arg(if guarded { "guarded" } else { "unguarded" }).arg(self.expiry);
        command.arg(existence_field(self.table, RedisLayout::Packed));
        command.arg(packing.hashes.as_slice()).arg(packing.covered.as_slice());
        for packed in &part.packed {
            command.arg(packed.as_slice());
        }
        command
    }

    /// Merges a row into the stored one, which has other features; whether it was admitted.
    async fn merge(&self, packing: &Packing, row: usize) -> Result<bool> {
        let key = row_key(self.rows.key(row), self.table.project());
        let field = existence_field(self.table, RedisLayout::Packed);
        for _ in 0..ATTEMPTS {
            let mut look = redis::cmd("HGET");
            look.arg(&key).arg(&field);
            let seen: Option<Vec<u8>> = self.one(look).await?;
            let Some(seen) = seen else { return self.insert(packing, row).await };
            let stored = StoredRow::parse(&seen)?;
            if !self.guard.admits(Some(stored.times()), self.rows.times(row)) {
                return Ok(false);
            }
            let known = match stored.digest() {
                Some(digest) => self.schemas.find(self.client, self.table, &[digest]).await?.pop(),
                None => None,
            };
            let mut merged = Vec::new();
            let stored = (&stored, known.as_ref());
            let schema = packing.writer.pack_over(self.rows, row, stored, &mut merged)?;
            self.tell(&schema).await?;
            let replace = |(): &(), whole: bool| {
                let mut command = REPLACE_PACKED.call(whole, 1);
                command.arg(&key).arg(&field).arg(self.expiry).arg(&seen).arg(&merged);
                command
            };
            let answer = run(self.client, &[()], replace).await.pop().unwrap_or(Ok(Value::Nil));
            let answer = answer.and_then(|value| redis::from_redis_value(value).map_err(parse));
            if answer.map_err(|fault| self.client.error(&fault))? {
                return Ok(true);
            }
        }
        Err(Error::new(ErrorKind::Conflict, format!("a row of {} changes too often", self.table)))
    }

    /// Writes a row whose stored one went away in between.
    async fn insert(&self, packing: &Packing, row: usize) -> Result<bool> {
        let summary = self.packed(packing, &[row]).await?;
        Ok(summary.written > 0)
    }

    async fn one<T: redis::FromRedisValue>(&self, command: Cmd) -> Result<T> {
        let answer = self.client.send(vec![command]).await.pop().unwrap_or(Ok(Value::Nil));
        let answer = answer.and_then(|value| redis::from_redis_value(value).map_err(parse));
        answer.map_err(|fault| self.client.error(&fault))
    }
}

/// Rows that were kept out, and the numbers of those that are to be merged.
fn verdict(answer: Value) -> Result<(usize, Vec<usize>), Fault> {
    let mut numbers: Vec<usize> = redis::from_redis_value(answer).map_err(parse)?;
    if numbers.is_empty() {
        return Ok((0, numbers));
    }
    let kept_out = numbers.remove(0);
    Ok((kept_out, numbers))
}
