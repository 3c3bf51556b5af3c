//! The nodes of a cluster, each with the connections to it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use larder_core::Result;
use redis::RedisResult;

use super::super::config::{RedisConfig, RedisNode};
use super::super::dial::{Clients, ServerDial};
use super::super::endpoint::Endpoint;

/// A node.
pub(in crate::backend::redis) struct Node {
    pub(super) address: RedisNode,
    pub(in crate::backend::redis) endpoint: Endpoint,
}

/// One address, one node.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl Eq for Node {}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)
    }
}

/// Every node that was named and is still of use.
pub(super) struct Nodes {
    known: Mutex<HashMap<RedisNode, Arc<Node>>>,
    clients: Clients,
    config: RedisConfig,
}

impl Nodes {
    pub(super) fn new(config: &RedisConfig) -> Result<Self> {
        let clients = Clients::new(config)?;
        Ok(Self { known: Mutex::default(), clients, config: config.clone() })
    }

    /// The node at an address.
    pub(super) fn at(&self, address: &RedisNode) -> RedisResult<Arc<Node>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = known.get(address) {
            return Ok(Arc::clone(node));
        }
        let dial = ServerDial::Fixed(Box::new(self.clients.of(address)?));
        let endpoint = Endpoint::new(dial, &self.config).or_replica(self.config.read_from_replicas);
        let node = Arc::new(Node { address: address.clone(), endpoint });
        known.insert(address.clone(), Arc::clone(&node));
        Ok(node)
    }

    /// Forgets all but these.
    pub(super) fn keep(&self, wanted: impl Fn(&Node) -> bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, node| wanted(node));
    }

    /// Connections to all of them.
    pub(super) fn live(&self) -> usize {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().map(|node| node.endpoint.live()).sum()
    }
}
