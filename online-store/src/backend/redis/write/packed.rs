//! Rows in the packed layout.

use futures::FutureExt as _;
use larder_core::{Error, ErrorKind, Result};
use redis::{Cmd, Value};

use super::super::client::parse;
use super::super::error::Fault;
use super::super::layout::{existence_field, row_key};
use super::super::script::{REPLACE_PACKED, WRITE_PACKED, run};
use super::Call;
use crate::backend::packed_row::{PackedRow, Selection};
use crate::backend::redis::config::RedisLayout;
use crate::{WriteGuard, WriteSummary};

/// Rows of one script call: it runs for well under a millisecond, for others wait.
const ROWS_PER_SCRIPT: usize = 256;

/// How often a row may change under our hands while it is merged.
const ATTEMPTS: usize = 32;

/// Rows and their packed bytes.
struct Part {
    rows: Vec<usize>,
    packed: Vec<Vec<u8>>,
}

impl Call<'_> {
    /// Writes all rows.
    pub(super) async fn write_packed(&self) -> Result<WriteSummary> {
        let selection = Selection::new(self.table);
        let waves = self.waves();
        let mut summary = WriteSummary { written: 0, skipped_older: waves.kept_out };
        for wave in &waves.waves {
            let send = |rows| self.packed(&selection, rows).boxed();
            summary += self.all(self.pipelines(wave).map(send).collect()).await?;
        }
        Ok(summary)
    }

    async fn packed(&self, selection: &Selection, rows: &[usize]) -> Result<WriteSummary> {
        let parts = rows
            .chunks(self.client.keys_per_script(ROWS_PER_SCRIPT))
            .map(|rows| self.part(selection, rows))
            .collect::<Result<Vec<_>>>()?;
        let answers = run(self.client, &parts, |part, whole| self.packed_script(part, whole)).await;
        let mut summary = WriteSummary::default();
        let mut undecided = Vec::new();
        for (part, answer) in parts.iter().zip(answers) {
            let (kept_out, rest) =
                answer.and_then(verdict).map_err(|fault| self.refused(&part.rows, &fault))?;
            summary.skipped_older += kept_out;
            summary.written += part.rows.len() - kept_out - rest.len();
            undecided.extend(rest.into_iter().filter_map(|at| part.rows.get(at.checked_sub(1)?)));
        }
        for &row in undecided {
            summary.count(self.merge(selection, row).await?);
        }
        Ok(summary)
    }

    fn part(&self, selection: &Selection, rows: &[usize]) -> Result<Part> {
        let pack = |&row: &usize| {
            let mut packed = Vec::new();
            selection.pack(self.rows, row, None, &mut packed)?;
            Ok(packed)
        };
        Ok(Part { rows: rows.to_vec(), packed: rows.iter().map(pack).collect::<Result<_>>()? })
    }

    fn packed_script(&self, part: &Part, whole: bool) -> Cmd {
        let mut command = WRITE_PACKED.call(whole, part.rows.len());
        for &row in &part.rows {
            command.arg(row_key(self.rows.key(row), self.table.project()));
        }
        let guarded = self.guard != WriteGuard::LastWriteWins;
        command.arg(if guarded { "guarded" } else { "unguarded" }).arg(self.expiry);
        command.arg(existence_field(self.table, RedisLayout::Packed));
        for packed in &part.packed {
            command.arg(packed.as_slice());
        }
        command
    }

    /// Merges a row into the stored one, which has other features; whether it was admitted.
    async fn merge(&self, selection: &Selection, row: usize) -> Result<bool> {
        let key = row_key(self.rows.key(row), self.table.project());
        let field = existence_field(self.table, RedisLayout::Packed);
        for _ in 0..ATTEMPTS {
            let mut look = redis::cmd("HGET");
            look.arg(&key).arg(&field);
            let seen: Option<Vec<u8>> = self.one(look).await?;
            let Some(seen) = seen else { return self.insert(selection, row).await };
            let stored = PackedRow::parse(&seen)?;
            if !self.guard.admits(Some(stored.times()), self.rows.times(row)) {
                return Ok(false);
            }
            let mut merged = Vec::new();
            selection.pack(self.rows, row, Some(&stored), &mut merged)?;
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
    async fn insert(&self, selection: &Selection, row: usize) -> Result<bool> {
        let summary = Box::pin(self.packed(selection, &[row])).await?;
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
