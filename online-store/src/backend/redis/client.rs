//! Sending commands and getting their answers, on a single Redis, behind sentinels and on a cluster.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use larder_core::{Error, Result};
use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};
use redis::{Cmd, Pipeline, Value};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::config::{RedisConfig, RedisTopology};
use super::dial::{ClusterDial, LookUpDial, LookUpLine, ServerDial};
use super::error::{Fault, Server};
use super::hmget::{Answers, HmgetPipeline};
use super::lease::Leases;
use super::slot::{Live, SharedAttempts, Slot};
use super::slots::Slots;
use super::transaction::Transaction;
use crate::PoolUse;

/// Commands of one call that a cluster is asked at one time.
const CLUSTER_COMMANDS_AT_ONCE: usize = 64;

/// The answer to one command.
pub(super) type Answer = Result<Value, Fault>;

/// A client of one Redis.
pub(super) struct Client {
    server: Server,
    connections: Connections,
    in_flight: Semaphore,
    max_in_flight: usize,
    connect_timeout: Duration,
    response_timeout: Duration,
}

enum Connections {
    Server {
        dial: ServerDial,
        commands: Slots<MultiplexedConnection>,
        look_ups: Slots<LookUpLine>,
        transactions: Leases<MultiplexedConnection>,
    },
    Cluster {
        dial: ClusterDial,
        slot: Slot<ClusterConnection>,
    },
}

/// A server that holds keys of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Primary {
    /// The only one.
    Only,
    /// One of a cluster.
    Node { host: String, port: u16 },
}

impl Client {
    /// A client that connects with its first call.
    pub(super) fn new(config: &RedisConfig) -> Result<Self> {
        let connections = match &config.topology {
            RedisTopology::Cluster => {
                let slot = Slot::new(&SharedAttempts::default());
                Connections::Cluster { dial: ClusterDial::new(config)?, slot }
            }
            RedisTopology::Single => servers(ServerDial::fixed(config)?, config.connections),
            RedisTopology::Sentinel { master } => {
                servers(ServerDial::master(config, master)?, config.connections)
            }
        };
        let max_in_flight = config.max_in_flight.max(1);
        Ok(Self {
            server: Server::new(name(config), config.credentials.password.clone()),
            connections,
            in_flight: Semaphore::new(max_in_flight),
            max_in_flight,
            connect_timeout: config.connect_timeout,
            response_timeout: config.response_timeout,
        })
    }

    /// The error to show for a fault.
    pub(super) fn error(&self, fault: &Fault) -> Error {
        self.server.error(fault)
    }

    /// How busy it is. How many connections a cluster's client has is its own affair.
    pub(super) fn pool(&self) -> PoolUse {
        let connections = match &self.connections {
            Connections::Server { commands, look_ups, transactions, .. } => {
                Some(commands.live() + look_ups.live() + transactions.live())
            }
            Connections::Cluster { .. } => None,
        };
        PoolUse { connections, ..PoolUse::of(&self.in_flight, self.max_in_flight) }
    }

    /// Keys that one script may take: in a cluster each lies in a slot of its own.
    pub(super) fn keys_per_script(&self, wanted: usize) -> usize {
        match &self.connections {
            Connections::Server { .. } => wanted,
            Connections::Cluster { .. } => 1,
        }
    }

    /// Calls that are worth making at one time.
    pub(super) fn calls_at_once(&self) -> usize {
        match &self.connections {
            Connections::Server { commands, .. } => commands.len(),
            Connections::Cluster { .. } => 2,
        }
    }

