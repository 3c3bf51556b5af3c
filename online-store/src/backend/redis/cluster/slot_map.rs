//! Which node has which slot, as a node of the cluster tells it.

use redis::{FromRedisValue as _, Value};

use super::super::client::parse;
use super::super::config::RedisNode;
use super::super::error::Fault;
use super::hash_slot::SLOTS;

/// Slots from the first to the last, and the nodes that have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) primary: RedisNode,
    pub(super) replicas: Vec<RedisNode>,
}

impl Range {
    /// Reads the answer to `CLUSTER SLOTS` of a node.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn parse(answer: Value, answered: &RedisNode) -> Result<Vec<Self>, Fault> {
        let ranges = Vec::<Vec<Value>>::from_redis_value(answer).map_err(parse)?;
        ranges.into_iter().filter_map(|range| Self::one(range, answered).transpose()).collect()
    }

    /// None without a primary that could be found.
    fn one(range: Vec<Value>, answered: &RedisNode) -> Result<Option<Self>, Fault> {
        let mut parts = range.into_iter();
        let mut slot = || u16::from_redis_value(parts.next().unwrap_or(Value::Nil)).map_err(parse);
        let (first, last) = (slot()?, slot()?.min(SLOTS - 1));
        let nodes = parts.map(|node| node_of(node, answered)).collect::<Result<Vec<_>, _>>()?;
        let mut nodes = nodes.into_iter();
        let Some(Some(primary)) = nodes.next() else { return Ok(None) };
        Ok(Some(Self { first, last, primary, replicas: nodes.flatten().collect() }))
    }
}

/// The address of a node: host, port, id, and the names that it has besides.
fn node_of(node: Value, answered: &RedisNode) -> Result<Option<RedisNode>, Fault> {
    let mut parts = Vec::<Value>::from_redis_value(node).map_err(parse)?.into_iter();
    let mut next = || parts.next().unwrap_or(Value::Nil);
    let host = Option::<String>::from_redis_value(next()).map_err(parse)?;
    let port = u16::from_redis_value(next()).map_err(parse)?;
    Ok(host_of(host.as_deref().unwrap_or_default(), answered).map(|host| RedisNode { host, port }))
}

/// A node that does not say its host has that of the one that speaks; `?` is one that nobody knows.
fn host_of(host: &str, answered: &RedisNode) -> Option<String> {
    match host {
        "" => Some(answered.host.clone()),
        "?" => None,
        host => Some(host.to_owned()),
    }
}

/// The node that an answer names as `HOST:PORT`.
pub(super) fn address(text: &str, answered: &RedisNode) -> Option<RedisNode> {
    let (host, port) = text.rsplit_once(':')?;
    Some(RedisNode { host: host_of(host, answered)?, port: port.parse().ok()? })
}

/// The nodes that hold the same slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shard<N> {
    pub(super) primary: N,
    pub(super) replicas: Vec<N>,
}

/// The shard of every slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlotMap<N> {
    shards: Vec<Shard<N>>,
    /// For each slot the place of its shard.
    owners: Vec<Option<u16>>,
}

impl<N: Clone + PartialEq> SlotMap<N> {
    /// The map that a node told.
    pub(super) fn new<E>(
        ranges: &[Range],
        node: impl Fn(&RedisNode) -> Result<N, E>,
    ) -> Result<Self, E> {
        let mut map = Self { shards: Vec::new(), owners: vec![None; usize::from(SLOTS)] };
        for range in ranges {
            let primary = node(&range.primary)?;
            let replicas = range.replicas.iter().map(&node).collect::<Result<_, E>>()?;
            let place = map.place(primary);
            map.shards[usize::from(place)].replicas = replicas;
            for slot in range.first..=range.last {
                map.owners[usize::from(slot)] = Some(place);
            }
        }
        Ok(map)
    }

    /// Every shard.
    pub(super) fn shards(&self) -> &[Shard<N>] {
        &self.shards
    }

    /// The shard of a slot; `None` when nobody serves it.
    pub(super) fn shard(&self, slot: u16) -> Option<&Shard<N>> {
        let place = *self.owners.get(usize::from(slot))?;
        self.shards.get(usize::from(place?))
    }

