//! One server, the connections to it, and what is asked over them.

use std::time::Duration;

use larder_core::Result;
use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{Pipeline, Value};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::config::RedisConfig;
use super::dial::{LookUpDial, LookUpLine, ServerDial};
use super::error::Fault;
use super::hmget::{Answers, HmgetPipeline};
use super::lease::Leases;
use super::slot::{SharedAttempts, Slot};
use super::slots::Slots;
use super::transaction::Transaction;

/// How long a server may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) answer: Duration,
}

impl Patience {
    pub(super) fn of(config: &RedisConfig) -> Self {
        Self { connect: config.connect_timeout, answer: config.response_timeout }
    }
}

/// A server, which is connected to when something is asked.
///
/// Look-ups go over connections that ask nothing else; see [`look_up`](super::look_up).
pub(super) struct Endpoint {
    dial: ServerDial,
    commands: Slots<MultiplexedConnection>,
    look_ups: Slots<LookUpLine>,
    transactions: Leases<MultiplexedConnection>,
    /// Whether it may be a replica whose rows are wanted.
    of_replica: bool,
    patience: Patience,
}

impl Endpoint {
    /// A server that holds what it is asked for.
    pub(super) fn new(dial: ServerDial, config: &RedisConfig) -> Self {
        let attempts = SharedAttempts::default();
        Self {
            dial,
            commands: Slots::new(config.connections, &attempts),
            look_ups: Slots::new(config.connections, &attempts),
            transactions: Leases::new(config.connections, &attempts),
            of_replica: false,
            patience: Patience::of(config),
        }
    }

    /// The same, which answers look-ups also while it is the replica of another.
    pub(super) fn or_replica(self, of_replica: bool) -> Self {
        Self { of_replica, ..self }
    }

    /// How many connections there are.
    pub(super) fn live(&self) -> usize {
        self.commands.live() + self.look_ups.live() + self.transactions.live()
    }

    /// Pipelines that are worth sending at one time.
    pub(super) fn calls_at_once(&self) -> usize {
        self.commands.len()
    }

    /// Sends a pipeline, again if the connection turns out to be gone: every call of ours may be repeated.
    pub(super) async fn pipeline(
        &self,
        pipeline: &Pipeline,
        patience: Duration,
    ) -> Result<Vec<Value>, Fault> {
        let slot = self.commands.next();
        match self.pipeline_once(slot, pipeline, patience).await {
            Err(fault) if fault.is_lost_connection() => {
                self.pipeline_once(slot, pipeline, patience).await
            }
            answer => answer,
        }
    }

    async fn pipeline_once(
        &self,
        slot: &Slot<MultiplexedConnection>,
        pipeline: &Pipeline,
        patience: Duration,
    ) -> Result<Vec<Value>, Fault> {
        let live = slot.get(&self.dial, self.patience.connect).await?;
        let mut connection = live.connection.clone();
        let answer = connection.req_packed_commands(pipeline, 0, pipeline.len());
        let answer = slot.judge(&live, timeout(patience, answer).await, patience);
        if answer.as_ref().is_ok_and(|values| values.iter().any(is_from_a_replica)) {
            slot.discard(&live); // the master is another server now
        }
        answer
    }

    /// Begins a transaction, whose every answer may take so long.
    pub(super) async fn transaction<'e>(
        &'e self,
        permit: SemaphorePermit<'e>,
        patience: Duration,
    ) -> Result<Transaction<'e>, Fault> {
        let lease = timeout(patience, self.transactions.take()).await;
        let lease = lease.map_err(|_| Fault::Busy(patience))?;
        let live = lease.slot.get(&self.dial, self.patience.connect).await?;
        Ok(Transaction::new(lease, live, permit, patience))
    }

    /// Sends look-ups, again if the connection turns out to be gone.
    pub(super) async fn look_up(
        &self,
        look_ups: &HmgetPipeline<'_>,
        patience: Duration,
    ) -> Result<Answers, Fault> {
        let slot = self.look_ups.own();
        match self.look_up_once(slot, look_ups, patience).await {
            Err(fault) if fault.is_lost_connection() => {
                self.look_up_once(slot, look_ups, patience).await
            }
            answers => answers,
        }
    }

    async fn look_up_once(
        &self,
        slot: &Slot<LookUpLine>,
        look_ups: &HmgetPipeline<'_>,
        patience: Duration,
    ) -> Result<Answers, Fault> {
        let dial = LookUpDial { server: &self.dial, of_replica: self.of_replica };
        let live = slot.get(&dial, self.patience.connect).await?;
        let answers = timeout(patience, live.connection.ask(look_ups)).await;
        slot.judge(&live, answers, patience)
    }
}

fn is_from_a_replica(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.code() == "READONLY")
}
