//! Sending commands and getting their answers, on a single Redis, behind sentinels and on a cluster.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use larder_core::{Error, Result};
use redis::{Cmd, Pipeline, Value};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::cluster::{Assignment, Cluster, Node, Work};
use super::config::{RedisConfig, RedisTopology};
use super::dial::ServerDial;
use super::endpoint::Endpoint;
use super::error::{Fault, Server};
use super::hmget::{Answers, HmgetPipeline};
use super::transaction::Transaction;
use crate::PoolUse;

/// The answer to one command.
pub(super) type Answer = Result<Value, Fault>;

/// A client of one Redis.
pub(super) struct Client {
    server: Server,
    servers: Servers,
    in_flight: Semaphore,
    max_in_flight: usize,
    response_timeout: Duration,
}

enum Servers {
    One(Arc<Endpoint>),
    Cluster(Box<Cluster>),
}

/// A server that holds keys of its own.
#[derive(Clone)]
pub(super) enum Primary {
    /// The only one.
    Only(Arc<Endpoint>),
    /// One of a cluster.
    Node(Arc<Node>),
}

impl Client {
    /// A client that connects with its first call.
    pub(super) fn new(config: &RedisConfig) -> Result<Self> {
        let one = |dial| Servers::One(Arc::new(Endpoint::new(dial, config)));
        let servers = match &config.topology {
            RedisTopology::Cluster => Servers::Cluster(Box::new(Cluster::new(config)?)),
            RedisTopology::Single => one(ServerDial::fixed(config)?),
            RedisTopology::Sentinel { master } => one(ServerDial::master(config, master)?),
        };
        let max_in_flight = config.max_in_flight.max(1);
        Ok(Self {
            server: Server::new(name(config), config.credentials.password.clone()),
            servers,
            in_flight: Semaphore::new(max_in_flight),
            max_in_flight,
            response_timeout: config.response_timeout,
        })
    }

    /// The error to show for a fault.
    pub(super) fn error(&self, fault: &Fault) -> Error {
        self.server.error(fault)
    }

    /// How busy it is.
    pub(super) fn pool(&self) -> PoolUse {
        let connections = match &self.servers {
            Servers::One(endpoint) => endpoint.live(),
            Servers::Cluster(cluster) => cluster.live(),
        };
        let connections = Some(connections);
        PoolUse { connections, ..PoolUse::of(&self.in_flight, self.max_in_flight) }
    }

    /// Keys that one script may take: in a cluster each lies in a slot of its own.
    pub(super) fn keys_per_script(&self, wanted: usize) -> usize {
        match &self.servers {
            Servers::One(_) => wanted,
            Servers::Cluster(_) => 1,
        }
    }

    /// Calls that are worth making at one time.
    pub(super) fn calls_at_once(&self) -> usize {
        match &self.servers {
            Servers::One(endpoint) => endpoint.calls_at_once(),
            Servers::Cluster(_) => 2,
        }
    }

    /// Transactions that are worth making at one time; none in a cluster, where the keys of one lie in one slot.
    pub(super) fn transactions_at_once(&self) -> Option<usize> {
        match &self.servers {
            Servers::One(endpoint) => Some(endpoint.transactions_at_once()),
            Servers::Cluster(_) => None,
        }
    }

    /// Begins a transaction, where there are any.
    pub(super) async fn transaction(&self) -> Result<Option<Transaction<'_>>, Fault> {
        let Servers::One(endpoint) = &self.servers else { return Ok(None) };
        let permit = self.permit().await?;
        endpoint.transaction(permit, self.response_timeout).await.map(Some)
    }

    /// Sends commands that each name a key; answers in their order.
    ///
    /// To a server they are one pipeline; to a cluster one for every node that has keys of them.
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
        match &self.servers {
            Servers::One(endpoint) => {
                let values =
                    endpoint.pipeline(&pipeline_of(commands), self.response_timeout).await?;
                Ok(values.into_iter().map(answer).collect())
            }
            Servers::Cluster(cluster) => {
                Ok(cluster.send(Work::Commands(&commands)).await.into_values())
            }
        }
    }

    /// Sends look-ups.
    pub(super) async fn look_up(&self, look_ups: &HmgetPipeline<'_>) -> Answers {
        if look_ups.is_empty() {
            return Answers::Values(Vec::new());
        }
        let answers = match self.permit().await {
            Ok(_permit) => match &self.servers {
                Servers::One(endpoint) => endpoint.look_up(look_ups, self.response_timeout).await,
                Servers::Cluster(cluster) => Ok(cluster.send(Work::LookUps(look_ups)).await),
            },
            Err(fault) => Err(fault),
        };
        answers.unwrap_or_else(|fault| Answers::failed(&fault, look_ups.len()))
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Fault> {
        if let Ok(permit) = self.in_flight.try_acquire() {
            return Ok(permit);
        }
        match timeout(self.response_timeout, self.in_flight.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Fault::Busy(self.response_timeout)),
        }
    }

    /// The servers that hold keys; every one of them has answered.
    pub(super) async fn primaries(&self) -> Result<Vec<Primary>, Fault> {
        match &self.servers {
            Servers::One(endpoint) => {
                let only = Primary::Only(Arc::clone(endpoint));
                self.ask(&only, redis::cmd("PING")).await?;
                Ok(vec![only])
            }
            Servers::Cluster(cluster) => {
                let _permit = self.permit().await?;
                Ok(cluster.primaries().await?.into_iter().map(Primary::Node).collect())
            }
        }
    }

    /// Where the slots are; the same at all times unless the servers are a cluster.
    pub(super) async fn assignment(&self, primaries: &[Primary]) -> Result<Assignment, Fault> {
        let Servers::Cluster(cluster) = &self.servers else { return Ok(Assignment::default()) };
        let _permit = self.permit().await?;
        let nodes = primaries.iter().filter_map(|primary| match primary {
            Primary::Only(_) => None,
            Primary::Node(node) => Some(node.as_ref()),
        });
        cluster.assignment(nodes).await
    }

    /// Sends one command that names no key to a server.
    pub(super) async fn ask(&self, primary: &Primary, command: Cmd) -> Answer {
        let _permit = self.permit().await?;
        let endpoint = match primary {
            Primary::Only(endpoint) => endpoint,
            Primary::Node(node) => &node.endpoint,
        };
        let answers = endpoint.pipeline(&pipeline_of(vec![command]), self.response_timeout).await?;
        answer(answers.into_iter().next().unwrap_or(Value::Nil))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
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
