//! Reading and writing with nothing in between, as a transaction: what was read is watched, and if somebody changes it,
//! nothing is written.

use std::time::Duration;

use redis::Cmd;
use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::client::{Answer, answer, pipeline_of};
use super::error::Fault;
use super::lease::Lease;
use super::slot::Live;

/// A transaction on a server; dropped, it has changed nothing.
pub(super) struct Transaction<'c> {
    lease: Lease<'c, MultiplexedConnection>,
    live: Live<MultiplexedConnection>,
    _permit: SemaphorePermit<'c>,
    /// How long an answer may take.
    patience: Duration,
}

impl<'c> Transaction<'c> {
    pub(super) fn new(
        lease: Lease<'c, MultiplexedConnection>,
        live: Live<MultiplexedConnection>,
        permit: SemaphorePermit<'c>,
        patience: Duration,
    ) -> Self {
        Self { lease, live, _permit: permit, patience }
    }

    /// Watches keys, and sends commands that read them.
    ///
    /// Nothing else is watched: a caller that gave up may have left keys behind on this connection.
    pub(super) async fn look(
        &self,
        keys: impl Iterator<Item = Vec<u8>>,
        reads: Vec<Cmd>,
    ) -> Result<Vec<Answer>, Fault> {
        let mut watch = redis::cmd("WATCH");
        for key in keys {
            watch.arg(key);
        }
        let mut commands = Vec::with_capacity(reads.len() + 2);
        commands.extend([redis::cmd("UNWATCH"), watch]);
        commands.extend(reads);
        let mut answers = self.send(commands).await?;
        let reads = answers.split_off(2);
        answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(reads)
    }

    /// Carries out commands, all of them or, when a watched key was changed meanwhile, none; whether it did.
    pub(super) async fn write(self, writes: Vec<Cmd>) -> Result<bool, Fault> {
        let mut commands = Vec::with_capacity(writes.len() + 2);
        commands.push(redis::cmd("MULTI"));
        commands.extend(writes);
        commands.push(redis::cmd("EXEC"));
        let carried_out = self.send(commands).await?.pop().unwrap_or(Ok(redis::Value::Nil));
        match carried_out.inspect_err(|_| self.lease.slot.discard(&self.live))? {
            redis::Value::Array(answers) => {
                answers.into_iter().map(answer).collect::<Result<Vec<_>, _>>()?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn send(&self, commands: Vec<Cmd>) -> Result<Vec<Answer>, Fault> {
        let pipeline = pipeline_of(commands);
        let mut connection = self.live.connection.clone();
        let answers = connection.req_packed_commands(&pipeline, 0, pipeline.len());
        let answers = timeout(self.patience, answers).await;
        let answers = self.lease.slot.judge(&self.live, answers, self.patience)?;
        Ok(answers.into_iter().map(answer).collect())
    }
}