    /// Begins a transaction; none in a cluster, where the keys of one lie in one slot.
    pub(super) async fn transaction(&self) -> Result<Option<Transaction<'_>>, Fault> {
        let Connections::Server { dial, transactions, .. } = &self.connections else {
            return Ok(None);
        };
        let permit = self.permit().await?;
        let lease = timeout(self.response_timeout, transactions.take()).await;
        let lease = lease.map_err(|_| Fault::Busy(self.response_timeout))?;
        let live = lease.slot.get(dial, self.connect_timeout).await?;
        Ok(Some(Transaction::new(self, lease, live, permit)))
    }

    /// How long an answer may take.
    pub(super) fn response_timeout(&self) -> Duration {
        self.response_timeout
    }

    /// Sends commands that each name a key; answers in their order.
    ///
    /// On a server they are one pipeline; in a cluster each finds its way by its key.
    pub(super) async fn send(&self, commands: Vec<Cmd>) -> Vec<Answer> {
        if commands.is_empty() {
            return Vec::new();
        }
        let count = commands.len();
        let answers = match self.permit().await {
            Ok(_permit) => self.send_now(commands).await,
            Err(fault) => Err(fault),
        };
        answers.unwrap_or_else(|fault| vec![Err(fault); count])
    }

    async fn send_now(&self, commands: Vec<Cmd>) -> Result<Vec<Answer>, Fault> {
        match &self.connections {
            Connections::Server { .. } => {
                let values = self.pipeline(&pipeline_of(commands)).await?;
                Ok(values.into_iter().map(answer).collect())
            }
            Connections::Cluster { .. } => {
                let live = self.cluster().await?;
                let answers = commands.into_iter().map(|command| self.routed(&live, command, None));
                Ok(stream::iter(answers).buffered(CLUSTER_COMMANDS_AT_ONCE).collect().await)
            }
        }
    }

    /// Sends look-ups.
    ///
    /// On a server they go over connections that ask nothing else; see [`look_up`](super::look_up).
    pub(super) async fn look_up(&self, look_ups: &HmgetPipeline<'_>) -> Answers {
        let Connections::Server { dial, look_ups: slots, .. } = &self.connections else {
            return Answers::Values(self.send(look_ups.to_commands()).await);
        };
        if look_ups.is_empty() {
            return Answers::Values(Vec::new());
        }
        let answers = match self.permit().await {
            Ok(_permit) => self.look_up_on(&LookUpDial(dial), slots.own(), look_ups).await,
            Err(fault) => Err(fault),
        };
        answers.unwrap_or_else(|fault| Answers::failed(&fault, look_ups.len()))
    }

    async fn look_up_on(
        &self,
        dial: &LookUpDial<'_>,
        slot: &Slot<LookUpLine>,
        look_ups: &HmgetPipeline<'_>,
    ) -> Result<Answers, Fault> {
        match self.look_up_once(dial, slot, look_ups).await {
            Err(fault) if fault.is_lost_connection() => {
                self.look_up_once(dial, slot, look_ups).await
            }
            answers => answers,
        }
    }

    async fn look_up_once(
        &self,
        dial: &LookUpDial<'_>,
        slot: &Slot<LookUpLine>,
        look_ups: &HmgetPipeline<'_>,
    ) -> Result<Answers, Fault> {
        let live = slot.get(dial, self.connect_timeout).await?;
        let answers = timeout(self.response_timeout, live.connection.ask(look_ups)).await;
        self.heard(slot, &live, answers)
    }

    /// Sends a pipeline, again if the connection turns out to be gone: every call of ours may be repeated.
    async fn pipeline(&self, pipeline: &Pipeline) -> Result<Vec<Value>, Fault> {
        let Connections::Server { dial, commands, .. } = &self.connections else {
            return Ok(Vec::new());
        };
        let slot = commands.next();
        match self.pipeline_once(dial, slot, pipeline).await {
            Err(fault) if fault.is_lost_connection() => {
                self.pipeline_once(dial, slot, pipeline).await
            }
            answer => answer,
        }
    }

    async fn pipeline_once(
        &self,
        dial: &ServerDial,
        slot: &Slot<MultiplexedConnection>,
        pipeline: &Pipeline,
    ) -> Result<Vec<Value>, Fault> {
        let live = slot.get(dial, self.connect_timeout).await?;
        let mut connection = live.connection.clone();
        let answer = connection.req_packed_commands(pipeline, 0, pipeline.len());
        let answer = self.heard(slot, &live, timeout(self.response_timeout, answer).await);
        if answer.as_ref().is_ok_and(|values| values.iter().any(is_from_a_replica)) {
            slot.discard(&live); // the master is another server now
        }
        answer
    }

    async fn cluster(&self) -> Result<Live<ClusterConnection>, Fault> {
        let Connections::Cluster { dial, slot } = &self.connections else {
            return Err(Fault::Busy(Duration::ZERO));
        };
        slot.get(dial, self.connect_timeout * 2).await
    }

    async fn routed(
        &self,
        live: &Live<ClusterConnection>,
        command: Cmd,
        routing: Option<RoutingInfo>,
    ) -> Answer {
        let Connections::Cluster { slot, .. } = &self.connections else {
            return Err(Fault::Busy(Duration::ZERO));
        };
        let mut connection = live.connection.clone();
        let waiting = async {
            match routing {
                Some(routing) => connection.route_command(command, routing).await,
                None => connection.req_packed_command(&command).await,
            }
        };
        answer(self.heard(slot, live, timeout(self.response_timeout, waiting).await)?)
    }

    /// Tells the slot how its connection is doing.
    pub(super) fn heard<C: Clone, T>(
        &self,
        slot: &Slot<C>,
        live: &Live<C>,
        answer: Result<redis::RedisResult<T>, tokio::time::error::Elapsed>,
    ) -> Result<T, Fault> {
        match answer {
            Ok(Ok(answer)) => {
                slot.heard();
                Ok(answer)
            }
            Ok(Err(cause)) if cause.is_timeout() => {
                slot.silent(live);
                Err(Fault::ResponseTimeout(self.response_timeout))
            }
            Ok(Err(cause)) => {
                if cause.is_unrecoverable_error() {
                    slot.discard(live);
                }
                Err(cause.into())
            }
            Err(_) => {
                slot.silent(live);
                Err(Fault::ResponseTimeout(self.response_timeout))
            }
        }
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Fault> {
        match timeout(self.response_timeout, self.in_flight.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Fault::Busy(self.response_timeout)),
        }
    }

    /// The servers that hold keys; every one of them has answered.
    pub(super) async fn primaries(&self) -> Result<Vec<Primary>, Fault> {
        let ping = redis::cmd("PING");
        if matches!(self.connections, Connections::Server { .. }) {
            self.ask(&Primary::Only, ping).await?;
            return Ok(vec![Primary::Only]);
        }
        let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
        let answers = self.routed(&self.cluster().await?, ping, Some(everywhere)).await?;
        let answers: HashMap<String, String> = redis::from_redis_value(answers).map_err(parse)?;
        Ok(answers.into_keys().filter_map(|address| Primary::node(&address)).collect())
    }

    /// Sends one command that names no key to a server.
    pub(super) async fn ask(&self, primary: &Primary, command: Cmd) -> Answer {
        let _permit = self.permit().await?;
        match primary {
            Primary::Only => {
                let mut pipeline = Pipeline::with_capacity(1);
                pipeline.add_command(command);
                let answers = self.pipeline(&pipeline).await?;
                answer(answers.into_iter().next().unwrap_or(Value::Nil))
            }
            Primary::Node { host, port } => {
                let node = SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port };
                let routing = RoutingInfo::SingleNode(node);
                self.routed(&self.cluster().await?, command, Some(routing)).await
            }
        }
    }
}

