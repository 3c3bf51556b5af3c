//! Rows in Feast's layout, guarded by a transaction.
//!
//! A third of what a script costs Redis is handing the arguments to Lua and back. With scripts `materialize` wrote 55 % of
//! the rows that plain HSETs write in the same time (`cargo xtask bench write`), with transactions 67 %.

use larder_core::Result;
use redis::{Cmd, Value};

use super::super::error::Fault;
use super::super::layout::{existence_field, micros, row_key};
use super::Call;
use crate::backend::redis::config::RedisLayout;
use crate::{RowTimes, WriteSummary};

impl Call<'_> {
    /// Writes rows with different keys that what is stored does not keep out. None when somebody else changed one of the keys
    /// meanwhile, or there are no transactions for us: then nothing is written, unless the connection went with the answer,
    /// and the rows may be written again.
    pub(super) async fn by_transaction(
        &self,
        rows: &[usize],
        as_feast: bool,
    ) -> Result<Option<WriteSummary>> {
        let transaction = self.client.transaction().await;
        let Some(transaction) = transaction.map_err(|fault| self.client.error(&fault))? else {
            return Ok(None);
        };
        let keys = rows.iter().map(|&row| row_key(self.rows.key(row), self.table.project()));
        let stored = match transaction.look(keys, self.looks(rows)).await {
            Ok(answers) => answers,
            Err(fault) => return self.left_to_the_script(&fault),
        };
        let mut admitted = Vec::with_capacity(rows.len());
        for (&row, stored) in rows.iter().zip(stored) {
            match stored {
                Ok(Value::BulkString(time)) if !self.admits(row, &time, as_feast)? => {}
                Ok(_) => admitted.push(row),
                Err(fault) => return self.left_to_the_script(&fault),
            }
        }
        let summary =
            WriteSummary { written: admitted.len(), skipped_older: rows.len() - admitted.len() };
        if admitted.is_empty() {
            return Ok(Some(summary));
        }
        match transaction.write(self.puts(admitted.into_iter())).await {
            Ok(carried_out) => Ok(carried_out.then_some(summary)),
            Err(fault) => self.left_to_the_script(&fault),
        }
    }

    /// Asks for the stored times.
    fn looks(&self, rows: &[usize]) -> Vec<Cmd> {
        let field = existence_field(self.table, RedisLayout::Feast);
        let look = |&row: &usize| {
            let mut command = redis::cmd("HGET");
            command.arg(row_key(self.rows.key(row), self.table.project())).arg(&field);
            command
        };
        rows.iter().map(look).collect()
    }

    /// Whether a row may replace the one with this encoded time.
    fn admits(&self, row: usize, stored: &[u8], as_feast: bool) -> Result<bool> {
        let stored = micros(stored, self.table).map_err(|_| self.damaged(Some(row)))?;
        let times = self.rows.times(row);
        if as_feast {
            return Ok(stored <= 0 || times.event > stored);
        }
        Ok(self.guard.admits(Some(RowTimes { event: stored, created: None }), times))
    }

    /// What a server refuses here, for instance because the user may not watch, the script may do; who is silent is not
    /// asked again.
    fn left_to_the_script(&self, fault: &Fault) -> Result<Option<WriteSummary>> {
        match fault {
            Fault::Redis(_) => Ok(None),
            _ => Err(self.client.error(fault)),
        }
    }
}
