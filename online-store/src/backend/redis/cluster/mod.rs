//! A cluster: a command finds the node that has its key, also while slots move and nodes go.
//!
//! Its own, and not the client library's (redis 1.8): that one looks after no answer while it learns the slots anew, and
//! may wait for ever then; and it sends the ASKING that opens a slot on its way apart from the command behind it, which
//! another's may overtake. Here `work` is what is sent, `call` sends it until all is answered, `way` says what a fault
//! asks for, `topology` knows the nodes and their slots,
//! `assignment` whether these stayed where they were.

mod assignment;
mod call;
mod hash_slot;
mod node;
mod slot_map;
mod topology;
mod way;
mod work;

use std::sync::Arc;

use futures::future::try_join_all;
use larder_core::Result;
use redis::{FromRedisValue as _, Pipeline, Value};
use tokio::time::Instant;

pub(super) use self::assignment::Assignment;
use self::call::Call;
pub(super) use self::node::Node;
use self::topology::{Topology, WHILE_AWAY};
pub(super) use self::work::Work;
use super::client::{answer, parse};
use super::config::RedisConfig;
use super::endpoint::Patience;
use super::error::Fault;
use super::hmget::Answers;

/// A cluster, whose nodes are connected to when something is asked.
pub(super) struct Cluster {
    topology: Topology,
    patience: Patience,
    reads_replicas: bool,
}

impl Cluster {
    pub(super) fn new(config: &RedisConfig) -> Result<Self> {
        Ok(Self {
            topology: Topology::new(config)?,
            patience: Patience::of(config),
            reads_replicas: config.read_from_replicas,
        })
    }

    /// How many connections there are, to all nodes.
    pub(super) fn live(&self) -> usize {
        self.topology.live()
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.patience.connect + self.patience.answer
    }

    /// Sends each part of the work to the node that has its key; answers in order.
    ///
    /// What a node cannot answer just then is sent again, within the time that a connection and an answer may take: every
    /// call of ours may be repeated. Commands of one key stay in their order.
    pub(super) async fn send(&self, work: Work<'_>) -> Answers {
        let deadline = self.deadline();
        match self.topology.map(deadline).await {
            Ok(map) => Call::new(self, work, deadline).answers(map).await,
            Err(fault) => Answers::failed(&fault, work.len()),
        }
    }

    /// The nodes that hold keys, as they are known now; every one of them has answered.
    pub(super) async fn primaries(&self) -> Result<Vec<Arc<Node>>, Fault> {
        // One that has slots only now must not be left out.
        self.topology.renew(WHILE_AWAY, None).await?;
        let map = self.topology.map(self.deadline()).await?;
        let mut ping = Pipeline::with_capacity(1);
        ping.cmd("PING");
        let answered = map.shards().iter().map(async |shard| {
            shard.primary.endpoint.pipeline(&ping, self.patience.answer).await?;
            Ok(Arc::clone(&shard.primary))
        });
        try_join_all(answered).await
    }

    /// Where these nodes say that their slots are.
    pub(super) async fn assignment(
        &self,
        nodes: impl Iterator<Item = &Node>,
    ) -> Result<Assignment, Fault> {
        let mut ask = Pipeline::with_capacity(1);
        ask.cmd("CLUSTER").arg("NODES");
        let mut assignment = Assignment::default();
        for node in nodes {
            let answers = node.endpoint.pipeline(&ask, self.patience.answer).await?;
            let nodes = answer(answers.into_iter().next().unwrap_or(Value::Nil))?;
            assignment.add(&String::from_redis_value(nodes).map_err(parse)?)?;
        }
        Ok(assignment)
    }
}