impl Primary {
    fn node(address: &str) -> Option<Self> {
        let (host, port) = address.rsplit_once(':')?;
        Some(Self::Node { host: host.to_owned(), port: port.parse().ok()? })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

fn servers(dial: ServerDial, connections: usize) -> Connections {
    let attempts = SharedAttempts::default();
    let commands = Slots::new(connections, &attempts);
    let look_ups = Slots::new(connections, &attempts);
    let transactions = Leases::new(connections, &attempts);
    Connections::Server { dial, commands, look_ups, transactions }
}

fn name(config: &RedisConfig) -> String {
    let nodes: Vec<String> = config.nodes.iter().map(ToString::to_string).collect();
    let nodes = nodes.join(", ");
    match &config.topology {
        RedisTopology::Single => format!("redis at {nodes}"),
        RedisTopology::Cluster => format!("redis cluster at {nodes}"),
        RedisTopology::Sentinel { master } => format!("redis \"{master}\" of sentinels at {nodes}"),
    }
}

/// These commands, to be sent together.
pub(super) fn pipeline_of(commands: Vec<Cmd>) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command);
    }
    pipeline
}

/// An answer that is an error is a fault; what lies in an array is left as it is.
pub(super) fn answer(value: Value) -> Answer {
    match value {
        Value::ServerError(error) => Err(Fault::Redis(error.into())),
        value => Ok(value),
    }
}

/// The fault of an answer of another shape than the command has.
pub(super) fn parse(cause: redis::ParsingError) -> Fault {
    Fault::Redis(cause.into())
}

fn is_from_a_replica(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.code() == "READONLY")
}