    /// Gives a slot to a node.
    pub(super) fn give(&mut self, slot: u16, primary: N) {
        let place = self.place(primary);
        if let Some(owner) = self.owners.get_mut(usize::from(slot)) {
            *owner = Some(place);
        }
    }

    /// The place of a primary's shard. There are never more shards than slots: a map that grows is soon told anew.
    fn place(&mut self, primary: N) -> u16 {
        let known = self.shards.iter().position(|shard| shard.primary == primary);
        let place = known.unwrap_or_else(|| {
            self.shards.push(Shard { primary, replicas: Vec::new() });
            self.shards.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn node(host: &str, port: u16) -> RedisNode {
        RedisNode { host: host.to_owned(), port }
    }

    /// Two shards of which one has two ranges, as Redis 7 tells it.
    const TOLD: &[u8] = b"*4\r\n\
        *3\r\n:0\r\n:5\r\n*4\r\n$8\r\n10.0.0.1\r\n:1\r\n$1\r\na\r\n*0\r\n\
        *4\r\n:7\r\n:16383\r\n*3\r\n$-1\r\n:2\r\n$1\r\nb\r\n*3\r\n$0\r\n\r\n:3\r\n$1\r\nc\r\n\
        *3\r\n:6\r\n:6\r\n*4\r\n$8\r\n10.0.0.1\r\n:1\r\n$1\r\na\r\n*0\r\n\
        *3\r\n:9\r\n:9\r\n*4\r\n$1\r\n?\r\n:4\r\n$1\r\nd\r\n*0\r\n";

    fn told() -> Vec<Range> {
        Range::parse(redis::parse_redis_value(TOLD).unwrap(), &node("me", 9)).unwrap()
    }

    fn map() -> SlotMap<RedisNode> {
        SlotMap::new(&told(), |node| Ok::<_, Infallible>(node.clone())).unwrap()
    }

    fn primary(map: &SlotMap<RedisNode>, slot: u16) -> Option<&RedisNode> {
        map.shard(slot).map(|shard| &shard.primary)
    }

    #[test]
    fn nodes_without_a_host_have_that_of_the_one_that_told() {
        let ranges = told();
        assert_eq!(ranges.len(), 3, "a node with an unknown name is left out");
        assert_eq!(ranges[1].primary, node("me", 2));
        assert_eq!(ranges[1].replicas, [node("me", 3)]);
    }

    #[test]
    fn every_slot_has_its_shard() {
        let map = map();
        assert_eq!(map.shards().len(), 2);
        for slot in 0..SLOTS {
            let expected = if slot < 7 { node("10.0.0.1", 1) } else { node("me", 2) };
            assert_eq!(primary(&map, slot), Some(&expected), "{slot}");
        }
        assert_eq!(map.shard(SLOTS), None);
        let empty = SlotMap::new(&[], |node: &RedisNode| Ok::<_, Infallible>(node.clone()));
        assert_eq!(empty.unwrap().shard(0), None);
    }

    #[test]
    fn a_slot_that_moved_is_that_of_its_new_node_and_the_others_stay() {
        let mut map = map();
        map.give(3, node("me", 2));
        map.give(4, node("new", 5));
        map.give(SLOTS, node("new", 5));
        assert_eq!(primary(&map, 2), Some(&node("10.0.0.1", 1)));
        assert_eq!(map.shard(3).unwrap().replicas, [node("me", 3)]);
        assert_eq!(primary(&map, 4), Some(&node("new", 5)));
        assert_eq!(map.shards().len(), 3);
    }

    #[test]
    fn what_is_no_map_is_refused() {
        for answer in [&b"+OK\r\n"[..], b"*1\r\n:1\r\n", b"*1\r\n*1\r\n$1\r\nx\r\n"] {
            let answer = redis::parse_redis_value(answer).unwrap();
            assert!(Range::parse(answer, &node("me", 9)).is_err());
        }
    }

    #[test]
    fn addresses_are_read_from_behind() {
        let me = node("me", 9);
        for (text, expected) in [
            ("10.0.0.1:6380", Some(node("10.0.0.1", 6380))),
            ("::1:6380", Some(node("::1", 6380))),
            (":6380", Some(node("me", 6380))),
            ("?:6380", None),
            ("here", None),
            ("here:x", None),
        ] {
            assert_eq!(address(text, &me), expected, "{text}");
        }
    }
}
