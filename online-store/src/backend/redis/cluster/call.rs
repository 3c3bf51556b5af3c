//! One call: rounds of pipelines, one to each node, until all is answered or nothing more would help.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::error::Fault;
use super::super::hmget::{Answers, Place};
use super::Cluster;
use super::node::Node;
use super::slot_map::Shard;
use super::topology::{Map, WHILE_AWAY};
use super::way::{Advice, Way};
use super::work::{Pick, Work};

/// A call under way.
pub(super) struct Call<'c> {
    cluster: &'c Cluster,
    work: Work<'c>,
    deadline: Instant,
    /// What was answered, and by whom.
    parts: Vec<Answers>,
    nodes: Vec<Arc<Node>>,
    /// Where the answer to each part of the work is.
    places: Vec<Place>,
    /// Those that were not answered at once.
    strays: HashMap<usize, Stray>,
}

/// What was not answered at once.
#[derive(Debug, Default)]
struct Stray {
    way: Way,
    /// The node to ask next that takes over the slot.
    ask: Option<Arc<Node>>,
    /// Whether a replica could not answer it.
    needs_primary: bool,
}

/// What goes to one node.
struct Group {
    node: Arc<Node>,
    picks: Vec<Pick>,
}

/// What a round leaves to do.
#[derive(Default)]
struct Rest {
    /// What is to be sent again, in order.
    again: Vec<usize>,
    pause: Duration,
    /// A node that could not be reached.
    away: Option<Arc<Node>>,
    /// What that node did not answer.
    stranded: Vec<usize>,
    /// Whether a node said that the cluster is busy with itself.
    is_incomplete: bool,
}

impl<'c> Call<'c> {
    pub(super) fn new(cluster: &'c Cluster, work: Work<'c>, deadline: Instant) -> Self {
        Self {
            cluster,
            work,
            deadline,
            parts: Vec::new(),
            nodes: Vec::new(),
            places: vec![Place::default(); work.len()],
            strays: HashMap::new(),
        }
    }

    /// Sends everything; answers in order.
    pub(super) async fn answers(mut self, mut map: Arc<Map>) -> Answers {
        let mut pending: Vec<usize> = (0..self.work.len()).collect();
        loop {
            self.round(&map, &pending).await;
            let mut rest = self.rest(&pending);
            if rest.is_incomplete || rest.away.is_some() {
                let renewing = self.cluster.topology.renew(WHILE_AWAY, rest.away.as_ref());
                drop(timeout_at(self.deadline, renewing).await); // the old map is better than none
            }
            if rest.again.is_empty() && rest.stranded.is_empty() {
                return self.finish();
            }
            if let Ok(newest) = self.cluster.topology.map(self.deadline).await {
                map = newest;
            }
            self.rescue(&map, &mut rest);
            if rest.again.is_empty() || Instant::now() + rest.pause >= self.deadline {
                return self.finish();
            }
            sleep(rest.pause).await;
            pending = self.work.with_followers(&rest.again, &pending);
        }
    }

    /// Sends what is pending, all nodes at the same time.
    async fn round(&mut self, map: &Map, pending: &[usize]) {
        let patience = self.deadline.saturating_duration_since(Instant::now());
        let patience = patience.min(self.cluster.patience.answer);
        let groups = self.groups(map, pending);
        let work = self.work;
        let sent =
            groups.iter().map(|group| work.send(&group.node.endpoint, &group.picks, patience));
        let answers = join_all(sent).await;
        for (group, answers) in groups.into_iter().zip(answers) {
            for (at, pick) in group.picks.iter().enumerate() {
                self.places[pick.at] = Place { part: self.parts.len(), at };
            }
            self.parts.push(answers);
            self.nodes.push(group.node);
        }
    }

