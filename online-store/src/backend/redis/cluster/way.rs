//! What to do after a fault: where to ask next, and when to stop.

use std::time::Duration;

use redis::{ErrorKind as Cause, ServerErrorKind as Said};

use super::super::config::RedisNode;
use super::super::error::Fault;
use super::slot_map::address;

/// Redirections that are followed at once: to a node that took a slot over, back and there again.
const AT_ONCE: u32 = 3;

/// Redirections that are followed at all.
const REDIRECTIONS: u32 = 8;

/// How often a command is sent again when it could not be answered just then.
const REPETITIONS: u32 = 4;

/// Before the first repetition; doubled before each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);

/// What an answer that is a fault asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Advice {
    /// The slot is that node's.
    Moved { slot: u16, to: RedisNode },
    /// The key, if anywhere, is on that node, which takes the slot over and wants to be asked.
    Ask(RedisNode),
    /// The same in a moment: the cluster is busy with itself.
    Wait,
    /// The node cannot be reached; another may have its slots.
    Away,
    /// Nothing that would help.
    GiveUp,
}

impl Advice {
    /// What a fault of this node asks for.
    pub(super) fn of(fault: &Fault, node: &RedisNode) -> Self {
        if fault.is_away() {
            return Self::Away;
        }
        let Fault::Redis(cause) = fault else { return Self::GiveUp };
        if let Some((text, slot)) = cause.redirect_node() {
            // A node with an unknown name: in a moment it may be known.
            let Some(to) = address(text, node) else { return Self::Wait };
            let is_moved = cause.kind() == Cause::Server(Said::Moved);
            return if is_moved { Self::Moved { slot, to } } else { Self::Ask(to) };
        }
        match cause.kind() {
            Cause::Server(
                Said::TryAgain
                | Said::ClusterDown
                | Said::MasterDown
                | Said::BusyLoading
                | Said::ReadOnly,
            ) => Self::Wait,
            _ => Self::GiveUp,
        }
    }
}

/// How often a command was sent already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Way {
    redirections: u32,
    repetitions: u32,
}

impl Way {
    /// How long to wait before a redirection is followed; `None` when there were too many.
    pub(super) fn redirected(&mut self) -> Option<Duration> {
        self.redirections += 1;
        let later = self.redirections.checked_sub(AT_ONCE + 1);
        (self.redirections <= REDIRECTIONS).then(|| later.map_or(Duration::ZERO, pause))
    }

    /// How long to wait before the same is sent again; `None` when that was done often enough.
    pub(super) fn repeated(&mut self) -> Option<Duration> {
        self.repetitions += 1;
        (self.repetitions <= REPETITIONS).then(|| pause(self.repetitions - 1))
    }

    /// How often it was sent elsewhere.
    pub(super) fn redirections(self) -> u32 {
        self.redirections
    }
}

fn pause(number: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << number.min(8)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Fault {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        Fault::Redis(value.extract_error().unwrap_err())
    }

    fn node(host: &str, port: u16) -> RedisNode {
        RedisNode { host: host.to_owned(), port }
    }

    #[test]
    fn faults_say_where_to_go() {
        let me = node("me", 1);
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        for (fault, advice) in [
            (said("MOVED 7 10.0.0.2:6381"), Advice::Moved { slot: 7, to: node("10.0.0.2", 6381) }),
            (said("MOVED 7 :6381"), Advice::Moved { slot: 7, to: node("me", 6381) }),
            (said("ASK 7 10.0.0.2:6381"), Advice::Ask(node("10.0.0.2", 6381))),
            (said("ASK 7 ?:6381"), Advice::Wait),
            (said("TRYAGAIN Multiple keys request during rehashing of slot"), Advice::Wait),
            (said("CLUSTERDOWN Hash slot not served"), Advice::Wait),
            (said("LOADING Redis is loading the dataset in memory"), Advice::Wait),
            (said("READONLY You can't write against a read only replica."), Advice::Wait),
            (said("WRONGTYPE Operation against a key"), Advice::GiveUp),
            (said("NOSCRIPT No matching script"), Advice::GiveUp),
            (said("NOAUTH Authentication required."), Advice::GiveUp),
            (Fault::Redis(refused.into()), Advice::Away),
            (Fault::ConnectTimeout(Duration::ZERO), Advice::Away),
            (Fault::ResponseTimeout(Duration::ZERO), Advice::GiveUp),
        ] {
            assert_eq!(Advice::of(&fault, &me), advice, "{fault:?}");
        }
    }

    #[test]
    fn redirections_are_followed_at_first_at_once_then_with_pauses_and_then_no_more() {
        let mut way = Way::default();
        for millis in [0, 0, 0, 20, 40, 80, 160, 160] {
            assert_eq!(way.redirected(), Some(Duration::from_millis(millis)));
        }
        assert_eq!(way.redirected(), None);
        assert_eq!(way.redirections(), 9);
    }

    #[test]
    fn what_passes_is_tried_four_times_again() {
        let mut way = Way::default();
        for millis in [20, 40, 80, 160] {
            assert_eq!(way.repeated(), Some(Duration::from_millis(millis)));
        }
        assert_eq!(way.repeated(), None);
    }
}
