//! Whether keys were on their way from node to node.

use super::super::error::Fault;

/// Which slots every primary has, and since which turn of the cluster: a slot that went and came back shows too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::backend::redis) struct Assignment {
    primaries: Vec<String>,
    is_moving: bool,
}

impl Assignment {
    /// Adds what a node answers to `CLUSTER NODES`.
    ///
    /// # Errors
    /// When it says nothing of itself.
    pub(super) fn add(&mut self, nodes: &str) -> Result<(), Fault> {
        let own = nodes.lines().find_map(|line| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let is_own = words.get(2)?.split(',').any(|flag| flag == "myself");
            is_own.then_some(words)
        });
        let (Some(id), Some(epoch), Some(slots)) = (
            own.as_ref().and_then(|words| words.first()),
            own.as_ref().and_then(|words| words.get(EPOCH)),
            own.as_ref().and_then(|words| words.get(SLOTS..)),
        ) else {
            return Err(Fault::Redis(std::io::Error::from(std::io::ErrorKind::InvalidData).into()));
        };
        // A slot on its way stands in brackets.
        self.is_moving |= slots.iter().any(|slot| slot.starts_with('['));
        self.primaries.push(format!("{id} {epoch} {}", slots.join(" ")));
        self.primaries.sort_unstable();
        Ok(())
    }

    /// Whether no key can have moved between the two.
    pub(in crate::backend::redis) fn stayed(&self, since: &Self) -> bool {
        !self.is_moving && self == since
    }
}

/// Where a node's line has the turn of the cluster in which it got its slots.
const EPOCH: usize = 6;

/// Where its slots begin.
const SLOTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &str = "b 127.0.0.1:2@12 master - 0 0 2 connected 5-16383 [7->-c]";

    fn of(nodes: &[&str]) -> Assignment {
        let mut assignment = Assignment::default();
        for node in nodes {
            assignment.add(&format!("{OTHER}\n{node}\n")).unwrap();
        }
        assignment
    }

    #[test]
    fn slots_that_are_others_or_come_again_or_are_on_their_way_show() {
        let a = "a 127.0.0.1:1@11,host myself,master - 0 0 1 connected 0-4";
        let b = "b 127.0.0.1:2@12 myself,master - 0 0 2 connected 5-16383";
        let before = of(&[a, b]);
        assert!(of(&[b, a]).stayed(&before), "the order of nodes means nothing");
        for others in [
            vec![a],
            vec![a, b, "c 127.0.0.1:3@13 myself,master - 0 0 3 connected"],
            vec![a, "b 127.0.0.1:2@12 myself,master - 0 0 4 connected 5-16383"],
            vec!["a 127.0.0.1:1@11,host myself,master - 0 0 1 connected 0-3", b],
        ] {
            assert!(!of(&others).stayed(&before), "{others:?}");
        }
        let moving = of(&["a 127.0.0.1:1@11,host myself,master - 0 0 1 connected 0-4 [4->-b]", b]);
        assert!(!moving.stayed(&moving));
    }

    #[test]
    fn a_node_that_says_nothing_of_itself_is_an_error() {
        for nodes in ["", OTHER, "a 127.0.0.1:1@11 myself,master"] {
            assert!(Assignment::default().add(nodes).is_err(), "{nodes:?}");
        }
    }
}