    fn groups(&mut self, map: &Map, pending: &[usize]) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for &at in pending {
            let asked = self.strays.get_mut(&at).and_then(|stray| stray.ask.take());
            let pick = Pick { at, asking: asked.is_some() };
            let node = asked.unwrap_or_else(|| self.node(map, at));
            match groups.iter_mut().find(|group| group.node == node) {
                Some(group) => group.picks.push(pick),
                None => groups.push(Group { node, picks: vec![pick] }),
            }
        }
        groups
    }

    /// The node that has the slot; when nobody has it, one that will say so.
    fn node(&self, map: &Map, at: usize) -> Arc<Node> {
        let Some(shard) = map.shard(self.work.slot(at)) else {
            return self.cluster.topology.anyone(map);
        };
        let needs_primary = self.strays.get(&at).is_some_and(|stray| stray.needs_primary);
        let may_be_replica = self.cluster.reads_replicas && self.work.is_read() && !needs_primary;
        Arc::clone(if may_be_replica { self.replica(shard) } else { &shard.primary })
    }

    fn replica<'m>(&self, shard: &'m Shard<Arc<Node>>) -> &'m Arc<Node> {
        let turn = self.cluster.topology.turn();
        let replica = turn.checked_rem(shard.replicas.len()).map(|at| &shard.replicas[at]);
        replica.unwrap_or(&shard.primary)
    }

    /// What is left to do after a round, as far as the answers tell.
    fn rest(&mut self, pending: &[usize]) -> Rest {
        let mut rest = Rest::default();
        for &at in pending {
            let Place { part, at: place } = self.places[at];
            let Some(fault) = self.parts[part].fault(place) else { continue };
            let node = Arc::clone(&self.nodes[part]);
            self.heed(&fault, &node, at, &mut rest);
        }
        rest
    }

    fn heed(&mut self, fault: &Fault, node: &Arc<Node>, at: usize, rest: &mut Rest) {
        let topology = &self.cluster.topology;
        let stray = self.strays.entry(at).or_default();
        let pause = match Advice::of(fault, &node.address) {
            Advice::Moved { slot, to } => topology.node(&to).ok().and_then(|to| {
                topology.moved(slot, to);
                stray.needs_primary = true;
                stray.way.redirected()
            }),
            Advice::Ask(to) => topology.node(&to).ok().and_then(|to| {
                stray.ask = Some(to);
                stray.way.redirected()
            }),
            Advice::Wait => {
                rest.is_incomplete = true;
                stray.needs_primary = true;
                stray.way.repeated()
            }
            Advice::Away => {
                rest.away = Some(Arc::clone(node));
                rest.stranded.push(at);
                stray.needs_primary = true;
                return;
            }
            Advice::GiveUp => {
                if matches!(fault, Fault::ResponseTimeout(_)) {
                    topology.doubt(); // another may have its slots by the next call
                }
                return;
            }
        };
        if let Some(pause) = pause {
            rest.pause = rest.pause.max(pause);
            rest.again.push(at);
        }
    }

    /// Sends what a node that is away did not answer to another one, if that has the slot by now.
    fn rescue(&mut self, map: &Map, rest: &mut Rest) {
        for at in std::mem::take(&mut rest.stranded) {
            let failed = &self.nodes[self.places[at].part];
            if self.node(map, at) == *failed {
                continue;
            }
            let stray = self.strays.entry(at).or_default();
            if let Some(pause) = stray.way.repeated() {
                rest.pause = rest.pause.max(pause);
                rest.again.push(at);
            }
        }
        rest.again.sort_unstable();
    }

    /// The answers. A redirection that is not followed any more is no answer.
    fn finish(mut self) -> Answers {
        let lost: Vec<(usize, u32)> = self
            .strays
            .iter()
            .filter(|(at, _)| {
                let Place { part, at } = self.places[**at];
                self.parts[part].fault(at).is_some_and(|fault| fault.is_redirection())
            })
            .map(|(at, stray)| (*at, stray.way.redirections()))
            .collect();
        for (at, redirections) in lost {
            self.places[at] = Place { part: self.parts.len(), at: 0 };
            self.parts.push(Answers::failed(&Fault::Redirected(redirections), 1));
        }
        Answers::dealt(self.parts, self.places)
    }
}
