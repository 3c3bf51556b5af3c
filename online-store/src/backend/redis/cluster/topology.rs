//! What is known of a cluster: its nodes and who has which slot, learned from any node that answers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use larder_core::{Error, Result};
use redis::{Pipeline, RedisResult, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

use super::super::client::answer;
use super::super::config::{RedisConfig, RedisNode};
use super::super::dial::refused;
use super::super::endpoint::Patience;
use super::super::error::Fault;
use super::node::{Node, Nodes};
use super::slot_map::{Range, SlotMap};

/// Between two readings while a node is away or the cluster not complete: how soon a new primary is noticed.
pub(super) const WHILE_AWAY: Duration = Duration::from_millis(100);

/// Between two readings while slots move: each that moved is learned from its redirection.
const WHILE_MOVING: Duration = Duration::from_secs(1);

/// Who has which slot.
pub(super) type Map = SlotMap<Arc<Node>>;

/// Nodes and slots of a cluster.
pub(super) struct Topology {
    nodes: Nodes,
    /// The nodes of the settings, at least one.
    seeds: Vec<Arc<Node>>,
    /// None before a node was asked.
    map: RwLock<Option<Arc<Map>>>,
    is_doubtful: AtomicBool,
    /// When the map was read the last time, and what came of it; one reads at a time.
    last: Mutex<Option<(Instant, Result<(), Fault>)>>,
    turns: AtomicUsize,
    patience: Patience,
}

impl Topology {
    /// Nothing is asked yet.
    pub(super) fn new(config: &RedisConfig) -> Result<Self> {
        let nodes = Nodes::new(config)?;
        let seeds = config.nodes.iter().map(|address| nodes.at(address));
        let seeds: Vec<Arc<Node>> = seeds.collect::<RedisResult<_>>().map_err(refused)?;
        if seeds.is_empty() {
            return Err(Error::internal("no node"));
        }
        Ok(Self {
            nodes,
            seeds,
            map: RwLock::default(),
            is_doubtful: AtomicBool::new(false),
            last: Mutex::default(),
            turns: AtomicUsize::new(0),
            patience: Patience::of(config),
        })
    }

    /// How many connections there are.
    pub(super) fn live(&self) -> usize {
        self.nodes.live()
    }

    /// The node at an address.
    pub(super) fn node(&self, address: &RedisNode) -> RedisResult<Arc<Node>> {
        self.nodes.at(address)
    }

    /// A number that is another one every time.
    pub(super) fn turn(&self) -> usize {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// The map, which is read if there is none; also when it is in doubt, unless another call reads it just now.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn map(&self, deadline: Instant) -> Result<Arc<Map>, Fault> {
        let Some(map) = self.present() else {
            let renewed = timeout_at(deadline, self.renew(WHILE_AWAY, None)).await;
            renewed.unwrap_or(Err(self.no_map()))?;
            return self.present().ok_or_else(|| self.no_map());
        };
        if self.is_doubtful.load(Ordering::Relaxed)
            && let Ok(mut last) = self.last.try_lock()
        {
            let reading = self.read_into(&mut last, Instant::now(), WHILE_MOVING, None);
            drop(timeout_at(deadline, reading).await); // an old map is better than none
            return Ok(self.present().unwrap_or(map));
        }
        Ok(map)
    }

    fn no_map(&self) -> Fault {
        Fault::ConnectTimeout(self.patience.connect)
    }

    /// A node that may know more.
    pub(super) fn anyone(&self, map: &Map) -> Arc<Node> {
        let turn = self.turn();
        let shard = turn.checked_rem(map.shards().len()).map(|at| &map.shards()[at]);
        Arc::clone(shard.map_or(&self.seeds[turn % self.seeds.len()], |shard| &shard.primary))
    }

    fn present(&self) -> Option<Arc<Map>> {
        self.map.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that the map may be wrong.
    pub(super) fn doubt(&self) {
        self.is_doubtful.store(true, Ordering::Relaxed);
    }

    /// Notes that a slot is a node's now; others may have moved too.
    pub(super) fn moved(&self, slot: u16, node: Arc<Node>) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = map.as_mut() {
            Arc::make_mut(map).give(slot, node);
        }
        self.doubt();
    }

    /// Reads the map anew, unless that was done less than `pause` ago; a node that is away is asked last.
    ///
    /// # Errors
    /// Why no node told it, now or then.
    pub(super) async fn renew(
        &self,
        pause: Duration,
        away: Option<&Arc<Node>>,
    ) -> Result<(), Fault> {
        let asked = Instant::now();
        self.read_into(&mut *self.last.lock().await, asked, pause, away).await
    }

    async fn read_into(
        &self,
        last: &mut Option<(Instant, Result<(), Fault>)>,
        asked: Instant,
        pause: Duration,
        away: Option<&Arc<Node>>,
    ) -> Result<(), Fault> {
        if let Some((at, outcome)) = last
            && (*at >= asked || at.elapsed() < pause)
        {
            return outcome.clone();
        }
        let patience = self.patience.connect + self.patience.answer;
        let read = timeout(patience, self.read(away)).await;
        let outcome = read.unwrap_or(Err(self.no_map()));
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }

    /// Asks one node after the other until one tells the map. One that knows of no slots may have left the cluster.
    async fn read(&self, away: Option<&Arc<Node>>) -> Result<(), Fault> {
        let (mut is_empty, mut fault_said) = (false, None);
        for node in self.candidates(away) {
            match self.ask(&node).await {
                Ok(ranges) if ranges.is_empty() => is_empty = true,
                Ok(ranges) => return self.put(&ranges),
                // What a node says is more than that another is away.
                Err(fault) if fault_said.as_ref().is_none_or(Fault::is_away) => {
                    fault_said = Some(fault);
                }
                Err(_) => {}
            }
        }
        if is_empty {
            return self.put(&[]);
        }
        Err(fault_said.unwrap_or_else(|| self.no_map()))
    }

    /// Whom to ask: the nodes that are known, each time another one first, and those of the settings.
    fn candidates(&self, away: Option<&Arc<Node>>) -> Vec<Arc<Node>> {
        let map = self.present();
        let shards = map.iter().flat_map(|map| map.shards());
        let mut nodes: Vec<Arc<Node>> =
            shards.clone().map(|shard| &shard.primary).cloned().collect();
        if !nodes.is_empty() {
            let first = self.turn() % nodes.len();
            nodes.rotate_left(first);
        }
        nodes.extend(shards.flat_map(|shard| &shard.replicas).cloned());
        nodes.extend(self.seeds.iter().cloned());
        let (last, mut first): (Vec<_>, Vec<_>) =
            nodes.into_iter().partition(|node| away == Some(node));
        first.extend(last.into_iter().take(1));
        first
    }

    async fn ask(&self, node: &Node) -> Result<Vec<Range>, Fault> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("CLUSTER").arg("SLOTS");
        let patience = self.patience.answer.min(self.patience.connect);
        let values = node.endpoint.pipeline(&pipeline, patience).await?;
        Range::parse(answer(values.into_iter().next().unwrap_or(Value::Nil))?, &node.address)
    }

    fn put(&self, ranges: &[Range]) -> Result<(), Fault> {
        let new = Arc::new(Map::new(ranges, |address| self.nodes.at(address))?);
        self.is_doubtful.store(false, Ordering::Relaxed);
        let is_there = |node: &Node| {
            let mut shards = new.shards().iter();
            shards.any(|shard| {
                *shard.primary == *node || shard.replicas.iter().any(|replica| **replica == *node)
            })
        };
        self.nodes.keep(|node| is_there(node) || self.seeds.iter().any(|seed| **seed == *node));
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = Some(new);
        Ok(())
    }
}
