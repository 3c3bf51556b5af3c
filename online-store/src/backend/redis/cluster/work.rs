//! What one call sends, each part of it to the node that has its key.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use redis::{Arg, Cmd, Pipeline, Value};

use super::super::client::{Answer, answer};
use super::super::endpoint::Endpoint;
use super::super::error::Fault;
use super::super::hmget::{Answers, HmgetPipeline};
use super::hash_slot::hash_slot;

/// Commands or look-ups that each name a key.
#[derive(Debug, Clone, Copy)]
pub(in crate::backend::redis) enum Work<'w> {
    Commands(&'w [Cmd]),
    LookUps(&'w HmgetPipeline<'w>),
}

/// One of them, on its way to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) at: usize,
    /// Whether the node is asked to answer although the slot is not its own yet.
    pub(super) asking: bool,
}

impl<'w> Work<'w> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Commands(commands) => commands.len(),
            Self::LookUps(look_ups) => look_ups.len(),
        }
    }

    /// Whether it changes nothing.
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::LookUps(_))
    }

    pub(super) fn slot(&self, at: usize) -> u16 {
        hash_slot(&self.key(at))
    }

    /// The key of one of them.
    pub(super) fn key(&self, at: usize) -> Cow<'w, [u8]> {
        match self {
            Self::Commands(commands) => Cow::Borrowed(key_of(&commands[at])),
            Self::LookUps(look_ups) => Cow::Owned(look_ups.row_key(at)),
        }
    }

    /// Those that are to be sent again, and the commands that were sent behind them with the same keys: they may have
    /// found nothing there. Both lists are in order.
    pub(super) fn with_followers(&self, again: &[usize], sent: &[usize]) -> Vec<usize> {
        if self.is_read() {
            return again.to_vec();
        }
        let mut keys = HashSet::new();
        let mut all = Vec::with_capacity(again.len());
        for &at in sent {
            let key = self.key(at);
            if again.binary_search(&at).is_ok() {
                keys.insert(key);
            } else if !keys.contains(&key) {
                continue;
            }
            all.push(at);
        }
        all
    }

    /// Sends some of them to a node, in this order; as many answers.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        picks: &[Pick],
        patience: Duration,
    ) -> Answers {
        let is_plain = picks.iter().all(|pick| !pick.asking);
        let sent = match self {
            Self::LookUps(all) if is_plain && picks.len() == all.len() => {
                endpoint.look_up(all, patience).await
            }
            Self::LookUps(all) if is_plain => {
                let some = picks.iter().map(|pick| pick.at);
                endpoint.look_up(&all.pick(some), patience).await
            }
            Self::LookUps(all) => {
                commands(endpoint, picks, patience, |at| all.to_command(at)).await
            }
            Self::Commands(all) => commands(endpoint, picks, patience, |at| all[at].clone()).await,
        };
        sent.unwrap_or_else(|fault| Answers::failed(&fault, picks.len()))
    }
}

/// Sends commands as one pipeline, in which nothing comes between an ASKING and what it is for.
async fn commands(
    endpoint: &Endpoint,
    picks: &[Pick],
    patience: Duration,
    command: impl Fn(usize) -> Cmd,
) -> Result<Answers, Fault> {
    let mut pipeline = Pipeline::with_capacity(2 * picks.len());
    for pick in picks {
        if pick.asking {
            pipeline.cmd("ASKING");
        }
        pipeline.add_command(command(pick.at));
    }
    let mut values = endpoint.pipeline(&pipeline, patience).await?.into_iter();
    let mut next = || answer(values.next().unwrap_or(Value::Nil));
    let answers = picks.iter().map(|pick| -> Answer {
        let opened = if pick.asking { next() } else { Ok(Value::Nil) };
        let value = next();
        opened.and(value)
    });
    Ok(Answers::Values(answers.collect()))
}

/// The key of a command: the first argument, or the one behind a script and the number of its keys.
fn key_of(command: &Cmd) -> &[u8] {
    let mut arguments = command.args_iter().map(|argument| match argument {
        Arg::Simple(bytes) => bytes,
        _ => &[],
    });
    let key = match arguments.next() {
        Some(b"EVALSHA" | b"EVAL") => arguments.nth(2),
        _ => arguments.next(),
    };
    key.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_command_is_found() {
        let mut hset = redis::cmd("HSET");
        hset.arg("key").arg("field").arg("value");
        assert_eq!(key_of(&hset), b"key");
        for name in ["EVALSHA", "EVAL"] {
            let mut script = redis::cmd(name);
            script.arg("source").arg(1).arg("key").arg("argument");
            assert_eq!(key_of(&script), b"key");
        }
        assert_eq!(key_of(&redis::cmd("PING")), b"");
    }
    #[test]
    fn what_follows_a_command_with_the_same_key_is_sent_again_behind_it() {
        let on = |name: &str, key: &str| redis::cmd(name).arg(key).take();
        let commands = [
            on("HSET", "a"),
            on("EXPIRE", "a"),
            on("HSET", "b"),
            on("EXPIRE", "b"),
            on("HSET", "c"),
        ];
        let work = Work::Commands(&commands);
        assert_eq!(work.with_followers(&[2, 4], &[0, 1, 2, 3, 4]), [2, 3, 4]);
        assert_eq!(work.with_followers(&[3], &[2, 3, 4]), [3]);
        let look_ups = HmgetPipeline::default();
        assert_eq!(Work::LookUps(&look_ups).with_followers(&[2], &[1, 2, 3]), [2]);
    }
}
