//! Rows in Feast's layout.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures::FutureExt as _;
use larder_core::{Error, Result};
use redis::{Cmd, Value};

use super::super::client::parse;
use super::super::error::Fault;
use super::super::layout::{existence_field, feature_fields, hex, put_timestamp, row_key};
use super::super::script::{WRITE_FEATURES, run};
use super::{Call, Waves};
use crate::backend::redis::config::RedisLayout;
use crate::{Cell, WriteGuard, WriteSummary};

/// Arguments of one script call: it runs for well under a millisecond, for others wait.
const ARGUMENTS_PER_SCRIPT: usize = 2_048;

/// Rows of one transaction: `WATCH` compares each key with all that are watched, and of 128 keys that was a fifth of
/// what Redis had to do. Of plain HSETs two transactions at once of 128 rows reached 54 to 58 %, eight of 64 rows 67 %
/// (`cargo xtask bench write`).
const ROWS_PER_TRANSACTION: usize = 64;

/// Fewer are left to a script.
const FEWEST_ROWS_PER_TRANSACTION: usize = 8;

/// Rows of one wave that carry the same features.
struct Part<'w> {
    /// Positions in the table.
    features: &'w [usize],
    rows: &'w [usize],
}

impl Call<'_> {
    /// Writes all rows; `as_feast` says whose rule the guard follows.
    pub(super) async fn write_features(&self, as_feast: bool) -> Result<WriteSummary> {
        let guarded = self.guard != WriteGuard::LastWriteWins;
        let waves = if as_feast { Waves::undecided(self.rows) } else { self.waves() };
        let mut summary = WriteSummary { written: 0, skipped_older: waves.kept_out };
        for wave in &waves.waves {
            summary += if guarded {
                self.guarded_wave(wave, as_feast).await?
            } else {
                self.all(self.pipelines(wave).map(|rows| self.set(rows).boxed()).collect()).await?
            };
        }
        Ok(summary)
    }

    /// Plain HSETs.
    async fn set(&self, rows: &[usize]) -> Result<WriteSummary> {
        for answer in self.client.send(self.puts(rows.iter().copied())).await {
            answer.map_err(|fault| self.client.error(&fault))?;
        }
        Ok(WriteSummary { written: rows.len(), skipped_older: 0 })
    }

    /// The commands that put rows into their places, whatever is there.
    pub(super) fn puts(&self, rows: impl ExactSizeIterator<Item = usize>) -> Vec<Cmd> {
        let timestamp_field = existence_field(self.table, RedisLayout::Feast);
        let fields: Vec<[u8; 4]> = feature_fields(self.table).collect();
        let mut commands = Vec::with_capacity(rows.len());
        let mut timestamp = Vec::new();
        for row in rows {
            let key = row_key(self.rows.key(row), self.table.project());
            let mut command = Cmd::with_capacity(2 * fields.len() + 4, 32 * fields.len());
            timestamp.clear();
            put_timestamp(self.rows.times(row).event, &mut timestamp);
            command.arg("HSET").arg(&key).arg(&timestamp_field).arg(timestamp.as_slice());
            for (feature, field) in fields.iter().enumerate() {
                if let Some(value) = self.rows.cell(row, feature).bytes() {
                    command.arg(&field[..]).arg(value);
                }
            }
            commands.push(command);
            if self.expiry > 0 {
                let mut expire = redis::cmd("EXPIRE");
                expire.arg(&key).arg(self.expiry);
                commands.push(expire);
            }
        }
        commands
    }

    async fn guarded_wave(&self, wave: &[usize], as_feast: bool) -> Result<WriteSummary> {
        let send = |rows| self.guarded_rows(rows, as_feast).boxed();
        let Some(at_once) = self.client.transactions_at_once() else {
            return self.all(self.pipelines(wave).map(send).collect()).await;
        };
        let parts = self.pipelines(wave).flat_map(|rows| rows.chunks(ROWS_PER_TRANSACTION));
        self.all_of(parts.map(send).collect(), at_once).await
    }

    /// Many rows are cheaper to compare here; a few take one round trip less by a script, and what it is there for is
    /// the last word: it cannot be disturbed.
    async fn guarded_rows(&self, rows: &[usize], as_feast: bool) -> Result<WriteSummary> {
        if rows.len() >= FEWEST_ROWS_PER_TRANSACTION
            && let Some(summary) = self.by_transaction(rows, as_feast).await?
        {
            return Ok(summary);
        }
        let mut summary = WriteSummary::default();
        for (features, rows) in self.by_features(rows) {
            summary += self.by_script(&features, &rows, as_feast).await?;
        }
        Ok(summary)
    }

    /// Rows by the features that they carry: mostly all rows carry all.
    fn by_features(&self, wave: &[usize]) -> BTreeMap<Vec<usize>, Vec<usize>> {
        let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        let mut features = Vec::new();
        for &row in wave {
            features.clear();
            let is_there = |&feature: &usize| self.rows.cell(row, feature) != Cell::Missing;
            features.extend((0..self.rows.features()).filter(is_there));
            match groups.get_mut(features.as_slice()) {
                Some(rows) => rows.push(row),
                None => drop(groups.insert(features.clone(), vec![row])),
            }
        }
        groups
    }

    async fn by_script(
        &self,
        features: &[usize],
        rows: &[usize],
        as_feast: bool,
    ) -> Result<WriteSummary> {
        let wanted = (ARGUMENTS_PER_SCRIPT / (features.len() + 4)).max(1);
        let parts: Vec<Part<'_>> = rows
            .chunks(self.client.keys_per_script(wanted))
            .map(|rows| Part { features, rows })
            .collect();
        let answers =
            run(self.client, &parts, |part, whole| self.script(part, whole, as_feast)).await;
        let mut summary = WriteSummary::default();
        for (part, answer) in parts.iter().zip(answers) {
            let kept_out =
                answer.and_then(kept_out).map_err(|fault| self.refused(part.rows, &fault))?;
            summary.skipped_older += kept_out;
            summary.written += part.rows.len() - kept_out;
        }
        Ok(summary)
    }

    fn script(&self, part: &Part<'_>, whole: bool, as_feast: bool) -> Cmd {
        let mut command = WRITE_FEATURES.call(whole, part.rows.len());
        for &row in part.rows {
            command.arg(row_key(self.rows.key(row), self.table.project()));
        }
        command.arg(if as_feast { "feast" } else { "larder" }).arg(self.expiry);
        command.arg(existence_field(self.table, RedisLayout::Feast)).arg(part.features.len());
        for &feature in part.features {
            command.arg(&self.table.features()[feature].hash.to_le_bytes()[..]);
        }
        let (mut timestamp, mut decimals) = (Vec::new(), String::new());
        for &row in part.rows {
            let event = self.rows.times(row).event;
            timestamp.clear();
            put_timestamp(event, &mut timestamp);
            command.arg(timestamp.as_slice());
            for number in [event.div_euclid(1_000_000), event.rem_euclid(1_000_000) * 1_000] {
                decimals.clear();
                write!(decimals, "{number}").expect("writing to memory cannot fail");
                command.arg(&decimals);
            }
            for &feature in part.features {
                command.arg(self.rows.cell(row, feature).bytes().unwrap_or_default());
            }
        }
        command
    }

    /// The error for a script that failed, which names the row whose stored time cannot be understood.
    pub(super) fn refused(&self, rows: &[usize], fault: &Fault) -> Error {
        if fault.code() != Some("LARDERDATA") {
            return self.client.error(fault);
        }
        let number = fault.detail().and_then(|detail| detail.trim().parse::<usize>().ok());
        self.damaged(number.and_then(|number| rows.get(number.checked_sub(1)?)).copied())
    }

    /// The error for a row whose stored time cannot be understood.
    pub(super) fn damaged(&self, row: Option<usize>) -> Error {
        let key = row.map_or_else(String::new, |row| hex(self.rows.key(row)));
        Error::data(format!(
            "the stored time of a row of {} is damaged, entity key {key}",
            self.table
        ))
        .with_hint("delete the key, or write once without guard (`fs materialize --bulk`)")
    }
}

fn kept_out(answer: Value) -> Result<usize, Fault> {
    redis::from_redis_value(answer).map_err(parse)
}
